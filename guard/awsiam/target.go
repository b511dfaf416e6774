package awsiam

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"ssmguard/guard"
)

// The answers of EC2, Systems Manager and ECS about targets, as far as they are read.
type (
	instances struct {
		NextToken string     `xml:"nextToken"`
		Instances []instance `xml:"reservationSet>item>instancesSet>item"`
	}
	instance struct {
		ID         string `xml:"instanceId"`
		State      string `xml:"instanceState>name"`
		Profile    string `xml:"iamInstanceProfile>arn"`
		Platform   string `xml:"platformDetails"`
		PrivateIP  string `xml:"privateIpAddress"`
		PrivateDNS string `xml:"privateDnsName"`
		Tags       []tag  `xml:"tagSet>item"`

		Interfaces []networkInterface `xml:"networkInterfaceSet>item"`
	}
	registrations struct {
		InstanceInformationList []registration
		NextToken               string
	}
	registration struct {
		ID               string `json:"InstanceId"`
		Name, PingStatus string
		IPAddress        string
		ComputerName     string
		PlatformType     string
		AgentVersion     string
		LastPingDateTime float64 // seconds
	}
	tasks struct {
		Tasks []struct {
			LastStatus           string
			EnableExecuteCommand bool
			Tags                 []tag
		}
	}
	tag struct {
		Key   string `xml:"key"`
		Value string `xml:"value"`
	}
)

func tagMap[T tag | iamTag](tags []T) map[string]string {
	m := make(map[string]string, len(tags))
	for _, t := range tags {
		m[tag(t).Key] = tag(t).Value
	}
	return m
}

func (c factReader) managedNodeFacts(ctx context.Context, r guard.Request) part {
	tags, err := c.ssmTags(ctx, r.Region, "ManagedInstance", r.Target)
	if err != nil {
		return part{unknown: []string{guard.UnknownTargetTags}, err: unseen(tagsOp, r.Target, err)}
	}
	return part{apply: func(f *guard.Facts) { f.TargetTags = tags }}
}

const tagsOp = "ssm:ListTagsForResource"

// ssmTags reads the tags of a resource of Systems Manager.
func (c factReader) ssmTags(ctx context.Context, region string, kind, id string) (map[string]string, error) {
	out, err := call[struct{ TagList []tag }](ctx, c.connection, region, tagsOp, map[string]string{"ResourceType": kind, "ResourceId": id})
	if err != nil {
		return nil, err
	}
	return tagMap(out.TagList), nil
}

func (c factReader) taskFacts(ctx context.Context, r guard.Request) part {
	const op = "ecs:DescribeTasks"
	unknown := []string{guard.UnknownTargetTags, guard.UnknownHealth}
	cluster, task, _, ok := guard.SplitTask(r.Target)
	if !ok {
		return part{unknown: unknown}
	}
	out, err := call[tasks](ctx, c.connection, r.Region, op, map[string]any{"cluster": cluster, "tasks": []string{task}, "include": []string{"TAGS"}})
	if err != nil || len(out.Tasks) == 0 {
		p := part{unknown: unknown}
		if err != nil && KindOf(err) != KindNotFound {
			p.err = unseen(op, r.Target, err)
		}
		return p
	}
	t := out.Tasks[0]
	return part{apply: func(f *guard.Facts) {
		f.TargetTags = tagMap(t.Tags)
		f.Health.State = t.LastStatus
		f.Health.ExecEnabled = aws.Bool(t.EnableExecuteCommand)
	}}
}

// registrationFacts reads what Systems Manager knows of the target's agent.
// Tasks have an agent that Systems Manager does not list.
func (c factReader) registrationFacts(ctx context.Context, r guard.Request) part {
	const op = "ssm:DescribeInstanceInformation"
	if r.Target == "" || strings.HasPrefix(r.Target, "ecs:") {
		return part{}
	}
	out, err := call[registrations](ctx, c.connection, r.Region, op, map[string]any{"Filters": []filter{{Key: "InstanceIds", Values: []string{r.Target}}}})
	if KindOf(err) == KindNotFound {
		return part{apply: func(f *guard.Facts) { f.Health.Registered = aws.Bool(false) }}
	}
	if err != nil {
		return part{unknown: []string{guard.UnknownHealth}, err: unseen(op, "", err)}
	}
	for _, i := range out.InstanceInformationList {
		if i.ID != r.Target {
			continue
		}
		return part{apply: func(f *guard.Facts) {
			f.Health.Registered = aws.Bool(true)
			f.Health.Ping = i.PingStatus
			if i.LastPingDateTime != 0 {
				f.Health.LastPing = time.UnixMilli(int64(i.LastPingDateTime * 1000)).UTC()
			}
			f.Health.AgentVersion = i.AgentVersion
			f.Health.Platform = i.PlatformType
		}}
	}
	return part{apply: func(f *guard.Facts) { f.Health.Registered = aws.Bool(false) }}
}

// connectionFacts reads whether the target holds a connection. A task's own
// status says more of a task.
func (c factReader) connectionFacts(ctx context.Context, r guard.Request) part {
	const op = "ssm:GetConnectionStatus"
	if r.Target == "" || strings.HasPrefix(r.Target, "ecs:") {
		return part{}
	}
	out, err := call[struct{ Status string }](ctx, c.connection, r.Region, op, map[string]string{"Target": r.Target})
	if err != nil {
		return part{unknown: []string{guard.UnknownHealth}, err: unseen(op, r.Target, err)}
	}
	return part{apply: func(f *guard.Facts) { f.Health.Connection = out.Status }}
}

package awsiam

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"ssmguard/guard"
	"ssmguard/internal/awsapi"
)

func (c *Client) managedNodeFacts(ctx context.Context, r guard.Request) part {
	tags, err := c.ssmTags(ctx, r.Region, ssmtypes.ResourceTypeForTaggingManagedInstance, r.Target)
	if err != nil {
		return part{unknown: []string{guard.UnknownTargetTags}, err: unseen(tagsOp, r.Target, err)}
	}
	return part{apply: func(f *guard.Facts) { f.TargetTags = tags }}
}

const tagsOp = "ssm:ListTagsForResource"

// ssmTags reads the tags of a resource of Systems Manager.
func (c *Client) ssmTags(ctx context.Context, region string, kind ssmtypes.ResourceTypeForTagging, id string) (map[string]string, error) {
	out, err := ask(ctx, c, tagsOp, func(ctx context.Context) (*ssm.ListTagsForResourceOutput, error) {
		return c.ssm.ListTagsForResource(ctx, &ssm.ListTagsForResourceInput{ResourceType: kind, ResourceId: aws.String(id)}, ssmIn(region))
	})
	if err != nil {
		return nil, err
	}
	tags := make(map[string]string, len(out.TagList))
	for _, t := range out.TagList {
		tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return tags, nil
}

// tasks is ECS's answer to DescribeTasks, as far as it is used.
type tasks struct {
	Tasks []struct {
		LastStatus           string
		EnableExecuteCommand bool
		Tags                 []struct{ Key, Value string }
	}
}

func (c *Client) taskFacts(ctx context.Context, r guard.Request) part {
	const op = "ecs:DescribeTasks"
	unknown := []string{guard.UnknownTargetTags, guard.UnknownHealth}
	cluster, task, _, ok := guard.SplitTask(r.Target)
	if !ok {
		return part{unknown: unknown}
	}
	out, err := ask(ctx, c, op, func(ctx context.Context) (*tasks, error) {
		return awsapi.Call[tasks](ctx, c.ecs, r.Region, "DescribeTasks", map[string]any{
			"cluster": cluster, "tasks": []string{task}, "include": []string{"TAGS"},
		})
	})
	if err != nil || len(out.Tasks) == 0 {
		p := part{unknown: unknown}
		if err != nil && KindOf(err) != KindNotFound {
			p.err = unseen(op, r.Target, err)
		}
		return p
	}
	t := out.Tasks[0]
	return part{apply: func(f *guard.Facts) {
		f.TargetTags = make(map[string]string, len(t.Tags))
		for _, tag := range t.Tags {
			f.TargetTags[tag.Key] = tag.Value
		}
		f.Health.State = t.LastStatus
		f.Health.ExecEnabled = aws.Bool(t.EnableExecuteCommand)
	}}
}

// registrationFacts reads what Systems Manager knows of the target's agent.
// Tasks have an agent that Systems Manager does not list.
func (c *Client) registrationFacts(ctx context.Context, r guard.Request) part {
	const op = "ssm:DescribeInstanceInformation"
	if r.Target == "" || strings.HasPrefix(r.Target, "ecs:") {
		return part{}
	}
	out, err := ask(ctx, c, op, func(ctx context.Context) (*ssm.DescribeInstanceInformationOutput, error) {
		return c.ssm.DescribeInstanceInformation(ctx, &ssm.DescribeInstanceInformationInput{
			Filters: []ssmtypes.InstanceInformationStringFilter{{Key: aws.String("InstanceIds"), Values: []string{r.Target}}},
		}, ssmIn(r.Region))
	})
	if KindOf(err) == KindNotFound {
		return part{apply: func(f *guard.Facts) { f.Health.Registered = aws.Bool(false) }}
	}
	if err != nil {
		return part{unknown: []string{guard.UnknownHealth}, err: unseen(op, "", err)}
	}
	for _, i := range out.InstanceInformationList {
		if aws.ToString(i.InstanceId) != r.Target {
			continue
		}
		return part{apply: func(f *guard.Facts) {
			f.Health.Registered = aws.Bool(true)
			f.Health.Ping = string(i.PingStatus)
			f.Health.LastPing = aws.ToTime(i.LastPingDateTime)
			f.Health.AgentVersion = aws.ToString(i.AgentVersion)
			f.Health.Platform = string(i.PlatformType)
		}}
	}
	return part{apply: func(f *guard.Facts) { f.Health.Registered = aws.Bool(false) }}
}

// connectionFacts reads whether the target holds a connection. A task's own
// status says more of a task.
func (c *Client) connectionFacts(ctx context.Context, r guard.Request) part {
	const op = "ssm:GetConnectionStatus"
	if r.Target == "" || strings.HasPrefix(r.Target, "ecs:") {
		return part{}
	}
	out, err := ask(ctx, c, op, func(ctx context.Context) (*ssm.GetConnectionStatusOutput, error) {
		return c.ssm.GetConnectionStatus(ctx, &ssm.GetConnectionStatusInput{Target: aws.String(r.Target)}, ssmIn(r.Region))
	})
	if err != nil {
		return part{unknown: []string{guard.UnknownHealth}, err: unseen(op, r.Target, err)}
	}
	return part{apply: func(f *guard.Facts) { f.Health.Connection = string(out.Status) }}
}

func instancesOf(out *ec2.DescribeInstancesOutput) []ec2types.Instance {
	var all []ec2types.Instance
	for _, r := range out.Reservations {
		all = append(all, r.Instances...)
	}
	return all
}

func ec2Tags(tags []ec2types.Tag) map[string]string {
	m := make(map[string]string, len(tags))
	for _, t := range tags {
		m[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return m
}

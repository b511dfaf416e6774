package awsssm

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"

	"ssmguard/proxy"
)

// Command is the input of ecs:ExecuteCommand.
type Command struct {
	Cluster, Container, Command, Task string // Cluster "" is the default one, Container "" the only one
	Interactive                       bool
}

// Executor opens sessions through ecs:ExecuteCommand. Its errors are those of Client.
type Executor struct {
	command  Command
	sessions proxy.Opener
	describe func(context.Context, *ecs.DescribeTasksInput, ...func(*ecs.Options)) (*ecs.DescribeTasksOutput, error)
	execute  func(context.Context, *ecs.ExecuteCommandInput, ...func(*ecs.Options)) (*ecs.ExecuteCommandOutput, error)
}

var _ proxy.Opener = (*Executor)(nil)

// NewExecutor returns an Executor for one command. cfg is for ECS; sessions ends
// what was opened, which is a matter of Systems Manager.
func NewExecutor(cfg aws.Config, c Command, sessions proxy.Opener) *Executor {
	api := ecs.NewFromConfig(cfg)
	return &Executor{command: c, sessions: sessions, describe: api.DescribeTasks, execute: api.ExecuteCommand}
}

// ErrNoTask says that the task is not there.
var ErrNoTask = errors.New("the task provided in the request was not found")

// ContainerError is a container that the task has not, or the lack of a choice.
type ContainerError struct {
	Name string   // "" when none was named
	Have []string // the task's containers
}

// Error lists the containers there are.
func (e *ContainerError) Error() string {
	have := strings.Join(e.Have, ", ")
	if e.Name == "" {
		return fmt.Sprintf("the task has several containers, name one with --container: %s", have)
	}
	return fmt.Sprintf("the task has no container %q, but %s", e.Name, have)
}

// Find calls DescribeTasks and returns the target of the session, which is
// ecs:CLUSTER_TASK_RUNTIME, and the container. The error can be ErrNoTask or a
// *ContainerError.
func (e *Executor) Find(ctx context.Context) (target, container string, err error) {
	in := &ecs.DescribeTasksInput{Tasks: []string{e.command.Task}}
	if e.command.Cluster != "" {
		in.Cluster = aws.String(e.command.Cluster)
	}
	out, err := e.describe(ctx, in)
	if err != nil {
		return "", "", translate("DescribeTasks", err)
	}
	if len(out.Tasks) == 0 {
		return "", "", ErrNoTask
	}
	task := out.Tasks[0]
	var have []string
	for _, c := range task.Containers {
		name := aws.ToString(c.Name)
		have = append(have, name)
		if name == e.command.Container || e.command.Container == "" && len(task.Containers) == 1 {
			target = fmt.Sprintf("ecs:%s_%s_%s", lastPart(aws.ToString(task.ClusterArn)), lastPart(aws.ToString(task.TaskArn)), aws.ToString(c.RuntimeId))
			return target, name, nil
		}
	}
	return "", "", &ContainerError{Name: e.command.Container, Have: have}
}

func lastPart(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }

// Open calls ExecuteCommand; s is the session as the plugin is to see it. A
// session whose answer is incomplete is terminated.
func (e *Executor) Open(ctx context.Context, s proxy.Spec) (*proxy.Session, error) {
	in := &ecs.ExecuteCommandInput{Command: aws.String(e.command.Command), Task: aws.String(e.command.Task), Interactive: e.command.Interactive}
	if e.command.Cluster != "" {
		in.Cluster = aws.String(e.command.Cluster)
	}
	if e.command.Container != "" {
		in.Container = aws.String(e.command.Container)
	}
	out, err := e.execute(ctx, in)
	if err != nil {
		return nil, translate("ExecuteCommand", err)
	}
	if out.Session == nil {
		return nil, errors.New("the ExecuteCommand response has no session")
	}
	opened := out.Session
	if err := complete(map[string]*string{"SessionId": opened.SessionId, "TokenValue": opened.TokenValue, "StreamUrl": opened.StreamUrl}); err != nil {
		if opened.SessionId != nil {
			end, cancel := context.WithTimeout(context.WithoutCancel(ctx), abandonTime)
			defer cancel()
			err = errors.Join(err, e.Terminate(end, *opened.SessionId))
		}
		return nil, err
	}
	return &proxy.Session{ID: *opened.SessionId, StreamURL: proxy.NewSecret(*opened.StreamUrl), Token: proxy.NewSecret(*opened.TokenValue), Spec: s}, nil
}

// Terminate ends a session.
func (e *Executor) Terminate(ctx context.Context, id string) error {
	return e.sessions.Terminate(ctx, id)
}

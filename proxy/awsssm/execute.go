package awsssm

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"ssmguard/internal/awsapi"
	"ssmguard/proxy"
)

// Command is the input of ecs:ExecuteCommand.
type Command struct {
	Cluster, Container, Command, Task string // Cluster "" is the default one, Container "" the only one
	Interactive                       bool
}

// The requests and answers of ECS, as far as they are used.
type (
	taskQuestion struct {
		Cluster string   `json:"cluster,omitempty"`
		Tasks   []string `json:"tasks"`
	}
	taskAnswer struct {
		Tasks []struct {
			ClusterARN string      `json:"clusterArn"`
			TaskARN    string      `json:"taskArn"`
			Containers []container `json:"containers"`
		} `json:"tasks"`
	}
	container struct {
		Name      string `json:"name"`
		RuntimeID string `json:"runtimeId"`
	}
	commandQuestion struct {
		Cluster     string `json:"cluster,omitempty"`
		Container   string `json:"container,omitempty"`
		Command     string `json:"command"`
		Interactive bool   `json:"interactive"`
		Task        string `json:"task"`
	}
	commandAnswer struct {
		ClusterARN string `json:"clusterArn"`
		TaskARN    string `json:"taskArn"`
		Session    *grant `json:"session"`
	}
)

// Executor opens sessions through ecs:ExecuteCommand. Its errors are those of Client.
type Executor struct {
	proxy.Terminator
	Spec     proxy.Spec // the session as the plugin gets it
	command  Command
	describe func(ctx context.Context, in taskQuestion) (*taskAnswer, error)
	execute  func(ctx context.Context, in commandQuestion) (*commandAnswer, error)
	gateways func(ctx context.Context) (Gateways, error)
}

var _ proxy.Opener = (*Executor)(nil)

// NewExecutor returns an Executor for one command. cfg is for ECS; sessions terminates
// opened sessions, which is a call to Systems Manager, at the endpoint that Spec has. The
// data channel may belong to either endpoint.
func NewExecutor(cfg aws.Config, c Command, sessions proxy.Terminator) *Executor {
	api := awsapi.ECS(cfg)
	e := &Executor{
		Terminator: sessions, command: c,
		describe: func(ctx context.Context, in taskQuestion) (*taskAnswer, error) {
			return awsapi.Call[taskAnswer](ctx, api, "", "DescribeTasks", in)
		},
		execute: func(ctx context.Context, in commandQuestion) (*commandAnswer, error) {
			return awsapi.Call[commandAnswer](ctx, api, "", "ExecuteCommand", in)
		},
	}
	e.gateways = func(ctx context.Context) (Gateways, error) { return gateways(ctx, cfg, api, e.Spec.Endpoint) }
	return e
}

// ErrNoTask means that the task does not exist.
var ErrNoTask = errors.New("the task provided in the request was not found")

// ContainerError is an unknown container, or a missing choice between several.
type ContainerError struct {
	Name string   // "" when none was named
	Have []string // the task's containers
}

// Error lists the task's containers.
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
	out, err := e.describe(ctx, taskQuestion{Cluster: e.command.Cluster, Tasks: []string{e.command.Task}})
	if err != nil {
		return "", "", translate("DescribeTasks", err)
	}
	if len(out.Tasks) == 0 {
		return "", "", ErrNoTask
	}
	task := out.Tasks[0]
	var have []string
	for _, c := range task.Containers {
		have = append(have, c.Name)
		if c.Name == e.command.Container || e.command.Container == "" && len(task.Containers) == 1 {
			return targetOf(task.ClusterARN, task.TaskARN, c.RuntimeID), c.Name, nil
		}
	}
	return "", "", &ContainerError{Name: e.command.Container, Have: have}
}

func lastPart(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }

// targetOf returns the target of a container's session, as the agent in the task names
// it.
func targetOf(clusterARN, taskARN, runtime string) string {
	return fmt.Sprintf("ecs:%s_%s_%s", lastPart(clusterARN), lastPart(taskARN), runtime)
}

// Open calls ExecuteCommand. As in the AWS CLI, the target is made of the cluster and
// task in the answer. A session whose answer is incomplete is terminated.
func (e *Executor) Open(ctx context.Context) (*proxy.Session, error) {
	c, s := e.command, e.Spec
	out, err := e.execute(ctx, commandQuestion{Cluster: c.Cluster, Container: c.Container, Command: c.Command, Interactive: c.Interactive, Task: c.Task})
	if err != nil {
		return nil, translate("ExecuteCommand", err)
	}
	if out.Session == nil {
		return nil, errors.New("the ExecuteCommand response has no session")
	}
	if out.ClusterARN != "" && out.TaskARN != "" {
		s.Target = targetOf(out.ClusterARN, out.TaskARN, s.Target[strings.LastIndexByte(s.Target, '_')+1:])
	}
	return out.Session.session(ctx, e, s, e.gateways)
}

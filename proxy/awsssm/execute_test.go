package awsssm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"ssmguard/proxy"
)

// ended notes which sessions are terminated.
type ended struct{ ids []string }

func (e *ended) Terminate(_ context.Context, id string) error {
	e.ids = append(e.ids, id)
	return nil
}

// onLoopbackConfig is the configuration of a service on this machine.
func onLoopbackConfig() aws.Config {
	return aws.Config{Region: "eu-west-1", BaseEndpoint: aws.String("http://127.0.0.1:6")}
}

func TestExecutorFind(t *testing.T) {
	task := func(names ...string) (a taskAnswer) {
		var have []string
		for _, n := range names {
			have = append(have, fmt.Sprintf(`{"name":%q,"runtimeId":"%s-1"}`, n, n))
		}
		text := fmt.Sprintf(`{"tasks":[{"clusterArn":"arn:aws:ecs:r:1:cluster/my_prod","taskArn":"arn:aws:ecs:r:1:task/my_prod/abc","containers":[%s]}]}`, strings.Join(have, ","))
		if err := json.Unmarshal([]byte(text), &a); err != nil {
			t.Fatal(err)
		}
		return a
	}
	tests := []struct {
		name, container string
		tasks           taskAnswer
		target, fault   string
	}{
		{"the only container", "", task("app"), "ecs:my_prod_abc_app-1", ""},
		{"a named one", "db", task("app", "db"), "ecs:my_prod_abc_db-1", ""},
		{"no choice made", "", task("app", "db"), "", "name one with --container: app, db"},
		{"not there", "web", task("app"), "", `no container "web", but app`},
		{"no task", "", taskAnswer{}, "", "was not found"},
	}
	for _, tt := range tests {
		e := NewExecutor(aws.Config{}, Command{Cluster: "my_prod", Task: "abc", Container: tt.container}, nil)
		e.describe = func(_ context.Context, in taskQuestion) (*taskAnswer, error) {
			if in.Cluster != "my_prod" || in.Tasks[0] != "abc" {
				t.Errorf("%s: asked for %s in %s", tt.name, in.Tasks[0], in.Cluster)
			}
			return &tt.tasks, nil
		}
		target, _, err := e.Find(t.Context())
		if target != tt.target || (err == nil) != (tt.fault == "") || err != nil && !strings.Contains(err.Error(), tt.fault) {
			t.Errorf("%s: %q, %v", tt.name, target, err)
		}
	}
}

// TestExecutorOpenTarget: the answer's cluster and task win over those that were
// found before; the runtime is that of the container.
func TestExecutorOpenTarget(t *testing.T) {
	session := `"session":{"sessionId":"s-1","streamUrl":"wss://127.0.0.1:7/x","tokenValue":"t"}`
	for answer, want := range map[string]string{
		`{"clusterArn":"arn:aws:ecs:r:1:cluster/my_prod","taskArn":"arn:aws:ecs:r:1:task/my_prod/def",` + session + `}`: "ecs:my_prod_def_rt-1",
		`{` + session + `}`: "ecs:my_prod_abc_rt-1",
	} {
		e := NewExecutor(onLoopbackConfig(), Command{Task: "abc", Command: "sh", Interactive: true}, &ended{})
		e.execute = func(context.Context, commandQuestion) (*commandAnswer, error) {
			var a commandAnswer
			return &a, json.Unmarshal([]byte(answer), &a)
		}
		e.Spec = proxy.Spec{Target: "ecs:my_prod_abc_rt-1"}
		s, err := e.Open(t.Context())
		if err != nil || s.Spec.Target != want {
			t.Errorf("%+v, %v; want the target %s", s, err, want)
		}
	}
}

// TestExecutorOpenIncomplete: a session that cannot be used is ended.
func TestExecutorOpenIncomplete(t *testing.T) {
	sessions := &ended{}
	e := NewExecutor(onLoopbackConfig(), Command{Task: "abc", Command: "sh", Interactive: true}, sessions)
	e.execute = func(context.Context, commandQuestion) (*commandAnswer, error) {
		var a commandAnswer
		return &a, json.Unmarshal([]byte(`{"session":{"sessionId":"s-1","streamUrl":"wss://127.0.0.1:7/x"}}`), &a)
	}
	if _, err := e.Open(t.Context()); err == nil || !strings.Contains(err.Error(), "TokenValue") {
		t.Errorf("error: %v", err)
	}
	if len(sessions.ids) != 1 || sessions.ids[0] != "s-1" {
		t.Errorf("terminated %v, want s-1", sessions.ids)
	}
}

// TestExecutorTrustsItsOwnHosts: the data channel of a command belongs to the endpoint of ECS,
// or to that of Systems Manager; else its session is ended.
func TestExecutorTrustsItsOwnHosts(t *testing.T) {
	for stream, want := range map[string]bool{
		"wss://ssmmessages.eu-west-1.amazonaws.com/v1/x": true,
		"wss://ssmmessages.corp.example/v1/x":            true, // beside the endpoint of Systems Manager
		"wss://gateway.example/v1/x":                     false,
		"ws://ssmmessages.eu-west-1.amazonaws.com/v1/x":  false,
	} {
		sessions := &ended{}
		e := NewExecutor(aws.Config{Region: "eu-west-1"}, Command{Task: "abc", Command: "sh", Interactive: true}, sessions)
		e.Spec = proxy.Spec{Target: "ecs:c_t_rt-1", Endpoint: "https://ssm.corp.example"}
		e.execute = func(context.Context, commandQuestion) (*commandAnswer, error) {
			return &commandAnswer{Session: &grant{SessionID: aws.String("s-1"), TokenValue: aws.String("t"), StreamURL: &stream}}, nil
		}
		_, err := e.Open(t.Context())
		var distrusted *StreamURLError
		if (err == nil) != want || !want && !errors.As(err, &distrusted) || (len(sessions.ids) == 0) != want {
			t.Errorf("%s: %v, terminated %v", stream, err, sessions.ids)
		}
	}
}

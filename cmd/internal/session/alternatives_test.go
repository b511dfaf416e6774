package session

import (
	"bytes"
	"context"
	"testing"

	"ssmguard/cmd/internal/ask"
	"ssmguard/cmd/internal/env"
	"ssmguard/guard"
	"ssmguard/guard/awsiam"
	"ssmguard/guard/policy"
)

// listed is evidence of which only the lists matter.
type listed struct {
	stage
	nodes     []awsiam.Node
	documents []awsiam.SessionDocument
}

func (l *listed) Nodes(context.Context, string) ([]awsiam.Node, error) { return l.nodes, nil }

func (l *listed) SessionDocuments(context.Context, string) ([]awsiam.SessionDocument, error) {
	return l.documents, nil
}

func TestAlternatives(t *testing.T) {
	const document = `{"Statement":[
		{"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ec2:*:*:instance/*","Condition":{"StringEquals":{"ssm:resourceTag/Team":"a"}}},
		{"Effect":"Allow","Action":"ssm:StartSession","Resource":["arn:aws:ssm:*:*:document/AWS-StartSSHSession","arn:aws:ssm:*:*:document/OurShell"]}]}`
	parsed, err := policy.Parse(policy.Identity, "inline", []byte(document))
	if err != nil {
		t.Fatal(err)
	}
	l := &listed{
		nodes: []awsiam.Node{
			{ID: "i-0123456789abcdef0", Name: "web", Tags: map[string]string{"Team": "a"}},
			{ID: "i-0123456789abcdef1", Tags: map[string]string{"Team": "b"}},
			{ID: "i-0123456789abcdef2", Tags: nil},
			{ID: "i-0123456789abcdef3", Tags: map[string]string{"Team": "a"}},
		},
		documents: []awsiam.SessionDocument{{Name: "OurShell"}, {Name: "TheirShell"}},
	}
	tests := []struct {
		name     string
		team     string
		document string
		partial  []policy.Kind
		want     string
	}{
		{"allowed", "a", "AWS-StartSSHSession", nil, ""},
		{"document denied", "a", "", nil, "ssmguard: note: on this target user/ann may use AWS-StartSSHSession, OurShell\n"},
		{"document denied, a layer unseen", "a", "", []policy.Kind{policy.SCP},
			"ssmguard: note: on this target user/ann may use AWS-StartSSHSession, OurShell, as far as the policies can be read\n"},
		{"target denied", "b", "OurShell", nil, "ssmguard: note: with this document user/ann may use i-0123456789abcdef0 (web), i-0123456789abcdef3\n"},
		{"both denied", "b", "", nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			set := policy.Set{Identity: parsed.Statements, Partial: tt.partial}
			g := guard.Guard{
				Inventory:  ask.StatedFacts{TargetTags: map[string]string{"Team": tt.team}},
				Simulators: []guard.Simulator{guard.Local{Source: guard.Static(set)}},
			}
			d, err := g.Check(t.Context(), guard.Request{
				Caller: guard.Caller{SessionARN: "arn:aws:iam::111122223333:user/ann", Account: "111122223333", Partition: "aws"},
				Region: "us-east-1", Target: "i-0123456789abcdef9", Document: tt.document, Closed: true,
			})
			if err != nil {
				t.Fatal(err)
			}
			var stderr bytes.Buffer
			line := &ask.Line{Process: &env.Process{Stderr: &stderr}}
			Alternatives(t.Context(), line, &ask.Question{Evidence: l}, d)
			if stderr.String() != tt.want {
				t.Errorf("said %q, want %q", stderr.String(), tt.want)
			}
		})
	}
}

func TestEnumerate(t *testing.T) {
	names := []string{"a", "b", "c", "d", "e", "f", "g"}
	for n, want := range map[int]string{1: "a", 5: "a, b, c, d, e", 7: "a, b, c, d, e and 2 more"} {
		if got := enumerate(names[:n]); got != want {
			t.Errorf("%d names: %q, want %q", n, got, want)
		}
	}
}

package finding

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ssmguard/guard"
	"ssmguard/guard/policy"
)

func executeRequest() guard.Request {
	return guard.Request{
		Caller: guard.Caller{SessionARN: "arn:aws:iam::111122223333:user/alice", Principal: "arn:aws:iam::111122223333:user/alice", Account: "111122223333", UserID: "AIDAEXAMPLE", Partition: "aws"},
		Region: "us-east-1", Target: "ecs:my_prod_0123456789abcdef_0123456789abcdef-1", Document: guard.ExecuteDocument, Container: "app",
	}
}

func TestNeedsOfExecuteCommand(t *testing.T) {
	type want struct{ ID, Action, Resource string }
	tests := []struct {
		name  string
		facts guard.Facts
		want  []want
	}{
		{"task and cluster", guard.Facts{}, []want{
			{"execute/task", "ecs:ExecuteCommand", "arn:aws:ecs:us-east-1:111122223333:task/my_prod/0123456789abcdef"},
			{"execute/cluster", "ecs:ExecuteCommand", "arn:aws:ecs:us-east-1:111122223333:cluster/my_prod"},
		}},
		{"with a key", guard.Facts{KMSKey: "arn:aws:kms:us-east-1:111122223333:key/k"}, []want{
			{"execute/task", "ecs:ExecuteCommand", "arn:aws:ecs:us-east-1:111122223333:task/my_prod/0123456789abcdef"},
			{"execute/cluster", "ecs:ExecuteCommand", "arn:aws:ecs:us-east-1:111122223333:cluster/my_prod"},
			{"kms", "kms:GenerateDataKey", "arn:aws:kms:us-east-1:111122223333:key/k"},
		}},
	}
	for _, tt := range tests {
		var got []want
		for _, g := range guard.Needs(executeRequest(), tt.facts) {
			got = append(got, want{g.ID, g.Action, g.Resource})
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s:\n%s", tt.name, d)
		}
	}
}

// TestExecuteConditions: the task's tags are known, the cluster's are not, and
// the other keys are in both.
func TestExecuteConditions(t *testing.T) {
	const open = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ecs:ExecuteCommand","Resource":"*","Condition":{"StringEquals":{%KEY%}}}]}`
	tests := []struct {
		key           string
		task, cluster policy.Verdict
	}{
		{`"ecs:ResourceTag/Team":"web"`, policy.Allow, policy.Unknown},
		{`"aws:ResourceTag/Team":"db"`, policy.ImplicitDeny, policy.Unknown},
		{`"ecs:container-name":"app"`, policy.Allow, policy.Allow},
		{`"ecs:container-name":"db"`, policy.ImplicitDeny, policy.ImplicitDeny},
		{`"ecs:task":"arn:aws:ecs:us-east-1:111122223333:task/my_prod/0123456789abcdef"`, policy.Unknown, policy.Unknown},
		{`"ecs:enable-execute-command":"true"`, policy.Unknown, policy.Unknown},
		{`"ecs:cluster":"arn:aws:ecs:us-east-1:111122223333:cluster/my_prod"`, policy.Allow, policy.Allow},
	}
	for _, tt := range tests {
		text := []byte(open[:len(open)-len(`%KEY%}}}]}`)] + tt.key + `}}}]}`)
		document, err := policy.Parse(policy.Identity, "p", text)
		if err != nil {
			t.Fatal(err)
		}
		set := policy.Set{Identity: document.Statements}
		for _, g := range guard.Needs(executeRequest(), guard.Facts{TargetTags: map[string]string{"Team": "web"}}) {
			want := tt.task
			if g.ID == guard.GrantCluster {
				want = tt.cluster
			}
			if got := set.Evaluate(g.Action, g.Resource, g.Context).Verdict; got != want {
				t.Errorf("%s, %s: %s, want %s", tt.key, g.ID, got, want)
			}
		}
	}
}

// TestExecuteExplained: what is said of a task's tags is said of the task, and a
// refusal of AWS finds its grant and comes with what to add.
func TestExecuteExplained(t *testing.T) {
	d := decided(t, `[{"Effect":"Allow","Action":"ecs:ExecuteCommand","Resource":"*","Condition":{"StringEquals":{"ecs:ResourceTag/Team":"web"}}}]`, "",
		func(r *guard.Request, _ *guard.Facts) {
			r.Target, r.Document, r.Container = executeRequest().Target, guard.ExecuteDocument, "app"
		})
	var why []string
	for _, f := range d.Findings {
		for _, n := range f.Nearest {
			why = append(why, n.Why)
		}
	}
	want := []string{
		"matches, but its condition ecs:ResourceTag/Team = web does not hold: the task has no such tag",
		"matches, but its condition ecs:ResourceTag/Team = web does not hold: the cluster has no such tag",
	}
	if diff := cmp.Diff(want, why); diff != "" {
		t.Error(diff)
	}
	for resource, grant := range map[string]string{"task/prod/0123456789abcdef": guard.GrantTask, "cluster/prod": guard.GrantCluster} {
		arn := "arn:aws:ecs:us-east-1:111122223333:" + resource
		r, _ := ParseRefusal("User: arn:aws:iam::111122223333:user/alice is not authorized to perform: ecs:ExecuteCommand on resource: " + arn +
			" because no identity-based policy allows the ecs:ExecuteCommand action")
		f := Refused(guard.Decision{}, r).Findings[0]
		if f.Grant != grant || f.Fix == nil || len(f.Fix.Changes) != 1 ||
			f.Fix.Changes[0].Statement != `{"Effect":"Allow","Action":"ecs:ExecuteCommand","Resource":"`+arn+`"}` {
			t.Errorf("%s: grant %q, fix %+v", resource, f.Grant, f.Fix)
		}
	}
}

// TestExecuteFixClaimsNoMore: a repair of the one grant does not speak for the
// other, which turns on tags that could not be read.
func TestExecuteFixClaimsNoMore(t *testing.T) {
	d := decided(t, `[{"Effect":"Allow","Action":"ecs:ExecuteCommand","Resource":"arn:aws:ecs:*:*:task/*","Condition":{"StringEquals":{"ecs:ResourceTag/Team":"web"}}}]`, "",
		func(r *guard.Request, f *guard.Facts) {
			r.Target, r.Document, r.Container, r.Closed = executeRequest().Target, guard.ExecuteDocument, "app", false
			*f = guard.UnknownFacts()
		})
	fix := startFix(d)
	if fix == nil || !strings.HasPrefix(fix.Check, "with this statement the cluster may be used") {
		t.Errorf("%+v", fix)
	}
}

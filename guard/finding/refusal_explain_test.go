package finding

import (
	"strings"
	"testing"

	"ssmguard/guard"
	"ssmguard/guard/guardtest"
)

// TestPastedMessage: a message explains itself without any evidence.
func TestPastedMessage(t *testing.T) {
	for _, f := range guardtest.Faults(t) {
		if f.Message == "" {
			continue
		}
		r, ok := ParseRefusal("\n" + f.Message + "\n")
		if !ok {
			t.Fatalf("%s: not read", f.Code)
		}
		d := Refused(guard.Decision{}, r)
		if len(d.Findings) != 1 || d.Findings[0].Code != f.Code || d.Findings[0].Summary == "" {
			t.Errorf("%s: %+v", f.Code, d.Findings)
		}
	}
}

// TestPastedFix: a missing allow comes with the statement to add, a deny with
// whom to ask, never with a statement that could not help.
func TestPastedFix(t *testing.T) {
	tests := []struct{ reason, statement, ask string }{
		{"because no identity-based policy allows the ssm:StartSession action", `{"Effect":"Allow","Action":"ssm:StartSession","Resource":"` + docARN + `"}`, ""},
		{"with an explicit deny in an identity-based policy", "", ""},
		{"with an explicit deny in a service control policy", "", "the administrator of the organization"},
		{"because no session policy allows the ssm:StartSession action", "", "whoever made these credentials with a session policy"},
	}
	for _, tt := range tests {
		r, _ := ParseRefusal(refused + onDoc + " " + tt.reason)
		fix := Refused(guard.Decision{}, r).Findings[0].Fix
		var statement, ask string
		if fix != nil {
			ask = fix.Ask
			for _, c := range fix.Changes {
				statement += c.Statement
			}
			if fix.Checked {
				t.Errorf("%s: claims to be checked", tt.reason)
			}
		}
		if statement != tt.statement || ask != tt.ask {
			t.Errorf("%s: statement %q, ask %q", tt.reason, statement, ask)
		}
	}
}

// TestPastedTerminate: the statement that SG300 prints was refused once; AWS's sample has
// another value.
func TestPastedTerminate(t *testing.T) {
	for _, reason := range []string{"", " because no identity-based policy allows the ssm:TerminateSession action"} {
		r, _ := ParseRefusal("User: arn:aws:sts::111122223333:assumed-role/dev/alice is not authorized to perform: ssm:TerminateSession on resource: arn:aws:ssm:us-east-1:111122223333:session/alice-0f1e2d3c4b5a69788" + reason)
		if f := Refused(guard.Decision{}, r).Findings[0]; !strings.Contains(f.Detail, "${aws:userid}*") {
			t.Errorf("%s: %s", f.Code, f.Detail)
		}
	}
}

// TestRefusedDescribeTasks: the call before a command in a task is explained as well.
func TestRefusedDescribeTasks(t *testing.T) {
	r, _ := ParseRefusal("An error occurred (AccessDeniedException) when calling the DescribeTasks operation: User: arn:aws:sts::111122223333:assumed-role/dev/alice is not authorized to perform: ecs:DescribeTasks on resource: arn:aws:ecs:us-east-1:111122223333:task/prod/0123456789abcdef0123456789abcdef because no identity-based policy allows the ecs:DescribeTasks action")
	f := Refused(guard.Decision{}, r).Findings[0]
	if f.Code != "SG601" || f.Fix == nil || f.Fix.Changes[0].Statement != `{"Effect":"Allow","Action":"ecs:DescribeTasks","Resource":"arn:aws:ecs:us-east-1:111122223333:task/prod/0123456789abcdef0123456789abcdef"}` || len(f.Fix.Grants) != 0 {
		t.Errorf("%+v", f)
	}
}

// TestRefusedComesFirst: AWS has the last word, and what was found here before
// is its evidence.
func TestRefusedComesFirst(t *testing.T) {
	for _, f := range guardtest.Faults(t) {
		if f.Code != "SG101" {
			continue
		}
		before := decide(t, f)
		r, _ := ParseRefusal(refused + " on resource: " + before.Grants[1].Resource + " because no identity-based policy allows the ssm:StartSession action")
		after := Refused(before, r)
		got := after.Findings[0]
		if got.Code != "SG601" || len(got.Nearest) == 0 || !strings.Contains(got.Nearest[0].Why, "carries no tags") || got.Fix == nil || !got.Fix.Checked {
			t.Errorf("%+v", got)
		}
		if len(before.Findings) == len(after.Findings) {
			t.Error("the decision before was changed")
		}
	}
}

func TestUnrelatedErrorAddsNothing(t *testing.T) {
	r, _ := ParseRefusal("An error occurred (ValidationException) when calling the StartSession operation: a reason is too long")
	if d := Refused(guard.Decision{}, r); len(d.Findings) != 0 {
		t.Errorf("%+v", d.Findings)
	}
}

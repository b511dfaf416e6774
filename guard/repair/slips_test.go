package repair

import (
	"fmt"
	"strings"
	"testing"

	"ssmguard/guard"
	"ssmguard/guard/guardtest"
	"ssmguard/guard/policy"
)

// TestSlipsAreCorrectedInPlace: where the word that was meant is certain and the statement would
// allow with it, that is the repair; else a statement is added.
func TestSlipsAreCorrectedInPlace(t *testing.T) {
	const target, document, start = "arn:aws:ec2:*:*:instance/*", "arn:aws:ssm:*:111122223333:document/SSM-SessionManagerRunShell", "ssm:StartSession"
	for name, tt := range map[string]struct {
		action, target, document string
		asked                    string // the document; "" for the default one
		grant                    string
		correct                  string // what stands in the statement then; "" if it stays as it is
	}{
		"an action":                  {"ssm:StartSesion", target, document, "", guard.GrantTarget, `"Action":"ssm:StartSession"`},
		"an action, of the document": {"ssm:StartSessions", target, document, "", guard.GrantDocument, `"Action":"ssm:StartSession"`},
		"a service":                  {"sso:StartSession", target, document, "", guard.GrantTarget, `"Action":"ssm:StartSession"`},
		"an action of its own":       {"athena:StartSession", target, document, "", guard.GrantTarget, ""},
		"a type":                     {start, "arn:aws:ec2:*:*:instances/*", document, "", guard.GrantTarget, `"arn:aws:ec2:*:*:instance/*"`},
		"a document's type":          {start, target, "arn:aws:ssm:*:*:documents/SSM-SessionManagerRunShell", "", guard.GrantDocument, `"arn:aws:ssm:*:*:document/SSM-SessionManagerRunShell"`},
		"a colon":                    {start, target, "arn:aws:ssm:*:*:document:SSM-SessionManagerRunShell", "", guard.GrantDocument, `"arn:aws:ssm:*:*:document/SSM-SessionManagerRunShell"`},
		"a short ARN":                {start, "arn:aws:ec2:instance/*", document, "", guard.GrantTarget, `"arn:aws:ec2:*:111122223333:instance/*"`},
		"no region and account":      {start, "arn:aws:ec2:::instance/*", document, "", guard.GrantTarget, `"arn:aws:ec2:*:111122223333:instance/*"`},
		"a partition":                {start, "arn:aws-cn:ec2:*:*:instance/*", document, "", guard.GrantTarget, `"arn:aws:ec2:*:*:instance/*"`},
		"an instance of ssm":         {start, "arn:aws:ssm:*:*:instance/*", document, "", guard.GrantTarget, `"arn:aws:ec2:*:*:instance/*"`},
		"another region":             {start, "arn:aws:ec2:eu-west-1:*:instance/*", document, "", guard.GrantTarget, ""},
		"another account":            {start, "arn:aws:ec2:*:444455556666:instance/*", document, "", guard.GrantTarget, ""},
		"AWS's document":             {start, target, "arn:aws:ssm:*::document/AWS-StartSSHSesion", "AWS-StartSSHSession", guard.GrantDocument, `"arn:aws:ssm:*::document/AWS-StartSSHSession"`},
		"a document of the account":  {start, target, "arn:aws:ssm:*:*:document/SSM-SessionManagerRunShel", "", guard.GrantDocument, ""},
		"another document":           {start, target, "arn:aws:ssm:*::document/AWS-StartSSHSession", "AWS-StartPortForwardingSession", guard.GrantDocument, ""},
	} {
		text := fmt.Sprintf(`{"Effect":"Allow","Action":%q,"Resource":[%q,%q]}`, tt.action, tt.target, tt.document)
		r := guardtest.DevRequest
		r.Document = tt.asked
		fix, set := repaired(t, r, text, tt.grant)
		if fix == nil || !fix.Checked {
			t.Errorf("%s: %+v", name, fix)
			continue
		}
		change := fix.Changes[0]
		if inPlace := change.Kind == guard.ReplaceStatement; inPlace != (tt.correct != "") || inPlace && (len(fix.Changes) != 1 || !strings.Contains(change.Statement, tt.correct)) {
			t.Errorf("%s: %+v", name, fix.Changes)
		}
		for _, c := range fix.Changes {
			var err error
			if set, err = guard.Apply(set, c); err != nil {
				t.Fatal(err)
			}
		}
		for _, g := range guard.Needs(r, guard.Facts{}) {
			if !g.Advisory && guard.Evaluate(set, g).Verdict != policy.Allow {
				t.Errorf("%s: with the repair %s is %v", name, g.ID, guard.Evaluate(set, g).Verdict)
			}
		}
	}
	// What Terraform left, where it opens what it was to open.
	r := guardtest.DevRequest
	r.Caller.SessionARN = "arn:aws:iam::111122223333:user/alice"
	r.Caller.Principal = r.Caller.SessionARN
	fix, _ := repaired(t, r, `{"Effect":"Allow","Action":["ssm:TerminateSession","ssm:ResumeSession"],"Resource":"arn:aws:ssm:*:*:session/&{aws:username}-*"}`, guard.GrantTerminate)
	if fix == nil || !fix.Checked || len(fix.Changes) != 1 || !strings.Contains(fix.Changes[0].Statement, "session/${aws:username}-*") {
		t.Errorf("what Terraform left: %+v", fix)
	}
	// Two slips in one statement; a condition that keeps it from the target besides.
	fix, _ = repaired(t, guardtest.DevRequest, `{"Effect":"Allow","Action":"ssm:StartSesion","Resource":["arn:aws:ec2:*:*:instances/*","`+document+`"]}`, guard.GrantTarget)
	if fix == nil || !fix.Checked || fix.Text != "write ssm:StartSession instead of ssm:StartSesion and write arn:aws:ec2:*:*:instance/* instead of arn:aws:ec2:*:*:instances/*" {
		t.Errorf("two slips: %+v", fix)
	}
	fix, _ = repaired(t, guardtest.DevRequest, `{"Effect":"Allow","Action":"ssm:StartSesion","Resource":"*","Condition":{"StringEquals":{"ssm:resourceTag/Env":"x"}}}`, guard.GrantTarget)
	if fix == nil || fix.Changes[0].Kind != guard.AddStatement {
		t.Errorf("a slip and a condition: %+v", fix)
	}
}

// repaired returns the repair of one grant that policies do not allow.
func repaired(t *testing.T, r guard.Request, identity, grant string) (*guard.Fix, policy.Set) {
	t.Helper()
	set := policy.Set{Identity: statements(t, policy.Identity, identity)}
	g := guard.Guard{Inventory: guardtest.Fixed(guard.Facts{}), Simulators: []guard.Simulator{guard.Local{Source: guard.Static(set)}}}
	d, err := g.Check(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	d.Findings = []guard.Finding{{Grant: grant, Level: guard.Error}}
	if !d.Of(grant).Verdict.Denies() {
		t.Fatalf("%s: %s is %v", identity, grant, d.Of(grant).Verdict)
	}
	return Propose(d).Findings[0].Fix, set
}

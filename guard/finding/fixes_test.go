package finding

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ssmguard/guard"
	"ssmguard/guard/guardtest"
	"ssmguard/guard/policy"
)

var update = flag.Bool("update", false, "write the golden file")

// TestPublicFindings: the verdict of every public case, and each finding with what
// repairs it, are as in testdata/start-session.golden.
func TestPublicFindings(t *testing.T) {
	const file = "testdata/start-session.golden"
	var got strings.Builder
	for _, c := range guardtest.PublicCases(t) {
		d := check(c, t)
		fmt.Fprintf(&got, "%s: %s\n", c.Name, d.Verdict())
		for _, f := range d.Findings {
			whole(t, f.Code, f)
			fmt.Fprintf(&got, "  %s %s\n", f.Code, strings.Join(append([]string{f.Grant}, repairOf(f)...), ", "))
		}
		for _, want := range c.Expect {
			id := guardtest.CaseGrants[want.Grant]
			if want.Decision == "allowed" {
				continue
			}
			if !explained(d, id) {
				t.Errorf("%s: %s is denied and no finding says why", c.Name, id)
			}
		}
	}
	if *update {
		if err := os.WriteFile(file, []byte(got.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got.String(), "\n")); diff != "" {
		t.Errorf("%s (run with -update after a wanted change):\n%s", file, diff)
	}
}

// repairOf says in short which statements come near and what repairs a finding.
func repairOf(f guard.Finding) (steps []string) {
	for _, n := range f.Nearest {
		steps = append(steps, fmt.Sprintf("near %d", n.At.Index+1))
	}
	if f.Fix == nil {
		return append(steps, "no repair")
	}
	for _, c := range f.Fix.Changes {
		steps = append(steps, strings.TrimSpace(fmt.Sprintf("%s %s %s", c.Kind, c.Layer, c.At.Sid)))
	}
	for _, key := range slices.Sorted(maps.Keys(f.Fix.Needs)) {
		steps = append(steps, "carry "+key)
	}
	if !f.Fix.Checked {
		return append(steps, "not checked")
	}
	if _, also, ok := strings.Cut(f.Fix.Check, "; "); ok {
		steps = append(steps, also)
	}
	return steps
}

// explained reports whether a finding speaks of a denied grant: its own, the one
// of the pair, or an error that has the same reason.
func explained(d guard.Decision, id string) bool {
	for _, f := range d.Findings {
		if f.Grant == id || id == guard.GrantResume && f.Grant == guard.GrantTerminate || f.Fix != nil && f.Level == guard.Error && id != guard.GrantTarget && id != guard.GrantDocument {
			return true
		}
	}
	return false
}

// TestRepairs applies the repair of every denied public case and of every rule's
// case: it allows what it says it allows, and no neighbour changes unless the
// repair says so.
func TestRepairs(t *testing.T) {
	for _, c := range guardtest.PublicCases(t) {
		t.Run(c.Name, func(t *testing.T) {
			d := check(c, t)
			for _, f := range d.Findings {
				repaired(t, d, f)
			}
			if d.Verdict().Denies() && startFix(d) == nil {
				t.Errorf("denied, and no repair")
			}
		})
	}
	for _, f := range guardtest.Faults(t) {
		if f.Open || f.IAM != "" || f.Message != "" {
			continue
		}
		t.Run(string(f.Code), func(t *testing.T) {
			d := decide(t, f)
			for _, f := range d.Findings {
				repaired(t, d, f)
			}
		})
	}
}

func startFix(d guard.Decision) *guard.Fix {
	for _, f := range d.Findings {
		if f.Level == guard.Error && f.Fix != nil {
			return f.Fix
		}
	}
	return nil
}

// repaired applies a finding's fix by what is printed of it, and looks again.
func repaired(t *testing.T, d guard.Decision, f guard.Finding) {
	t.Helper()
	if f.Fix == nil || f.Level < guard.Warning || f.Grant == "" {
		return
	}
	if len(f.Fix.Changes)+len(f.Fix.Needs) == 0 && f.Code == "SG220" {
		return // another way than a change
	}
	if start := guard.GroupOf(guard.Grant{ID: f.Grant}) == "start"; f.Fix.Checked == (start && guard.DocumentUnseen(d.Request, d.Facts) != "") {
		t.Errorf("%s %s: the fix is not checked: %+v", f.Code, f.Grant, f.Fix)
		return
	}
	set := *d.Policies
	for _, change := range f.Fix.Changes {
		var err error
		if set, err = guard.Apply(set, change); err != nil {
			t.Fatalf("%s: %v", change.Describe(), err)
		}
	}
	r := d.Request
	for key, value := range f.Fix.Needs {
		context := map[string][]string{key: {value}}
		for k, v := range r.Context {
			if k != key {
				context[k] = v
			}
		}
		r.Context = context
	}
	for _, g := range guard.Needs(r, d.Facts) {
		for _, id := range f.Fix.Grants {
			if g.ID == id && guard.Evaluate(set, g).Verdict != policy.Allow {
				t.Errorf("%s: %s is still denied", f.Code, id)
			}
		}
	}
	neighbours(t, d, f, set)
}

// neighbours compares requests that have nothing to do with the repair.
func neighbours(t *testing.T, d guard.Decision, f guard.Finding, set policy.Set) {
	t.Helper()
	if !strings.Contains(f.Fix.Check, "nothing else changes") {
		return
	}
	for _, change := range []func(*guard.Request, *guard.Facts){
		func(r *guard.Request, f *guard.Facts) { r.Target, f.TargetTags = "i-00000000000000001", nil },
		func(r *guard.Request, _ *guard.Facts) { r.Target = "i-00000000000000001" },
		func(r *guard.Request, f *guard.Facts) { r.Target, f.TargetTags = "mi-00000000000000001", nil },
		func(r *guard.Request, f *guard.Facts) { r.Document, f.DocumentTags = "Somebody-Elses", nil },
		func(r *guard.Request, _ *guard.Facts) { r.Region = "ap-south-1" },
		func(r *guard.Request, f *guard.Facts) {
			r.Region, r.Document, f.DocumentTags = "ap-south-1", "Somebody-Elses", nil
		},
		func(r *guard.Request, f *guard.Facts) {
			r.Region, r.Target, f.TargetTags = "us-west-2", "i-00000000000000001", nil
		},
		func(r *guard.Request, f *guard.Facts) {
			f.TargetTags = map[string]string{"Team": "other"}
			r.Target = "i-00000000000000001"
		},
	} {
		r, facts := d.Request, d.Facts
		change(&r, &facts)
		for _, g := range guard.Needs(r, facts) {
			if g.ID != guard.GrantTarget && g.ID != guard.GrantDocument || own(d, g) {
				continue
			}
			if before, after := guard.Evaluate(*d.Policies, g).Verdict, guard.Evaluate(set, g).Verdict; before != after {
				t.Errorf("%s says nothing else changes, and %s goes from %v to %v", f.Code, g.Resource, before, after)
			}
		}
	}
}

func own(d guard.Decision, g guard.Grant) bool {
	for _, o := range d.Grants {
		if o.Resource == g.Resource && o.Action == g.Action {
			return true
		}
	}
	return false
}

// TestUnseenPolicies: what the simulation alone denies comes with a statement
// that nobody has checked, or with whom to ask, and never with a statement
// against an explicit deny.
func TestUnseenPolicies(t *testing.T) {
	blames := func(v policy.Verdict, layer policy.Kind) policy.Answer {
		return policy.Answer{Verdict: v, Layers: []policy.LayerAnswer{{Layer: layer, Verdict: v}}}
	}
	tests := []struct {
		answer  policy.Answer
		code    guard.Code
		changes int
		ask     string
	}{
		{says(policy.ImplicitDeny), "SG200", 1, ""},
		{says(policy.ExplicitDeny), "SG210", 0, ""},
		{blames(policy.ImplicitDeny, policy.Identity), "SG200", 1, ""},
		{blames(policy.ImplicitDeny, policy.Boundary), "SG801", 0, guard.Owner(policy.Boundary)},
		{blames(policy.ExplicitDeny, policy.SCP), "SG803", 0, guard.Owner(policy.SCP)},
	}
	for _, tt := range tests {
		g := guard.Guard{Simulators: []guard.Simulator{guardtest.Opinion{Judge: "iam", Answer: tt.answer}}}
		d, err := checked(t.Context(), &g, devRequest)
		if err != nil {
			t.Fatal(err)
		}
		f := d.Findings[0]
		var fix guard.Fix
		if f.Fix != nil {
			fix = *f.Fix
		}
		if f.Code != tt.code || len(fix.Changes) != tt.changes || fix.Ask != tt.ask || fix.Checked {
			t.Errorf("%v: %s %+v", tt.answer, f.Code, fix)
		}
	}
}

// TestNotActionAndNotResource: a Deny that names what it leaves out is repaired by one
// more entry; where it leaves out actions, on everything, both narrow ways are shown.
func TestNotActionAndNotResource(t *testing.T) {
	const all = `{"Effect":"Allow","Action":"*","Resource":"*"}`
	for _, tt := range []struct{ name, deny, want, or, check string }{
		{"NotResource", `"Action":"ssm:StartSession","NotResource":["arn:aws:ec2:*:*:instance/*","arn:aws:ssm:*:*:document/DevShell"]`,
			`"arn:aws:ssm:*:*:document/DevShell","arn:aws:ssm:us-east-1:111122223333:document/SSM-SessionManagerRunShell"]`, "", ", and nothing else changes"},
		{"NotAction", `"NotAction":["iam:*","ec2:*"],"Resource":"*"`, `"NotAction":["iam:*","ec2:*","ssm:StartSession"],"Resource":"*"`, `"NotAction":["iam:*","ec2:*"],"NotResource":[`, "other EC2 instances"},
		{"NotAction on some", `"NotAction":"ec2:*","Resource":["arn:aws:ssm:us-east-1:111122223333:document/SSM-SessionManagerRunShell"]`, `"NotAction":["ec2:*","ssm:StartSession"]`, "", ", and nothing else changes"},
	} {
		fix := startFix(decided(t, `[`+all+`,{"Effect":"Deny",`+tt.deny+`}]`, "", nil))
		if fix == nil || !fix.Checked || len(fix.Changes) != 1 || !strings.Contains(fix.Changes[0].Statement, tt.want) || !strings.Contains(fix.Check, tt.check) {
			t.Errorf("%s: %+v", tt.name, fix)
			continue
		}
		if (fix.Or != nil) != (tt.or != "") || fix.Or != nil && (!fix.Or.Checked || !strings.Contains(fix.Or.Changes[0].Statement, tt.or) || !strings.Contains(fix.Or.Check, "other actions on the same resources")) {
			t.Errorf("%s: or %+v", tt.name, fix.Or)
		}
	}
}

// TestRepairKeepsTheControl: a repair changes how a policy controls access before it opens
// the resource to everyone who has the role.
func TestRepairKeepsTheControl(t *testing.T) {
	const document = `{"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ssm:*:*:document/SSM-*"}`
	on := func(condition string) string {
		return `[` + document + `,{"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ec2:*:*:instance/*","Condition":` + condition + `}]`
	}
	tagged := func(r *guard.Request, f *guard.Facts) {
		r.Caller.Tags = map[string]string{"Team": "blue"}
		f.TargetTags = map[string]string{"Name": "web-1", "Team": "red"}
	}
	for _, tt := range []struct{ name, identity, why, want string }{
		{"a pattern that is compared literally", on(`{"StringEquals":{"ssm:resourceTag/Name":"web-*"}}`), "StringEquals takes * and ? literally", `"Condition":{"StringLike":{"ssm:resourceTag/Name":"web-*"}}`},
		{"a tag of the caller's", on(`{"StringEquals":{"ssm:resourceTag/Team":"${aws:PrincipalTag/Team}"}}`), "the target has Team = red, and the caller Team = blue", `"Condition":{"StringEquals":{"aws:PrincipalTag/Team":"blue"}}`},
	} {
		d := decided(t, tt.identity, "", tagged)
		fix := startFix(d)
		if fix == nil || !fix.Checked || len(fix.Changes) != 1 || !strings.Contains(fix.Changes[0].Statement, tt.want) || !strings.Contains(d.Findings[0].Nearest[0].Why, tt.why) {
			t.Errorf("%s: %v %+v", tt.name, d.Findings[0].Nearest, fix)
		}
	}
}

// TestOwnDocumentIsOffered: a document of the account that is granted is named before the
// default one, which the policy keeps away, is opened.
func TestOwnDocumentIsOffered(t *testing.T) {
	d := decided(t, `[{"Effect":"Allow","Action":"ssm:StartSession","Resource":["arn:aws:ec2:*:*:instance/*","arn:aws:ssm:*:111122223333:document/DevShell"]}]`, "", nil)
	fix := startFix(d)
	if fix == nil || !strings.HasPrefix(fix.Text, "use --document-name DevShell, which is granted, or add to ") || !strings.Contains(d.Findings[0].Detail, "documents that may be used: DevShell") {
		t.Errorf("%q %+v", d.Findings[0].Detail, fix)
	}
}

// TestEndpointIsPinned: what is added to the policy of an endpoint has the principal that
// the policy has, and the data channel has an endpoint of its own.
func TestEndpointIsPinned(t *testing.T) {
	for principal, want := range map[string]string{
		`{"AWS":"arn:aws:iam::111122223333:root"}`: `"Principal":{"AWS":"arn:aws:iam::111122223333:root"}`,
		`{"AWS":"arn:aws:iam::444455556666:root"}`: `"Principal":{"AWS":"arn:aws:iam::111122223333:root"}`,
		`"*"`: `"Principal":"*"`,
	} {
		parse := func(kind policy.Kind, statement string) []policy.Statement {
			doc, err := policy.Parse(kind, kind.String(), []byte(`{"Version":"2012-10-17","Statement":[`+statement+`]}`))
			if err != nil {
				t.Fatal(err)
			}
			return doc.Statements
		}
		set := policy.Set{Identity: parse(policy.Identity, `{"Effect":"Allow","Action":"*","Resource":"*"}`), Endpoint: parse(policy.Endpoint, `{"Effect":"Allow","Principal":`+principal+`,"Action":"ssm:*","Resource":"arn:aws:ec2:*:*:instance/*"}`)}
		g := guard.Guard{Inventory: guardtest.Fixed(guard.Facts{}), Simulators: []guard.Simulator{guard.Local{Source: guard.Static(set)}}}
		d, err := checked(t.Context(), &g, devRequest)
		if err != nil {
			t.Fatal(err)
		}
		if fix := startFix(d); fix == nil || !fix.Checked || !strings.Contains(fix.Changes[0].Statement, want) {
			t.Errorf("%s: %+v", principal, fix)
		}
		if v := d.Of(guard.GrantDataChannel).Verdict; v != policy.Allow {
			t.Errorf("%s: the data channel is %v", principal, v)
		}
	}
}

// TestPermissionSetHasNoSerial: a profile of IAM Identity Center is not told to name the
// serial number of a device, and that its session would carry the key is no proof.
func TestPermissionSetHasNoSerial(t *testing.T) {
	fix := startFix(decided(t, `[{"Effect":"Allow","Action":"ssm:*","Resource":"*"},{"Effect":"Deny","Action":"ssm:*","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"false"}}}]`, "",
		func(r *guard.Request, _ *guard.Facts) {
			r.Caller.SessionARN = "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Dev_0123456789abcdef/alice"
			r.Caller.MFA = guard.MFAFalse
		}))
	if fix == nil || fix.Checked || !strings.HasPrefix(fix.Text, "sign in to IAM Identity Center with MFA, or let the statement leave out permission set \"Dev\"") {
		t.Errorf("%+v", fix)
	}
}

package finding

import (
	"fmt"
	"strings"
	"testing"

	"ssmguard/guard"
	"ssmguard/guard/guardtest"
	"ssmguard/guard/policy"
)

// decided puts a role's inline policy, or a boundary beside it, before the local
// judge, in a closed world unless open.
func decided(t *testing.T, identity, boundary string, change func(*guard.Request, *guard.Facts)) guard.Decision {
	t.Helper()
	parse := func(kind policy.Kind, source, statements string) []policy.Statement {
		if statements == "" {
			return nil
		}
		doc, err := policy.Parse(kind, source, fmt.Appendf(nil, `{"Version":"2012-10-17","Statement":%s}`, statements))
		if err != nil {
			t.Fatal(err)
		}
		return doc.Statements
	}
	set := policy.Set{Identity: parse(policy.Identity, `role/dev, inline "ssm"`, identity), Boundary: parse(policy.Boundary, "boundary dev", boundary)}
	r, f := devRequest, guard.Facts{}
	r.Closed = true
	if change != nil {
		change(&r, &f)
	}
	d, err := checked(t.Context(), (&guard.Guard{Inventory: guardtest.Fixed(f), Simulators: []guard.Simulator{guard.Local{Source: guard.Static(set)}}}), r)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

const allowAny = `{"Effect":"Allow","Action":"ssm:*","Resource":"*"}`

// TestRegionAdvice: another region is advised only where the Deny spares it.
func TestRegionAdvice(t *testing.T) {
	for _, tt := range []struct {
		operator, region string
		advised          bool
	}{
		{"StringNotEquals", "eu-west-1", true},
		{"StringEquals", "us-east-1", false},
	} {
		d := decided(t, `[`+allowAny+`,{"Effect":"Deny","Action":"ssm:*","Resource":"*","Condition":{"`+tt.operator+`":{"aws:RequestedRegion":"`+tt.region+`"}}}]`, "", nil)
		fix := startFix(d)
		if fix == nil || strings.Contains(fix.Text, "use --region "+tt.region) != tt.advised {
			t.Errorf("%s %s: fix %+v", tt.operator, tt.region, fix)
		}
	}
}

// TestTagAdvice: a tag is offered as another repair only where it is one.
func TestTagAdvice(t *testing.T) {
	const document = `{"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ssm:*:*:document/*"}`
	on := func(condition string) string {
		return `[` + document + `,{"Effect":"Allow","Action":"ssm:StartSession","Resource":"*","Condition":` + condition + `}]`
	}
	named := func(name string) func(*guard.Request, *guard.Facts) {
		return func(_ *guard.Request, f *guard.Facts) { f.TargetTags = map[string]string{"Name": name} }
	}
	for _, tt := range []struct {
		name, identity, boundary string
		change                   func(*guard.Request, *guard.Facts)
		want                     string
	}{
		{"a value", on(`{"StringEquals":{"ssm:resourceTag/Name":"bastion"}}`), "", named("db"), "giving the target the tag Name = bastion would do, too"},
		{"presence", on(`{"Null":{"ssm:resourceTag/Name":"false"}}`), "", nil, "giving the target any tag Name would do, too"},
		{"a value it must not have", on(`{"StringNotEquals":{"ssm:resourceTag/Name":"bastion"}}`), "", named("bastion"), ""},
		{"absence", on(`{"Null":{"ssm:resourceTag/Name":"true"}}`), "", named("bastion"), ""},
		{"two tags are missing", on(`{"StringEquals":{"ssm:resourceTag/Name":"bastion","ssm:resourceTag/Team":"web"}}`), "", nil, ""},
		{"the tag would be denied", `[` + document + `,{"Effect":"Allow","Action":"ssm:StartSession","Resource":"*","Condition":{"StringEquals":{"ssm:resourceTag/Name":"bastion"}}},` +
			`{"Effect":"Deny","Action":"ssm:StartSession","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/Name":"bastion"}}}]`, "", named("db"), ""},
		{"another account's document", `[{"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ec2:*:*:instance/*"},{"Effect":"Allow","Action":"ssm:StartSession","Resource":"*","Condition":{"StringEquals":{"ssm:resourceTag/Name":"bastion"}}}]`, "",
			func(r *guard.Request, _ *guard.Facts) {
				r.Document = "arn:aws:ssm:us-east-1:444455556666:document/Shared"
			}, ""},
		{"a boundary's", `[` + allowAny + `]`, on(`{"StringEquals":{"ssm:resourceTag/Name":"bastion"}}`), nil, "giving the target the tag Name = bastion would do, too"},
	} {
		d := decided(t, tt.identity, tt.boundary, tt.change)
		if !d.Verdict().Denies() {
			t.Fatalf("%s: %v", tt.name, d.Verdict())
		}
		if got := d.Findings[0].Detail; tt.want == "" && strings.Contains(got, "do as well") || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestDenyKeepsItsReach: a Deny that is taken off documents denies nothing that
// it did not deny before, and keeps what it says of targets.
func TestDenyKeepsItsReach(t *testing.T) {
	for _, tt := range []struct{ resource, want string }{
		{`"Resource":"*"`, `"NotResource":"arn:aws:ssm:us-east-1:111122223333:document/SSM-SessionManagerRunShell"`},
		{`"Resource":["arn:aws:ec2:*:*:instance/i-00000000000000001","arn:aws:ssm:*:*:document/*"]`, `"Resource":"arn:aws:ec2:*:*:instance/i-00000000000000001"`},
		{`"Resource":["arn:aws:ec2:us-east-1:*:*","arn:aws:ssm:*"]`, `"Resource":["arn:aws:ec2:us-east-1:*:instance/*","arn:aws:ssm:*:*:managed-instance/*"]`},
		{`"NotResource":"arn:aws:ec2:*:*:instance/i-0123456789abcdef0"`, `"NotResource":["arn:aws:ec2:*:*:instance/i-0123456789abcdef0","arn:aws:ssm:us-east-1:111122223333:document/SSM-SessionManagerRunShell"]`},
	} {
		d := decided(t, `[{"Effect":"Allow","Action":"ssm:StartSession","Resource":["arn:aws:ec2:*:*:instance/*","arn:aws:ssm:us-east-1:*:document/SSM-SessionManagerRunShell"]},{"Effect":"Deny","Action":"ssm:StartSession",`+tt.resource+`,"Condition":{"StringNotEquals":{"ssm:resourceTag/Name":"bastion"}}}]`, "",
			func(_ *guard.Request, f *guard.Facts) { f.TargetTags = map[string]string{"Name": "bastion"} })
		fix := startFix(d)
		if fix == nil || len(fix.Changes) != 1 || !strings.Contains(fix.Changes[0].Statement, tt.want) || !fix.Checked {
			t.Errorf("%s: %+v", tt.resource, fix)
		}
	}
}

// TestPatternsThatWork: an ARN for other documents is no slip, neither in a Deny
// nor in an Allow that is to be repaired.
func TestPatternsThatWork(t *testing.T) {
	for _, tt := range []struct {
		pattern, document string
		slip              bool
	}{
		{"arn:aws:ssm:*::document/*", "", false},
		{"arn:aws:ssm:*::document/A*", "Abc", false},
		{"arn:aws:ssm:*::document/SSM-SessionManagerRunShell", "", true},
		{"arn:aws:ssm:*::document/SSM-*", "", true},
		{"arn:aws:ssm:*:111122223333:document/*", "AWS-StartSSHSession", false},
		{"arn:aws:ssm:*:111122223333:document/AWS-*", "AWS-StartSSHSession", true},
		{"arn:aws:ssm:*:111122223333:document/AWS-StartSSHSession", "AWS-StartSSHSession", true},
	} {
		named := func(r *guard.Request, _ *guard.Facts) { r.Document = tt.document }
		deny := decided(t, `[`+allowAny+`,{"Effect":"Deny","Action":"ssm:StartSession","Resource":"`+tt.pattern+`"}]`, "", named)
		found := false
		for _, f := range deny.Findings {
			found = found || f.Code == "SG112"
		}
		if found != tt.slip || deny.Verdict() != policy.Allow {
			t.Errorf("Deny on %s: said to protect nothing: %v", tt.pattern, found)
		}
		fix := startFix(decided(t, `[{"Effect":"Allow","Action":"ssm:StartSession","Resource":["arn:aws:ec2:*:*:instance/*","`+tt.pattern+`"]}]`, "", named))
		if fix == nil || (fix.Changes[0].Kind == guard.ReplaceStatement) && !tt.slip {
			t.Errorf("Allow on %s: %+v", tt.pattern, fix)
		}
	}
}

// TestRepairNamesRegions: a corrected ARN opens a document in a region that only
// another statement speaks of.
func TestRepairNamesRegions(t *testing.T) {
	fix := startFix(decided(t, `[{"Effect":"Allow","Action":"ssm:*","Resource":["arn:aws:ec2:*:*:instance/*","arn:aws:ssm:ap-south-1:*:document/*"]}]`,
		`[{"Effect":"Allow","Action":"ssm:*","Resource":["arn:aws:ec2:*:*:instance/*","arn:aws:ssm:*:*:session/*","arn:aws:ssm:*::document/SSM-SessionManagerRunShell"]}]`, nil))
	if fix == nil || !fix.Checked || !strings.Contains(fix.Check, "it also allows the same document in other regions") {
		t.Errorf("%+v", fix)
	}
}

// TestMFAThatAnotherPolicyForbids: the request is not told to carry what another
// policy denies.
func TestMFAThatAnotherPolicyForbids(t *testing.T) {
	fix := startFix(decided(t, `[{"Effect":"Allow","Action":"ssm:*","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}]`,
		`[`+allowAny+`,{"Effect":"Deny","Action":"ssm:*","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}]`, nil))
	if fix == nil || !fix.Checked || len(fix.Needs) > 0 {
		t.Errorf("%+v", fix)
	}
}

// TestDeniedWhateverIsUnknown: a denial that holds for every value of a key that
// is not known names the statements, and does not speak of a simulation.
func TestDeniedWhateverIsUnknown(t *testing.T) {
	open := func(r *guard.Request, _ *guard.Facts) { r.Closed = false }
	const mfa, noMFA = `"Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}`, `"Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}`
	for _, tt := range []struct {
		name, identity, boundary string
		verdict                  policy.Verdict
		code                     guard.Code
		seen                     int
	}{
		{"one layer wants what another forbids", `[{"Effect":"Allow","Action":"ssm:*","Resource":"*",` + mfa + `}]`, `[{"Effect":"Allow","Action":"ssm:*","Resource":"*",` + noMFA + `}]`, policy.ImplicitDeny, "SG206", 2},
		{"one of two denies", `[` + allowAny + `,{"Effect":"Deny","Action":"ssm:*","Resource":"*",` + mfa + `},{"Effect":"Deny","Action":"ssm:*","Resource":"*",` + noMFA + `}]`, "", policy.ExplicitDeny, "SG806", 2},
	} {
		d := decided(t, tt.identity, tt.boundary, open)
		f := d.Findings[0]
		if d.Of(guard.GrantTarget).Verdict != tt.verdict || f.Code != tt.code || len(f.Nearest) != tt.seen || strings.Contains(f.Detail, "simulation") {
			t.Errorf("%s: %v %+v", tt.name, d.Of(guard.GrantTarget).Verdict, f)
		}
	}
}

// TestLiftedDeny: what a Deny no longer covers stays denied where nothing allows
// it, and that is not called another denial.
func TestLiftedDeny(t *testing.T) {
	fix := startFix(decided(t, `[{"Effect":"Allow","Action":"ssm:StartSession","Resource":["arn:aws:ec2:*:*:instance/*","arn:aws:ssm:us-east-1:*:document/SSM-*"]},
		{"Effect":"Deny","Action":"ssm:StartSession","Resource":"arn:aws:ssm:*:*:document/SSM-*"}]`, "", nil))
	const want = "with this change the session is allowed; it also allows other documents of the account and lifts the Deny from the same document in other regions, which nothing allows yet"
	if fix == nil || fix.Check != want {
		t.Errorf("%+v", fix)
	}
}

// TestUnreadNeedsNoStatement: no statement is added to a layer that could not be
// read, for it may hold one; what else is in the way is repaired.
func TestUnreadNeedsNoStatement(t *testing.T) {
	parse := func(kind policy.Kind, statement string) []policy.Statement {
		doc, err := policy.Parse(kind, kind.String(), []byte(`{"Version":"2012-10-17","Statement":`+statement+`}`))
		if err != nil {
			t.Fatal(err)
		}
		return doc.Statements
	}
	bounded := parse(policy.Boundary, `{"Effect":"Allow","Action":"ssm:*","Resource":"arn:aws:ec2:*:*:instance/*"}`)
	denied := parse(policy.Identity, `{"Effect":"Deny","Action":"ssm:StartSession","Resource":"arn:aws:ssm:*:*:document/SSM-*"}`)
	for _, tt := range []struct {
		name string
		set  policy.Set
		kind guard.ChangeKind
		at   policy.Kind
	}{
		{"the boundary lacks it", policy.Set{Boundary: bounded, Partial: []policy.Kind{policy.Identity, policy.Session}}, guard.AddStatement, policy.Boundary},
		{"the half that was read denies it", policy.Set{Identity: denied, Partial: []policy.Kind{policy.Identity}}, guard.RemoveStatement, policy.Identity},
	} {
		d, err := checked(t.Context(), (&guard.Guard{Inventory: guardtest.Fixed(guard.Facts{}), Simulators: []guard.Simulator{guard.Local{Source: guard.Static(tt.set)}}}), devRequest)
		if err != nil {
			t.Fatal(err)
		}
		fix := startFix(d)
		if fix == nil || len(fix.Changes) != 1 || fix.Changes[0].Kind != tt.kind || fix.Changes[0].Layer != tt.at || !fix.Checked ||
			!strings.HasSuffix(fix.Check, "as far as the policies can be read") {
			t.Errorf("%s: %+v", tt.name, fix)
		}
	}
}

// TestOtherDocuments: what is said of the other documents is so, whether or not
// the request's own is one that everybody knows.
func TestOtherDocuments(t *testing.T) {
	const target, aws = `{"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ec2:*:*:instance/*"}`,
		`{"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ssm:*::document/AWS-*"}`
	for _, tt := range []struct {
		document string
		every    bool
	}{{"", true}, {"MyCompany-Shell", false}} {
		d := decided(t, "["+target+","+aws+"]", "", func(r *guard.Request, _ *guard.Facts) { r.Document = tt.document })
		every := false
		for _, f := range d.Findings {
			every = every || strings.Contains(f.Detail, "every other session document may be used")
		}
		if every != tt.every {
			t.Errorf("%q: every other %v, want %v", tt.document, every, tt.every)
		}
	}
}

// TestNetworkPresence: a guard that asks only whether the call comes through an
// endpoint is met by one, whichever.
func TestNetworkPresence(t *testing.T) {
	for _, statements := range []string{
		`[{"Effect":"Allow","Action":"ssm:*","Resource":"*","Condition":{"Null":{"aws:SourceVpce":"false"}}}]`,
		`[` + allowAny + `,{"Effect":"Deny","Action":"ssm:StartSession","Resource":"*","Condition":{"Null":{"aws:SourceVpce":"true"}}}]`,
	} {
		fix := startFix(decided(t, statements, "", nil))
		if fix == nil || fix.Text != "call from where aws:SourceVpce is present" || !fix.Checked || len(fix.Changes) != 0 {
			t.Errorf("%s: fix %+v", statements, fix)
		}
	}
}

// TestHowToGetItRunning: only an instance that has stopped can be started.
func TestHowToGetItRunning(t *testing.T) {
	for state, want := range map[string]string{
		"stopped":       "start it: aws ec2 start-instances --instance-ids i-0123456789abcdef0",
		"stopping":      "wait until it has stopped, then start it: aws ec2 start-instances --instance-ids i-0123456789abcdef0",
		"pending":       "wait until it runs",
		"PENDING":       "wait until it runs", // of a task
		"STOPPED":       "choose a target that runs",
		"shutting-down": "choose a target that runs",
		"terminated":    "choose a target that runs",
	} {
		fs := health(guard.Request{Target: "i-0123456789abcdef0"}, guard.Facts{Health: guard.Health{State: state}})
		if len(fs) != 1 || fs[0].Code != "SG703" || fs[0].Fix == nil || fs[0].Fix.Text != want {
			t.Errorf("%s: %+v", state, fs)
		}
	}
}

// TestRepairKeepsNotPrincipal: a Deny that is narrowed spares whom it spared.
func TestRepairKeepsNotPrincipal(t *testing.T) {
	const spared = `"NotPrincipal":{"AWS":"arn:aws:iam::111122223333:role/ops"}`
	set := policy.Set{}
	for kind, statements := range map[policy.Kind]string{
		policy.Identity: `[` + allowAny + `]`,
		policy.Endpoint: `[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"},{"Effect":"Deny",` + spared + `,"Action":"ssm:StartSession","Resource":"*"}]`,
	} {
		doc, err := policy.Parse(kind, kind.String(), fmt.Appendf(nil, `{"Version":"2012-10-17","Statement":%s}`, statements))
		if err != nil {
			t.Fatal(err)
		}
		if kind == policy.Endpoint {
			set.Endpoint = doc.Statements
		} else {
			set.Identity = doc.Statements
		}
	}
	r := devRequest
	r.Closed = true
	d, err := checked(t.Context(), (&guard.Guard{Inventory: guardtest.Fixed(guard.Facts{}), Simulators: []guard.Simulator{guard.Local{Source: guard.Static(set)}}}), r)
	if err != nil {
		t.Fatal(err)
	}
	fix := startFix(d)
	if fix == nil || len(fix.Changes) != 1 || fix.Changes[0].Kind != guard.ReplaceStatement || !strings.Contains(fix.Changes[0].Statement, spared) {
		t.Errorf("%+v", fix)
	}
}

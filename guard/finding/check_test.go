package finding

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"ssmguard/guard"
	"ssmguard/guard/guardtest"
	"ssmguard/guard/policy"
)

var devRequest = guardtest.DevRequest

// asleep is a judge, an inventory and a source that answer only when they are
// told to stop.
type asleep struct{}

func (asleep) Name() string { return "iam" }

func (asleep) Simulate(ctx context.Context, _ guard.Caller, _ []guard.Grant) ([]guard.Ruling, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (asleep) Facts(ctx context.Context, _ guard.Request) (guard.Facts, error) {
	<-ctx.Done()
	return guard.Facts{}, ctx.Err()
}

func (asleep) Policies(ctx context.Context, _ guard.Caller) (policy.Set, error) {
	<-ctx.Done()
	return policy.Set{}, ctx.Err()
}

func says(v policy.Verdict, on ...string) policy.Answer {
	return policy.Answer{Verdict: v, DependsOn: on}
}

// TestMerge is the merge table of the judges, on every required grant alike.
func TestMerge(t *testing.T) {
	const unknown, allow, implicit, explicit = policy.Unknown, policy.Allow, policy.ImplicitDeny, policy.ExplicitDeny
	tests := []struct {
		name       string
		iam, local policy.Answer
		want       policy.Verdict
		code       guard.Code // of a finding on the target; "" for none
	}{
		{"both allow", says(allow), says(allow), allow, ""},
		{"one allows, one does not know", says(allow), says(unknown, "session"), allow, ""},
		{"one allows, one lacks a key of what the simulation sees whole", says(allow), says(unknown, "aws:SourceIp"), allow, ""},
		{"nobody knows", says(unknown), says(unknown), unknown, ""},
		{"both deny", says(explicit), says(explicit), explicit, "SG210"},
		{"one denies explicitly, one implicitly", says(implicit), says(explicit), explicit, "SG210"},
		{"one denies, one does not know the layer", says(explicit), says(unknown, "scp"), explicit, "SG210"},
		{"the organization forbids the region, which a session policy cannot undo", policy.Answer{Verdict: explicit, Layers: []policy.LayerAnswer{{Layer: policy.SCP, Verdict: explicit, Seen: true, Key: "aws:RequestedRegion"}}}, says(unknown, "session", "scp", "ssm:resourceTag/Team"), explicit, "SG805"},
		{"the organization forbids the region, perhaps not from everywhere", policy.Answer{Verdict: explicit, DependsOn: []string{"scp"}, Layers: []policy.LayerAnswer{{Layer: policy.SCP, Verdict: explicit, Key: "aws:RequestedRegion"}}}, says(unknown, "session", "scp"), unknown, "SG507"},
		{"implicit, the other lacks a layer", says(implicit), says(unknown, "boundary"), implicit, "SG200"},
		{"contradiction, implicit", says(implicit), says(allow), unknown, "SG901"},
		{"contradiction, explicit", says(allow), says(explicit), unknown, "SG901"},
		{"a deny on what was not seen", says(implicit, "aws:SourceIp"), says(unknown, "aws:SourceIp"), unknown, "SG507"},
		{"a deny on a key the other knows to be open", says(explicit), says(unknown, "aws:MultiFactorAuthPresent"), unknown, "SG507"},
		{"an unproven deny against an allow", says(implicit, "aws:SourceIp"), says(allow), unknown, "SG507"},
		{"turns on a key", says(unknown, "aws:SourceIp"), says(unknown, "aws:SourceIp"), unknown, "SG505"},
		{"turns on a layer", says(unknown), says(unknown, "session"), unknown, "SG506"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := guard.Guard{Simulators: []guard.Simulator{guardtest.Opinion{Judge: "iam", Answer: tt.iam}, guardtest.Opinion{Judge: "local", Answer: tt.local}}}
			d, err := checked(t.Context(), &g, devRequest)
			if err != nil {
				t.Fatal(err)
			}
			if got := d.Verdict(); got != tt.want {
				t.Errorf("verdict %v, want %v", got, tt.want)
			}
			var code guard.Code
			for _, f := range d.Findings {
				if f.Grant == guard.GrantTarget {
					code = f.Code
				}
			}
			if code != tt.code {
				t.Errorf("finding %q, want %q", code, tt.code)
			}
		})
	}
}

// TestOrganizationTurnsOnKey: a simulation's allowance proves nothing where a
// service control policy asks for a key that only AWS knows; where it cannot be
// read, or asks for what is known, the allowance stands.
func TestOrganizationTurnsOnKey(t *testing.T) {
	const full = `{"Effect":"Allow","Action":"*","Resource":"*"}`
	for _, tt := range []struct {
		name, scp string
		partial   []policy.Kind
		want      policy.Verdict
		code      guard.Code
	}{
		{"MFA", `[` + full + `,{"Effect":"Deny","Action":"ssm:*","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"false"}}}]`, nil, policy.Unknown, "SG505"},
		{"MFA, and a session policy nobody can read", `[` + full + `,{"Effect":"Deny","Action":"ssm:*","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"false"}}}]`, []policy.Kind{policy.Session}, policy.Unknown, "SG505"},
		{"the region", `[` + full + `,{"Effect":"Deny","Action":"ssm:*","Resource":"*","Condition":{"StringNotEquals":{"aws:RequestedRegion":"us-east-1"}}}]`, []policy.Kind{policy.Session}, policy.Allow, ""},
		{"another action", `[` + full + `,{"Effect":"Deny","Action":"iam:*","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"false"}}}]`, []policy.Kind{policy.Session}, policy.Allow, ""},
		{"not read", `[` + full + `]`, []policy.Kind{policy.SCP}, policy.Allow, ""},
	} {
		parse := func(kind policy.Kind, statements string) []policy.Statement {
			doc, err := policy.Parse(kind, "p", []byte(`{"Version":"2012-10-17","Statement":`+statements+`}`))
			if err != nil {
				t.Fatal(err)
			}
			return doc.Statements
		}
		set := policy.Set{Identity: parse(policy.Identity, full), SCP: [][]policy.Statement{parse(policy.SCP, tt.scp)}, Partial: tt.partial}
		g := guard.Guard{Inventory: guardtest.Fixed(guard.Facts{}), Simulators: []guard.Simulator{guardtest.Opinion{Judge: "iam", Answer: says(policy.Allow)}, guard.Local{Source: guard.Static(set)}}}
		d, err := checked(t.Context(), &g, devRequest)
		if err != nil {
			t.Fatal(err)
		}
		var code guard.Code
		for _, f := range d.Findings {
			if f.Grant == guard.GrantTarget {
				code = f.Code
			}
		}
		if d.Verdict() != tt.want || code != tt.code {
			t.Errorf("%s: %v %q, want %v %q", tt.name, d.Verdict(), code, tt.want, tt.code)
		}
	}
}

// TestUnseen: an allowance names what nobody saw, and nothing else does.
func TestUnseen(t *testing.T) {
	tests := []struct {
		iam, local policy.Answer
		want       []string
	}{
		{says(policy.Allow), says(policy.Unknown, "session"), []string{"session policy"}},
		{says(policy.Allow), says(policy.Unknown, "endpoint", "scp", "session"), []string{"session policy", "VPC endpoint policy"}},
		{says(policy.Allow), says(policy.Unknown, "identity", "scp"), nil},
		{says(policy.Allow), says(policy.Allow), nil},
		{says(policy.Unknown), says(policy.Unknown, "session"), nil},
		{says(policy.ImplicitDeny), says(policy.Unknown, "session"), nil},
	}
	for _, tt := range tests {
		g := guard.Guard{Simulators: []guard.Simulator{guardtest.Opinion{Judge: "iam", Answer: tt.iam}, guardtest.Opinion{Judge: "local", Answer: tt.local}}}
		d, err := g.Check(t.Context(), devRequest)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, d.Unseen()); diff != "" {
			t.Errorf("%v, %v: %s", tt.iam, tt.local, diff)
		}
	}
}

func TestVerdictOfNothing(t *testing.T) {
	if v := (guard.Decision{}).Verdict(); v != policy.Unknown {
		t.Errorf("the zero Decision is %v", v)
	}
	d, err := (&guard.Guard{}).Check(t.Context(), devRequest)
	if err != nil || d.Verdict() != policy.Unknown {
		t.Errorf("the zero Guard says %v, %v", d.Verdict(), err)
	}
}

// TestAdvisoryNeverStops: whatever an advisory grant gets, the verdict is the
// required ones'.
func TestAdvisoryNeverStops(t *testing.T) {
	for _, v := range []policy.Verdict{policy.Unknown, policy.Allow, policy.ImplicitDeny, policy.ExplicitDeny} {
		d := guard.Decision{Request: devRequest, Grants: guard.Needs(devRequest, guard.Facts{KMSKey: "arn:aws:kms:us-east-1:111122223333:key/k"})}
		for _, g := range d.Grants {
			r := guard.Ruling{Grant: g, Judge: "local", Answer: says(policy.Allow)}
			if g.Advisory {
				r.Answer = says(v)
			}
			d.Rulings = append(d.Rulings, r)
		}
		if got := d.Verdict(); got != policy.Allow {
			t.Errorf("advisory %v: verdict %v", v, got)
		}
	}
}

// TestSlowness: whatever does not answer in time counts as unknown, is named,
// and nothing hangs.
func TestSlowness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		g := guard.Guard{Inventory: asleep{}, Simulators: []guard.Simulator{asleep{}, guard.Local{Source: asleep{}}}}
		d, err := checked(t.Context(), &g, devRequest)
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took > 2*guard.DefaultPatience {
			t.Errorf("took %s", took)
		}
		if d.Verdict() != policy.Unknown {
			t.Errorf("verdict %v", d.Verdict())
		}
		if len(d.Findings) != 3 {
			t.Errorf("findings: %+v", d.Findings)
		}
		for _, f := range d.Findings {
			if f.Code != "SG504" || !strings.Contains(f.Detail, "no answer within 5s") {
				t.Errorf("%+v", f)
			}
		}
	})
}

func TestCallerGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		g := guard.Guard{Inventory: asleep{}, Simulators: []guard.Simulator{asleep{}}}
		if _, err := g.Check(ctx, devRequest); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	})
}

// TestNotVisible: a permission that is missing to look is named, and an
// inventory that failed leaves nothing that passes for absent.
func TestNotVisible(t *testing.T) {
	blind := errors.Join(
		&guard.NotVisible{Permission: "iam:SimulatePrincipalPolicy", Resource: "arn:aws:iam::111122223333:role/dev", Cause: "not authorized"},
		&guard.NotVisible{Permission: "iam:GetRolePolicy"})
	g := guard.Guard{Inventory: failing{}, Simulators: []guard.Simulator{guardtest.Opinion{Judge: "iam", Err: blind}}}
	d, err := checked(t.Context(), &g, devRequest)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]guard.Code{"iam:SimulatePrincipalPolicy": "SG502", "iam:GetRolePolicy": "SG501", "ec2:DescribeTags": "SG503"}
	for _, f := range d.Findings {
		if want[f.Action] != f.Code {
			t.Errorf("%s: %s", f.Action, f.Code)
		}
		delete(want, f.Action)
	}
	if len(want) > 0 {
		t.Errorf("no finding for %v", want)
	}
	for _, g := range d.Grants[:2] {
		if _, _, state := g.Context.Lookup("ssm:resourceTag/Name"); state != policy.KeyUnknown {
			t.Errorf("%s: a tag that was not read is %v", g.ID, state)
		}
	}
}

type failing struct{}

func (failing) Facts(context.Context, guard.Request) (guard.Facts, error) {
	return guard.Facts{}, &guard.NotVisible{Permission: "ec2:DescribeTags"}
}

// TestLimitLacksTheRest: what a limit lacks for the session's life is told in the first run.
func TestLimitLacksTheRest(t *testing.T) {
	everything := []string{`{"Effect":"Allow","Action":"*","Resource":"*"}`}
	only := []string{`{"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ec2:*:*:instance/*"}`}
	for code, set := range map[guard.Code]policy.Set{
		"SG801": {Identity: statementsOf(t, policy.Identity, everything), Boundary: statementsOf(t, policy.Boundary, only)},
		"SG802": {Identity: statementsOf(t, policy.Identity, everything), Session: statementsOf(t, policy.Session, only)},
	} {
		g := guard.Guard{Simulators: []guard.Simulator{guard.Local{Source: guard.Static(set)}}}
		d, err := checked(t.Context(), &g, devRequest)
		if err != nil {
			t.Fatal(err)
		}
		told := make(map[string]bool)
		for _, f := range d.Findings {
			if f.Code == code && f.Fix != nil {
				for _, id := range f.Fix.Grants {
					told[id] = true
				}
			}
		}
		for _, id := range []string{guard.GrantDocument, guard.GrantResume, guard.GrantTerminate, guard.GrantDataChannel} {
			if !told[id] {
				t.Errorf("%s does not speak of %s:\n%s", code, id, listing(d.Findings))
			}
		}
	}
}

func statementsOf(t *testing.T, kind policy.Kind, texts []string) []policy.Statement {
	t.Helper()
	doc, err := policy.Parse(kind, kind.String(), []byte(`{"Version":"2012-10-17","Statement":[`+strings.Join(texts, ",")+`]}`))
	if err != nil {
		t.Fatal(err)
	}
	return doc.Statements
}

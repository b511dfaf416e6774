package finding

import (
	"context"
	"strings"
	"testing"

	"ssmguard/guard"
	"ssmguard/guard/guardtest"
	"ssmguard/guard/policy"
)

// TestAskFirst: who may ask for access is told to, unless the session is granted or
// nothing says that access can be asked for.
func TestAskFirst(t *testing.T) {
	const (
		request = `{"Effect":"Allow","Action":"ssm:StartAccessRequest","Resource":"arn:aws:ec2:*:*:instance/*"}`
		token   = `{"Effect":"Allow","Action":"ssm:GetAccessToken","Resource":"arn:aws:ssm:*:*:opsitem/oi-*"}`
		ask     = "aws ssm start-access-request --targets Key=InstanceIds,Values=i-0123456789abcdef0 --reason REASON --region us-east-1"
	)
	for _, test := range []struct {
		name    string
		texts   []string
		change  func(*guard.Request)
		session []string
		code    guard.Code // of the finding on the target; "" for none
		fix     string     // part of what to do
	}{
		{"both", []string{request, token}, nil, nil, "SG220", ask},
		{"the credentials are missing", []string{request}, nil, nil, "SG220", `add {"Effect":"Allow","Action":"ssm:GetAccessToken","Resource":"arn:aws:ssm:us-east-1:111122223333:opsitem/*"} to role/dev, then ask: ` + ask},
		{"the request is missing", []string{token}, nil, nil, "SG200", "add to role/dev"},
		{"of another node", []string{strings.Replace(request, "instance/*", "instance/i-0ffffffffffffffff", 1), token}, nil, nil, "SG200", "add to role/dev"},
		{"the session is granted", []string{request, token, `{"Effect":"Allow","Action":"ssm:*","Resource":"*"}`}, nil, nil, "", ""},
		{"denied", []string{request, token, `{"Effect":"Deny","Action":"ssm:GetAccessToken","Resource":"*"}`}, nil, nil, "SG220", "add "},
		{"a session policy forbids it", []string{request, token}, nil, []string{`{"Effect":"Allow","Action":"ec2:*","Resource":"*"}`}, "SG211", ""},
		{"a task", []string{request, token}, func(r *guard.Request) {
			r.Target = "ecs:prod_0123456789abcdef0123456789abcdef_0123456789abcdef0123456789abcdef-1234567890"
		}, nil, "SG200", ""},
		{"a name that a shell would take apart", []string{request, token}, func(r *guard.Request) { r.Region = "us-east-1;id" }, nil, "SG220", "--region 'us-east-1;id'"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := devRequest
			if test.change != nil {
				test.change(&r)
			}
			set := policy.Set{Identity: statementsOf(t, policy.Identity, test.texts)}
			if test.session != nil {
				set.Session = statementsOf(t, policy.Session, test.session)
			}
			g := guard.Guard{Simulators: []guard.Simulator{guard.Local{Source: guard.Static(set)}}}
			d, err := checked(t.Context(), &g, r)
			if err != nil {
				t.Fatal(err)
			}
			var codes []guard.Code
			for _, f := range d.Findings {
				if f.Grant != guard.GrantTarget {
					continue
				}
				codes = append(codes, f.Code)
				if f.Code == test.code && test.fix != "" && (f.Fix == nil || !strings.Contains(f.Fix.Text, test.fix)) {
					t.Errorf("fix %+v, want %s", f.Fix, test.fix)
				}
				if test.code == "SG220" && (f.Fix == nil || len(f.Fix.Changes) > 0) {
					t.Errorf("a policy is to be changed: %+v", f.Fix)
				}
			}
			if !containsCode(codes, test.code) {
				t.Errorf("found %v, want %q", codes, test.code)
			}
			if test.code == "SG220" && len(codes) != 1 {
				t.Errorf("found %v beside it", codes)
			}
		})
	}
}

func containsCode(codes []guard.Code, want guard.Code) bool {
	for _, c := range codes {
		if c == want {
			return true
		}
	}
	return want == "" && len(codes) == 0
}

// TestAskFirstBySimulation: where the policies cannot be read, IAM's simulation says
// whether access can be asked for.
func TestAskFirstBySimulation(t *testing.T) {
	for verdict, want := range map[policy.Verdict]guard.Code{policy.Allow: "SG220", policy.ImplicitDeny: "SG200", policy.Unknown: "SG200"} {
		g := guard.Guard{Simulators: []guard.Simulator{byAction{verdict}}}
		d, err := checked(t.Context(), &g, devRequest)
		if err != nil {
			t.Fatal(err)
		}
		if len(d.Findings) == 0 || d.Findings[0].Code != want {
			t.Errorf("%v: %s, want %s", verdict, listing(d.Findings), want)
		}
	}
}

// byAction denies sessions, and rules on just-in-time access as it is told.
type byAction struct{ access policy.Verdict }

func (byAction) Name() string { return "iam" }

func (b byAction) Simulate(ctx context.Context, c guard.Caller, gs []guard.Grant) ([]guard.Ruling, error) {
	rulings, err := guardtest.Opinion{Judge: "iam", Answer: says(policy.ImplicitDeny)}.Simulate(ctx, c, gs)
	for i, g := range gs {
		if g.Action == guard.ActionAccessRequest || g.Action == guard.ActionAccessToken {
			rulings[i].Answer = says(b.access)
		}
	}
	return rulings, err
}

// TestRefusedAccess: a refused step of just-in-time access is told as such, with the
// grant, and never with ssm:StartSession; a layer that others own keeps its rule.
func TestRefusedAccess(t *testing.T) {
	for message, want := range map[string]struct {
		code      guard.Code
		statement string
	}{
		"ssm:StartAccessRequest on resource: arn:aws:ec2:us-east-1:111122223333:instance/i-0123456789abcdef0 because no identity-based policy allows the ssm:StartAccessRequest action": {"SG221", `{"Effect":"Allow","Action":"ssm:StartAccessRequest","Resource":"arn:aws:ec2:us-east-1:111122223333:instance/i-0123456789abcdef0"}`},
		"ssm:GetAccessToken on resource: arn:aws:ssm:us-east-1:111122223333:opsitem/oi-0123456789ab":                                                                                    {"SG221", `{"Effect":"Allow","Action":"ssm:GetAccessToken","Resource":"arn:aws:ssm:us-east-1:111122223333:opsitem/oi-0123456789ab"}`},
		"ssm:StartAccessRequest on resource: arn:aws:ec2:us-east-1:111122223333:instance/i-0123456789abcdef0 with an explicit deny in a service control policy":                         {"SG603", ""},
	} {
		r, ok := ParseRefusal("User: arn:aws:sts::111122223333:assumed-role/dev/alice is not authorized to perform: " + message)
		if !ok {
			t.Fatal(message)
		}
		f := Refused(guard.Decision{}, r).Findings[0]
		var statement string
		if f.Fix != nil {
			for _, c := range f.Fix.Changes {
				statement += c.Statement
			}
		}
		if f.Code != want.code || statement != want.statement {
			t.Errorf("%s: %+v", f.Code, f)
		}
	}
}

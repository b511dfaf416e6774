package awsiam

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ssmguard/guard"
	"ssmguard/guard/policy"
)

var dev = guard.Caller{SessionARN: devSession, Principal: "arn:aws:iam::111122223333:role/dev", Account: "111122223333"}

func startGrant(set func(*policy.Context)) guard.Grant {
	g := guard.Grant{ID: guard.GrantTarget, Action: "ssm:StartSession", Resource: nodeARN}
	if set != nil {
		set(&g.Context)
	}
	return g
}

// simulator answers SimulatePrincipalPolicy with what decide says.
func simulator(decide func(entries map[string]string) (decision string, missing []string)) func(http.ResponseWriter, fakeCall) {
	return func(w http.ResponseWriter, c fakeCall) {
		decision, missing := decide(entriesOf(c))
		keys := ""
		for _, k := range missing {
			keys += "<member>" + k + "</member>"
		}
		resource := c.Form.Get("ResourceArns.member.1")
		result("SimulatePrincipalPolicy", fmt.Sprintf(`<EvaluationResults><member><EvalActionName>ssm:StartSession</EvalActionName><EvalDecision>%s</EvalDecision><EvalResourceName>*</EvalResourceName>
			<ResourceSpecificResults><member><EvalResourceName>%s</EvalResourceName><EvalResourceDecision>%[1]s</EvalResourceDecision><MissingContextValues>%[3]s</MissingContextValues></member></ResourceSpecificResults>
			</member></EvaluationResults><IsTruncated>false</IsTruncated>`, decision, resource, keys))(w, c)
	}
}

// entriesOf reads the context entries of a call: the values by key, joined.
func entriesOf(c fakeCall) map[string]string {
	m := make(map[string]string)
	for i := 1; ; i++ {
		p := fmt.Sprintf("ContextEntries.member.%d.", i)
		name := c.Form.Get(p + "ContextKeyName")
		if name == "" {
			return m
		}
		var values []string
		for j := 1; c.Form.Has(fmt.Sprintf("%sContextKeyValues.member.%d", p, j)); j++ {
			values = append(values, c.Form.Get(fmt.Sprintf("%sContextKeyValues.member.%d", p, j)))
		}
		m[name] = c.Form.Get(p+"ContextKeyType") + " " + strings.Join(values, ",")
	}
}

func TestSimulateUnknownKeys(t *testing.T) {
	mfaUnknown := func(c *policy.Context) { c.SetUnknown(mfaPresent) }
	const accessCheck = "ssm:SessionDocumentAccessCheck"
	accessUnknown := func(c *policy.Context) { c.SetOneOf(accessCheck, "true") }
	for _, tt := range []struct {
		name   string
		set    func(*policy.Context)
		decide func(map[string]string) (string, []string)
		want   policy.Answer
		calls  int
	}{
		{"an MFA guard denies whoever shows no MFA, which proves nothing", mfaUnknown, func(e map[string]string) (string, []string) {
			if e[mfaPresent] == "boolean true" {
				return "allowed", nil
			}
			return "explicitDeny", []string{mfaPresent}
		}, policy.Answer{Verdict: policy.ExplicitDeny, DependsOn: []string{mfaPresent}}, 3},
		{"denied with MFA and without", mfaUnknown, func(map[string]string) (string, []string) { return "implicitDeny", []string{mfaPresent} },
			policy.Answer{Verdict: policy.ImplicitDeny}, 3},
		{"allowed with MFA and without", mfaUnknown, func(map[string]string) (string, []string) { return "allowed", []string{mfaPresent} },
			policy.Answer{Verdict: policy.Allow}, 3},
		{"allowed only without MFA", mfaUnknown, func(e map[string]string) (string, []string) {
			if e[mfaPresent] == "" {
				return "allowed", []string{mfaPresent}
			}
			return "explicitDeny", nil
		}, policy.Answer{Verdict: policy.Unknown, DependsOn: []string{mfaPresent}}, 3},
		{"a key known to be absent was simulated rightly", func(c *policy.Context) { c.SetAbsent(mfaPresent) },
			func(map[string]string) (string, []string) { return "explicitDeny", []string{mfaPresent} },
			policy.Answer{Verdict: policy.ExplicitDeny}, 1},
		{"a key of many values is not tried", func(c *policy.Context) { c.SetUnknown("aws:*") },
			func(map[string]string) (string, []string) { return "implicitDeny", []string{"aws:SourceIp"} },
			policy.Answer{Verdict: policy.ImplicitDeny, DependsOn: []string{"aws:SourceIp"}}, 1},
		{"allowed with the access check true and without", accessUnknown, func(e map[string]string) (string, []string) {
			if e[accessCheck] == "boolean false" {
				return "implicitDeny", nil
			}
			return "allowed", []string{accessCheck}
		}, policy.Answer{Verdict: policy.Allow}, 2},
		{"denied with the access check true and without", accessUnknown, func(e map[string]string) (string, []string) {
			if e[accessCheck] == "boolean false" {
				return "allowed", nil
			}
			return "explicitDeny", []string{accessCheck}
		}, policy.Answer{Verdict: policy.ExplicitDeny}, 2},
		{"allowed only with the access check true", accessUnknown, func(e map[string]string) (string, []string) {
			if e[accessCheck] == "boolean true" {
				return "allowed", nil
			}
			return "implicitDeny", []string{accessCheck}
		}, policy.Answer{Verdict: policy.ImplicitDeny, DependsOn: []string{accessCheck}}, 2},
		{"a deny without a statement is an SCP's, and keys of it are not named", func(c *policy.Context) { c.SetUnknown("*") },
			func(map[string]string) (string, []string) { return "explicitDeny", nil },
			policy.Answer{Verdict: policy.ExplicitDeny, Layers: []policy.LayerAnswer{{Layer: policy.SCP, Verdict: policy.ExplicitDeny}}, DependsOn: []string{"scp"}}, 1},
		{"nothing is missing", func(c *policy.Context) { c.SetUnknown("*") },
			func(map[string]string) (string, []string) { return "implicitDeny", nil },
			policy.Answer{Verdict: policy.ImplicitDeny}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, f := newFake(t, Options{}, map[string]func(http.ResponseWriter, fakeCall){"SimulatePrincipalPolicy": simulator(tt.decide)})
			rulings, err := c.Simulate(t.Context(), dev, []guard.Grant{startGrant(tt.set)})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, rulings[0].Answer); diff != "" {
				t.Error(diff)
			}
			if n := f.count("SimulatePrincipalPolicy"); n != tt.calls {
				t.Errorf("%d calls, want %d", n, tt.calls)
			}
		})
	}
}

// TestSimulateOrganization: an explicit deny of the organization is proven by a call that AWS
// refuses for the same reason; that it turns on the region shows in another region.
func TestSimulateOrganization(t *testing.T) {
	const (
		byOrganization = "User: arn:aws:sts::111122223333:assumed-role/dev/ann is not authorized to perform: ssm:DescribeInstanceInformation on resource: * with an explicit deny in a service control policy: arn:aws:organizations::777788889999:policy/o-exampleorgid/service_control_policy/p-examplepolicyid123"
		byIdentity     = "User: arn:aws:sts::111122223333:assumed-role/dev/ann is not authorized to perform: ssm:DescribeInstanceInformation on resource: * because no identity-based policy allows the ssm:DescribeInstanceInformation action"
	)
	permitted := func(region string) func(map[string]string) (string, []string) {
		return func(e map[string]string) (string, []string) {
			if e["aws:RequestedRegion"] == "string "+region {
				return "allowed", nil
			}
			return "explicitDeny", nil
		}
	}
	for name, tt := range map[string]struct {
		partition, region, permits, refusal string
		seen                                bool
		key                                 string
	}{
		"a region":                              {"aws", "ap-south-1", "us-west-2", byOrganization, true, guard.KeyRegion},
		"a region, and a key that nobody sees":  {"aws", "ap-south-1", "us-west-2", "", false, guard.KeyRegion},
		"a region, and a call for want of more": {"aws", "ap-south-1", "us-west-2", byIdentity, false, guard.KeyRegion},
		"every region":                          {"aws", "us-east-1", "", byOrganization, true, ""},
		"every region, or a perimeter":          {"aws", "us-east-1", "", "", false, ""},
		"a region of China":                     {"aws-cn", "cn-northwest-1", "cn-north-1", byOrganization, true, guard.KeyRegion},
		"a region of GovCloud":                  {"aws-us-gov", "us-gov-west-1", "us-gov-east-1", byOrganization, true, guard.KeyRegion},
	} {
		t.Run(name, func(t *testing.T) {
			like := text(`{"InstanceInformationList":[]}`)
			if tt.refusal != "" {
				like = func(w http.ResponseWriter, _ fakeCall) {
					w.Header().Set("Content-Type", "application/x-amz-json-1.1")
					w.WriteHeader(http.StatusBadRequest)
					fmt.Fprintf(w, `{"__type":"AccessDeniedException","message":%q}`, tt.refusal)
				}
			}
			c, f := newFake(t, Options{}, map[string]func(http.ResponseWriter, fakeCall){
				"SimulatePrincipalPolicy": simulator(permitted(tt.permits)), "DescribeInstanceInformation": like})
			g := startGrant(func(c *policy.Context) {
				c.SetUnknown("*")
				c.Set(guard.KeyRegion, tt.region)
			})
			g.Resource = "arn:" + tt.partition + ":ec2:" + tt.region + ":111122223333:instance/i-0123456789abcdef0"
			rulings, err := c.Simulate(t.Context(), dev, []guard.Grant{g, g})
			if err != nil {
				t.Fatal(err)
			}
			want := policy.Answer{Verdict: policy.ExplicitDeny, Layers: []policy.LayerAnswer{{Layer: policy.SCP, Verdict: policy.ExplicitDeny, Seen: tt.seen, Key: tt.key}}}
			if !tt.seen {
				want.DependsOn = []string{"scp"}
			}
			if diff := cmp.Diff(want, rulings[1].Answer); diff != "" {
				t.Error(diff)
			}
			if n := f.count("DescribeInstanceInformation"); n != 1 {
				t.Errorf("%d calls to see whether AWS refuses them, want 1", n)
			}
		})
	}
}

// One call for each grant, with that grant's own keys and types.
func TestSimulateSendsEachGrantItsOwnContext(t *testing.T) {
	seen := make(chan fakeCall, 2)
	c, _ := newFake(t, Options{}, map[string]func(http.ResponseWriter, fakeCall){
		"SimulatePrincipalPolicy": func(w http.ResponseWriter, call fakeCall) {
			seen <- call
			simulator(func(map[string]string) (string, []string) { return "allowed", nil })(w, call)
		},
	})
	target := startGrant(func(k *policy.Context) {
		k.Set("ssm:resourceTag/Name", "bastion")
		k.Set("aws:ViaAWSService", "false")
		k.SetMulti("aws:TagKeys", "a", "b")
		k.Set("aws:CurrentTime", "2026-11-21T00:00:00Z")
		k.SetUnknown("aws:SourceIp")
	})
	document := guard.Grant{ID: guard.GrantDocument, Action: "ssm:StartSession", Resource: documentARN}
	document.Context.Set("aws:RequestedRegion", "eu-central-1")
	rulings, err := c.Simulate(t.Context(), dev, []guard.Grant{target, document})
	if err != nil {
		t.Fatal(err)
	}
	if rulings[0].Grant.ID != guard.GrantTarget || rulings[1].Grant.ID != guard.GrantDocument || rulings[0].Judge != "iam" {
		t.Errorf("rulings %+v", rulings)
	}
	want := map[string]map[string]string{
		nodeARN: {
			"ssm:resourceTag/Name": "string bastion", "aws:ViaAWSService": "boolean false",
			"aws:TagKeys": "stringList a,b", "aws:CurrentTime": "date 2026-11-21T00:00:00Z",
		},
		documentARN: {"aws:RequestedRegion": "string eu-central-1"},
	}
	got := make(map[string]map[string]string)
	for range 2 {
		call := <-seen
		if call.Form.Get("PolicySourceArn") != dev.Principal || call.Form.Has("ResourceArns.member.2") {
			t.Errorf("call %v", call.Form)
		}
		got[call.Form.Get("ResourceArns.member.1")] = entriesOf(call)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestSimulatePages(t *testing.T) {
	c, f := newFake(t, Options{}, map[string]func(http.ResponseWriter, fakeCall){
		"SimulatePrincipalPolicy": func(w http.ResponseWriter, call fakeCall) {
			if call.Form.Get("Marker") == "" {
				result("SimulatePrincipalPolicy", `<EvaluationResults/><IsTruncated>true</IsTruncated><Marker>next</Marker>`)(w, call)
				return
			}
			simulator(func(map[string]string) (string, []string) { return "allowed", nil })(w, call)
		},
	})
	rulings, err := c.Simulate(t.Context(), dev, []guard.Grant{startGrant(nil)})
	if err != nil || rulings[0].Answer.Verdict != policy.Allow {
		t.Errorf("%v, %v", rulings, err)
	}
	if n := f.count("SimulatePrincipalPolicy"); n != 2 {
		t.Errorf("%d calls", n)
	}
}

func TestSimulateEndlessPages(t *testing.T) {
	c, _ := newFake(t, Options{}, map[string]func(http.ResponseWriter, fakeCall){
		"SimulatePrincipalPolicy": result("SimulatePrincipalPolicy", `<EvaluationResults/><IsTruncated>true</IsTruncated><Marker>again</Marker>`),
	})
	if _, err := c.Simulate(t.Context(), dev, []guard.Grant{startGrant(nil)}); KindOf(err) != KindUnreachable {
		t.Errorf("error %v", err)
	}
}

func TestSimulateNotVisible(t *testing.T) {
	for _, tt := range []struct {
		name, permission string
		caller           guard.Caller
		answer           func(http.ResponseWriter, fakeCall)
	}{
		{"refused", simulateOp, dev, denied},
		{"unknown to IAM", "iam:GetRole", dev, failure(404, "NoSuchEntity")},
		{"path unknown, and not without one", "iam:GetRole", guard.Caller{SessionARN: devSession}, failure(404, "NoSuchEntity")},
		{"GetSessionToken without MFA", simulateOp, guard.Caller{SessionARN: "arn:aws:iam::111122223333:user/ann", Principal: "arn:aws:iam::111122223333:user/ann"}, failure(403, "InvalidClientTokenId")},
		{"federated user", simulateOp, guard.Caller{SessionARN: "arn:aws:sts::111122223333:federated-user/ann"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, f := newFake(t, Options{}, map[string]func(http.ResponseWriter, fakeCall){"SimulatePrincipalPolicy": tt.answer})
			rulings, err := c.Simulate(t.Context(), tt.caller, []guard.Grant{startGrant(nil), startGrant(nil)})
			var unseen *guard.NotVisible
			if !errors.As(err, &unseen) || unseen.Permission != tt.permission {
				t.Errorf("error %v", err)
			}
			if len(rulings) != 2 || rulings[0].Answer.Verdict != policy.Unknown {
				t.Errorf("rulings %+v", rulings)
			}
			if tt.answer == nil && f.count("SimulatePrincipalPolicy") > 0 {
				t.Error("asked in vain")
			}
		})
	}
}

func TestSimulateRootAsksNothing(t *testing.T) {
	c, f := newFake(t, Options{}, nil)
	rulings, err := c.Simulate(t.Context(), guard.Caller{SessionARN: "arn:aws:iam::111122223333:root"}, []guard.Grant{startGrant(nil)})
	if err != nil || len(rulings) != 1 || rulings[0].Answer.Verdict != policy.Unknown || len(f.calls) > 0 {
		t.Errorf("%v, %v, %v", rulings, err, f.calls)
	}
}

// A permission set's role whose path cannot be read is found among the likely ones.
func TestSimulateFindsSSORole(t *testing.T) {
	const session = "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Dev_0123456789abcdef/ann"
	const home = "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Dev_0123456789abcdef"
	allow := simulator(func(map[string]string) (string, []string) { return "allowed", nil })
	c, f := newFake(t, Options{}, map[string]func(http.ResponseWriter, fakeCall){
		"SimulatePrincipalPolicy": func(w http.ResponseWriter, call fakeCall) {
			if call.Form.Get("PolicySourceArn") != home {
				failure(404, "NoSuchEntity")(w, call)
				return
			}
			allow(w, call)
		},
	})
	rulings, err := c.Simulate(t.Context(), guard.Caller{SessionARN: session}, []guard.Grant{startGrant(nil), startGrant(nil)})
	if err != nil || slices.ContainsFunc(rulings, func(r guard.Ruling) bool { return r.Answer.Verdict != policy.Allow }) {
		t.Errorf("%v, %v", rulings, err)
	}
	if n := f.count("SimulatePrincipalPolicy"); n > len(homeRegions)+1+2 {
		t.Errorf("%d calls", n)
	}
}

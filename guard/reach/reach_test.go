package reach

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"ssmguard/guard"
	"ssmguard/guard/policy"
)

// parsed returns the policy of some statements.
func parsed(t testing.TB, statements string) *Policy {
	t.Helper()
	d, err := policy.Parse(policy.Identity, "p", []byte(`{"Version":"2012-10-17","Statement":[`+statements+`]}`))
	if err != nil {
		t.Fatalf("%v\n%s", err, statements)
	}
	return &Policy{Statements: d.Statements}
}

// role returns a role of the account with policies.
func role(name string, policies ...*Policy) Principal {
	p := Principal{Caller: guard.Caller{SessionARN: "arn:aws:sts::111122223333:assumed-role/" + name + "/session", Principal: "arn:aws:iam::111122223333:role/" + name,
		Account: "111122223333", Partition: "aws", Unknown: []string{guard.UnknownCredentials}}}
	for i, x := range policies {
		p.Identity = append(p.Identity, Attachment{x, fmt.Sprintf("%s's policy %d", name, i+1)})
	}
	return p
}

func user(name string, policies ...*Policy) Principal {
	p := role(name, policies...)
	p.Caller.SessionARN, p.Caller.Principal = "arn:aws:iam::111122223333:user/"+name, "arn:aws:iam::111122223333:user/"+name
	p.Caller.UserID = "AIDA" + strings.ToUpper(name)
	return p
}

// cells returns what Decide answers on every request.
func cells(t testing.TB, a *Account) map[[3]int]string {
	t.Helper()
	all := make(map[[3]int]string)
	err := a.Decide(func(g Group) error {
		for _, p := range g.Principals {
			for _, b := range g.Blocks {
				for _, target := range b.Targets {
					for _, document := range b.Documents {
						for _, i := range target.Items {
							for _, d := range document.Items {
								at := [3]int{p, i, d}
								if all[at] != "" {
									t.Fatalf("%v is answered twice", at)
								}
								all[at] = fmt.Sprintf("%v: %s; %s", Session(target.Answer.Verdict, document.Answer.Verdict), a.told(p, target.Answer), a.told(p, document.Answer))
							}
						}
					}
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := len(a.Principals) * len(a.Targets) * len(a.Documents); len(all) != want {
		t.Fatalf("%d requests are answered, not %d", len(all), want)
	}
	return all
}

// told writes an answer as it is compared.
func (a *Account) told(p int, answer Answer) string {
	var by []string
	for _, r := range answer.By {
		by = append(by, fmt.Sprintf("%s, %d of %s", a.Principals[p].NameOf(r), r.At.Index, r.Layer))
	}
	slices.Sort(by)
	return fmt.Sprintf("%v %q %v %q", answer.Verdict, slices.Compact(by), answer.Lacking, answer.Open)
}

// single returns what guard answers on one request.
func (a *Account) single(t testing.TB, at [3]int) string {
	t.Helper()
	r, f := a.Request(at[0], at[1], at[2])
	set := a.named(at[0])
	g := guard.Guard{Inventory: stated(f), Simulators: []guard.Simulator{guard.Local{Source: guard.Static(set)}}}
	d, err := g.Check(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	parts := make([]string, 2)
	for _, r := range d.Rulings {
		answer := answerOf(r.Answer, set, nil)
		switch r.Grant.ID {
		case guard.GrantTarget:
			parts[0] = a.told(at[0], answer)
		case guard.GrantDocument:
			parts[1] = a.told(at[0], answer)
		}
	}
	return fmt.Sprintf("%v: %s; %s", d.Verdict(), parts[0], parts[1])
}

// named is Account.Set with the names of the policies as sources.
func (a *Account) named(principal int) policy.Set {
	p := &a.Principals[principal]
	s := a.Set(principal)
	s.Identity, s.Boundary = nil, s.Boundary[:0:0]
	if p.Bounded {
		s.Boundary = []policy.Statement{}
	}
	take := func(to []policy.Statement, at Attachment) []policy.Statement {
		for _, x := range at.Policy.Statements {
			x.At.Source = at.Name
			to = append(to, x)
		}
		return to
	}
	seen := make(map[*Policy]bool)
	for _, at := range p.Identity {
		if !seen[at.Policy] {
			s.Identity = take(s.Identity, at)
		}
		seen[at.Policy] = true
	}
	if p.Boundary != nil {
		s.Boundary = take(s.Boundary, *p.Boundary)
	}
	return s
}

type stated guard.Facts

func (s stated) Facts(context.Context, guard.Request) (guard.Facts, error) {
	return guard.Facts(s), nil
}

// randomAccount returns a small account with what policies can turn on.
func randomAccount(t testing.TB, r *rand.Rand) *Account {
	pick := func(all ...string) string { return all[r.IntN(len(all))] }
	chance := func(one int) bool { return r.IntN(one) == 0 }
	statements := func(n int) string {
		var all []string
		for range n {
			effect := pick("Allow", "Allow", "Allow", "Deny")
			action := pick(`"ssm:StartSession"`, `"ssm:*"`, `"*"`, `"s3:GetObject"`, `["ssm:StartSession","ssm:TerminateSession"]`)
			element := pick("Resource", "Resource", "Resource", "Resource", "NotResource")
			var resources []string
			for range 1 + r.IntN(3) {
				resources = append(resources, strconv.Quote(pick("*", "*", "arn:aws:ec2:*:*:instance/*", "arn:aws:ec2:eu-west-1:111122223333:instance/i-a*", "arn:aws:ec2:*:*:instance/i-bbbbbbbb",
					"arn:aws:ssm:*:*:document/*", "arn:aws:ssm:*::document/AWS-*", "arn:aws:ssm:*:*:document/Corp-?", "arn:aws:ssm:*:*:document/SSM-SessionManagerRunShell",
					"arn:aws:ssm:*:*:managed-instance/*", "arn:aws:ssm:*:*:session/${aws:username}-*", "arn:aws:ec2:*:*:instance/i-${aws:PrincipalTag/team}*",
					"arn:aws:ssm:*:*:document/Corp-${aws:PrincipalTag/team, 'A'}", "arn:aws:s3:::bucket/*", "arn:aws:ssm:${aws:RequestedRegion}:*:document/*", "arn:aws:ssm:us-*:*:*")))
			}
			var conditions []string
			seen := make(map[string]bool)
			for range r.IntN(3) {
				c := pick(`"StringEquals":{"ssm:resourceTag/Name":["a","b"]}`, `"StringLike":{"aws:ResourceTag/name":"a*"}`, `"StringNotEquals":{"ssm:resourceTag/Name":"b"}`,
					`"StringEqualsIfExists":{"ssm:resourceTag/Env":"prod"}`, `"Null":{"ssm:resourceTag/Env":"false"}`, `"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}`,
					`"Bool":{"aws:MultiFactorAuthPresent":"true"}`, `"BoolIfExists":{"ssm:SessionDocumentAccessCheck":"true"}`, `"StringEquals":{"aws:PrincipalTag/team":"a"}`,
					`"StringEquals":{"ssm:resourceTag/Name":"${aws:PrincipalTag/team}"}`, `"StringLike":{"ssm:resourceTag/Name":["${aws:PrincipalTag/team, 'a'}*","${aws:username}"]}`,
					`"StringNotEqualsIfExists":{"aws:ResourceTag/Env":["${aws:PrincipalTag/Env}","b"]}`, `"ForAnyValue:StringEquals":{"ssm:resourceTag/team":["a","${aws:userid}"]}`, `"StringEquals":{"ssm:resourceTag/team":"${ssm:resourceTag/Name}"}`, `"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/r1*"}`, `"ArnNotLike":{"aws:PrincipalArn":["arn:aws:iam::*:role/r2","arn:aws:iam::*:user/*"]}`,
					`"StringLike":{"aws:username":"u1*"}`, `"StringEquals":{"aws:userid":"AIDAU2"}`, `"StringLike":{"aws:userid":"*:${aws:username}"}`, `"StringEquals":{"aws:RequestedRegion":"eu-west-1"}`,
					`"StringEquals":{"aws:PrincipalType":"User"}`, `"DateGreaterThan":{"aws:CurrentTime":"2026-01-01T00:00:00Z"}`, `"DateLessThan":{"aws:CurrentTime":"2026-11-29T12:03:00Z"}`,
					`"StringEquals":{"aws:ResourceAccount":"${aws:PrincipalAccount}"}`, `"StringEquals":{"ssm:DocumentType":"Session"}`, `"Bool":{"aws:ViaAWSService":"true"}`)
				operator, _, _ := strings.Cut(c, ":{")
				if !seen[operator] {
					seen[operator] = true
					conditions = append(conditions, c)
				}
			}
			all = append(all, fmt.Sprintf(`{"Effect":%q,"Action":%s,%q:[%s],"Condition":{%s}}`, effect, action, element, strings.Join(resources, ","), strings.Join(conditions, ",")))
		}
		return strings.Join(all, ",")
	}
	tags := func() map[string]string {
		all := make(map[string]string)
		for _, key := range []string{"Name", "name", "Env", "team"} {
			if chance(3) {
				all[key] = pick("a", "b", "ab", "prod", "")
			}
		}
		return all
	}
	a := &Account{At: time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)}
	var policies []*Policy
	for range 4 {
		policies = append(policies, parsed(t, statements(1+r.IntN(3))))
	}
	anything := parsed(t, `{"Effect":"Allow","Action":"*","Resource":"*"}`)
	for i := range 6 {
		var own []*Policy
		for range r.IntN(3) {
			own = append(own, policies[r.IntN(len(policies))])
		}
		p := role(fmt.Sprintf("r%d", i), own...)
		if chance(2) {
			p = user(fmt.Sprintf("u%d", i), own...)
		}
		p.Caller.Tags = tags()
		if chance(4) {
			p.Caller.Unknown = append(p.Caller.Unknown, guard.UnknownSessionTags)
		}
		if chance(3) {
			p.Bounded, p.Boundary = true, &Attachment{policies[r.IntN(len(policies))], "boundary"}
		}
		if chance(6) {
			p.Partial = []policy.Kind{policy.Identity}
		}
		if chance(8) {
			p.Bounded, p.Boundary, p.Partial = true, nil, append(p.Partial, policy.Boundary)
		}
		p.Linked = chance(8)
		a.Principals = append(a.Principals, p)
	}
	if chance(2) {
		a.SCP = [][]policy.Statement{anything.Statements, slices.Concat(anything.Statements, parsed(t, statements(1)).Statements)}
	}
	if chance(6) {
		a.Partial = []policy.Kind{policy.SCP}
	}
	if chance(6) {
		a.Context = map[string][]string{"aws:SourceIp": {"10.1.2.3"}, "aws:PrincipalTag/team": {"b"}}
	}
	a.Closed = chance(6)
	for _, id := range []string{"i-aaaaaaaa", "i-bbbbbbbb", "i-abababab", "mi-0123456789abcdef0", "i-cccccccc"} {
		a.Targets = append(a.Targets, Target{ID: id, Region: pick("eu-west-1", "eu-west-1", "us-east-1"), Tags: tags(), Untold: chance(6)})
	}
	if chance(5) {
		a.Targets[r.IntN(len(a.Targets))].Region = ""
	}
	for _, d := range []Document{{}, {Name: "AWS-StartSSHSession"}, {Name: "Corp-A", Type: "Session", Owner: "111122223333"}, {Name: "Corp-a", Untold: true}, {Name: "arn:aws:ssm:eu-west-1:444455556666:document/Corp-B", Untold: true}} {
		if d.Name != "" && d.Owner != "" {
			d.Tags = tags()
		}
		a.Documents = append(a.Documents, d)
	}
	return a
}

// Every answer is the one that guard gives to the request by itself, with the same statements
// and the same open keys. The number of accounts is REACH_ACCOUNTS, or as many as a test of
// every day may take.
func TestAgreesWithAskingOneByOne(t *testing.T) {
	count, seed := 60, uint64(7)
	if n, err := strconv.Atoi(os.Getenv("REACH_ACCOUNTS")); err == nil {
		count, seed = n, rand.Uint64()
	}
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	verdicts := make(map[string]int)
	for n := range count {
		a := randomAccount(t, r)
		for at, got := range cells(t, a) {
			verdict, _, _ := strings.Cut(got, ":")
			verdicts[verdict]++
			if want := a.single(t, at); got != want {
				t.Errorf("account %d, %s on %s with %q:\n got %s\nwant %s", n, a.Principals[at[0]].Caller.Principal, a.Targets[at[1]].ID, a.Documents[at[2]].Name, got, want)
				break
			}
		}
	}
	t.Logf("%v", verdicts)
	for _, verdict := range []string{"allowed", "implicitDeny", "explicitDeny", "unknown"} {
		if verdicts[verdict] == 0 {
			t.Errorf("no request is %s", verdict)
		}
	}
}

// What policies cannot tell apart is decided once: roles with equal texts, and statements about
// sessions, names and other actions, are one group, and targets are told apart by what is named.
func TestAlikeIsDecidedOnce(t *testing.T) {
	bastions := parsed(t, `{"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ec2:*:*:instance/*","Condition":{"StringEquals":{"ssm:resourceTag/Name":"a"}}},
		{"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ssm:*::document/AWS-*"}`)
	a := &Account{Documents: []Document{{}, {Name: "AWS-StartSSHSession"}, {Name: "AWS-StartPortForwardingSession"}}}
	for i := range 100 {
		own := parsed(t, fmt.Sprintf(`{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::bucket-%d/*"},{"Effect":"Allow","Action":["ssm:StartSession","ssm:TerminateSession"],"Resource":"arn:aws:ssm:*:*:session/${aws:username}-*"}`, i))
		a.Principals = append(a.Principals, role(fmt.Sprintf("r%d", i), own, bastions))
		a.Targets = append(a.Targets, Target{ID: fmt.Sprintf("i-%08x", i), Region: "eu-west-1", Tags: map[string]string{"Name": string(rune('a' + i%2)), "Other": fmt.Sprint(i)}})
	}
	deny := parsed(t, `{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/r7*"}}}`)
	a.SCP = [][]policy.Statement{deny.Statements}
	var shape []string
	if err := a.Decide(func(g Group) error {
		shape = append(shape, fmt.Sprintf("%d principals, %d and %d classes", len(g.Principals), len(g.Blocks[0].Targets), len(g.Blocks[0].Documents)))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	slices.Sort(shape)
	if want := []string{"11 principals, 1 and 1 classes", "89 principals, 2 and 2 classes"}; !slices.Equal(shape, want) {
		t.Errorf("%q", shape)
	}
	stop := fmt.Errorf("enough")
	if err := a.Decide(func(Group) error { return stop }); err != stop {
		t.Errorf("%v", err)
	}
}

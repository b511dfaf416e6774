package guard

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"ssmguard/guard/policy"
)

// worldAt is when random requests are made.
var worldAt = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

// worldKey is a condition key as AWS fills it, told here once more and apart from
// keyTable: with which callers it may be in a request, and with which values.
type worldKey struct {
	name     string
	callers  string // of "u" long-term keys, "t" GetSessionToken, "r" role, "f" federated, "R" root: those who may have it
	always   string // those who always have it
	resource string // the grants that may have it, with a blank between; "" for all
	values   []string
}

var worldKeys = []worldKey{
	{"aws:MultiFactorAuthPresent", "trfR", "", "", []string{"true", "false"}},
	{"aws:MultiFactorAuthAge", "trR", "", "", []string{"0", "300", "3599", "3600", "86400"}},
	{"aws:TokenIssueTime", "trfR", "trf", "", []string{"2026-11-29T11:00:00Z", "2026-11-29T03:00:00Z"}},
	{"aws:SourceIp", "utrfR", "", "", []string{"203.0.113.7", "198.51.100.9", "10.1.2.3", "2001:db8::1"}},
	{"aws:SourceVpc", "utrfR", "", "", []string{"vpc-1", "vpc-2"}},
	{"aws:SourceVpce", "utrfR", "", "", []string{"vpce-1", "vpce-2"}},
	{"aws:VpcSourceIp", "utrfR", "", "", []string{"10.1.2.3", "10.9.9.9"}},
	{"aws:UserAgent", "utrfR", "", "", []string{"aws-cli/2.31", "Boto3/1.43"}},
	{"aws:PrincipalOrgID", "utrfR", "", "", []string{"o-a1b2c3d4e5", "o-f6g7h8i9j0"}},
	{"aws:ResourceOrgID", "utrfR", "", GrantTarget + " " + GrantTerminate + " " + GrantResume, []string{"o-a1b2c3d4e5", "o-f6g7h8i9j0"}},
	{"aws:PrincipalTag/team", "utrf", "", "", []string{"web", "data", "Web"}},
	{"aws:SourceIdentity", "r", "", "", []string{"alice", "bob"}},
	{"aws:FederatedProvider", "r", "", "", []string{"arn:aws:iam::111122223333:saml-provider/corp", "accounts.google.com"}},
	{"aws:Ec2InstanceSourceVpc", "r", "", "", []string{"vpc-1", "vpc-2"}},
	{"token.actions.githubusercontent.com:sub", "r", "", "", []string{"repo:a/b:ref:refs/heads/main", "repo:c/d:pull_request"}},
	{"saml:aud", "r", "", "", []string{"https://signin.aws.amazon.com/saml"}},
	{"identitystore:UserId", "r", "", "", []string{"90671a2b-1", "90671a2b-2"}},
	{"aws:ViaAWSMCPService", "utrfR", "", "", []string{"false"}},
	{"aws:IsMcpServiceAction", "utrfR", "", "", []string{"false"}},
	{"ssm:SessionDocumentAccessCheck", "utrfR", "", GrantTarget + " " + GrantDocument, []string{"true"}},
	{"ssm:resourceTag/Name", "utrfR", "", GrantTarget, []string{"bastion", "web-1", "web-2"}},
	{"ssm:resourceTag/team", "utrfR", "", GrantTarget, []string{"web", "data"}},
}

// worldAsks are conditions that ask for these keys, and for some that no such request has.
var worldAsks = []string{
	`"Bool":{"KEY":"true"}`, `"Bool":{"KEY":"false"}`, `"BoolIfExists":{"KEY":"true"}`, `"BoolIfExists":{"KEY":"false"}`,
	`"StringEquals":{"KEY":"VALUE"}`, `"StringNotEquals":{"KEY":"VALUE"}`, `"StringEqualsIfExists":{"KEY":"VALUE"}`,
	`"StringNotEqualsIfExists":{"KEY":["VALUE","VALUE"]}`, `"StringLike":{"KEY":["*-1","VALUE"]}`, `"StringNotLike":{"KEY":"*1*"}`,
	`"Null":{"KEY":"true"}`, `"Null":{"KEY":"false"}`, `"ForAnyValue:StringEquals":{"KEY":"VALUE"}`, `"ForAllValues:StringEquals":{"KEY":"VALUE"}`,
	`"StringEquals":{"KEY":"VALUE"},"Null":{"OTHER":"false"}`, `"StringNotEquals":{"KEY":"VALUE","OTHER":"${aws:PrincipalTag/team}"}`,
	`"StringEquals":{"ssm:resourceTag/team":"${aws:PrincipalTag/team}"}`, `"StringNotEquals":{"ssm:resourceTag/team":"${aws:PrincipalTag/team}"}`,
	`"StringEquals":{"aws:ResourceOrgID":"${aws:PrincipalOrgID}"}`, `"StringNotEqualsIfExists":{"aws:ResourceOrgID":"${aws:PrincipalOrgID}"}`,
	`"StringLike":{"ssm:resourceTag/aws:ssmmessages:session-id":"${aws:userid}*"}`, `"StringNotEquals":{"ssm:resourceTag/aws:ssmmessages:session-id":"${aws:userid}"}`,
	`"StringNotLike":{"aws:userid":"AROAEXAMPLEADMIN00001:*"}`, `"StringEquals":{"aws:ResourceAccount":"${aws:PrincipalAccount}"}`,
	`"IpAddress":{"aws:SourceIp":["203.0.113.0/24","10.0.0.0/8"]}`, `"NotIpAddress":{"aws:SourceIp":"0.0.0.0/0"}`, `"NotIpAddressIfExists":{"aws:VpcSourceIp":"10.1.0.0/16"}`,
	`"NumericLessThan":{"aws:MultiFactorAuthAge":"3600"}`, `"NumericGreaterThanIfExists":{"aws:MultiFactorAuthAge":"3600"}`,
	`"DateGreaterThan":{"aws:CurrentTime":"2026-01-01T00:00:00Z"}`, `"DateLessThan":{"aws:TokenIssueTime":"2026-11-29T10:00:00Z"}`,
	`"StringEquals":{"ec2:ResourceTag/Name":"bastion"}`, `"StringNotEquals":{"aws:CalledViaAWSMCP":"aws-mcp.amazonaws.com"}`, `"StringEquals":{"ssm:DocumentType":"Session"}`,
}

// worldRandom makes policies, requests, and the requests as AWS may see them.
type worldRandom struct{ *rand.Rand }

func (w worldRandom) one(list []string) string { return list[w.IntN(len(list))] }

func (w worldRandom) statement() string {
	key, other := worldKeys[w.IntN(len(worldKeys))], worldKeys[w.IntN(len(worldKeys))]
	for other.name == key.name {
		other = worldKeys[w.IntN(len(worldKeys))]
	}
	effect := w.one([]string{"Allow", "Allow", "Deny"})
	s := `{"Effect":"` + effect + `","Action":` + w.one([]string{`"*"`, `"ssm:*"`, `"ssm:StartSession"`}) + `,"Resource":` +
		w.one([]string{`"*"`, `"*"`, `"arn:aws:ec2:*:*:instance/*"`, `"arn:aws:ssm:*:*:document/*"`, `"arn:aws:ssm:*:*:session/${aws:username}-*"`})
	if w.IntN(4) > 0 {
		ask := strings.NewReplacer("KEY", key.name, "OTHER", other.name).Replace(w.one(worldAsks))
		for strings.Contains(ask, "VALUE") {
			ask = strings.Replace(ask, "VALUE", w.one(key.values), 1)
		}
		s += `,"Condition":{` + ask + `}`
	}
	return s + "}"
}

func (w worldRandom) layer(t *testing.T, kind policy.Kind, n int) []policy.Statement {
	t.Helper()
	list := make([]string, n)
	for i := range list {
		list[i] = w.statement()
	}
	doc, err := policy.Parse(kind, kind.String(), fmt.Appendf(nil, `{"Version":"2012-10-17","Statement":[%s]}`, strings.Join(list, ",")))
	if err != nil {
		t.Fatal(err)
	}
	return doc.Statements
}

func (w worldRandom) request() (r Request, f Facts, caller byte) {
	all := []struct {
		sign byte
		c    Caller
	}{
		{'u', keyUser}, {'t', keyUser}, {'r', keyRole}, {'f', keyFederated}, {'R', keyRoot},
	}
	one := all[w.IntN(len(all))]
	one.c.Unknown = []string{UnknownPrincipalTags}
	if one.sign == 't' {
		one.c.MFA = MFAUnknown
	}
	if w.IntN(2) == 0 {
		one.c.UserID = ""
	}
	if w.IntN(3) == 0 && (one.sign == 'u' || one.sign == 't') {
		one.c.MFA, one.c.Unknown = MFAUnknown, append(one.c.Unknown, UnknownCredentials)
	}
	r = Request{Caller: one.c, Region: "us-east-1", Target: "i-0123456789abcdef0", Files: true,
		Document: w.one([]string{"", "AWS-StartSSHSession", "AWS-StartPortForwardingSession", "Own-Shell"})}
	f = Facts{At: worldAt}
	if w.IntN(3) > 0 {
		f.Unknown = append(f.Unknown, UnknownTargetTags)
	} else {
		f.TargetTags = map[string]string{"Name": "bastion", "team": "web"}
	}
	return r, f, one.sign
}

// complete is a grant's request as AWS may see it: what is known of it, and of each
// other key that such a caller may have one possibility.
func (w worldRandom) complete(g Grant, caller byte) policy.Context {
	var c policy.Context
	for _, e := range g.Context.Entries() {
		switch {
		case e.State != policy.KeyKnown || strings.HasSuffix(e.Key, "*"):
		case e.Multi:
			c.SetMulti(e.Key, e.Values...)
		default:
			c.Set(e.Key, e.Values[0])
		}
	}
	known := func(key string) bool {
		_, _, state := c.Lookup(key)
		return state == policy.KeyKnown
	}
	if id := w.one([]string{"AROAEXAMPLEADMIN00001:alice", "AROAEXAMPLEROLE000001:alice", "AIDAEXAMPLEALICE00001"}); !known("aws:userid") {
		c.Set("aws:userid", id)
		if g.ID == GrantResume || g.ID == GrantTerminate {
			c.Set(SessionTagID, id)
		}
	}
	for _, k := range worldKeys {
		tag := strings.HasPrefix(k.name, TagSSM)
		_, _, state := g.Context.Lookup(k.name)
		switch {
		case known(k.name), !strings.ContainsRune(k.callers, rune(caller)), k.resource != "" && !slices.Contains(strings.Fields(k.resource), g.ID):
		case tag && state == policy.KeyAbsent: // the tags were read
		case w.IntN(3) > 0 || strings.ContainsRune(k.always, rune(caller)):
			value := w.one(k.values)
			c.Set(k.name, value)
			if tag {
				c.Set(TagGlobal+strings.TrimPrefix(k.name, TagSSM), value)
			}
		}
	}
	return c
}

// completions is how many requests each verdict is tried against.
const completions = 64

// FuzzCompletions: a verdict other than Unknown is that of every request which the
// stated one may be. Of an implicit denial only its kind may turn out otherwise.
func FuzzCompletions(f *testing.F) {
	for seed := range uint64(300) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		w := worldRandom{rand.New(rand.NewPCG(seed, 41))}
		set := policy.Set{Identity: w.layer(t, policy.Identity, 2+w.IntN(4))}
		if w.IntN(3) == 0 {
			set.Boundary = w.layer(t, policy.Boundary, 2+w.IntN(2))
		}
		if w.IntN(3) == 0 {
			set.SCP = [][]policy.Statement{w.layer(t, policy.SCP, 2+w.IntN(2))}
		}
		r, facts, caller := w.request()
		for _, ruling := range Judge(set, "local", Needs(r, facts)) {
			said := ruling.Answer.Verdict
			if said == policy.Unknown {
				continue
			}
			sign := caller
			for range completions {
				if slices.Contains(r.Caller.Unknown, UnknownCredentials) {
					sign = "ut"[w.IntN(2)]
				}
				real := ruling.Grant
				real.Context = w.complete(ruling.Grant, sign)
				got := Evaluate(set, real).Verdict
				if got == said || said == policy.ImplicitDeny && got == policy.ExplicitDeny {
					continue
				}
				for _, l := range LayersOf(set) {
					for i := range l.Statements {
						text, _ := l.Statements[i].MarshalJSON()
						t.Logf("%s %s", l.Kind, text)
					}
				}
				t.Fatalf("%s of %c with %q: %v, but %v with %+v", ruling.Grant.ID, sign, r.Document, said, got, real.Context.Entries())
			}
		}
	})
}

// TestCompletionsDecide: enough of the random verdicts are decided, and enough are not,
// for the property to say something.
func TestCompletionsDecide(t *testing.T) {
	count := make(map[policy.Verdict]int)
	for seed := range uint64(300) {
		w := worldRandom{rand.New(rand.NewPCG(seed, 41))}
		set := policy.Set{Identity: w.layer(t, policy.Identity, 2+w.IntN(4))}
		r, facts, _ := w.request()
		for _, ruling := range Judge(set, "local", Needs(r, facts)) {
			count[ruling.Answer.Verdict]++
		}
	}
	for v := policy.Unknown; v <= policy.ExplicitDeny; v++ {
		if count[v] < 50 {
			t.Errorf("%d of 1,500 verdicts are %v: %v", count[v], v, count)
		}
	}
}

package prove

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"ssmguard/guard"
	"ssmguard/guard/policy"
)

// Proofs are compared with asking every request of a small alphabet, on random small accounts:
// users in groups, roles, boundaries, session policies, service control policies and endpoints.

// dimension is a condition key of the alphabet with its values: none for an absent key.
type dimension struct {
	key    string
	values [][]string
}

func each(values ...string) (all [][]string) {
	all = [][]string{nil}
	for _, v := range values {
		all = append(all, []string{v})
	}
	return all
}

// The keys of requests; those of no condition of an account are left out.
var dimensions = []dimension{
	{"aws:PrincipalTag/team", each("a", "b", "B", "ab", "z")},
	{"aws:PrincipalTag/level", each("1", "2", "2.5", "3", "x")},
	{"aws:SourceIp", each("10.0.0.1", "10.1.0.0", "10.1.255.255", "10.2.0.0", "192.0.2.1", "2001:db8::1")},
	{"aws:MultiFactorAuthPresent", each("true", "false")},
	{"aws:CurrentTime", [][]string{{"2026-01-01T00:00:00Z"}, {"2026-06-30T23:59:59Z"}, {"2026-07-01T00:00:00Z"}, {"2026-07-01T00:00:01Z"}}},
	{"aws:PrincipalOrgPaths", [][]string{nil, {"a"}, {"b"}, {"a", "b"}, {"a", "b", "c"}}},
	{"aws:PrincipalOrgID", each("o-a", "o-b")},
	{"aws:SourceVpce", each("vpce-1", "vpce-2")},
	{"aws:UserAgent", each("a", "Ab", "z")},
}

// The conditions of statements, by operator.
var conditions = []string{
	`"StringEquals":{"ssm:resourceTag/Name":"a"}`, `"StringLike":{"aws:ResourceTag/Name":"a*"}`, `"StringNotEquals":{"ssm:resourceTag/name":["a","z"]}`,
	`"StringEqualsIfExists":{"ssm:resourceTag/Name":"b"}`, `"Null":{"ssm:resourceTag/Name":"false"}`, `"Null":{"aws:ResourceTag/Name":"true"}`,
	`"StringEqualsIgnoreCase":{"aws:resourcetag/NAME":"A"}`, `"ForAllValues:StringEquals":{"ssm:resourceTag/Name":["a","b"]}`, `"ForAnyValue:StringNotEquals":{"ssm:resourceTag/Name":"a"}`,
	`"StringEquals":{"aws:ResourceTag/Team":"${aws:PrincipalTag/team}"}`, `"StringNotEquals":{"ssm:resourceTag/Team":"${aws:PrincipalTag/team, 'z'}"}`, `"StringLike":{"ssm:resourceTag/Name":"${aws:PrincipalTag/team}*"}`,
	`"StringNotLikeIfExists":{"ssm:resourceTag/Team":"?"}`, `"ForAnyValue:StringEquals":{"ssm:resourceTag/Name":["a","ab"]}`,
	`"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}`, `"NotIpAddress":{"aws:SourceIp":["10.1.0.0/16","2001:db8::/32"]}`, `"NotIpAddressIfExists":{"aws:SourceIp":"10.1.0.0/16"}`, `"IpAddress":{"aws:SourceIp":["10.0.0.0/16","10.1.0.0"]}`,
	`"Bool":{"aws:MultiFactorAuthPresent":"true"}`, `"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}`, `"Null":{"aws:MultiFactorAuthPresent":"true"}`,
	`"StringEquals":{"aws:PrincipalTag/team":"a"}`, `"StringNotLike":{"aws:PrincipalTag/team":"?"}`, `"StringNotEqualsIgnoreCase":{"aws:PrincipalTag/Team":"b"}`, `"Null":{"aws:PrincipalTag/team":"false"}`,
	`"NumericLessThan":{"aws:PrincipalTag/level":"3"}`, `"NumericGreaterThanEquals":{"aws:PrincipalTag/level":"2"}`, `"NumericNotEquals":{"aws:PrincipalTag/level":["1","3"]}`,
	`"DateLessThan":{"aws:CurrentTime":"2026-07-01T00:00:00Z"}`, `"DateGreaterThanEquals":{"aws:CurrentTime":"2026-07-01T00:00:00Z"}`, `"DateNotEquals":{"aws:CurrentTime":"2026-07-01T00:00:00Z"}`,
	`"ForAllValues:StringEquals":{"aws:PrincipalOrgPaths":["a","b"]}`, `"ForAnyValue:StringEquals":{"aws:PrincipalOrgPaths":"b"}`, `"ForAllValues:StringNotLike":{"aws:PrincipalOrgPaths":"c*"}`, `"Null":{"aws:PrincipalOrgPaths":"true"}`,
	`"StringEquals":{"aws:PrincipalOrgID":"o-a"}`, `"StringNotEqualsIfExists":{"aws:PrincipalOrgID":"o-a"}`, `"StringNotEquals":{"aws:SourceVpce":"vpce-1"}`,
	`"StringLike":{"aws:username":"a*"}`, `"StringNotEquals":{"aws:username":"dev"}`, `"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/*"}`, `"ArnNotEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:user/dev"}`,
	`"StringLike":{"aws:PrincipalArn":"*:role/*"}`, `"StringEquals":{"aws:UserAgent":"${aws:PrincipalTag/team}"}`, `"StringLike":{"aws:UserAgent":"a*"}`,
	`"StringEquals":{"aws:RequestedRegion":"eu-west-1"}`, `"StringNotLike":{"aws:RequestedRegion":"us-*"}`, `"StringEquals":{"aws:ResourceAccount":"${aws:PrincipalAccount}"}`, `"StringNotEquals":{"aws:ResourceAccount":"999988887777"}`,
	`"StringLike":{"ssm:resourceTag/aws:ssmmessages:session-id":"${aws:userid}"}`, `"StringLike":{"ssm:resourceTag/aws:ssmmessages:target-id":"i-*"}`,
}

var patterns = []string{
	"*", "*", "arn:aws:ec2:*:*:instance/*", "arn:aws:ec2:*:*:instance/i-a*", "arn:aws:ec2:eu-west-1:111122223333:instance/i-bbbbbbbbbbbbbbbbb", "arn:aws:ec2:*:*:*/?-?aaaaaaaaaaaaaaaa",
	"arn:aws:ssm:*:*:document/*", "arn:aws:ssm:*::document/AWS-*", "arn:aws:ssm:*:*:document/Corp-?", "arn:aws:ssm:*:*:document/SSM-SessionManagerRunShell", "arn:aws:ssm:us-*:*:*", "arn:aws:ssm:*:document/Corp-*",
	"arn:aws:ssm:*:999988887777:document/Corp-B", "arn:aws:ssm:*:*:managed-instance/*", "arn:aws:ec2:*:*:instance/i-${aws:PrincipalTag/team}*", "arn:aws:ssm:*:*:document/Corp-${aws:PrincipalTag/team, 'A'}",
	"arn:aws:ssm:*:*:document/${aws:username}-shell", "arn:aws:ssm:*:*:session/${aws:username}-*", "arn:aws:ssm:*:*:session/a*",
}

// The resources of requests.
var (
	targets   = []string{"i-aaaaaaaaaaaaaaaaa", "i-bbbbbbbbbbbbbbbbb", "i-0123456789abcdef0", "mi-aaaaaaaaaaaaaaaaa"}
	documents = []string{guard.DefaultDocument, "AWS-StartSSHSession", "Corp-A", "Corp-B", "Corp-a", "Other", "dev-shell", "arn:aws:ssm:%s:999988887777:document/Corp-B"}
	names     = []map[string]string{{}, {"Name": "a"}, {"Name": "b"}, {"Name": "ab"}, {"Name": "A"}, {"Name": "z"}}
	teams     = []string{"", "a", "ab", "z"}
	places    = []string{"eu-west-1", "us-east-1"}
)

// dice picks at random.
type dice struct{ *rand.Rand }

func (d dice) pick(all []string) string { return all[d.IntN(len(all))] }

// account is a random account, of a few conditions, so that all their keys' values can be
// asked about.
type account struct {
	dice
	conditions []string
	text       map[string]string // of each policy, by its name
}

func newAccount(d dice) account {
	a := account{dice: d, text: make(map[string]string)}
	for len(a.conditions) < 6 {
		with := append(slices.Clone(a.conditions), d.pick(conditions))
		if len(contexts(strings.Join(with, ","))) <= 30 {
			a.conditions = with
		}
	}
	return a
}

// policy returns a policy of some statements.
func (a account) policy(name string, kind policy.Kind, allows, denies int) []policy.Statement {
	var statements []string
	for i := range allows + denies {
		effect := "Allow"
		if i >= allows {
			effect = "Deny"
		}
		element, action := "Resource", `"Action":"ssm:StartSession"`
		switch a.IntN(8) {
		case 0:
			action = `"NotAction":["iam:*","ssm:TerminateSession"]`
		case 1, 2:
			action = `"Action":"ssm:*"`
		case 3:
			action = `"Action":["ssm:ResumeSession","ssm:terminatesession"]`
		}
		if a.IntN(4) == 0 {
			element = "NotResource"
		}
		var resources []string
		for range 1 + a.IntN(2) {
			resources = append(resources, strconv.Quote(a.pick(patterns)))
		}
		var when []string
		seen := make(map[string]bool)
		for range a.IntN(3) {
			c := a.pick(a.conditions)
			if operator, _, _ := strings.Cut(c, ":{"); !seen[operator] {
				seen[operator] = true
				when = append(when, c)
			}
		}
		who := ""
		if kind == policy.Endpoint {
			who = a.pick([]string{`"Principal":"*",`, `"Principal":{"AWS":"arn:aws:iam::111122223333:user/dev"},`, `"NotPrincipal":{"AWS":"arn:aws:iam::111122223333:user/alice"},`})
			if effect == "Allow" {
				who = `"Principal":"*",`
			}
		}
		statements = append(statements, fmt.Sprintf(`{%s"Effect":%q,%s,%q:[%s],"Condition":{%s}}`, who, effect, action, element, strings.Join(resources, ","), strings.Join(when, ",")))
	}
	text := `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",\n") + `]}`
	d, err := policy.Parse(kind, name, []byte(text))
	if err != nil {
		panic(err.Error() + text) // the pieces are part of the test
	}
	a.text[name] = text
	return d.Statements
}

// sets returns the policies of each of the account's principals.
func (a account) sets() (sets []policy.Set) {
	groups := [][]policy.Statement{a.policy("group 1", policy.Identity, 1, a.IntN(2)), a.policy("group 2", policy.Identity, 1+a.IntN(2), 0)}
	var levels [][]policy.Statement
	for level := range a.IntN(3) {
		full, err := policy.Parse(policy.SCP, "FullAWSAccess", []byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`))
		if err != nil {
			panic(err)
		}
		levels = append(levels, slices.Concat(full.Statements, a.policy(fmt.Sprint("scp ", level), policy.SCP, 0, 1)))
	}
	for n := range 2 {
		set := policy.Set{SCP: levels, Identity: a.policy(fmt.Sprint("inline ", n), policy.Identity, 1+a.IntN(2), a.IntN(2))}
		for _, group := range groups {
			if a.IntN(2) == 0 {
				set.Identity = slices.Concat(set.Identity, group)
			}
		}
		if a.IntN(4) == 0 {
			set.Boundary = a.policy(fmt.Sprint("boundary ", n), policy.Boundary, 2, a.IntN(2))
		}
		if a.IntN(5) == 0 {
			set.Session = a.policy(fmt.Sprint("session ", n), policy.Session, 2, 0)
		}
		if a.IntN(5) == 0 {
			set.Endpoint = a.policy(fmt.Sprint("endpoint ", n), policy.Endpoint, 2, a.IntN(2))
		}
		sets = append(sets, set)
	}
	return sets
}

// asked is a grant of the alphabet.
type asked struct {
	guard.Grant
	of string // what it is on
}

// request is all that is asked of one caller with one context: each target, document and
// session with each of its tags.
type request struct{ targets, documents, sessions []asked }

// contexts returns every context with the keys that a text names.
func contexts(text string) (all []map[string][]string) {
	all = []map[string][]string{{}}
	for _, d := range dimensions {
		part := strings.TrimSuffix(strings.TrimSuffix(d.key, "ID"), "Paths") // these two are there together
		if !strings.Contains(strings.ToLower(text), strings.ToLower(part)) {
			continue
		}
		var more []map[string][]string
		for _, c := range all {
			for _, v := range d.values {
				with := maps.Clone(c)
				if v != nil {
					with[d.key] = v
				}
				more = append(more, with)
			}
		}
		all = more
	}
	return slices.DeleteFunc(all, func(context map[string][]string) bool {
		var c policy.Context
		for key, values := range context {
			c.SetMulti(key, values...)
		}
		return !possible(&c)
	})
}

// alphabet returns every request of a caller in a range, with the keys that policies name.
func alphabet(caller guard.Caller, in Range, text string) (all []request) {
	for i, region := range places {
		if in.Request.Region != "" && in.Request.Region != region || in.Request.Region == "" && i > 0 && !strings.Contains(text, "west") && !strings.Contains(text, "us-") {
			continue
		}
		plain := every(caller, in, region, strings.Contains(text, "/Team"))
		for _, context := range contexts(text) {
			with := func(list []asked) (out []asked) {
				for _, g := range list {
					for key, values := range context {
						if len(values) > 1 || key == "aws:PrincipalOrgPaths" {
							g.Context.SetMulti(key, values...)
						} else {
							g.Context.Set(key, values[0])
						}
					}
					out = append(out, g)
				}
				return out
			}
			all = append(all, request{with(plain.targets), with(plain.documents), with(plain.sessions)})
		}
	}
	return all
}

// every returns every request of a caller in a region, without a context; teams tells whether
// there are tags of that name.
func every(caller guard.Caller, in Range, region string, team bool) (q request) {
	r := guard.Request{Caller: caller, Region: region, Closed: true, Target: targets[0]}
	add := func(list *[]asked, id, of string, facts guard.Facts) {
		for _, g := range guard.Needs(r, facts) {
			if g.ID == id {
				*list = append(*list, asked{g, of})
			}
		}
	}
	tags := func(of func(map[string]string)) {
		for _, name := range names {
			for _, value := range teams {
				t := maps.Clone(name)
				if value != "" {
					t["Team"] = value
				}
				if value == "" || team {
					of(t)
				}
			}
		}
	}
	for _, target := range targets {
		kind := Instance
		if strings.HasPrefix(target, "mi-") {
			kind = Managed
		}
		if !slices.Contains(in.Kinds, kind) {
			continue
		}
		r.Target, r.Document = target, ""
		tags(func(t map[string]string) {
			for key, value := range in.Tags {
				if t[key] != value {
					return
				}
			}
			for key, values := range in.Without {
				if slices.Contains(values, t[key]) {
					return
				}
			}
			add(&q.targets, guard.GrantTarget, fmt.Sprint(target, t), guard.Facts{TargetTags: t})
		})
		for _, id := range []string{guard.GrantResume, guard.GrantTerminate} {
			add(&q.sessions, id, "own, on "+target, guard.Facts{})
			n := len(q.sessions) - 1
			other := q.sessions[n]
			other.of = "others', on " + target
			other.Resource = other.Resource[:strings.LastIndexByte(other.Resource, '/')] + "/arno-0123456789abcdef0"
			other.Context.Set(guard.SessionTagID, "AIDAARNO")
			q.sessions = append(q.sessions, other)
		}
	}
	r.Target = targets[0]
	for _, document := range documents {
		if strings.Contains(document, "%s") {
			document = fmt.Sprintf(document, region)
		}
		if in.Request.Document != "" && in.Request.Document != document {
			continue
		}
		r.Document = document
		tags(func(t map[string]string) {
			if !strings.HasPrefix(document, "AWS-") || len(t) == 0 {
				add(&q.documents, guard.GrantDocument, fmt.Sprint(document, t), guard.Facts{DocumentTags: t})
			}
		})
	}
	return q
}

// allowed returns what a grant that is allowed, or denied, is on, "" if there is none.
func allowed(e *policy.Evaluator, set policy.Set, list []asked, want bool) string {
	for _, g := range list {
		if (guard.EvaluateBy(e, set, g.Grant).Verdict == policy.Allow) == want {
			return g.of
		}
	}
	return ""
}

// refuted asks every request, and says which is allowed, which is denied, and which next allows
// and old does not; "" for none.
func refuted(old, next policy.Set, all []request) (anyAllowed, anyDenied, anyMore string) {
	e := new(policy.Evaluator)
	for i, q := range all {
		if anyAllowed == "" {
			if target, document := allowed(e, next, q.targets, true), allowed(e, next, q.documents, true); target != "" && document != "" {
				anyAllowed = fmt.Sprintf("request %d: %s, %s", i, target, document)
			}
		}
		if denied := allowed(e, next, q.targets, false) + allowed(e, next, q.documents, false); anyDenied == "" && denied != "" {
			anyDenied = fmt.Sprintf("request %d: %s", i, denied)
		}
		for _, list := range [][]asked{q.targets, q.documents, q.sessions} {
			for _, g := range list {
				if anyMore == "" && guard.EvaluateBy(e, next, g.Grant).Verdict == policy.Allow && guard.EvaluateBy(e, old, g.Grant).Verdict != policy.Allow {
					anyMore = fmt.Sprintf("request %d: %s %s", i, g.ID, g.of)
				}
			}
		}
	}
	return anyAllowed, anyDenied, anyMore
}

// user and role are callers by their name.
func user(name, id string) guard.Caller {
	c := dev()
	c.Principal = "arn:aws:iam::111122223333:user/" + name
	c.SessionARN, c.UserID = c.Principal, id
	return c
}

func role(name string) guard.Caller {
	c := dev()
	c.Principal = "arn:aws:iam::111122223333:role/" + name
	c.SessionARN, c.UserID = "arn:aws:sts::111122223333:assumed-role/"+name+"/session", "AROAOPS:session"
	return c
}

// shows reports whether guard's verdict on a counterexample, asked as a request of its own, is
// the one that it claims.
func shows(set policy.Set, c *Counterexample) bool {
	r := c.Request
	r.Closed = true
	for _, g := range guard.Needs(r, c.Facts) {
		if g.ID != c.Grant || c.Others {
			continue
		}
		return guard.Evaluate(set, g).Verdict.Denies() == c.Denied
	}
	return c.Others // which Needs does not ask for
}

// Proofs agree with asking every request, and every counterexample is one. The number of
// accounts is PROVE_ACCOUNTS, or as many as a test of every day may take.
func TestRandomAccounts(t *testing.T) {
	count, seed := 25, uint64(1)
	if n, err := strconv.Atoi(os.Getenv("PROVE_ACCOUNTS")); err == nil {
		count, seed = n, rand.Uint64()
	}
	t.Logf("seed %d", seed)
	open, proven, counterexamples := 0, 0, 0
	for n := range uint64(count) {
		a := newAccount(dice{rand.New(rand.NewPCG(seed, n))})
		sets := a.sets()
		in := Range{Request: guard.Request{Caller: dev()}, Kinds: []Kind{Instance, Managed}, Facts: guard.UnknownFacts()}
		in.Request.Caller.UserID = "AIDADEV"
		callers := []guard.Caller{in.Request.Caller}
		switch a.IntN(4) {
		case 0: // any user
			in.Request.Caller = nobody()
			callers = []guard.Caller{user("dev", "AIDADEV"), user("team/alix", "AIDAALICE")}
		case 1:
			in.Request.Caller = role("ops")
			callers[0] = in.Request.Caller
		}
		if a.IntN(2) == 0 {
			in.Request.Region = a.pick(places)
		}
		if a.IntN(4) == 0 {
			in.Request.Document = a.pick(documents[:7])
		}
		switch a.IntN(4) {
		case 0:
			in.Tags = map[string]string{"Name": a.pick([]string{"a", "ab", "z"})}
		case 1:
			in.Without = map[string][]string{"Name": {"a", "z"}, "Team": {"a"}}
		}
		text := strings.Join(slices.Collect(maps.Values(a.text)), "\n")
		var requests []request
		for _, c := range callers {
			requests = append(requests, alphabet(c, in, text)...)
		}
		someAllowed, someDenied, more := refuted(sets[0], sets[1], requests)
		for _, tc := range []struct {
			name    string
			result  Result
			refuted string // a request of the alphabet
		}{{"allowed", Allowed(sets[1], in), someDenied}, {"denied", Denied(sets[1], in), someAllowed}, {"no more", NoMore(sets[0], sets[1], in), more}} {
			switch r := tc.result; {
			case r.Proven && tc.refuted != "":
				t.Errorf("account %d, region %q, document %q, tags %v, without %v: proven: %s; but %s\n%v", n, in.Request.Region, in.Request.Document, in.Tags, in.Without, tc.name, tc.refuted, a.text)
			case r.Proven:
				proven++
			case r.Counter == nil:
				open++
				t.Logf("account %d, %s: open: %q", n, tc.name, r.Open)
			default:
				for _, c := range append(r.More, r.Counter) {
					counterexamples++
					if !shows(sets[1], c) {
						t.Errorf("account %d, %s: no counterexample: %+v", n, tc.name, c)
					}
				}
			}
		}
	}
	t.Logf("%d proven, %d counterexamples, %d open", proven, counterexamples, open)
	if proven == 0 || counterexamples == 0 || open > 3*count/20 {
		t.Errorf("%d proven, %d counterexamples, %d open", proven, counterexamples, open)
	}
}

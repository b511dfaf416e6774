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
	"ssmguard/guard/guardtest"
	"ssmguard/guard/policy"
)

// Proofs are compared with asking every request of a small alphabet, on random small accounts:
// users in groups, roles, boundaries, session policies, service control policies and endpoints.

// The resources of requests.
var (
	targets   = []string{"i-aaaaaaaaaaaaaaaaa", "i-bbbbbbbbbbbbbbbbb", "i-0123456789abcdef0", "mi-aaaaaaaaaaaaaaaaa"}
	documents = []string{guard.DefaultDocument, "AWS-StartSSHSession", "Corp-A", "Corp-B", "Corp-a", "Other", "dev-shell", "arn:aws:ssm:%s:999988887777:document/Corp-B"}
	names     = []map[string]string{{}, {"Name": "a"}, {"Name": "b"}, {"Name": "ab"}, {"Name": "A"}, {"Name": "z"}}
	teams     = []string{"", "a", "ab", "z"}
	places    = []string{"eu-west-1", "us-east-1"}
)

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
	for _, d := range guardtest.Dimensions {
		part := strings.TrimSuffix(strings.TrimSuffix(d.Key, "ID"), "Paths") // these two are there together
		if !strings.Contains(strings.ToLower(text), strings.ToLower(part)) {
			continue
		}
		var more []map[string][]string
		for _, c := range all {
			for _, v := range d.Values {
				with := maps.Clone(c)
				if v != nil {
					with[d.Key] = v
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

func pick(d guardtest.Dice, all []string) string { return all[d.IntN(len(all))] }

// Proofs agree with asking every request, and every counterexample is one. The number of
// accounts is PROVE_ACCOUNTS, or as many as a test of every day may take.
func TestRandomAccounts(t *testing.T) {
	count, seed := 20, uint64(1)
	if n, err := strconv.Atoi(os.Getenv("PROVE_ACCOUNTS")); err == nil {
		count, seed = n, rand.Uint64()
	}
	t.Logf("seed %d", seed)
	open, proven, counterexamples := 0, 0, 0
	for n := range uint64(count) {
		a := guardtest.NewSmallAccount(guardtest.NewDice(seed, n), func(conditions string) bool { return len(contexts(conditions)) <= 30 })
		sets := a.Sets()
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
			in.Request.Region = pick(a.Dice, places)
		}
		if a.IntN(4) == 0 {
			in.Request.Document = pick(a.Dice, documents[:7])
		}
		switch a.IntN(4) {
		case 0:
			in.Tags = map[string]string{"Name": pick(a.Dice, []string{"a", "ab", "z"})}
		case 1:
			in.Without = map[string][]string{"Name": {"a", "z"}, "Team": {"a"}}
		}
		text := strings.Join(slices.Collect(maps.Values(a.Texts)), "\n")
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
				t.Errorf("account %d, region %q, document %q, tags %v, without %v: proven: %s; but %s\n%v", n, in.Request.Region, in.Request.Document, in.Tags, in.Without, tc.name, tc.refuted, a.Texts)
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

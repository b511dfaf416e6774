package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"ssmguard/guard"
	"ssmguard/guard/guardtest"
	"ssmguard/guard/policy"
	"ssmguard/guard/prove"
)

// ofProof is how many requests of a range are asked about for each proof.
const ofProof = 200

// proofLine is one claim: a counterexample is one request, a proof many.
type proofLine struct {
	ID        string      `json:"id"`
	Claim     string      `json:"claim"` // "allowed" or "denied", of every request
	Open      bool        `json:"open"`  // not decided
	Principal string      `json:"principal"`
	Policies  []document  `json:"policies"`
	Requests  [][]request `json:"requests"` // each by its grants
}

// proofs writes claims about random accounts until there are so many counterexamples.
func proofs(out *json.Encoder, count int, seed uint64) error {
	for n := uint64(0); count > 0; n++ {
		d := guardtest.NewDice(n, seed)
		sets := guardtest.NewSmallAccount(d, func(string) bool { return true }).Sets()
		if d.In(2) {
			sets = append(sets, d.Set())
		}
		for i, set := range sets {
			for _, claim := range []string{"allowed", "allowed", "allowed", "denied"} { // counterexamples to an allow cost less
				l := proofLine{ID: fmt.Sprintf("seed %d, set %d", n, i), Claim: claim, Policies: documents(set)}
				if refuted := l.decide(set, proofRange(d), d); refuted {
					count--
				}
				if err := out.Encode(l); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// proofRange is a random range of the sessions of a user or a role.
func proofRange(d guardtest.Dice) prove.Range {
	in := prove.Range{Facts: guard.UnknownFacts(), Kinds: prove.Kinds, Request: guard.Request{Caller: guardtest.DevRequest.Caller}}
	in.Request.Caller.Unknown = []string{guard.UnknownPrincipalTags, guard.UnknownCredentials}
	if d.In(2) {
		arn := "arn:aws:iam::111122223333:user/dev"
		in.Request.Caller = guard.Caller{SessionARN: arn, Principal: arn, Account: "111122223333", Partition: "aws", UserID: "AIDAEXAMPLEDEV0000001", Unknown: in.Request.Caller.Unknown}
	}
	if d.In(2) {
		in.Request.Region = pick(d, regions)
	}
	if d.In(3) {
		in.Request.Document = pick(d, documentNames)
	}
	switch d.IntN(5) {
	case 0:
		in.Tags = map[string]string{"Name": pick(d, tagValues)}
	case 1:
		in.Without = map[string][]string{"Name": {"a", "bastion"}, "Team": {"a"}}
	case 2:
		in.Kinds = []prove.Kind{prove.Instance}
	}
	return in
}

func pick(d guardtest.Dice, list []string) string { return list[d.IntN(len(list))] }

var (
	regions       = []string{"eu-west-1", "us-east-1", "us-west-2", "ap-south-1"}
	documentNames = []string{"", "AWS-StartSSHSession", "AWS-StartPortForwardingSession", "Corp-A", "Corp-B", "Own-Shell", "dev-shell"}
	tagValues     = []string{"a", "b", "ab", "A", "z", "bastion", "web-1", "db"}
	targetsOf     = map[prove.Kind][]string{
		prove.Instance: {"i-aaaaaaaaaaaaaaaaa", "i-bbbbbbbbbbbbbbbbb", "i-0123456789abcdef0", "i-a1b2c3d4"},
		prove.Managed:  {"mi-aaaaaaaaaaaaaaaaa", "mi-0123456789abcdef0"},
		prove.Task:     {"ecs:c_0123456789abcdef0123456789abcdef_0123456789abcdef0123456789abcdef-1234567890"},
	}
	// values of keys of dice; the Dimensions of accounts have their own.
	otherKeys = []guardtest.Dimension{
		{Key: "aws:MultiFactorAuthAge", Values: [][]string{{"10"}, {"3600"}, {"3601"}}},
		{Key: "aws:TokenIssueTime", Values: [][]string{{"2026-01-01T00:00:00Z"}}},
	}
)

// decide decides the claim and gathers its requests; it reports whether the claim is refuted.
func (l *proofLine) decide(set policy.Set, in prove.Range, d guardtest.Dice) bool {
	l.Principal = in.Request.Caller.SessionARN
	decide := prove.Allowed
	if l.Claim == "denied" {
		decide = prove.Denied
	}
	r := decide(set, in)
	switch {
	case r.Counter != nil:
		q := r.Counter.Request
		q.Closed = true
		l.Requests = [][]request{grantsOf(set, q, r.Counter.Facts)}
	case !r.Proven:
		l.Open = true
	default:
		for range ofProof {
			l.Requests = append(l.Requests, oneOf(set, in, d))
		}
	}
	return r.Counter != nil
}

// grantsOf are the grants that a request cannot do without.
func grantsOf(set policy.Set, q guard.Request, facts guard.Facts) (all []request) {
	for _, g := range guard.Needs(q, facts) {
		if !g.Advisory {
			all = append(all, asked(set, g))
		}
	}
	return all
}

// oneOf is a random request of a range.
func oneOf(set policy.Set, in prove.Range, d guardtest.Dice) []request {
	q := in.Request
	q.Closed = true
	if q.Region == "" {
		q.Region = pick(d, regions)
	}
	if q.Document == "" && d.In(2) {
		q.Document = pick(d, append(slices.Clone(documentNames), "arn:aws:ssm:"+q.Region+":999988887777:document/Corp-B"))
	}
	q.Target = pick(d, targetsOf[in.Kinds[d.IntN(len(in.Kinds))]])
	tags := func() map[string]string {
		all := make(map[string]string)
		for _, key := range []string{"Name", "Team", "team"} {
			if d.In(2) && (key != "team" || all["Team"] == "") {
				all[key] = pick(d, tagValues)
			}
		}
		return all
	}
	facts := guard.Facts{TargetTags: tags(), DocumentTags: tags()}
	for key, values := range in.Without {
		maps.DeleteFunc(facts.TargetTags, func(k, v string) bool { return strings.EqualFold(k, key) && slices.Contains(values, v) })
	}
	maps.Copy(facts.TargetTags, in.Tags)
	q.Context = make(map[string][]string)
	state := func(dimension guardtest.Dimension) {
		if values := dimension.Values[d.IntN(len(dimension.Values))]; values != nil {
			q.Context[dimension.Key] = values
		}
	}
	for _, dimension := range slices.Concat(guardtest.Dimensions, otherKeys) {
		state(dimension)
	}
	// What no request has beside each other, and the key of an action that is not asked for.
	if q.Context["aws:SourceVpce"] != nil {
		delete(q.Context, "aws:SourceIp")
	}
	if factor := q.Context["aws:MultiFactorAuthPresent"]; factor == nil || factor[0] != "true" {
		delete(q.Context, "aws:MultiFactorAuthAge")
	}
	if q.Context["aws:PrincipalOrgID"] == nil || q.Context["aws:PrincipalOrgPaths"] == nil {
		delete(q.Context, "aws:PrincipalOrgID")
		delete(q.Context, "aws:PrincipalOrgPaths")
	}
	return grantsOf(set, q, facts)
}

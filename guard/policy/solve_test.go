package policy

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// The property of unknown keys, tested by brute force: over a world of short
// texts every completion is tried with the two-valued evaluator.

// brute describes one random situation with unknown keys.
type brute struct {
	set     Set
	context Context
	unknown []string
	text    string
}

var (
	bruteKeys     = []string{"k:tag/one", "k:tag/two"}
	brutePatterns = []string{"a", "b", "ab", "a*", "*b", "?", "a?", "*a*", "A", "", "*", "b*a"}
	bruteStrings  = []string{"StringEquals", "StringNotEquals", "StringLike", "StringNotLike", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"}
)

// bruteTexts is every value that a completion of a text key may take: each class
// that the patterns above can tell apart has a member among them.
func bruteTexts() []string {
	out := []string{""}
	for from, n := 0, 0; n < 3; n++ {
		end := len(out)
		for _, s := range out[from:end] {
			for _, c := range "abAx" {
				out = append(out, s+string(c))
			}
		}
		from = end
	}
	for _, p := range brutePatterns { // wildcards as plain characters
		if !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}

// times is how often a test repeats what it does with random values.
func times(full, short int) int {
	if testing.Short() {
		return short
	}
	return full
}

func pickOne[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

func (b *brute) condition(r *rand.Rand, keys []string) string {
	key := pickOne(r, keys)
	op := pickOne(r, bruteStrings)
	if r.IntN(4) == 0 {
		op = pickOne(r, []string{"ForAllValues:", "ForAnyValue:"}) + op
	}
	if r.IntN(5) == 0 {
		op += "IfExists"
	}
	if r.IntN(6) == 0 {
		return fmt.Sprintf(`"Null":{%q:%q}`, key, pickOne(r, []string{"true", "false"}))
	}
	var values []string
	for range 1 + r.IntN(2) {
		v := pickOne(r, brutePatterns)
		switch r.IntN(8) {
		case 0:
			v = "${" + pickOne(r, append(keys, "k:known")) + "}"
		case 1:
			v = "${" + pickOne(r, keys) + ", 'a'}"
		case 2:
			v = "a${" + pickOne(r, keys) + "}"
		}
		values = append(values, fmt.Sprintf("%q", v))
	}
	return fmt.Sprintf(`%q:{%q:[%s]}`, op, key, strings.Join(values, ","))
}

func (b *brute) statement(r *rand.Rand, effect string) string {
	resource := "*"
	switch r.IntN(6) {
	case 0:
		resource = "arn:aws:s:::r/${k:tag/one}"
	case 1:
		resource = "arn:aws:s:::r/${k:tag/two, 'a'}*"
	case 2:
		resource = "arn:aws:s:::r/b*"
	}
	conditions := map[string]string{}
	for range r.IntN(3) {
		c := b.condition(r, bruteKeys)
		name, _, _ := strings.Cut(c, ":{")
		conditions[name] = c
	}
	var list []string
	for _, c := range conditions {
		list = append(list, c)
	}
	slices.Sort(list)
	element := pickOne(r, []string{"Resource", "Resource", "Resource", "NotResource"})
	return fmt.Sprintf(`{"Effect":%q,"Action":"s:A",%q:%q,"Condition":{%s}}`, effect, element, resource, strings.Join(list, ","))
}

func newBrute(t *testing.T, r *rand.Rand) brute {
	var b brute
	layer := func(kind Kind, n int) []Statement {
		var list []string
		for i := range n {
			effect := "Allow"
			if i > 0 && r.IntN(2) == 0 {
				effect = "Deny"
			}
			list = append(list, b.statement(r, effect))
		}
		text := `{"Version":"2012-10-17","Statement":[` + strings.Join(list, ",\n") + `]}`
		b.text += kind.String() + " " + text + "\n"
		d, err := Parse(kind, kind.String(), []byte(text))
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		return d.Statements
	}
	b.set.Identity = layer(Identity, 1+r.IntN(4))
	if r.IntN(3) == 0 {
		b.set.Boundary = layer(Boundary, 1+r.IntN(2))
	}
	b.context.Set("k:known", pickOne(r, brutePatterns))
	b.unknown = bruteKeys[:1+r.IntN(2)]
	for _, k := range b.unknown {
		b.context.SetUnknown(k)
	}
	return b
}

const bruteARN = "arn:aws:s:::r/ab"

// completions calls f with every way to complete the unknown keys.
func (b *brute) completions(texts []string, f func(c Context)) {
	var each func(c Context, keys []string)
	each = func(c Context, keys []string) {
		if len(keys) == 0 {
			f(c)
			return
		}
		c.SetAbsent(keys[0])
		each(c, keys[1:])
		for _, v := range texts {
			c.Set(keys[0], v)
			each(c, keys[1:])
		}
	}
	each(b.context, b.unknown)
}

func TestUnknownByBruteForce(t *testing.T) {
	rounds := times(2000, 300)
	texts := bruteTexts()
	r := rand.New(rand.NewPCG(1, 2))
	var verdicts [4]int
	cautious := 0
	for round := range rounds {
		b := newBrute(t, r)
		got := b.set.Evaluate("s:A", bruteARN, b.context)
		verdicts[got.Verdict]++
		var seen outcomes
		var e Evaluator
		var last Verdict
		b.completions(texts, func(c Context) {
			if seen.open() {
				return
			}
			last = e.Decide(&b.set, "s:A", bruteARN, &c).Verdict
			switch last {
			case Allow:
				seen |= sawAllow
			case ImplicitDeny:
				seen |= sawImplicit
			case ExplicitDeny:
				seen |= sawExplicit
			default:
				t.Fatalf("round %d: a complete context gives %v", round, last)
			}
		})
		want := Unknown
		switch {
		case seen.open():
		case seen == sawAllow:
			want = Allow
		case seen == sawExplicit:
			want = ExplicitDeny
		default:
			want = ImplicitDeny
		}
		if want != got.Verdict && (got.Verdict == Unknown || got.Verdict == ImplicitDeny && want == ExplicitDeny) {
			cautious++
			if testing.Verbose() && cautious < 5 {
				t.Logf("round %d: cautious, brute force says %v\n%s", round, want, b.text)
			}
			continue
		}
		if want != got.Verdict {
			t.Errorf("round %d: got %v, brute force says %v\nunknown %v, known %v\n%s", round, got.Verdict, want, b.unknown, b.context.Known(), b.text)
			if t.Failed() && round > 200 {
				return
			}
		}
		if (got.Verdict == Unknown) != (len(got.DependsOn) > 0) {
			t.Errorf("round %d: %v depends on %q", round, got.Verdict, got.DependsOn)
		}
	}
	t.Logf("verdicts %v, cautious %d", verdicts, cautious)
	if cautious*50 > rounds {
		t.Errorf("%d of %d verdicts are Unknown where every completion agrees", cautious, rounds)
	}
}

// TestUnknownKeyNamedLikeAPattern: a key whose name ends in "*" is a key like any
// other while its values are tried.
func TestUnknownKeyNamedLikeAPattern(t *testing.T) {
	doc, err := Parse(Identity, "p", []byte(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"*","Resource":"*"},
		{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringEquals":{"k:b":"w","k:tag/*":"q"},"StringLike":{"k:tag/*":"r*"}}},
		{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringEquals":{"k:b":"x"},"Null":{"k:tag/*":"true"}}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	var c Context
	c.SetUnknown("k:*")
	a := Set{Identity: doc.Statements}.Evaluate("ssm:StartSession", "*", c)
	if a.Verdict != Unknown || !slices.Equal(a.DependsOn, []string{"k:b", "k:tag/*"}) {
		t.Errorf("%v, depends on %q", a.Verdict, a.DependsOn)
	}
}

// TestPerimeterIsCheap: a guard of many networks and exceptions, none of them
// known, is what an ordinary organization has; a denial beside it is settled
// without looking for every value that the keys may have.
func TestPerimeterIsCheap(t *testing.T) {
	var networks, addresses []string
	for i := range 40 {
		networks = append(networks, fmt.Sprintf(`"vpc-0123456789abcde%02d"`, i))
		addresses = append(addresses, fmt.Sprintf(`"10.%d.0.0/16"`, i))
	}
	doc, err := Parse(Identity, "perimeter", []byte(`{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*","Condition":{
		"StringNotEqualsIfExists":{"aws:PrincipalOrgID":"o-abcdef1234","aws:PrincipalTag/exception":"true","aws:SourceVpc":[`+strings.Join(networks, ",")+`]},
		"NotIpAddressIfExists":{"aws:SourceIp":[`+strings.Join(addresses, ",")+`]},
		"ArnNotLikeIfExists":{"aws:PrincipalArn":["arn:aws:iam::*:role/admin*","arn:aws:iam::*:role/aws-service-role/*"]}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	var c Context
	c.SetUnknown("*")
	r := newRequest("ssm:StartSession", "*", &c)
	set := Set{Identity: doc.Statements}
	e := Evaluator{layers: set.layers(nil)}
	e.collect(&r)
	s := newSearch(&e, &r)
	if v := s.settle(); v != ImplicitDeny {
		t.Errorf("%v", v)
	}
	if used := searchBudget - s.left; used > searchBudget/20 {
		t.Errorf("%d steps", used)
	}
}

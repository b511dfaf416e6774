package policy

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Brute force again, over the kinds of keys that are not plain texts.

// world is a key with the conditions policies may set on it and the states it
// may take.
type world struct {
	key       string
	operators []string
	values    []string
	states    []candidate
}

func singles(values ...string) []candidate {
	out := []candidate{{state: KeyAbsent}}
	for _, v := range values {
		out = append(out, candidate{state: KeyKnown, values: []string{v}})
	}
	return out
}

// lists adds every list of up to three of the values.
func lists(values ...string) []candidate {
	out := singles(values...)
	for mask := 1; mask < 1<<len(values); mask++ {
		var l []string
		for i, v := range values {
			if mask&(1<<i) != 0 {
				l = append(l, v)
			}
		}
		out = append(out, candidate{state: KeyKnown, multi: true, values: l})
	}
	return out
}

func suffixed(prefix string) []string {
	var out []string
	for _, s := range []string{"Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"} {
		out = append(out, prefix+s)
	}
	return out
}

// oneOf are the only values of the keys below whose context lists them.
var oneOf = map[string][]string{"k:true": {"true"}, "k:few": {"ab", "3", ""}}

func worlds() []world {
	var numbers, dates []string
	for n := -8; n <= 24; n++ {
		numbers = append(numbers, strconv.FormatFloat(float64(n)/4, 'f', -1, 64))
		dates = append(dates, strconv.FormatFloat(float64(1773480400+n)+0.5, 'f', -1, 64), strconv.Itoa(1773480400+n))
	}
	addresses := []string{"0.0.0.0", "9.255.255.255", "10.0.0.0", "10.0.0.255", "10.0.1.0", "10.1.0.0", "10.255.255.255", "11.0.0.0", "255.255.255.255",
		"::", "2001:db7:ffff::", "2001:db8::", "2001:db8::1", "2001:db8::2", "2001:db9::", "ffff::"}
	return []world{
		{"aws:MultiFactorAuthAge", suffixed("Numeric"), []string{"0", "1", "2.5", "5", "-1"}, singles(numbers...)},
		{"k:number", suffixed("Numeric"), []string{"0", "1", "3"}, singles(append(numbers, "x", "")...)},
		{"aws:CurrentTime", suffixed("Date"), []string{"1773480400", "1773480401", "2026-03-14T09:26:50Z", "1773480420"}, singles(dates...)},
		{"aws:SourceIp", []string{"IpAddress", "NotIpAddress"}, []string{"10.0.0.0/8", "10.0.0.0/24", "10.1.0.0", "2001:db8::/32", "2001:db8::/127", "0.0.0.0/0", "::/0"}, singles(addresses...)},
		{"k:ip", []string{"IpAddress", "NotIpAddress"}, []string{"10.0.0.0/8", "2001:db8::/32", "0.0.0.0/0", "::/0"}, singles(append(addresses, "x", "")...)},
		{"aws:SecureTransport", []string{"Bool", "StringEquals", "StringNotEquals"}, []string{"true", "false"}, singles("true", "false")},
		{"k:bool", []string{"Bool", "StringNotEquals"}, []string{"true", "false"}, singles("true", "false", "TRUE", "FALSE", "x", "")},
		{"k:tag/b", []string{"BinaryEquals"}, []string{"AAAA", "AQID"}, singles("AAAA", "AQID", "AQIE", "x", "")},
		{"k:arn", []string{"ArnLike", "ArnNotLike", "ArnEquals"}, []string{"arn:aws:iam::1:role/*", "arn:aws:iam::*:role/a", "arn:*:iam::?:user/a", "nothing"},
			singles("arn:aws:iam::1:role/a", "arn:aws:iam::1:role/b", "arn:aws:iam::2:role/a", "arn:aws:iam::12:role/a", "arn:x:iam::1:user/a", "arn:x:iam::12:user/a", "arn:x:iam::1:user/b", "arn:a:b:c:d:e", "x", "")},
		{"aws:CalledVia", []string{"ForAllValues:StringEquals", "ForAnyValue:StringEquals", "ForAllValues:StringNotEquals", "ForAnyValue:StringNotEquals", "StringEquals", "StringNotEquals"},
			[]string{"a", "b"}, lists("a", "b", "c", "")},
		{"k:keys", []string{"ForAllValues:StringLike", "ForAnyValue:StringNotLike", "ForAnyValue:StringEquals"}, []string{"a*", "b"}, lists("a", "b", "a*", "c", "")},
		{"k:true", []string{"Bool", "StringEquals", "StringNotEquals", "ForAllValues:StringEquals", "ForAnyValue:StringEquals"}, []string{"true", "false"}, singles(oneOf["k:true"]...)},
		{"k:few", []string{"StringLike", "StringNotLike", "NumericLessThan"}, []string{"a*", "5", "b", "${k:few}"}, singles(oneOf["k:few"]...)},
	}
}

func (w world) statement(r *rand.Rand, effect string) string {
	var list []string
	for _, op := range r.Perm(len(w.operators))[:1+r.IntN(min(2, len(w.operators)))] {
		name := w.operators[op]
		if r.IntN(5) == 0 {
			name += "IfExists"
		}
		var values []string
		for range 1 + r.IntN(2) {
			values = append(values, strconv.Quote(pickOne(r, w.values)))
		}
		list = append(list, fmt.Sprintf("%q:{%q:[%s]}", name, w.key, strings.Join(values, ",")))
	}
	if r.IntN(8) == 0 {
		list = []string{fmt.Sprintf(`"Null":{%q:%q}`, w.key, pickOne(r, []string{"true", "false"}))}
	}
	return fmt.Sprintf(`{"Effect":%q,"Action":"*","Resource":"*","Condition":{%s}}`, effect, strings.Join(list, ","))
}

func TestUnknownOfEveryKind(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	for _, w := range worlds() {
		t.Run(w.key, func(t *testing.T) {
			var verdicts [4]int
			for range times(400, 60) {
				list := []string{w.statement(r, "Allow")}
				for range r.IntN(4) {
					list = append(list, w.statement(r, pickOne(r, []string{"Allow", "Deny"})))
				}
				if r.IntN(3) == 0 {
					list = append(list, allowAll)
				}
				text := strings.Join(list, ",\n")
				set := Set{Identity: statements(t, Identity, "p", text)}
				var seen outcomes
				for i := range w.states {
					var c Context
					w.states[i].apply(&c, w.key)
					seen |= map[Verdict]outcomes{Allow: sawAllow, ImplicitDeny: sawImplicit, ExplicitDeny: sawExplicit}[set.Evaluate("a:b", "*", c).Verdict]
				}
				want := ImplicitDeny
				switch {
				case seen.open():
					want = Unknown
				case seen == sawAllow:
					want = Allow
				case seen == sawExplicit:
					want = ExplicitDeny
				}
				var c Context
				c.SetUnknown(w.key)
				if values := oneOf[w.key]; values != nil {
					c.SetOneOf(w.key, values...)
				}
				got := set.Evaluate("a:b", "*", c)
				verdicts[got.Verdict]++
				if got.Verdict != want {
					t.Fatalf("got %v, want %v\n%s", got.Verdict, want, text)
				}
				if want == Unknown && !slices.Equal(got.DependsOn, []string{w.key}) {
					t.Errorf("depends on %q", got.DependsOn)
				}
			}
			t.Logf("verdicts %v", verdicts)
		})
	}
}

func TestDependsOnNamesWhatMatters(t *testing.T) {
	condition := func(effect, op, key, value string) string {
		return fmt.Sprintf(`{"Effect":%q,"Action":"*","Resource":"*","Condition":{%q:{%q:%q}}}`, effect, op, key, value)
	}
	tests := []struct {
		name, list string
		want       []string
	}{
		{"one key", condition("Allow", "StringEquals", "k:a", "x"), []string{"k:a"}},
		{"as the policy spells it", condition("Allow", "StringEquals", "K:A", "x"), []string{"K:A"}},
		{"either of two", condition("Allow", "StringEquals", "k:a", "x") + "," + condition("Allow", "StringEquals", "k:b", "x"), []string{"k:a", "k:b"}},
		{"a key that decides nothing", condition("Allow", "StringEquals", "k:a", "x") + "," + condition("Deny", "Bool", "aws:SecureTransport", "true") + "," + condition("Deny", "BoolIfExists", "aws:SecureTransport", "false") + "," + allowAll, nil},
		{"a variable", `{"Effect":"Allow","Action":"*","Resource":"arn:aws:ec2:*:*:instance/${k:a}"}`, []string{"k:a"}},
		{"a variable that cannot fit", `{"Effect":"Allow","Action":"*","Resource":"arn:aws:ec2:*:*:volume/${k:a}"}`, nil},
		{"two keys compared", condition("Allow", "StringEquals", "k:a", "${k:b}"), []string{"k:a", "k:b"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var c Context
			c.SetUnknown("*")
			a := Set{Identity: statements(t, Identity, "p", tt.list)}.Evaluate(startVerb, instance, c)
			slices.Sort(a.DependsOn)
			if !slices.Equal(a.DependsOn, tt.want) {
				t.Errorf("%v depends on %q, want %q", a.Verdict, a.DependsOn, tt.want)
			}
		})
	}
}

// Many unknown keys must neither take long nor become a wrong answer.
func TestSearchIsBounded(t *testing.T) {
	var list []string
	for i := range 60 {
		list = append(list, fmt.Sprintf(`{"Effect":%q,"Action":"*","Resource":"*","Condition":{"StringLike":{"k:tag/%d":["a*%d","*b%d*","c?"],"k:tag/%d":"${k:tag/%d}*"}}}`,
			[]string{"Allow", "Deny"}[i%2], i, i, i, (i+1)%60, (i+2)%60))
	}
	set := Set{Identity: statements(t, Identity, "p", strings.Join(list, ","))}
	var c Context
	c.SetUnknown("*")
	if v := set.Evaluate("a:b", "*", c).Verdict; v != Unknown {
		t.Error(v)
	}
}

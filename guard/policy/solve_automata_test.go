package policy

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// run reads a text from the start.
func (n *nfa) run(text string) bool {
	states := n.close(slices.Clone(n.start))
	for _, r := range text {
		states = n.step(states, r)
	}
	return n.accepts(states)
}

// wild makes an expanded pattern of one as written.
func wild(pattern string) string { return string(appendWild(nil, pattern, true)) }

func TestGlobAutomataAgreeWithTheMatcher(t *testing.T) {
	r := rand.New(rand.NewPCG(15, 16))
	for range times(20000, 3000) {
		pattern := wild(randomText(r, "ab:*?*", 8))
		free := 0
		if r.IntN(2) == 0 {
			free = min(afterColons(pattern, 2), len(pattern))
		}
		text := randomText(r, "ab::", 8)
		g := glob{text: pattern, star: safeStar, quest: safeQuest, free: free}
		n := globNFA(pattern, free)
		if got, want := n.run(text), g.match(text, 0); got != want {
			t.Fatalf("%q free %d against %q: automaton %v, matcher %v", pattern, free, text, got, want)
		}
	}
}

func TestFamiliesAutomataAgreeWithTheirComparison(t *testing.T) {
	texts := []string{"", "a", "A", "ab", "true", "TRUE", "arn:a:b:c:d:e", "arn:a:b::d:e:f", "arn:a:b:c:d", "x*y", "ünï", "ÜNÏ"}
	patterns := []string{"", "a", "a*", "tRue", "arn:*:?:*:d:*", "arn:a:b:*", "x*y", "ünï", "*"}
	var c Context
	for _, f := range []family{famString, famStringFold, famStringLike, famArn, famBool} {
		for _, p := range patterns {
			n := f.nfa(string(appendWild(nil, p, f.wild())))
			for _, s := range texts {
				want := f.matches(&condValue{text: p}, s, &c) == yes
				if f == famBool && !strings.EqualFold(s, "true") && !strings.EqualFold(s, "false") {
					continue // that a boolean must be one is another question
				}
				if f == famArn && strings.HasPrefix(p, "arn:") && !strings.HasPrefix(s, "arn:") {
					continue
				}
				if got := n.run(s); got != want {
					t.Errorf("family %d, %q against %q: automaton %v, comparison %v", f, p, s, got, want)
				}
			}
		}
	}
}

func TestInnerAutomata(t *testing.T) {
	const subject = "team-red-red-1"
	for _, tt := range []struct {
		head, tail string
		fold       bool
		want       []string
	}{
		{"team-", "-1", false, []string{"red-red"}},
		{"team-", "-*", false, []string{"red", "red-red"}},
		{"*-", "-1", false, []string{"red", "red-red"}},
		{"", "", false, []string{subject}},
		{"TEAM-", "-1", true, []string{"red-red", "RED-red"}},
		{"x", "", false, nil},
	} {
		head, tail := wild(tt.head), wild(tt.tail)
		n := innerNFA(subject, tt.fold, func(i int) bool { return matchPiece(head, subject[:i], tt.fold) }, func(j int) bool { return matchPiece(tail, subject[j:], tt.fold) })
		for _, s := range []string{"", "red", "red-red", "RED-red", subject, "1", "re", "ed", "red-"} {
			want := slices.Contains(tt.want, s)
			if got := n.run(s); got != want {
				t.Errorf("%q…%q: %q: got %v", tt.head, tt.tail, s, got)
			}
		}
	}
	// a subject of more than single bytes
	n := innerNFA("aéz", false, func(i int) bool { return i == 1 }, func(j int) bool { return j == 3 })
	if !n.run("é") || n.run("éz") || n.run("a") {
		t.Error("characters of several bytes")
	}
}

func TestWithinAndBetween(t *testing.T) {
	r := rand.New(rand.NewPCG(17, 18))
	for range times(5000, 1000) {
		n := globNFA(wild(randomText(r, "ab*?", 5)), 0)
		if r.IntN(4) == 0 {
			subject := randomText(r, "ab", 5)
			n = innerNFA(subject, false, func(i int) bool { return i%2 == 0 }, func(j int) bool { return j%3 == 0 })
		}
		head, tail := randomText(r, "ab", 2), randomText(r, "ab", 2)
		outer, inner := n.within(head, tail), n.between(head, tail)
		s := randomText(r, "ab", 6)
		middle, hasHead := strings.CutPrefix(s, head)
		middle, hasTail := strings.CutSuffix(middle, tail)
		fits := hasHead && hasTail && len(s) >= len(head)+len(tail)
		if got, want := outer.run(s), fits && n.run(middle); got != want {
			t.Fatalf("%q within %q…%q: got %v, want %v", s, head, tail, got, want)
		}
		if got, want := inner.run(s), n.run(head+s+tail); got != want {
			t.Fatalf("%q between %q…%q: got %v, want %v", s, head, tail, got, want)
		}
		both := outer.within("x", "y")
		if both.run("x"+s+"y") != outer.run(s) {
			t.Fatalf("%q within twice", s)
		}
	}
}

// classes finds a text for every combination that short texts show.
func TestClassesAreAll(t *testing.T) {
	r := rand.New(rand.NewPCG(19, 20))
	var texts []string
	for _, a := range []string{"", "a", "b", "c"} {
		for _, b := range []string{"", "a", "b", "c"} {
			for _, c := range []string{"", "a", "b", "c"} {
				for _, d := range []string{"", "a", "b", "c"} {
					texts = append(texts, a+b+c+d)
				}
			}
		}
	}
	for range times(300, 60) {
		var automata []nfa
		for range 1 + r.IntN(4) {
			p := randomText(r, "ab*?", 4)
			if r.IntN(4) == 0 {
				automata = append(automata, literalNFA(strings.ReplaceAll(p, "?", "a"), true))
			} else {
				automata = append(automata, globNFA(wild(p), 0))
			}
		}
		vector := func(s string) string {
			v := make([]byte, len(automata))
			for i := range automata {
				if automata[i].run(s) {
					v[i] = 1
				}
			}
			return string(v)
		}
		left := searchBudget
		found, all := classes(automata, nil, &left)
		if !all || found[0].text != "" {
			t.Fatalf("%v, all %v", found, all)
		}
		have := map[string]bool{}
		for _, c := range found[1:] {
			s := c.text
			if s == "" || have[vector(s)] || c.matches != strings.Contains(vector(s), "\x01") {
				t.Errorf("%q comes twice", s)
			}
			have[vector(s)] = true
		}
		for _, s := range texts {
			if s != "" && !have[vector(s)] {
				t.Fatalf("no text like %q among %v", s, found)
			}
		}
	}
}

func TestClassesAreBounded(t *testing.T) {
	var automata []nfa
	for i := range 8 {
		automata = append(automata, globNFA(wild("*a"+strings.Repeat("?", 5+i)+"b*c"), 0))
	}
	left := 20000
	if _, all := classes(automata, nil, &left); all || left > 0 {
		t.Errorf("all %v, %d steps left", all, left)
	}
	left = 1 << 40
	long := []nfa{globNFA(wild(strings.Repeat("a*b?", 60)), 0), globNFA(wild(strings.Repeat("*ab?", 60)), 0)}
	if _, all := classes(long, nil, &left); all {
		t.Error("no bound on the states")
	}
}

// TestManyStatesCostMore: a pattern that is in a thousand states at once must not
// make every step a thousand times as long for nothing.
func TestManyStatesCostMore(t *testing.T) {
	left := 10_000
	stars := []nfa{globNFA(wild(strings.Repeat("*a", 1000)), 0)}
	if _, all := classes(stars, nil, &left); all || left > 0 {
		t.Errorf("all %v, %d steps left", all, left)
	}
}

func TestSubsets(t *testing.T) {
	few, all := subsets(singles("a", "b", "c")[1:])
	if len(few) != 7 || !all {
		t.Errorf("%d lists of three values, all %v", len(few), all)
	}
	many, all := subsets(singles("a", "b", "c", "d", "e", "f", "g")[1:])
	if len(many) != 29 || all {
		t.Errorf("%d lists of seven values, all %v", len(many), all)
	}
	texts := make([]string, 1000)
	for i := range texts {
		texts[i] = fmt.Sprint(i)
	}
	most, all := subsets(singles(texts...)[1:])
	if len(most) > pairLimit*pairLimit || all {
		t.Errorf("%d lists of a thousand values, all %v", len(most), all)
	}
	for _, l := range slices.Concat(few, many, most) {
		if !l.multi || l.state != KeyKnown || len(l.values) == 0 {
			t.Errorf("%+v", l)
		}
	}
}

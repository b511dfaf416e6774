package policy

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"ssmguard/guard/policy/automata"
)

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
		n := automata.Glob(pattern, free)
		if got, want := n.Accepts(text), g.match(text, 0); got != want {
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
				if got := n.Accepts(s); got != want {
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
		n := automata.Inner(subject, tt.fold, func(i int) bool { return matchPiece(head, subject[:i], tt.fold) }, func(j int) bool { return matchPiece(tail, subject[j:], tt.fold) })
		for _, s := range []string{"", "red", "red-red", "RED-red", subject, "1", "re", "ed", "red-"} {
			want := slices.Contains(tt.want, s)
			if got := n.Accepts(s); got != want {
				t.Errorf("%q…%q: %q: got %v", tt.head, tt.tail, s, got)
			}
		}
	}
	// a subject of more than single bytes
	n := automata.Inner("aéz", false, func(i int) bool { return i == 1 }, func(j int) bool { return j == 3 })
	if !n.Accepts("é") || n.Accepts("éz") || n.Accepts("a") {
		t.Error("characters of several bytes")
	}
}

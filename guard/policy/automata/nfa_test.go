package automata

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// wild makes a pattern of one in which * and ? are the wildcards.
func wild(pattern string) string {
	return strings.NewReplacer("*", string([]byte{Star}), "?", string([]byte{Quest})).Replace(pattern)
}

func times(full, short int) int {
	if testing.Short() {
		return short
	}
	return full
}

func randomText(r *rand.Rand, alphabet string, length int) string {
	var b strings.Builder
	for range r.IntN(length + 1) {
		b.WriteByte(alphabet[r.IntN(len(alphabet))])
	}
	return b.String()
}

func TestWithinAndBetween(t *testing.T) {
	r := rand.New(rand.NewPCG(17, 18))
	for range times(5000, 1000) {
		n := Glob(wild(randomText(r, "ab*?", 5)), 0)
		if r.IntN(4) == 0 {
			subject := randomText(r, "ab", 5)
			n = Inner(subject, false, func(i int) bool { return i%2 == 0 }, func(j int) bool { return j%3 == 0 })
		}
		head, tail := randomText(r, "ab", 2), randomText(r, "ab", 2)
		outer, inner := n.Within(head, tail), n.Between(head, tail)
		s := randomText(r, "ab", 6)
		middle, hasHead := strings.CutPrefix(s, head)
		middle, hasTail := strings.CutSuffix(middle, tail)
		fits := hasHead && hasTail && len(s) >= len(head)+len(tail)
		if got, want := outer.Accepts(s), fits && n.Accepts(middle); got != want {
			t.Fatalf("%q within %q…%q: got %v, want %v", s, head, tail, got, want)
		}
		if got, want := inner.Accepts(s), n.Accepts(head+s+tail); got != want {
			t.Fatalf("%q between %q…%q: got %v, want %v", s, head, tail, got, want)
		}
		both := outer.Within("x", "y")
		if both.Accepts("x"+s+"y") != outer.Accepts(s) {
			t.Fatalf("%q within twice", s)
		}
	}
}

// TestClassesAreAll: Classes finds a text for every combination that short texts show.
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
		var automata []NFA
		for range 1 + r.IntN(4) {
			p := randomText(r, "ab*?", 4)
			if r.IntN(4) == 0 {
				automata = append(automata, Literal(strings.ReplaceAll(p, "?", "a"), true))
			} else {
				automata = append(automata, Glob(wild(p), 0))
			}
		}
		vector := func(s string) string {
			v := make([]byte, len(automata))
			for i := range automata {
				if automata[i].Accepts(s) {
					v[i] = 1
				}
			}
			return string(v)
		}
		left := 400_000
		found, all := Classes(automata, nil, &left)
		if !all || found[0].Text != "" {
			t.Fatalf("%v, all %v", found, all)
		}
		have := map[string]bool{}
		for _, c := range found[1:] {
			s := c.Text
			if s == "" || have[vector(s)] || c.Matches != strings.Contains(vector(s), "\x01") {
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
	var automata []NFA
	for i := range 8 {
		automata = append(automata, Glob(wild("*a"+strings.Repeat("?", 5+i)+"b*c"), 0))
	}
	left := 20000
	if _, all := Classes(automata, nil, &left); all || left > 0 {
		t.Errorf("all %v, %d steps left", all, left)
	}
	left = 1 << 40
	long := []NFA{Glob(wild(strings.Repeat("a*b?", 60)), 0), Glob(wild(strings.Repeat("*ab?", 60)), 0)}
	if _, all := Classes(long, nil, &left); all {
		t.Error("no bound on the states")
	}
}

// TestManyStatesCostMore: a pattern that is in a thousand states at once must not
// make every step a thousand times as long for nothing.
func TestManyStatesCostMore(t *testing.T) {
	left := 10_000
	stars := []NFA{Glob(wild(strings.Repeat("*a", 1000)), 0)}
	if _, all := Classes(stars, nil, &left); all || left > 0 {
		t.Errorf("all %v, %d steps left", all, left)
	}
}

// TestMemo: what is remembered is what would be found, for the same steps, and only where
// there are steps enough.
func TestMemo(t *testing.T) {
	r := rand.New(rand.NewPCG(23, 24))
	var memo Memo
	remembered := 0
	for range times(4000, 800) {
		var automata []NFA
		for range 1 + r.IntN(3) {
			n := Glob(wild(randomText(r, "ab*?:", 2)), r.IntN(3))
			if r.IntN(4) == 0 {
				n = n.Or(Literal(randomText(r, "aB", 1), r.IntN(2) == 0)).Within("", "a")
			}
			automata = append(automata, n)
		}
		var form *NFA
		if r.IntN(3) == 0 {
			n := Form([]string{[]string{"[a-c]*", "[a-b]?", "[ab][a-z]*"}[r.IntN(3)]})
			form = &n
		}
		steps := r.IntN(300)
		left, rest := steps, steps
		want, whole := Classes(automata, form, &left)
		known := len(memo.known)
		got, all := memo.Classes(automata, form, &rest)
		if len(memo.known) == known && all {
			remembered++
		}
		if !slices.Equal(got, want) || all != whole || rest != left && all {
			t.Fatalf("%v, form %v, %d steps: %v, %v, %d left; want %v, %v, %d", automata, form, steps, got, all, rest, want, whole, left)
		}
	}
	if remembered < 100 {
		t.Errorf("only %d were remembered", remembered)
	}
}

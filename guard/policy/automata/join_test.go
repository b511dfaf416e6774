package automata

import (
	"math/rand/v2"
	"testing"
)

// Join accepts a text if some cut of it is accepted piece by piece.
func TestJoin(t *testing.T) {
	r := rand.New(rand.NewPCG(23, 24))
	for range times(4000, 800) {
		a, b := Pattern(randomText(r, "ab*?", 4)), Literal(randomText(r, "ab", 2), r.IntN(2) == 0)
		if r.IntN(3) == 0 {
			b = Form([]string{"a", "b[ab]*"}, []string{"", "a"})
		}
		c := Pattern(randomText(r, "ab*", 3))
		joined := Join(a, b, c)
		s := randomText(r, "abA", 7)
		want := false
		for i := range len(s) + 1 {
			for j := i; j <= len(s); j++ {
				want = want || a.Accepts(s[:i]) && b.Accepts(s[i:j]) && c.Accepts(s[j:])
			}
		}
		if got := joined.Accepts(s); got != want {
			t.Fatalf("%q: got %t, want %t", s, got, want)
		}
	}
}

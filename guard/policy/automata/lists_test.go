package automata

import (
	"fmt"
	"slices"
	"testing"
)

func TestLists(t *testing.T) {
	few, all := Lists([]string{"a", "b", "c"})
	if len(few) != 7 || !all {
		t.Errorf("%d lists of three texts, all %v", len(few), all)
	}
	many, all := Lists([]string{"a", "b", "c", "d", "e", "f", "g"})
	if len(many) != 29 || all {
		t.Errorf("%d lists of seven texts, all %v", len(many), all)
	}
	texts := make([]string, 1000)
	for i := range texts {
		texts[i] = fmt.Sprint(i)
	}
	most, all := Lists(texts)
	if len(most) > pairLimit*pairLimit || all || !slices.Equal(most[len(most)-1], texts) {
		t.Errorf("%d lists of a thousand texts, all %v", len(most), all)
	}
	for _, l := range slices.Concat(few, many, most) {
		if len(l) == 0 {
			t.Error("an empty list, which a key that is there does not have")
		}
	}
}

func TestDistinct(t *testing.T) {
	if got := Distinct([]string{"b", "a", "b", "c", "a"}); !slices.Equal(got, []string{"b", "a", "c"}) {
		t.Errorf("%q", got)
	}
}

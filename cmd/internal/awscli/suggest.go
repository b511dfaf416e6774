package awscli

import "slices"

// closeMatches is difflib.get_close_matches with three results and a cutoff of 0.8.
func closeMatches(word string, choices []string) []string {
	type scored struct {
		word  string
		ratio float64
	}
	var near []scored
	for _, c := range choices {
		if r := similarity(c, word); r >= 0.8 {
			near = append(near, scored{c, r})
		}
	}
	slices.SortStableFunc(near, func(a, b scored) int {
		switch {
		case a.ratio > b.ratio:
			return -1
		case a.ratio < b.ratio:
			return 1
		}
		return 0
	})
	var out []string
	for _, s := range near[:min(3, len(near))] {
		out = append(out, s.word)
	}
	return out
}

// similarity is difflib's ratio: twice the characters in matching blocks, over all characters.
func similarity(a, b string) float64 {
	if len(a)+len(b) == 0 {
		return 1
	}
	return 2 * float64(matching(a, b)) / float64(len(a)+len(b))
}

// matching counts the characters in the longest common block and, on both sides of it, again.
func matching(a, b string) int {
	best, ai, bi := 0, 0, 0
	for i := range len(a) {
		for j := range len(b) {
			n := 0
			for i+n < len(a) && j+n < len(b) && a[i+n] == b[j+n] {
				n++
			}
			if n > best {
				best, ai, bi = n, i, j
			}
		}
	}
	if best == 0 {
		return 0
	}
	return best + matching(a[:ai], b[:bi]) + matching(a[ai+best:], b[bi+best:])
}

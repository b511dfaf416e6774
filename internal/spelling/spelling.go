package spelling

import "strings"

// Nearest returns the candidate that a mistyped word most likely meant, or ""
// when none is close: at most a third of its letters, and one more, may differ. A word of
// more than maxLength bytes means none.
func Nearest(word string, candidates []string) string {
	best, least := "", len(word)/3+1
	if len(word) > maxLength {
		return ""
	}
	for _, c := range candidates {
		if len(c) > len(word)+least || len(word) > len(c)+least {
			continue // so many letters differ at least
		}
		if d := Distance(word, c); d < least || d == least && best == "" {
			best, least = c, d
		}
	}
	return best
}

// maxLength bounds the time of Nearest, which grows with the square of the length.
const maxLength = 256

// Distance counts the insertions, deletions and substitutions between two words, case
// aside.
func Distance(a, b string) int {
	a, b = strings.ToLower(a), strings.ToLower(b)
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}

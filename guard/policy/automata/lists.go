package automata

import "slices"

// Distinct returns the texts without those that are there twice, in their order.
func Distinct(texts []string) []string {
	var out []string
	for _, t := range texts {
		if !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	return out
}

// listLimit bounds the texts of which every combination is listed, pairLimit those of
// which every two are when there are more.
const (
	listLimit = 6
	pairLimit = 64
)

// Lists returns the lists of some texts that may be told apart, and whether these are
// all there are.
func Lists(texts []string) (lists [][]string, all bool) {
	if len(texts) > listLimit {
		some := texts[:min(len(texts), pairLimit)]
		for i := range some {
			for j := i; j < len(some); j++ {
				lists = append(lists, pick(some, 1<<i|1<<j))
			}
		}
		return append(lists, slices.Clone(texts)), false
	}
	for mask := uint64(1); mask < 1<<len(texts); mask++ {
		lists = append(lists, pick(texts, mask))
	}
	return lists, true
}

func pick(texts []string, mask uint64) []string {
	var out []string
	for i := range texts {
		if mask&(1<<i) != 0 {
			out = append(out, texts[i])
		}
	}
	return out
}

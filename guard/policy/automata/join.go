package automata

import "slices"

// Join accepts what the automata accept one after the other.
func Join(parts ...NFA) NFA {
	var out NFA
	for i, n := range parts {
		from := len(out.tokens)
		out.tokens = slices.Concat(out.tokens, n.tokens, []token{{kind: tokNever}})
		for _, j := range n.jumps {
			out.jumps = append(out.jumps, jump{from + j.from, from + j.to})
		}
		for _, start := range n.start {
			if i == 0 {
				out.start = append(out.start, start)
			}
			for _, end := range out.accept {
				out.jumps = append(out.jumps, jump{end, from + start})
			}
		}
		out.accept = nil
		for _, end := range n.accept {
			out.accept = append(out.accept, from+end)
		}
	}
	return out
}

// Pattern accepts what a pattern as policies write it matches, "*" any run of characters
// and "?" any one.
func Pattern(text string) NFA {
	wild := make([]byte, 0, len(text))
	for i := range len(text) {
		switch text[i] {
		case '*':
			wild = append(wild, Star)
		case '?':
			wild = append(wild, Quest)
		default:
			wild = append(wild, text[i])
		}
	}
	return Glob(string(wild), 0)
}

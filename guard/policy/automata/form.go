package automata

import "strings"

// Form accepts parts that follow each other, each one of some alternatives, in which
// "#" is a digit, "[...]" one of the characters and "[...]*" any number of them.
func Form(parts ...[]string) NFA {
	n := NFA{start: []int{0}}
	wall := token{kind: tokNever}
	for _, alternatives := range parts {
		entry := len(n.tokens)
		n.tokens = append(n.tokens, wall)
		var ends []int
		for _, a := range alternatives {
			n.jumps = append(n.jumps, jump{entry, len(n.tokens)})
			n.tokens = append(n.tokens, formTokens(a)...)
			ends = append(ends, len(n.tokens))
			n.tokens = append(n.tokens, wall)
		}
		for _, end := range ends {
			n.jumps = append(n.jumps, jump{end, len(n.tokens)})
		}
	}
	n.accept = []int{len(n.tokens)}
	return n
}

// formTokens reads one alternative.
func formTokens(text string) []token {
	var out []token
	for i := 0; i < len(text); i++ {
		t := token{kind: tokSet}
		switch text[i] {
		case '#':
			t.set = "0123456789"
		case '[':
			end := i + strings.IndexByte(text[i:], ']')
			t.set = spelledOut(text[i+1 : end])
			i = end
			if i+1 < len(text) && text[i+1] == '*' {
				t.kind = tokSetStar
				i++
			}
		default:
			t = token{kind: tokLiteral, r: rune(text[i])}
		}
		out = append(out, t)
	}
	return out
}

// spelledOut writes the ranges of a set as characters.
func spelledOut(set string) string {
	var b strings.Builder
	for i := 0; i < len(set); i++ {
		if i+2 < len(set) && set[i+1] == '-' {
			for c := set[i]; c <= set[i+2]; c++ {
				b.WriteByte(c)
			}
			i += 2
			continue
		}
		b.WriteByte(set[i])
	}
	return b.String()
}

package policy

import (
	"strings"
	"unicode/utf8"
)

// part is a piece of a value with policy variables: literal text, which may
// hold wildcards, or a variable.
type part struct {
	text string // literal text; for a variable its default
	key  contextKey
	kind partKind
}

type partKind uint8

const (
	partText     partKind = iota
	partLiteral           // ${*}, ${?}, ${$}: the character itself
	partVariable          // ${key}
	partDefault           // ${key, 'default'}
)

// splitVariables cuts a value at its policy variables. It returns nil when the
// value holds none. A "${" that is not closed is literal text.
func splitVariables(parts []part, text string) []part {
	from, at := 0, 0
	for {
		i := strings.Index(text[at:], "${")
		if i < 0 {
			break
		}
		i += at
		end := strings.IndexByte(text[i:], '}')
		if end < 0 {
			break
		}
		end += i
		if from < i {
			parts = append(parts, part{text: text[from:i]})
		}
		parts = append(parts, variable(text[i+2:end]))
		from, at = end+1, end+1
	}
	if from > 0 && from < len(text) {
		parts = append(parts, part{text: text[from:]})
	}
	return parts
}

// variable reads what stands between "${" and "}".
func variable(inside string) part {
	switch inside {
	case "*", "?", "$":
		return part{text: inside, kind: partLiteral}
	}
	name, rest, found := strings.Cut(inside, ", ")
	if found && len(rest) >= 2 && rest[0] == '\'' && rest[len(rest)-1] == '\'' {
		return part{text: rest[1 : len(rest)-1], key: newContextKey(strings.TrimSpace(name)), kind: partDefault}
	}
	return part{key: newContextKey(strings.TrimSpace(name)), kind: partVariable}
}

// expand appends the value with its variables resolved to dst. Wildcards of the
// policy become safeStar and safeQuest when wild is set; every other character
// is literal. It returns No when a variable has no value, so that nothing can
// match, and Maybe when it is not known.
func expand(dst []byte, parts []part, wild bool, c *Context) ([]byte, truth) {
	known := yes
	for i := range parts {
		p := &parts[i]
		switch p.kind {
		case partText:
			dst = appendWild(dst, p.text, wild)
		case partLiteral:
			dst = append(dst, p.text...)
		default:
			value, state := c.variable(p)
			switch state {
			case no:
				return dst, no
			case maybe:
				known = maybe
			}
			dst = appendLiteral(dst, value)
		}
	}
	return dst, known
}

// variable returns the value of a variable: its key's when that is known and
// single-valued and not empty, else its default.
func (c *Context) variable(p *part) (string, truth) {
	values, multi, state := c.lookup(&p.key)
	switch {
	case state == KeyUnknown:
		return "", maybe
	case state == KeyKnown && !multi && values[0] != "":
		return values[0], yes
	case p.kind == partDefault:
		return p.text, yes
	}
	return "", no
}

func appendWild(dst []byte, text string, wild bool) []byte {
	if !wild {
		return append(dst, text...)
	}
	for i := range len(text) {
		switch text[i] {
		case rawStar:
			dst = append(dst, safeStar)
		case rawQuest:
			dst = append(dst, safeQuest)
		default:
			dst = append(dst, text[i])
		}
	}
	return dst
}

// appendLiteral appends a request's value. Text that is not UTF-8 could hold the
// two wildcard bytes, so it is repaired first.
func appendLiteral(dst []byte, value string) []byte {
	if !utf8.ValidString(value) {
		value = strings.ToValidUTF8(value, "\uFFFD")
	}
	return append(dst, value...)
}

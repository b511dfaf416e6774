package awscli

import (
	"fmt"
	"strings"
)

// queryToken is one token of a JMESPath expression. value is what messages show.
type queryToken struct {
	kind  string
	value string
	lit   any
	start int
}

// queryError is a fault in a JMESPath expression, with the text of the Python library.
type queryError struct{ msg string }

func (e *queryError) Error() string { return e.msg }

func (l *queryLexer) fault(at int, what string) error {
	return &queryError{fmt.Sprintf("Bad jmespath expression: %s:\n%s\n%s^", what, text(l.in), strings.Repeat(" ", at))}
}

type queryLexer struct {
	in  []rune
	at  int
	out []queryToken
}

var simpleTokens = map[rune]string{
	'.': "dot", '*': "star", ']': "rbracket", ',': "comma", ':': "colon",
	'@': "current", '(': "lparen", ')': "rparen", '{': "lbrace", '}': "rbrace",
}

// pairTokens are characters that mean something else with a second one.
var pairTokens = map[rune]struct {
	next         rune
	double, lone string
}{
	'|': {'|', "or", "pipe"}, '&': {'&', "and", "expref"}, '<': {'=', "lte", "lt"},
	'>': {'=', "gte", "gt"}, '!': {'=', "ne", "not"},
}

func lexQuery(expression string) ([]queryToken, error) {
	l := &queryLexer{in: runes(expression)}
	if len(l.in) == 0 {
		return nil, &queryError{"Invalid JMESPath expression: cannot be empty."}
	}
	for l.at < len(l.in) {
		if err := l.next(); err != nil {
			return nil, err
		}
	}
	l.emit("eof", len(l.in), len(l.in))
	return l.out, nil
}

// emit adds a token whose text runs from start to end.
func (l *queryLexer) emit(kind string, start, end int) {
	l.out = append(l.out, queryToken{kind: kind, value: text(l.in[start:end]), start: start})
	l.at = end
}

func (l *queryLexer) peek(n int) rune {
	if l.at+n < len(l.in) {
		return l.in[l.at+n]
	}
	return eof
}

func isIdentifier(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_'
}

func (l *queryLexer) next() error {
	c, start := l.peek(0), l.at
	if kind, ok := simpleTokens[c]; ok {
		l.emit(kind, start, start+1)
		return nil
	}
	if pair, ok := pairTokens[c]; ok {
		if l.peek(1) == pair.next {
			l.emit(pair.double, start, start+2)
		} else {
			l.emit(pair.lone, start, start+1)
		}
		return nil
	}
	switch {
	case isIdentifier(c):
		end := start
		for end < len(l.in) && (isIdentifier(l.in[end]) || isDigit(l.in[end])) {
			end++
		}
		l.emit("unquoted_identifier", start, end)
	case strings.ContainsRune(" \t\n\r", c):
		l.at++
	case c == '[':
		l.bracket()
	case isDigit(c) || c == '-':
		return l.number()
	case c == '=':
		return l.equals()
	case c == '\'':
		return l.rawString()
	case c == '`':
		return l.literal()
	case c == '"':
		return l.quotedIdentifier()
	default:
		return l.fault(start, "Unknown token "+string(c))
	}
	return nil
}

func (l *queryLexer) bracket() {
	switch l.peek(1) {
	case ']':
		l.emit("flatten", l.at, l.at+2)
	case '?':
		l.emit("filter", l.at, l.at+2)
	default:
		l.emit("lbracket", l.at, l.at+1)
	}
}

func (l *queryLexer) number() error {
	end := l.at + 1
	for end < len(l.in) && isDigit(l.in[end]) {
		end++
	}
	s := string(l.in[l.at:end])
	if s == "-" {
		return l.fault(l.at, "Unknown token '-'")
	}
	start := l.at
	l.emit("number", start, end)
	return nil
}

func (l *queryLexer) equals() error {
	if l.peek(1) != '=' {
		return l.fault(l.at, "Unknown token '='")
	}
	l.emit("eq", l.at, l.at+2)
	return nil
}

// until returns what stands between delimiters; a backslash keeps the next character.
func (l *queryLexer) until(delimiter rune) (string, error) {
	start := l.at
	for i := start + 1; i < len(l.in); i++ {
		switch l.in[i] {
		case delimiter:
			l.at = i + 1
			return text(l.in[start+1 : i]), nil
		case '\\':
			i++
		}
	}
	return "", l.fault(start, "Unclosed "+string(delimiter)+" delimiter")
}

func (l *queryLexer) rawString() error {
	start := l.at
	s, err := l.until('\'')
	s = strings.ReplaceAll(s, `\'`, "'")
	l.out = append(l.out, queryToken{kind: "literal", value: s, lit: s, start: start})
	return err
}

func (l *queryLexer) literal() error {
	start := l.at
	s, err := l.until('`')
	if err != nil {
		return err
	}
	s = strings.ReplaceAll(s, "\\`", "`")
	v, err := loads(s, false)
	if err != nil {
		if v, err = loads(`"`+trimLeftSpace(s)+`"`, false); err != nil {
			return l.fault(start, "Bad token "+s)
		}
	}
	l.out = append(l.out, queryToken{kind: "literal", value: str(v), lit: v, start: start})
	return nil
}

func (l *queryLexer) quotedIdentifier() error {
	start := l.at
	s, err := l.until('"')
	if err != nil {
		return err
	}
	v, err := loads(`"`+s+`"`, false)
	if err != nil {
		what, _, _ := strings.Cut(err.Error(), ":")
		return l.fault(start, what)
	}
	l.out = append(l.out, queryToken{kind: "quoted_identifier", value: str(v), lit: v, start: start})
	return nil
}

package awscli

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// shorthandError is a fault in a shorthand value; its text shows the place with a caret.
type shorthandError struct {
	msg string
}

func (e *shorthandError) Error() string { return e.msg }

// parseShorthand reads the CLI's shorthand: keys with scalars, lists and maps.
// load resolves `key@=file://path` values; its error ends the parse.
func parseShorthand(s string, load func(string) (any, bool, error)) (m *mapping, err error) {
	p := &shorthand{in: []rune(s), load: load}
	return p.parameter()
}

type shorthand struct {
	in      []rune
	at      int
	resolve bool // this key was followed by "@"
	load    func(string) (any, bool, error)
}

// The character classes of an unquoted value. A word starts with start, goes on
// with first (for the first value after "=") or second (after a comma). Nothing
// above U+FFFF is in any class.
func wordStart(r rune) bool {
	return r == '!' || r >= '#' && r <= '&' || r >= '(' && r <= '+' || r >= '-' && r <= '<' ||
		r >= '>' && r <= 'Z' || r >= '\\' && r <= 'z' || r >= '|' && r <= 0xFFFF
}

func firstFollow(r rune) bool {
	return unicode.IsSpace(r) || r == '!' || r >= '#' && r <= '&' || r >= '(' && r <= '+' || r >= '-' && r <= '\\' ||
		r >= '^' && r <= '|' || r >= '~' && r <= 0xFFFF
}

func secondFollow(r rune) bool {
	return unicode.IsSpace(r) || r == '!' || r >= '#' && r <= '&' || r >= '(' && r <= '+' || r >= '-' && r <= '<' ||
		r >= '>' && r <= 0xFFFF
}

func keyChar(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.#/:", r)
}

const eof rune = -1

func (p *shorthand) current() rune {
	if p.at < len(p.in) {
		return p.in[p.at]
	}
	return eof
}

func (p *shorthand) atEOF() bool { return p.at >= len(p.in) }

// space skips string.whitespace: the ASCII blanks only.
func (p *shorthand) space() {
	for !p.atEOF() && strings.ContainsRune(" \t\n\r\v\f", p.current()) {
		p.at++
	}
}

func (p *shorthand) syntax(expected, received string) error {
	return &shorthandError{fmt.Sprintf("Expected: '%s', received: '%s' for input:\n%s", expected, received, p.location(p.at))}
}

// location is the input with a caret line under the column of at.
func (p *shorthand) location(at int) string {
	at = min(at, len(p.in))
	before, after := string(p.in[:at]), string(p.in[at:])
	column := utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])
	line, more, ok := strings.Cut(after, "\n")
	if ok {
		more = "\n" + more
	}
	return before + line + "\n" + strings.Repeat(" ", column) + "^" + more
}

// expect consumes char, with blanks around it when blanks is set.
func (p *shorthand) expect(char rune, blanks bool) error {
	if blanks {
		p.space()
	}
	switch c := p.current(); {
	case c == eof:
		return p.syntax(string(char), "EOF")
	case c != char:
		return p.syntax(string(char), string(c))
	}
	p.at++
	if blanks {
		p.space()
	}
	return nil
}

func (p *shorthand) parameter() (*mapping, error) {
	params := newMapping()
	for last := 0; ; last = p.at {
		if last > 0 {
			if err := p.expect(',', true); err != nil {
				return nil, err
			}
		}
		key, v, err := p.keyval()
		if err != nil {
			return nil, err
		}
		if params.has(key) {
			return nil, &shorthandError{fmt.Sprintf("Second instance of key \"%s\" encountered for input:\n%s\n"+
				"This is often because there is a preceding \",\" instead of a space.", key, p.location(last+1))}
		}
		params.set(key, v)
		if p.atEOF() {
			return params, nil
		}
	}
}

func (p *shorthand) keyval() (string, any, error) {
	key, err := p.key()
	if err != nil {
		return "", nil, err
	}
	v, err := p.values()
	return key, v, err
}

// key reads a key with its "=" or "@=".
func (p *shorthand) key() (string, error) {
	start := p.at
	for !p.atEOF() && keyChar(p.current()) {
		p.at++
	}
	key := string(p.in[start:p.at])
	p.resolve = p.expect('@', true) == nil
	return key, p.expect('=', true)
}

func (p *shorthand) values() (any, error) {
	switch p.current() {
	case eof:
		return "", nil
	case '[':
		return p.explicitList()
	case '{':
		return p.hashLiteral()
	}
	return p.csv()
}

// csv reads one value or a list without brackets. It is greedy: at the first
// word that is not followed by a comma it goes back to the comma before it,
// which then separates keys.
func (p *shorthand) csv() (any, error) {
	first, err := p.firstValue()
	if err != nil {
		return nil, err
	}
	p.space()
	if p.current() != ',' {
		return first, nil
	}
	if err := p.expect(',', true); err != nil {
		return nil, err
	}
	list := []any{first}
	for {
		v, err := p.secondValue()
		if err == nil {
			p.space()
			if p.atEOF() {
				return append(list, v), nil
			}
			if err = p.expect(',', true); err == nil {
				list = append(list, v)
				continue
			}
		}
		if _, ok := err.(*shorthandError); !ok || p.atEOF() {
			return nil, err
		}
		for p.at >= 0 && p.in[p.at] != ',' {
			p.at--
		}
		break
	}
	if len(list) == 1 {
		return first, nil
	}
	return list, nil
}

func (p *shorthand) explicitList() (any, error) {
	list := []any{}
	if err := p.expect('[', true); err != nil {
		return nil, err
	}
	for p.current() != ']' {
		v, err := p.explicitValue()
		if err != nil {
			return nil, err
		}
		list = append(list, v)
		if err := p.separator(']'); err != nil {
			return nil, err
		}
	}
	return list, p.expect(']', false)
}

func (p *shorthand) hashLiteral() (any, error) {
	m := newMapping()
	if err := p.expect('{', true); err != nil {
		return nil, err
	}
	for p.current() != '}' {
		key, err := p.key()
		if err != nil {
			return nil, err
		}
		v, err := p.explicitValue()
		if err != nil {
			return nil, err
		}
		if err := p.separator('}'); err != nil {
			return nil, err
		}
		m.set(key, v)
	}
	return m, p.expect('}', false)
}

// separator reads the comma between items, or nothing before the closing bracket.
func (p *shorthand) separator(closing rune) error {
	p.space()
	if p.current() == closing {
		return nil
	}
	if err := p.expect(',', false); err != nil {
		return err
	}
	p.space()
	return nil
}

func (p *shorthand) explicitValue() (any, error) {
	switch p.current() {
	case '[':
		return p.explicitList()
	case '{':
		return p.hashLiteral()
	}
	return p.firstValue()
}

func (p *shorthand) firstValue() (any, error) {
	if c := p.current(); c == '\'' || c == '"' {
		return p.quoted(c)
	}
	if s, ok := p.word(firstFollow); ok {
		return p.resolved(s)
	}
	return "", nil
}

func (p *shorthand) secondValue() (any, error) {
	if c := p.current(); c == '\'' || c == '"' {
		return p.quoted(c)
	}
	s, ok := p.word(secondFollow)
	if !ok {
		return nil, p.syntax("<second>", "<none>")
	}
	return p.resolved(s)
}

// word consumes an unquoted value; an escaped comma is part of it.
func (p *shorthand) word(follow func(rune) bool) (string, bool) {
	start := p.at
	for class := wordStart; ; class = follow {
		switch c := p.current(); {
		case c == '\\' && p.at+1 < len(p.in) && p.in[p.at+1] == ',':
			p.at += 2
			continue
		case c != eof && class(c):
			p.at++
			continue
		}
		break
	}
	if p.at == start {
		return "", false
	}
	return strings.TrimRightFunc(strings.ReplaceAll(string(p.in[start:p.at]), `\,`, ","), unicode.IsSpace), true
}

// quoted consumes up to the next quote that is not escaped, or, when there is
// none, up to the last escaped one.
func (p *shorthand) quoted(q rune) (any, error) {
	end, escaped := -1, -1
	for i := p.at + 1; i < len(p.in); i++ {
		if p.in[i] != q {
			continue
		}
		if p.in[i-1] != '\\' || i-1 == p.at {
			end = i
			break
		}
		escaped = i
	}
	if end < 0 {
		end = escaped
	}
	if end < 0 {
		name := "double quoted"
		if q == '\'' {
			name = "singled quoted"
		}
		return nil, p.syntax("<"+name+">", "<none>")
	}
	s := string(p.in[p.at+1 : end])
	p.at = end + 1
	s = strings.ReplaceAll(s, `\`+string(q), string(q))
	return p.resolved(strings.ReplaceAll(s, `\\`, `\`))
}

// resolved loads the file that a value of a "@=" key names.
func (p *shorthand) resolved(s string) (any, error) {
	if !p.resolve {
		return s, nil
	}
	v, ok, err := p.load(s)
	if err != nil || ok {
		return v, err
	}
	return s, nil
}

// scalarsToLists turns every value that is no list into a list of one, as the
// model of a map of lists asks: key=value means key=[value].
func scalarsToLists(m *mapping) {
	for _, k := range m.keys {
		if _, ok := m.values[k].([]any); !ok {
			m.values[k] = []any{m.values[k]}
		}
	}
}

package awscli

import (
	"fmt"
	"strconv"
	"strings"
)

// jsonError is Python's JSONDecodeError: what was expected, and where.
type jsonError struct {
	what string
	doc  []rune
	at   int
}

func (e *jsonError) Error() string {
	line, start := 1, 0
	for i, r := range e.doc[:min(e.at, len(e.doc))] {
		if r == '\n' {
			line, start = line+1, i+1
		}
	}
	return fmt.Sprintf("%s: line %d column %d (char %d)", e.what, line, e.at-start+1, e.at)
}

// loads is json.loads: numbers keep their text, NaN and Infinity are numbers,
// the last of two equal keys wins. ordered makes objects OrderedDicts.
func loads(s string, ordered bool) (v any, err error) {
	d := &jsonDecoder{doc: runes(s), ordered: ordered}
	if len(d.doc) > 0 && d.doc[0] == 0xFEFF {
		return nil, &jsonError{"Unexpected UTF-8 BOM (decode using utf-8-sig)", d.doc, 0}
	}
	d.space()
	if v, err = d.value(); err != nil {
		return nil, err
	}
	d.space()
	if d.at < len(d.doc) {
		return nil, d.fault("Extra data", d.at)
	}
	return v, nil
}

type jsonDecoder struct {
	doc     []rune
	at      int
	ordered bool
}

func (d *jsonDecoder) fault(what string, at int) error { return &jsonError{what, d.doc, at} }

// peek returns the current rune, or -1 at the end.
func (d *jsonDecoder) peek() rune {
	if d.at < len(d.doc) {
		return d.doc[d.at]
	}
	return -1
}

func (d *jsonDecoder) space() {
	for strings.ContainsRune(" \t\n\r", d.peek()) && d.at < len(d.doc) {
		d.at++
	}
}

var jsonWords = []struct {
	word  string
	value any
}{
	{"null", nil}, {"true", true}, {"false", false},
	{"NaN", mustFloat("NaN")}, {"Infinity", mustFloat("+Inf")}, {"-Infinity", mustFloat("-Inf")},
}

func mustFloat(s string) float64 {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		panic(err)
	}
	return f
}

func (d *jsonDecoder) value() (any, error) {
	switch d.peek() {
	case '"':
		return d.string()
	case '{':
		return d.object()
	case '[':
		return d.array()
	}
	for _, w := range jsonWords {
		if strings.HasPrefix(string(d.doc[d.at:min(len(d.doc), d.at+len(w.word))]), w.word) {
			d.at += len(w.word)
			return w.value, nil
		}
	}
	return d.number()
}

func (d *jsonDecoder) object() (any, error) {
	m := newMapping()
	m.ordered = d.ordered
	d.at++
	d.space()
	if d.peek() == '}' {
		d.at++
		return m, nil
	}
	for {
		if d.peek() != '"' {
			return nil, d.fault("Expecting property name enclosed in double quotes", d.at)
		}
		key, err := d.string()
		if err != nil {
			return nil, err
		}
		d.space()
		if d.peek() != ':' {
			return nil, d.fault("Expecting ':' delimiter", d.at)
		}
		d.at++
		d.space()
		v, err := d.value()
		if err != nil {
			return nil, err
		}
		m.set(key, v)
		d.space()
		switch d.peek() {
		case '}':
			d.at++
			return m, nil
		case ',':
			d.at++
			d.space()
		default:
			return nil, d.fault("Expecting ',' delimiter", d.at)
		}
	}
}

func (d *jsonDecoder) array() (any, error) {
	list := []any{}
	d.at++
	d.space()
	if d.peek() == ']' {
		d.at++
		return list, nil
	}
	for {
		v, err := d.value()
		if err != nil {
			return nil, err
		}
		list = append(list, v)
		d.space()
		switch d.peek() {
		case ']':
			d.at++
			return list, nil
		case ',':
			d.at++
			d.space()
		default:
			return nil, d.fault("Expecting ',' delimiter", d.at)
		}
	}
}

func isDigit(r rune) bool { return r >= '0' && r <= '9' }

func (d *jsonDecoder) digits() bool {
	from := d.at
	for isDigit(d.peek()) {
		d.at++
	}
	return d.at > from
}

// number reads -?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?; a part that does not fit
// is left for the caller to trip over.
func (d *jsonDecoder) number() (any, error) {
	start := d.at
	if d.peek() == '-' {
		d.at++
	}
	if d.peek() == '0' {
		d.at++
	} else if !d.digits() {
		d.at = start
		return nil, d.fault("Expecting value", start)
	}
	isFloat := false
	mark := d.at
	if d.peek() == '.' {
		if d.at++; d.digits() {
			isFloat, mark = true, d.at
		}
		d.at = mark
	}
	if r := d.peek(); r == 'e' || r == 'E' {
		d.at++
		if r := d.peek(); r == '-' || r == '+' {
			d.at++
		}
		if d.digits() {
			isFloat, mark = true, d.at
		}
		d.at = mark
	}
	s := string(d.doc[start:d.at])
	if !isFloat {
		if s == "-0" {
			s = "0"
		}
		return integer(s), nil
	}
	f, _ := strconv.ParseFloat(s, 64) // out of range is infinite, as in Python
	return f, nil
}

var jsonUnescapes = map[rune]rune{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

func (d *jsonDecoder) string() (string, error) {
	begin := d.at
	d.at++
	var out []rune
	for {
		switch r := d.peek(); {
		case r < 0:
			return "", d.fault("Unterminated string starting at", begin)
		case r == '"':
			d.at++
			return text(out), nil
		case r < 0x20:
			return "", d.fault("Invalid control character at", d.at)
		case r == '\\':
			r, err := d.escape(begin)
			if err != nil {
				return "", err
			}
			out = append(out, r)
		default:
			out = append(out, r)
			d.at++
		}
	}
}

func (d *jsonDecoder) escape(begin int) (rune, error) {
	d.at++
	c := d.peek()
	if c < 0 {
		return 0, d.fault("Unterminated string starting at", begin)
	}
	d.at++
	if c != 'u' {
		r, ok := jsonUnescapes[c]
		if !ok {
			return 0, d.fault(`Invalid \escape`, d.at-2)
		}
		return r, nil
	}
	r, err := d.hex4()
	if err != nil || r < 0xD800 || r > 0xDBFF {
		return r, err
	}
	// A high surrogate joins a low one that follows; alone it stays as it is.
	if d.at+6 >= len(d.doc) || d.doc[d.at] != '\\' || d.doc[d.at+1] != 'u' {
		return r, nil
	}
	d.at += 2
	low, err := d.hex4()
	if err != nil {
		return 0, err
	}
	if low < 0xDC00 || low > 0xDFFF {
		d.at -= 6
		return r, nil
	}
	return 0x10000 + (r-0xD800)<<10 + (low - 0xDC00), nil
}

// hex4 reads the digits after \u.
func (d *jsonDecoder) hex4() (rune, error) {
	if d.at+4 >= len(d.doc) {
		return 0, d.fault(`Invalid \uXXXX escape`, d.at-1)
	}
	n, err := strconv.ParseUint(string(d.doc[d.at:d.at+4]), 16, 16)
	if err != nil {
		return 0, d.fault(`Invalid \uXXXX escape`, d.at-1)
	}
	d.at += 4
	return rune(n), nil
}

// JSONFault is the text of Python's error for a document that is not JSON, "" if it is.
func JSONFault(doc string) string {
	if _, err := loads(doc, false); err != nil {
		return err.Error()
	}
	return ""
}

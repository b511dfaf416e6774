package awscli

import (
	"math"
	"strconv"
	"strings"
	"unicode"
)

// A value is what Python would hold for a parameter: nil, bool, string, integer,
// float64, blob, timestamp, []any or *mapping.
type (
	integer   string // decimal digits: Python integers have no width
	blob      []byte // content of a fileb:// file
	timestamp string // a YAML timestamp, kept as written
)

// mapping is a dict: it keeps the order of its keys. ordered marks Python's
// OrderedDict, which only differs in error texts.
type mapping struct {
	keys    []string
	values  map[string]any
	ordered bool
}

func newMapping() *mapping { return &mapping{values: map[string]any{}} }

func (m *mapping) has(key string) bool { _, ok := m.values[key]; return ok }

// set keeps the place of a key that is there already, as a dict does.
func (m *mapping) set(key string, v any) {
	if !m.has(key) {
		m.keys = append(m.keys, key)
	}
	m.values[key] = v
}

// dumps is json.dumps with its default separators and ASCII-only output.
func dumps(v any) string {
	var b strings.Builder
	dump(&b, v)
	return b.String()
}

func dump(b *strings.Builder, v any) {
	switch v := v.(type) {
	case nil:
		b.WriteString("null")
	case bool:
		b.WriteString(strconv.FormatBool(v))
	case string:
		dumpString(b, v)
	case integer:
		b.WriteString(string(v))
	case float64:
		b.WriteString(dumpFloat(v))
	case blob:
		dumpString(b, string(v))
	case timestamp:
		dumpString(b, string(v))
	case []any:
		b.WriteByte('[')
		for i, e := range v {
			if i > 0 {
				b.WriteString(", ")
			}
			dump(b, e)
		}
		b.WriteByte(']')
	case *mapping:
		b.WriteByte('{')
		for i, k := range v.keys {
			if i > 0 {
				b.WriteString(", ")
			}
			dumpString(b, k)
			b.WriteString(": ")
			dump(b, v.values[k])
		}
		b.WriteByte('}')
	}
}

var jsonEscapes = map[rune]string{'"': `\"`, '\\': `\\`, '\n': `\n`, '\r': `\r`, '\t': `\t`, '\b': `\b`, '\f': `\f`}

func dumpString(b *strings.Builder, s string) {
	b.WriteByte('"')
	for _, r := range runes(s) {
		switch esc, ok := jsonEscapes[r]; {
		case ok:
			b.WriteString(esc)
		case r > 0xFFFF:
			r -= 0x10000
			b.WriteString(`\u` + hex(0xD800|r>>10, 4) + `\u` + hex(0xDC00|r&0x3FF, 4))
		case r < 0x20 || r > 0x7E:
			b.WriteString(`\u` + hex(r, 4))
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
}

func dumpFloat(f float64) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	return floatRepr(f)
}

// floatRepr is repr(float): the shortest digits that read back, with an
// exponent below 1e-4 and from 1e16 on.
func floatRepr(f float64) string {
	switch {
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	s := strconv.FormatFloat(f, 'e', -1, 64)
	mantissa, exponent, _ := strings.Cut(s, "e")
	if n, _ := strconv.Atoi(exponent); n < -4 || n >= 16 {
		return mantissa + "e" + exponent
	}
	s = strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// str is str(v), repr is repr(v): they differ for strings alone.
func str(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return repr(v)
}

func repr(v any) string {
	switch v := v.(type) {
	case bool:
		if v {
			return "True"
		}
		return "False"
	case string:
		return quote(runes(v), "")
	case integer:
		return string(v)
	case float64:
		return floatRepr(v)
	case blob:
		return quoteBytes(v)
	case timestamp:
		return string(v)
	case []any:
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = repr(e)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case *mapping:
		return v.repr()
	}
	return "None"
}

func (m *mapping) repr() string {
	parts := make([]string, len(m.keys))
	for i, k := range m.keys {
		if m.ordered {
			parts[i] = "(" + repr(k) + ", " + repr(m.values[k]) + ")"
		} else {
			parts[i] = repr(k) + ": " + repr(m.values[k])
		}
	}
	switch list := strings.Join(parts, ", "); {
	case m.ordered && list == "":
		return "OrderedDict()"
	case m.ordered:
		return "OrderedDict([" + list + "])"
	default:
		return "{" + list + "}"
	}
}

// quote puts rs in Python quotes: single ones unless only double ones avoid an escape.
func quote(rs []rune, prefix string) string {
	q := '\''
	s := string(rs)
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		q = '"'
	}
	var b strings.Builder
	b.WriteString(prefix)
	b.WriteRune(q)
	for _, r := range rs {
		switch {
		case r == q || r == '\\':
			b.WriteString(`\` + string(r))
		case r == '\n' || r == '\r' || r == '\t':
			b.WriteString(jsonEscapes[r])
		case r < 0x20 || r >= 0x7F && r <= 0xFF && (prefix != "" || !unicode.IsPrint(r)):
			b.WriteString(`\x` + hex(r, 2))
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r > 0xFFFF:
			b.WriteString(`\U` + hex(r, 8))
		default:
			b.WriteString(`\u` + hex(r, 4))
		}
	}
	b.WriteRune(q)
	return b.String()
}

func quoteBytes(p []byte) string {
	rs := make([]rune, len(p))
	for i, c := range p {
		rs[i] = rune(c)
	}
	return quote(rs, "b")
}

// Quote is Python's repr of a string, which is how the AWS CLI shows command
// lines and file names in its messages.
func Quote(s string) string { return repr(s) }

// typeName is str(type(v)).
func typeName(v any) string {
	name := "NoneType"
	switch v := v.(type) {
	case bool:
		name = "bool"
	case string:
		name = "str"
	case integer:
		name = "int"
	case float64:
		name = "float"
	case blob:
		name = "bytes"
	case timestamp:
		name = "datetime.datetime"
	case []any:
		name = "list"
	case *mapping:
		name = "dict"
		if v.ordered {
			name = "collections.OrderedDict"
		}
	}
	return "<class '" + name + "'>"
}

// JSONString is s as json.dumps writes it: quoted, ASCII only.
func JSONString(s string) string { return dumps(s) }

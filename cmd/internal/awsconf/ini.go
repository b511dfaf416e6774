package awsconf

import (
	"bytes"
	"errors"
	"maps"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A section holds the settings of one [section]. A value that starts on the line
// after its key is nested: settings of its own.
type section struct {
	at     int // its position in the file
	values map[string]string
	nested map[string]map[string]string
}

func (s section) get(key string) (string, bool) {
	v, ok := s.values[key]
	return v, ok
}

// optional is a setting's value, nil if it is missing.
func (s section) optional(key string) *string {
	if v, ok := s.values[key]; ok {
		return &v
	}
	return nil
}

func (s section) has(key string) bool { _, ok := s.values[key]; return ok }

var errSyntax = errors.New("syntax")

// readINI reads a file in the dialect of Python's configparser, which the CLI uses: "="
// or ":" after the key, comments on lines of their own only, indented lines continue a
// value, and a section or key given twice is an error. A file that does not exist or
// cannot be read is empty.
func readINI(path string, readFile func(string) ([]byte, error)) (map[string]section, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, nil
	}
	if !utf8.Valid(data) || bytes.HasPrefix(data, []byte("\ufeff")) {
		return nil, errorf(CodeOther, "Unable to parse config file: %s", path)
	}
	sections, err := parseINI(string(data), true)
	if err != nil {
		return nil, errorf(CodeOther, "Unable to parse config file: %s", path)
	}
	return sections, nil
}

type iniParser struct {
	raw    map[string]map[string][]string // lines of each value
	names  []string                       // of the sections, in their order
	in     map[string][]string            // the section we are in
	key    string
	indent int
}

// parseINI reads the text of a file. With nested, a value that starts on the line
// after its key has to hold settings; without, it is text like any other.
func parseINI(data string, nested bool) (map[string]section, error) {
	p := &iniParser{raw: map[string]map[string][]string{}}
	// Files are read with every kind of newline as one.
	data = strings.ReplaceAll(strings.ReplaceAll(data, "\r\n", "\n"), "\r", "\n")
	for line := range strings.Lines(data) {
		if err := p.line(strings.TrimSuffix(line, "\n")); err != nil {
			return nil, err
		}
	}
	out := make(map[string]section, len(p.raw))
	for at, name := range p.names {
		s := section{at: at, values: map[string]string{}, nested: map[string]map[string]string{}}
		for k, lines := range p.shared(name) {
			v := strings.TrimRightFunc(strings.Join(lines, "\n"), isSpace)
			if !nested || !strings.HasPrefix(v, "\n") {
				s.values[k] = v
				continue
			}
			inner, err := parseNested(v)
			if err != nil {
				return nil, err
			}
			s.nested[k] = inner
		}
		out[name] = s
	}
	return out, nil
}

func (p *iniParser) line(line string) error {
	value := trim(line)
	comment := strings.HasPrefix(value, "#") || strings.HasPrefix(value, ";")
	if value == "" || comment {
		if !comment && p.key != "" {
			p.in[p.key] = append(p.in[p.key], "")
		}
		return nil
	}
	indent := utf8.RuneCountInString(line[:strings.Index(line, value)])
	if p.key != "" && indent > p.indent {
		p.in[p.key] = append(p.in[p.key], value)
		return nil
	}
	p.indent = indent
	if value[0] == '[' {
		if end := strings.LastIndexByte(value, ']'); end > 1 {
			return p.header(value[1:end])
		}
	}
	if p.in == nil {
		return errSyntax
	}
	at := strings.IndexAny(value, "=:")
	if at <= 0 {
		return errSyntax
	}
	p.key = strings.ToLower(trim(value[:at]))
	if _, twice := p.in[p.key]; twice || p.key == "" {
		return errSyntax
	}
	p.in[p.key] = []string{trim(value[at+1:])}
	return nil
}

// sharedSection is the section whose settings apply to all others.
const sharedSection = "DEFAULT"

// shared returns the settings of a section, with those of sharedSection.
func (p *iniParser) shared(name string) map[string][]string {
	if p.raw[sharedSection] == nil {
		return p.raw[name]
	}
	all := maps.Clone(p.raw[sharedSection])
	maps.Copy(all, p.raw[name])
	return all
}

func (p *iniParser) header(name string) error {
	if name == sharedSection && p.raw[name] != nil {
		p.in, p.key = p.raw[name], ""
		return nil
	}
	if p.raw[name] != nil {
		return errSyntax
	}
	p.in = map[string][]string{}
	p.raw[name], p.key = p.in, ""
	if name != sharedSection {
		p.names = append(p.names, name)
	}
	return nil
}

func parseNested(v string) (map[string]string, error) {
	out := map[string]string{}
	for _, line := range strings.FieldsFunc(v, isLineEnd) {
		if line = trim(line); line == "" {
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok {
			return nil, errSyntax
		}
		out[trim(key)] = trim(value)
	}
	return out, nil
}

// isSpace is Python's str.isspace, which has four more characters than Go's.
func isSpace(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f }

// isLineEnd reports whether Python's str.splitlines ends a line at r.
func isLineEnd(r rune) bool {
	return r >= '\n' && r <= '\r' || r >= 0x1c && r <= 0x1e || r == 0x85 || r == 0x2028 || r == 0x2029
}

func trim(s string) string { return strings.TrimFunc(s, isSpace) }

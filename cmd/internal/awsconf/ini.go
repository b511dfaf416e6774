package awsconf

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"unicode/utf8"
)

// A section holds the settings of one [section]. A value that starts on the line
// after its key is nested: settings of its own.
type section struct {
	values map[string]string
	nested map[string]map[string]string
}

func (s section) get(key string) (string, bool) {
	v, ok := s.values[key]
	return v, ok
}

func (s section) has(key string) bool { _, ok := s.values[key]; return ok }

var errSyntax = errors.New("syntax")

// readINI reads a file in the dialect of Python's configparser, which the CLI
// uses: "=" or ":" after the key, comments on lines of their own only, indented
// lines continue a value, and a section or key given twice is an error. A file
// that is not there, or cannot be read, is empty.
func readINI(path string) (map[string]section, error) {
	data, err := os.ReadFile(path)
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
	in     map[string][]string            // the section we are in
	key    string
	indent int
}

// parseINI reads the text of a file. With nested, a value that starts on the line
// after its key has to hold settings; without, it is text like any other.
func parseINI(data string, nested bool) (map[string]section, error) {
	p := &iniParser{raw: map[string]map[string][]string{}}
	for line := range strings.Lines(data) {
		if err := p.line(strings.TrimRight(line, "\r\n")); err != nil {
			return nil, err
		}
	}
	out := make(map[string]section, len(p.raw))
	for name, keys := range p.raw {
		s := section{values: map[string]string{}, nested: map[string]map[string]string{}}
		for k, lines := range keys {
			v := strings.TrimRight(strings.Join(lines, "\n"), " \t\r\n\v\f")
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
	value := strings.TrimSpace(line)
	comment := strings.HasPrefix(value, "#") || strings.HasPrefix(value, ";")
	if value == "" || comment {
		if !comment && p.key != "" {
			p.in[p.key] = append(p.in[p.key], "")
		}
		return nil
	}
	indent := strings.Index(line, value)
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
	p.key = strings.ToLower(strings.TrimSpace(value[:at]))
	if _, twice := p.in[p.key]; twice || p.key == "" {
		return errSyntax
	}
	p.in[p.key] = []string{strings.TrimSpace(value[at+1:])}
	return nil
}

func (p *iniParser) header(name string) error {
	if p.raw[name] != nil {
		return errSyntax
	}
	p.in = map[string][]string{}
	p.raw[name], p.key = p.in, ""
	return nil
}

func parseNested(v string) (map[string]string, error) {
	out := map[string]string{}
	for line := range strings.Lines(v) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok {
			return nil, errSyntax
		}
		out[strings.TrimSpace(key)] = strings.TrimSpace(value)
	}
	return out, nil
}

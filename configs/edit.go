package configs

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"ssmguard/internal/yamlfile"
)

// ErrByHand means that a file is written in a form that is not changed for its user.
var ErrByHand = errors.New("change it by hand")

// EditTunnel returns a configuration file's text with a tunnel as change makes it of what
// the file says. Comments, order and layout of everything else stay as they are. The error
// is ErrByHand if the text cannot be changed at that place alone, and Faults if the file is
// faulty or would become so; errors of change are returned as they are. vars are the variables
// that the file may use.
func EditTunnel(file string, data []byte, name string, change func(Tunnel) (Tunnel, error), vars Variables) ([]byte, error) {
	e, err := newEditor(file, data, name, vars)
	if err != nil {
		return nil, err
	}
	old := e.before.Tunnels[name]
	wanted, err := change(old)
	if err != nil {
		return nil, err
	}
	from, err := old.fields()
	if err != nil {
		return nil, err
	}
	to, err := wanted.fields()
	if err != nil {
		return nil, err
	}
	for _, f := range from {
		if !slices.ContainsFunc(to, func(t field) bool { return t.key == f.key }) {
			err = errors.Join(err, e.remove(f.key))
		}
	}
	for _, t := range to {
		if !slices.Contains(from, t) {
			err = errors.Join(err, e.set(t))
		}
	}
	if err != nil {
		return nil, err
	}
	return e.result(func(f File) bool {
		got := f.Tunnels[name]
		f.Tunnels[name] = old
		return reflect.DeepEqual(got, wanted) && reflect.DeepEqual(f.Tunnels, e.before.Tunnels)
	})
}

// RemoveTunnel returns a configuration file's text without a tunnel, and the lines that
// are gone. Comments in front of it stay. The errors are those of EditTunnel; a group that
// has the tunnel is one.
func RemoveTunnel(file string, data []byte, name string, vars Variables) (text []byte, removed string, err error) {
	e, err := newEditor(file, data, name, vars)
	if err != nil {
		return nil, "", err
	}
	for group, members := range e.before.Groups {
		if slices.Contains(members, name) {
			return nil, "", fmt.Errorf("%s:%d: the group %s has %s; take it out of the group first", file, e.before.lines[group], group, name)
		}
	}
	first := e.key.Line - 1
	last := e.end()
	removed = strings.Join(e.lines[first:last], "")
	e.lines = slices.Delete(e.lines, first, last)
	text, err = e.result(func(f File) bool {
		delete(e.before.Tunnels, name)
		return len(f.Tunnels) == len(e.before.Tunnels) && (len(f.Tunnels) == 0 || reflect.DeepEqual(f.Tunnels, e.before.Tunnels))
	})
	var faults yamlfile.Faults
	if errors.As(err, &faults) { // an anchor that others refer to
		err = e.byHand(e.key.Line)
	}
	return text, removed, err
}

// Without returns a tunnel without the value of a key. The error names the valid keys.
func (t Tunnel) Without(key string) (Tunnel, error) {
	if !unset(reflect.ValueOf(&t).Elem(), key) {
		keys := slices.Sorted(maps.Keys(yamlfile.Keys(reflect.TypeFor[Tunnel]())))
		return t, fmt.Errorf("%q is no key of a tunnel; valid: %s", key, strings.Join(keys, ", "))
	}
	return t, nil
}

// unset sets the field of a key to its zero value, and reports whether there is one.
func unset(v reflect.Value, key string) bool {
	for i := range v.NumField() {
		switch name, options, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ","); {
		case options == "inline":
			if unset(v.Field(i), key) {
				return true
			}
		case name == key && name != "-":
			v.Field(i).SetZero()
			return true
		}
	}
	return false
}

// editor changes the text of one tunnel of a file.
type editor struct {
	file       string
	vars       Variables
	before     File
	lines      []string // of the text, each with its end
	key, value *yaml.Node
}

func newEditor(file string, data []byte, name string, vars Variables) (*editor, error) {
	e := &editor{file: file, vars: vars, lines: linesOf(data)}
	var err error
	if e.before, err = parseUnplaced(file, data, vars); err != nil {
		return nil, err
	}
	if _, ok := e.before.Tunnels[name]; !ok {
		return nil, fmt.Errorf("%s has no tunnel %q", file, name)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return nil, err
	}
	tunnels := child(&doc, "tunnels")
	if tunnels == nil || tunnels.Kind != yaml.MappingNode {
		return nil, e.byHand(1)
	}
	for i := 0; i < len(tunnels.Content); i += 2 {
		if tunnels.Content[i].Value == name {
			e.key, e.value = tunnels.Content[i], tunnels.Content[i+1]
		}
	}
	if e.key == nil || tunnels.Style&yaml.FlowStyle != 0 || e.value.Kind != yaml.MappingNode || e.value.Anchor != "" {
		return nil, e.byHand(lineOf(doc.Content[0], "tunnels", name))
	}
	return e, nil
}

// parseUnplaced is parse without the places of the tunnels, which an edit moves.
func parseUnplaced(file string, data []byte, vars Variables) (File, error) {
	f, _, err := parse(file, data, vars)
	for name, t := range f.Tunnels {
		t.From = ""
		f.Tunnels[name] = t
	}
	return f, err
}

func (e *editor) byHand(line int) error {
	return fmt.Errorf("%s:%d: the tunnel is not written in lines of its own; %w", e.file, line, ErrByHand)
}

// result is the text as it is now, if it reads as it should.
func (e *editor) result(asWanted func(File) bool) ([]byte, error) {
	text := []byte(strings.Join(e.lines, ""))
	after, err := parseUnplaced(e.file, text, e.vars)
	if err != nil {
		return nil, err
	}
	if !asWanted(after) {
		return nil, e.byHand(e.key.Line)
	}
	return text, nil
}

// pair returns the key and the value of one of the tunnel's keys, nil if it has none.
func (e *editor) pair(key string) (k, v *yaml.Node) {
	for i := 0; i < len(e.value.Content); i += 2 {
		if e.value.Content[i].Value == key {
			return e.value.Content[i], e.value.Content[i+1]
		}
	}
	return nil, nil
}

// set writes a key of the tunnel: in the place of its value, or as the last key.
func (e *editor) set(f field) error {
	_, value := e.pair(f.key)
	flow := e.value.Style&yaml.FlowStyle != 0
	if flow && strings.ContainsAny(f.value, ",[]{}") && f.value[0] != '"' && f.value[0] != '\'' {
		f.value = "'" + strings.ReplaceAll(f.value, "'", "''") + "'"
	}
	switch {
	case value != nil:
		return e.replace(value, f.escaped())
	case flow:
		return e.appendToFlow(f)
	case len(e.value.Content) == 0:
		return e.byHand(e.key.Line)
	}
	first := e.value.Content[0]
	e.lines = slices.Insert(e.lines, e.end(), strings.Repeat(" ", first.Column-1)+f.key+": "+f.escaped()+"\n")
	return nil
}

// end returns the last line, from 1, of the tunnel. Lines that are indented deeper than
// its key belong to it.
func (e *editor) end() int {
	end := e.key.Line
	for i := end; i < len(e.lines); i++ {
		text := strings.TrimLeft(e.lines[i], " ")
		switch deeper := len(e.lines[i])-len(text) >= e.key.Column; {
		case strings.TrimSpace(text) == "":
		case deeper:
			end = i + 1
		case text[0] != '#':
			return end
		}
	}
	return end
}

// appendToFlow writes a key before the } of a tunnel in one line.
func (e *editor) appendToFlow(f field) error {
	n := len(e.value.Content)
	if n == 0 {
		return e.byHand(e.key.Line)
	}
	last := e.value.Content[n-1]
	start, end, ok := e.span(last)
	if !ok {
		return e.byHand(last.Line)
	}
	line := e.lines[last.Line-1]
	e.lines[last.Line-1] = line[:start] + line[start:end] + ", " + f.key + ": " + f.escaped() + line[end:]
	return nil
}

// replace writes another value in the place of one.
func (e *editor) replace(value *yaml.Node, text string) error {
	start, end, ok := e.span(value)
	if !ok {
		return e.byHand(value.Line)
	}
	line := e.lines[value.Line-1]
	e.lines[value.Line-1] = line[:start] + text + line[end:]
	e.moved(value.Line, value.Column, len([]rune(text))-len([]rune(line[start:end])))
	value.Value = text
	return nil
}

// moved moves the nodes behind a place of a line.
func (e *editor) moved(line, column, by int) {
	for _, n := range e.value.Content {
		if n.Line == line && n.Column > column {
			n.Column += by
		}
	}
}

// remove takes a key with its value out of the tunnel.
func (e *editor) remove(key string) error {
	k, value := e.pair(key)
	if k == nil {
		return e.byHand(e.key.Line) // it comes from another mapping
	}
	_, end, ok := e.span(value)
	if !ok {
		return e.byHand(k.Line)
	}
	at := slices.Index(e.value.Content, k)
	line := e.lines[k.Line-1]
	start := offset(line, k.Column)
	switch {
	case e.value.Style&yaml.FlowStyle == 0:
		if strings.TrimSpace(line[:start]) != "" || value.Line != k.Line {
			return e.byHand(k.Line)
		}
		e.lines[k.Line-1] = ""
	case value.Line != k.Line:
		return e.byHand(k.Line)
	default: // with the comma behind it, or the one before it
		rest := line[end:]
		if comma := strings.TrimLeft(rest, " "); strings.HasPrefix(comma, ",") {
			rest = strings.TrimLeft(comma[1:], " ")
		} else {
			line = line[:start]
			line = strings.TrimRight(strings.TrimSuffix(strings.TrimRight(line, " "), ","), " ")
			start = len(line)
		}
		cut := len(e.lines[k.Line-1]) - start - len(rest)
		e.lines[k.Line-1] = line[:start] + rest
		e.moved(k.Line, k.Column, -cut)
	}
	e.value.Content = slices.Delete(e.value.Content, at, at+2)
	return nil
}

// span returns where a value begins and ends within its line, in bytes, if it is one word
// or text in quotes on one line.
func (e *editor) span(n *yaml.Node) (start, end int, ok bool) {
	if n.Kind != yaml.ScalarNode || n.Anchor != "" || n.Line > len(e.lines) {
		return 0, 0, false
	}
	line := strings.TrimRight(e.lines[n.Line-1], "\r\n")
	start = offset(line, n.Column)
	rest := line[start:]
	switch {
	case strings.HasPrefix(rest, `"`):
		for i := 1; i < len(rest); i++ {
			switch rest[i] {
			case '\\':
				i++
			case '"':
				return start, start + i + 1, true
			}
		}
	case strings.HasPrefix(rest, "'"):
		for i := 1; i < len(rest); i++ {
			switch {
			case rest[i] != '\'':
			case strings.HasPrefix(rest[i+1:], "'"):
				i++
			default:
				return start, start + i + 1, true
			}
		}
	case n.Value != "" && strings.HasPrefix(rest, n.Value):
		return start, start + len(n.Value), true
	}
	return 0, 0, false
}

// offset is the place of a column, from 1 and in letters, within a line.
func offset(line string, column int) int {
	for i := range line {
		if column--; column == 0 {
			return i
		}
	}
	return len(line)
}

// field is a key of a tunnel with its value as YAML in one line.
type field struct{ key, value, text string } // text is the value without quotes

// escaped is a value for a file, in which a $ may begin a variable.
func (f field) escaped() string { return strings.ReplaceAll(f.value, "$", "$$") }

// fields returns the keys of a tunnel that have a value, in the order of their fields.
func (t Tunnel) fields() (all []field, err error) {
	var n yaml.Node
	if err := n.Encode(t); err != nil {
		return nil, err
	}
	for i := 0; i < len(n.Content); i += 2 {
		key, v := n.Content[i].Value, n.Content[i+1]
		if v.Value == "" || v.Value == "0" || v.Value == "false" {
			continue
		}
		v.Style &^= yaml.LiteralStyle | yaml.FoldedStyle
		var b bytes.Buffer
		enc := yaml.NewEncoder(&b)
		if err := enc.Encode(v); err != nil {
			return nil, err
		}
		text := strings.TrimSuffix(b.String(), "\n")
		all = append(all, field{key, text, v.Value})
	}
	return all, nil
}

package configs

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// AddTunnel returns a configuration file's text with one more tunnel, and the lines
// that are new. Everything else in the text stays as it is, comments and layout
// included. It fails when the file is faulty, has the name already, or would become
// faulty. vars are the variables that the file may use.
func AddTunnel(file string, data []byte, t Tunnel, vars Variables) (text []byte, added string, err error) {
	if err := CheckName(t.Name); err != nil {
		return nil, "", fmt.Errorf("%q cannot be the name of a tunnel: %w", t.Name, err)
	}
	before, _, err := vars.decode(file, data)
	if err != nil {
		return nil, "", err
	}
	if _, ok := before.Tunnels[t.Name]; ok {
		return nil, "", fmt.Errorf("%s has a tunnel %q already", file, t.Name)
	}
	if _, ok := before.Groups[t.Name]; ok {
		return nil, "", fmt.Errorf("%s has a group %q already; give the tunnel another name", file, t.Name)
	}
	entry, err := t.entry()
	if err != nil {
		return nil, "", err
	}
	text, added, err = insert(file, data, entry)
	if err != nil {
		return nil, "", err
	}
	after, root, err := vars.decode(file, text)
	if err != nil {
		return nil, "", err
	}
	if _, ok := after.Tunnels[t.Name]; !ok {
		return nil, "", fmt.Errorf("%s: the end of the file is in another document; write the tunnel by hand", file)
	}
	return text, added, after.validate(file, root).Err()
}

// entry is the tunnel as YAML: the keys in the order of their fields, empty ones left
// out.
func (t Tunnel) entry() (string, error) {
	var all yaml.Node
	if err := all.Encode(t); err != nil {
		return "", err
	}
	short := &yaml.Node{Kind: yaml.MappingNode}
	for i := 0; i < len(all.Content); i += 2 {
		if v := all.Content[i+1].Value; v != "" && v != "0" && v != "false" {
			short.Content = append(short.Content, all.Content[i], all.Content[i+1])
		}
	}
	key := &yaml.Node{Kind: yaml.ScalarNode, Value: t.Name}
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(&yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{key, short}}); err != nil {
		return "", err
	}
	// A value that looks like a variable is escaped.
	return strings.ReplaceAll(b.String(), "$", "$$"), nil
}

// insert puts an entry after the last one under "tunnels".
func insert(file string, data []byte, entry string) ([]byte, string, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return nil, "", err
	}
	tunnels := child(&doc, "tunnels")
	lines := linesOf(data)
	switch {
	case tunnels == nil:
		added := "tunnels:\n" + indented(entry, 2)
		return []byte(strings.Join(lines, "") + added), added, nil
	case tunnels.Tag == "!!null" && tunnels.Value == "": // the key has no value yet
		added := indented(entry, 2)
		return []byte(strings.Join(lines[:tunnels.Line], "") + added + strings.Join(lines[tunnels.Line:], "")), added, nil
	case tunnels.Style&yaml.FlowStyle != 0 || len(tunnels.Content) == 0:
		return nil, "", fmt.Errorf("%s:%d: tunnels is written in one line; write one tunnel per line first", file, tunnels.Line)
	}
	first := tunnels.Content[0]
	at := blockEnd(lines, first)
	added := indented(entry, first.Column-1)
	return []byte(strings.Join(lines[:at], "") + added + strings.Join(lines[at:], "")), added, nil
}

// linesOf returns the lines of a text, each with its end.
func linesOf(data []byte) []string {
	lines := strings.SplitAfter(string(data), "\n")
	if n := len(lines); lines[n-1] != "" {
		lines[n-1] += "\n"
	} else {
		lines = lines[:n-1]
	}
	return lines
}

func child(doc *yaml.Node, key string) *yaml.Node {
	if len(doc.Content) == 0 || doc.Content[0].Kind != yaml.MappingNode {
		return nil
	}
	pairs := doc.Content[0].Content
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i].Value == key {
			return pairs[i+1]
		}
	}
	return nil
}

// blockEnd returns the last line, from 1, of the block mapping whose first key is
// given. Lines that are indented deeper than its keys belong to it; other comments may
// belong to the next entry.
func blockEnd(lines []string, first *yaml.Node) int {
	end := first.Line
	for i := end; i < len(lines); i++ {
		text := strings.TrimLeft(lines[i], " ")
		indent := len(lines[i]) - len(text)
		switch {
		case strings.TrimSpace(text) == "", text[0] == '#' && indent < first.Column:
		case indent < first.Column-1:
			return end
		default:
			end = i + 1
		}
	}
	return end
}

func indented(text string, by int) string {
	space := strings.Repeat(" ", by)
	return space + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n"+space) + "\n"
}

// MarshalYAML writes the form that UnmarshalYAML reads.
func (w Wait) MarshalYAML() (any, error) {
	switch {
	case w <= 0:
		return false, nil
	case w == DefaultWait:
		return true, nil
	}
	return time.Duration(w).String(), nil
}

// MarshalYAML writes the form that UnmarshalYAML reads, and nothing for a Switch that is not given.
func (s Switch) MarshalYAML() (any, error) {
	if s == 0 {
		return "", nil
	}
	return s == On, nil
}

// MarshalYAML writes the form that UnmarshalYAML reads, and nothing for 0.
func (i Idle) MarshalYAML() (any, error) {
	if i == 0 {
		return "", nil
	}
	return time.Duration(i).String(), nil
}

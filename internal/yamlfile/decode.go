package yamlfile

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"

	"ssmguard/internal/safetext"
	"ssmguard/internal/spelling"
)

// The limits of a file. The YAML library compares every key of a mapping with every
// other one, so without a limit a large file could take minutes.
const (
	MaxSize  = 1 << 20 // bytes
	maxKeys  = 1000    // of one mapping
	maxFault = 100     // faults that are shown, or that a near key is looked for
)

// ReadAll returns the text of a file, at most MaxSize bytes of it. The Fault of a larger
// one has the name file.
func ReadAll(file string, r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxSize+1))
	if err == nil {
		err = checkSize(file, data)
	}
	return data, err
}

// ReadFile is ReadAll for a file that is opened by its name.
func ReadFile(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return ReadAll(file, f)
}

func checkSize(file string, data []byte) error {
	if len(data) > MaxSize {
		return Faults{{File: file, Text: fmt.Sprintf("larger than %d KiB", MaxSize>>10)}}
	}
	return nil
}

// Decode reads one YAML document into a struct. Every unknown key and every value of a
// wrong type is a Fault with its line; all faults are returned together. prepare may
// change the document before it is decoded, and add faults; it may be nil. A document
// beyond the limits of a file is a Fault, and the time is linear in its size.
func Decode(file string, data []byte, into any, prepare func(root *yaml.Node, faults *Faults)) error {
	if err := checkSize(file, data); err != nil {
		return err
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return Faults{yamlFault(file, err.Error())}
	}
	if len(doc.Content) == 0 {
		return nil
	}
	var faults Faults
	root := doc.Content[0]
	checkMappings(file, root, &faults)
	if len(faults) > 0 {
		return faults.Err()
	}
	if prepare != nil {
		prepare(root, &faults)
	}
	(&keyChecker{file: file, faults: &faults, seen: make(map[keyedNode]bool)}).check(root, reflect.TypeOf(into).Elem())
	if len(faults) > maxFault {
		return faults.Err()
	}
	var wrong *yaml.TypeError
	switch err := root.Decode(into); {
	case errors.As(err, &wrong):
		for _, text := range wrong.Errors {
			faults = append(faults, yamlFault(file, text))
		}
	case err != nil:
		faults = append(faults, yamlFault(file, err.Error()))
	}
	return faults.Err()
}

var yamlLine = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(?:yaml: )?(?:line (\d+): )?(.*)$`) })

// yamlFault takes the line out of the library's message, which may quote the file.
func yamlFault(file, message string) Fault {
	m := yamlLine().FindStringSubmatch(safetext.Line(message))
	line, _ := strconv.Atoi(m[1])
	if text := m[2]; len(text) > 4*maxQuoted {
		m[2] = strings.ToValidUTF8(text[:4*maxQuoted], "") + "..."
	}
	return Fault{file, line, m[2]}
}

// Shaped is a type whose YAML form is that of another type.
type Shaped interface{ Shape() reflect.Type }

// checkMappings finds keys that are given twice, and mappings with too many of them.
func checkMappings(file string, n *yaml.Node, faults *Faults) {
	if n.Kind == yaml.MappingNode {
		if len(n.Content)/2 > maxKeys {
			*faults = append(*faults, Fault{file, n.Line, fmt.Sprintf("%d keys in one mapping; at most %d", len(n.Content)/2, maxKeys)})
		}
		type key struct {
			kind  yaml.Kind
			value string
		}
		lines := make(map[key]int, len(n.Content)/2)
		for i := 0; i < len(n.Content); i += 2 {
			k := n.Content[i]
			if first, twice := lines[key{k.Kind, k.Value}]; twice {
				*faults = append(*faults, Fault{file, k.Line, fmt.Sprintf("mapping key %s already defined at line %d", quoted(k.Value), first)})
				continue
			}
			lines[key{k.Kind, k.Value}] = k.Line
		}
	}
	for _, child := range n.Content {
		checkMappings(file, child, faults)
	}
}

// keyChecker compares a document with the Go type for which it is decoded. The library's
// own KnownFields is not enough: it does not apply inside types that decode themselves,
// and suggests no key.
type keyChecker struct {
	file   string
	faults *Faults
	seen   map[keyedNode]bool
}

// keyedNode is a node and the type for which it is decoded. Aliases lead to one node
// many times.
type keyedNode struct {
	node *yaml.Node
	typ  reflect.Type
}

func (c *keyChecker) check(n *yaml.Node, t reflect.Type) {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if s, ok := reflect.Zero(t).Interface().(Shaped); ok {
		t = s.Shape()
	}
	if n.Kind == yaml.ScalarNode || c.seen[keyedNode{n, t}] {
		return
	}
	c.seen[keyedNode{n, t}] = true
	switch {
	case n.Kind == yaml.SequenceNode && t.Kind() == reflect.Slice:
		for _, item := range n.Content {
			c.check(item, t.Elem())
		}
	case n.Kind == yaml.MappingNode && t.Kind() == reflect.Map:
		for i := 0; i < len(n.Content); i += 2 {
			if n.Content[i].Value == mergeKey {
				c.checkMerged(n.Content[i+1], t)
			} else {
				c.check(n.Content[i+1], t.Elem())
			}
		}
	case n.Kind == yaml.MappingNode && t.Kind() == reflect.Struct:
		fields := Keys(t)
		for i := 0; i < len(n.Content); i += 2 {
			key := n.Content[i]
			if f, ok := fields[key.Value]; ok {
				c.check(n.Content[i+1], f)
			} else if key.Value == mergeKey {
				c.checkMerged(n.Content[i+1], t)
			} else {
				*c.faults = append(*c.faults, Fault{c.file, key.Line, unknownKey(key.Value, fields, len(*c.faults) < maxFault)})
			}
		}
	}
}

// mergeKey is the key whose value is one mapping or several, whose keys count as keys of
// the mapping around it.
const mergeKey = "<<"

func (c *keyChecker) checkMerged(n *yaml.Node, t reflect.Type) {
	if n.Kind == yaml.SequenceNode {
		for _, one := range n.Content {
			c.check(one, t)
		}
		return
	}
	c.check(n, t)
}

// Keys maps the keys a struct accepts to the types of their values.
func Keys(t reflect.Type) map[string]reflect.Type {
	fields := make(map[string]reflect.Type)
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if options == "inline" {
			maps.Copy(fields, Keys(f.Type))
		} else if name != "" && name != "-" {
			fields[name] = f.Type
		}
	}
	return fields
}

// unknownKey is the text about an unknown key, with the near one if it is looked for.
func unknownKey(key string, fields map[string]reflect.Type, look bool) string {
	if !look || len(key) > maxQuoted {
		return "unknown key " + quoted(key)
	}
	names := slices.Sorted(maps.Keys(fields))
	if near := spelling.Nearest(key, names); near != "" {
		return fmt.Sprintf("unknown key %q, did you mean %q?", key, near)
	}
	return fmt.Sprintf("unknown key %q; valid: %s", key, strings.Join(names, ", "))
}

// maxQuoted is the length up to which a file's text is quoted whole, in bytes.
const maxQuoted = 80

// quoted is a file's text in quotes, its beginning if it is long.
func quoted(text string) string {
	if len(text) > maxQuoted {
		return strconv.Quote(strings.ToValidUTF8(text[:maxQuoted], "")) + "..."
	}
	return strconv.Quote(text)
}

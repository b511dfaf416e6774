package yamlfile

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"ssmguard/internal/spelling"
)

// Shaped is a type whose YAML form is that of another type.
type Shaped interface{ Shape() reflect.Type }

// shapeChecker compares a document with the Go type for which it is decoded. The library
// suggests no key, does not apply its KnownFields inside types that decode themselves, and
// speaks of Go's types where a value has the wrong form.
type shapeChecker struct {
	file   string
	faults *Faults
	wrong  bool     // a value has a form that cannot be decoded
	path   []string // the keys that lead to the value being checked
	seen   map[typedNode]bool
}

// typedNode is a node and the type for which it is decoded. Aliases lead to one node
// many times.
type typedNode struct {
	node *yaml.Node
	typ  reflect.Type
}

// check compares a node with a type. A quoted number or truth value is changed into the
// number or truth value: quotes are a habit, and mean no other thing here.
func (c *shapeChecker) check(n *yaml.Node, t reflect.Type) {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if s, ok := reflect.Zero(t).Interface().(Shaped); ok {
		t = s.Shape()
	}
	if c.seen[typedNode{n, t}] {
		return
	}
	if n.Kind != yaml.ScalarNode {
		c.seen[typedNode{n, t}] = true
	}
	switch kind := t.Kind(); {
	case n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null", kind == reflect.Interface:
	case kind != reflect.Struct && reflect.PointerTo(t).Implements(reflect.TypeFor[yaml.Unmarshaler]()):
		c.checkOwn(n, t)
	case kind == reflect.Slice:
		if n.Kind != yaml.SequenceNode {
			c.expected(n, "a list such as [a, b]")
			return
		}
		for _, item := range n.Content {
			c.check(item, t.Elem())
		}
	case kind == reflect.Map:
		if n.Kind != yaml.MappingNode {
			c.expected(n, "keys with values, a line for each")
			return
		}
		c.checkMap(n, t)
	case kind == reflect.Struct:
		if n.Kind != yaml.MappingNode {
			c.expected(n, keysOf(t))
			return
		}
		c.checkStruct(n, t)
	default:
		c.checkScalar(n, t)
	}
}

// checkMap checks the values of a mapping whose keys are free.
func (c *shapeChecker) checkMap(n *yaml.Node, t reflect.Type) {
	for i := 0; i < len(n.Content); i += 2 {
		switch key := n.Content[i]; {
		case key.Value == mergeKey:
			c.checkMerged(n.Content[i+1], t)
		case key.Kind != yaml.ScalarNode && key.Kind != yaml.AliasNode:
			c.expected(key, "text as the key")
		default:
			c.below(key, n.Content[i+1], t.Elem())
		}
	}
}

// checkStruct checks the values of a mapping whose keys are those of a struct.
func (c *shapeChecker) checkStruct(n *yaml.Node, t reflect.Type) {
	fields := Keys(t)
	for i := 0; i < len(n.Content); i += 2 {
		key := n.Content[i]
		if f, ok := fields[key.Value]; ok {
			c.below(key, n.Content[i+1], f)
		} else if key.Value == mergeKey {
			c.checkMerged(n.Content[i+1], t)
		} else {
			*c.faults = append(*c.faults, Fault{c.file, key.Line, unknownKey(key.Value, fields, len(*c.faults) < maxFault)})
		}
	}
}

// below checks the value of a key.
func (c *shapeChecker) below(key, value *yaml.Node, t reflect.Type) {
	c.path = append(c.path, key.Value)
	c.check(value, t)
	c.path = c.path[:len(c.path)-1]
}

// scalars are the forms of values without parts, by the kind of their Go type: the tags
// that YAML gives them, and what they are called.
var scalars = map[reflect.Kind]struct {
	tags []string
	text string
}{
	reflect.String: {nil, "text"},
	reflect.Bool:   {[]string{"!!bool"}, "true or false"},
	reflect.Int:    {[]string{"!!int"}, "a whole number"},
	reflect.Int64:  {[]string{"!!int"}, "a whole number"},
}

// checkScalar checks a value without parts.
func (c *shapeChecker) checkScalar(n *yaml.Node, t reflect.Type) {
	form, known := scalars[t.Kind()]
	switch {
	case n.Kind != yaml.ScalarNode:
		c.expected(n, form.text)
		return
	case !known || form.tags == nil:
		return
	}
	plain := yaml.Node{Kind: n.Kind, Value: strings.TrimSpace(n.Value), Line: n.Line, Column: n.Column}
	switch tag := plain.ShortTag(); {
	case tag == "!!null": // "" in quotes
	case plain.Decode(reflect.New(t).Interface()) != nil, // yes and no are truth values without a tag
		t.Kind() != reflect.Bool && !slices.Contains(form.tags, tag): // the library rounds 1.5 to 1
		c.expected(n, form.text)
		return
	}
	*n = plain
}

// checkOwn has a type that decodes itself look at a value.
func (c *shapeChecker) checkOwn(n *yaml.Node, t reflect.Type) {
	if err := n.Decode(reflect.New(t).Interface()); err != nil {
		c.wrong = true
		f := yamlFault(c.file, strings.TrimPrefix(err.Error(), "yaml: unmarshal errors:\n  "))
		f.Line = cmp.Or(f.Line, n.Line)
		f.Text = c.at() + f.Text
		*c.faults = append(*c.faults, f)
	}
}

// expected adds the fault of a value that has another form.
func (c *shapeChecker) expected(n *yaml.Node, form string) {
	c.wrong = true
	found := quoted(n.Value)
	switch n.Kind {
	case yaml.SequenceNode:
		found = "a list"
	case yaml.MappingNode:
		found = "keys with values"
	}
	*c.faults = append(*c.faults, Fault{c.file, n.Line, fmt.Sprintf("%sgive %s, not %s", c.at(), form, found)})
}

// at is the path of the value being checked, as the beginning of a text.
func (c *shapeChecker) at() string {
	if len(c.path) == 0 {
		return ""
	}
	short := make([]string, len(c.path))
	for i, key := range c.path {
		short[i] = shortened(key)
	}
	return strings.Join(short, ".") + ": "
}

// keysOf is the form of a mapping with the keys of a struct, which it names if they are few.
func keysOf(t reflect.Type) string {
	const few = 6
	names := slices.Sorted(maps.Keys(Keys(t)))
	if len(names) > few {
		return "keys with values"
	}
	return "keys with values (" + strings.Join(names, ", ") + ")"
}

// mergeKey is the key whose value is one mapping or several, whose keys count as keys of
// the mapping around it.
const mergeKey = "<<"

func (c *shapeChecker) checkMerged(n *yaml.Node, t reflect.Type) {
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

package yamlfile

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"

	"ssmguard/internal/spelling"
)

// Decode reads one YAML document into a struct. Every unknown key and every value of a
// wrong type is a Fault with its line; all faults are returned together. prepare may
// change the document before it is decoded, and add faults; it may be nil.
func Decode(file string, data []byte, into any, prepare func(root *yaml.Node, faults *Faults)) error {
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return Faults{yamlFault(file, err.Error())}
	}
	if len(doc.Content) == 0 {
		return nil
	}
	var faults Faults
	root := doc.Content[0]
	if prepare != nil {
		prepare(root, &faults)
	}
	unknownKeys(file, root, reflect.TypeOf(into).Elem(), &faults)
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
	m := yamlLine().FindStringSubmatch(strings.Map(func(r rune) rune {
		if Control(r) {
			return ' '
		}
		return r
	}, message))
	line, _ := strconv.Atoi(m[1])
	return Fault{file, line, m[2]}
}

// Shaped is a type whose YAML form is that of another type.
type Shaped interface{ Shape() reflect.Type }

// unknownKeys compares a node with the Go type for which it is decoded. The library's
// own KnownFields is not enough: it does not apply inside types that decode themselves,
// and suggests no key.
func unknownKeys(file string, n *yaml.Node, t reflect.Type, faults *Faults) {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if s, ok := reflect.Zero(t).Interface().(Shaped); ok {
		t = s.Shape()
	}
	switch {
	case n.Kind == yaml.SequenceNode && t.Kind() == reflect.Slice:
		for _, item := range n.Content {
			unknownKeys(file, item, t.Elem(), faults)
		}
	case n.Kind == yaml.MappingNode && t.Kind() == reflect.Map:
		for i := 1; i < len(n.Content); i += 2 {
			unknownKeys(file, n.Content[i], t.Elem(), faults)
		}
	case n.Kind == yaml.MappingNode && t.Kind() == reflect.Struct:
		fields := Keys(t)
		for i := 0; i < len(n.Content); i += 2 {
			key := n.Content[i]
			if f, ok := fields[key.Value]; ok {
				unknownKeys(file, n.Content[i+1], f, faults)
			} else if key.Value != "<<" {
				*faults = append(*faults, Fault{file, key.Line, unknownKey(key.Value, fields)})
			}
		}
	}
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

func unknownKey(key string, fields map[string]reflect.Type) string {
	names := slices.Sorted(maps.Keys(fields))
	if near := spelling.Nearest(key, names); near != "" {
		return fmt.Sprintf("unknown key %q, did you mean %q?", key, near)
	}
	return fmt.Sprintf("unknown key %q; valid: %s", key, strings.Join(names, ", "))
}

package world

import (
	"maps"
	"reflect"
	"slices"

	"go.yaml.in/yaml/v3"
)

// List is a list whose YAML form is a mapping from names to an F. Read from a file it
// is sorted by name.
type List[T thing, F entry[T]] []T

// thing has a name.
type thing interface{ label() string }

// entry is the YAML form of a thing.
type entry[T any] interface{ called(name string) T }

// UnmarshalYAML reads the mapping.
func (l *List[T, F]) UnmarshalYAML(n *yaml.Node) error {
	var all map[string]F
	if err := n.Decode(&all); err != nil {
		return err
	}
	*l = nil
	for _, name := range slices.Sorted(maps.Keys(all)) {
		*l = append(*l, all[name].called(name))
	}
	return nil
}

// Shape is the YAML form of the list.
func (List[T, F]) Shape() reflect.Type { return reflect.TypeFor[map[string]F]() }

// Named returns the thing with a name, nil if there is none.
func (l List[T, F]) Named(name string) *T {
	if i := slices.IndexFunc(l, func(t T) bool { return t.label() == name }); i >= 0 {
		return &l[i]
	}
	return nil
}

// names returns the names of the things.
func (l List[T, F]) names() []string {
	all := make([]string, len(l))
	for i, t := range l {
		all[i] = t.label()
	}
	return all
}

func (p Policy) label() string    { return p.Name }
func (p Principal) label() string { return p.Name }
func (g Group) label() string     { return g.Name }
func (l Login) label() string     { return l.Name }
func (c Container) label() string { return c.Name }
func (d Document) label() string  { return d.Name }
func (d Database) label() string  { return d.Name }
func (k Cache) label() string     { return k.Name }

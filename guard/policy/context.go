package policy

import (
	"maps"
	"slices"
	"strings"
)

// Context is what is known about the condition keys of one request. Key names
// ignore case, as IAM's do. A key is known with its values, known to be absent,
// or unknown; the zero Context says that every key is absent.
//
// Patterns end in "*": "ssm:resourceTag/*" speaks of every such tag, "*" of
// every key not named otherwise. The exact key wins, then the longest pattern.
type Context struct {
	keys     map[string]contextValue
	patterns []contextPattern
}

type contextValue struct {
	name   string // as it was given: simulators are told keys as people write them
	values []string
	multi  bool
	state  KeyState
}

type contextPattern struct {
	prefix string
	state  KeyState
}

// KeyState tells how much is known of a key.
type KeyState int

// The states of a key.
const (
	KeyAbsent KeyState = iota
	KeyKnown
	KeyUnknown
)

// Set gives a single-valued key its value.
func (c *Context) Set(key, value string) {
	c.put(key, contextValue{values: []string{value}, state: KeyKnown})
}

// SetMulti gives a multivalued key its values.
func (c *Context) SetMulti(key string, values ...string) {
	c.put(key, contextValue{values: values, multi: true, state: KeyKnown})
}

// SetAbsent says that a key, or every key under a pattern, is not in the request.
func (c *Context) SetAbsent(pattern string) { c.state(pattern, KeyAbsent) }

// SetUnknown says that it is not known whether a key, or any key under a
// pattern, is in the request, nor with which value.
func (c *Context) SetUnknown(pattern string) { c.state(pattern, KeyUnknown) }

func (c *Context) put(key string, v contextValue) {
	if c.keys == nil {
		c.keys = make(map[string]contextValue)
	}
	v.name = key
	c.keys[strings.ToLower(key)] = v
}

func (c *Context) state(pattern string, s KeyState) {
	prefix, ok := strings.CutSuffix(strings.ToLower(pattern), "*")
	if !ok {
		c.put(pattern, contextValue{state: s})
		return
	}
	c.patterns = append(c.patterns, contextPattern{prefix, s})
}

// Known returns the names of the keys that have a value, as they were given and
// in the order of their lower-case forms.
func (c Context) Known() []string {
	var names []string
	for _, key := range slices.Sorted(maps.Keys(c.keys)) {
		if v := c.keys[key]; v.state == KeyKnown {
			names = append(names, v.name)
		}
	}
	return names
}

// Lookup returns the values of a key, whether it is multivalued, and what is known of it.
func (c Context) Lookup(key string) (values []string, multi bool, state KeyState) {
	key = strings.ToLower(key)
	if v, ok := c.keys[key]; ok {
		return v.values, v.multi, v.state
	}
	longest := -1
	for _, p := range c.patterns {
		if len(p.prefix) >= longest && strings.HasPrefix(key, p.prefix) {
			longest, state = len(p.prefix), p.state
		}
	}
	return nil, false, state
}

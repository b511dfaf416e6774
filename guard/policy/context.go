package policy

import (
	"slices"
	"strings"
)

// Context is what is known about the condition keys of one request. Key names
// ignore case, as IAM's do. A key is known with its values, known to be absent,
// or unknown; the zero Context says that every key is absent.
//
// Patterns end in "*": "ssm:resourceTag/*" speaks of every such tag, "*" of
// every key not named otherwise, and "*.*" of every key of an issuer with a host's
// name, such as "accounts.google.com:aud". The exact key wins, then the longest
// pattern, then the one that was set last.
//
// A Context is a value: a copy may be changed without changing the original. The
// original is not to be changed while copies of it are in use.
type Context struct {
	entries  []contextEntry
	patterns []contextPattern
	owner    *Context // whose slices these are; anybody else copies before writing
}

// Entry is what a Context says of one key or pattern.
type Entry struct {
	Key    string   // as it was set; a pattern ends in "*"
	Values []string // of an unknown key the only ones it may have; nil for any
	Multi  bool     // the key is multivalued, even when it holds one value
	State  KeyState

	Present bool   // an unknown key that is in the request, with whatever value
	Same    string // a key whose value an unknown key has, where that is not known either
}

type contextEntry struct {
	hash   uint32
	single [1]string // the value of a single-valued key, so that setting it allocates nothing
	Entry
}

type contextPattern struct {
	prefix string // as set, without the "*"
	host   bool   // the pattern is "*.*"
	state  KeyState
}

// hosts is the pattern of the keys of issuers.
const hosts = "*.*"

func (p *contextPattern) text() string {
	if p.host {
		return hosts
	}
	return p.prefix + "*"
}

func (p *contextPattern) covers(name string) bool {
	if p.host {
		issuer, _, _ := strings.Cut(name, ":")
		return strings.Contains(issuer, ".")
	}
	return len(p.prefix) <= len(name) && strings.EqualFold(name[:len(p.prefix)], p.prefix)
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
	e := c.put(key, Entry{Key: key, State: KeyKnown})
	e.single[0] = value
}

// SetMulti gives a multivalued key its values.
func (c *Context) SetMulti(key string, values ...string) {
	c.put(key, Entry{Key: key, Values: values, Multi: true, State: KeyKnown})
}

// SetAbsent says that a key, or every key under a pattern, is not in the request.
func (c *Context) SetAbsent(pattern string) { c.setState(pattern, KeyAbsent) }

// SetUnknown says that it is not known whether a key, or any key under a
// pattern, is in the request, nor with which value.
func (c *Context) SetUnknown(pattern string) { c.setState(pattern, KeyUnknown) }

// SetOneOf says that it is not known whether a single-valued key is in the request,
// and that it has one of the values if it is.
func (c *Context) SetOneOf(key string, values ...string) {
	c.put(key, Entry{Key: key, Values: values, State: KeyUnknown})
}

// SetPresent says that a key is in the request, and that its value is not known.
func (c *Context) SetPresent(key string) {
	c.put(key, Entry{Key: key, State: KeyUnknown, Present: true})
}

// SetSame says that a key is in the request and has the value of another, which is
// not known.
func (c *Context) SetSame(key, other string) {
	c.put(key, Entry{Key: key, State: KeyUnknown, Present: true, Same: other})
}

// Possible returns the values that a key may have if it is in the request. It is
// not ok when they cannot be listed.
func (c Context) Possible(key string) (values []string, ok bool) {
	k := newContextKey(key)
	values, _, state := c.lookup(&k)
	if state == KeyUnknown {
		values = c.possible(&k)
	}
	return slices.Clone(values), state != KeyUnknown || values != nil
}

// Lookup returns the values of a key, whether it is multivalued, and what is known of it.
func (c Context) Lookup(key string) (values []string, multi bool, state KeyState) {
	k := newContextKey(key)
	values, multi, state = c.lookup(&k)
	return slices.Clone(values), multi, state
}

// Entries lists what was set, keys before patterns, each in the order of its
// first setting.
func (c Context) Entries() []Entry {
	var out []Entry
	for i := range c.entries {
		e := c.entries[i].Entry
		if e.State == KeyKnown {
			e.Values = c.entries[i].values()
		}
		e.Values = slices.Clone(e.Values)
		out = append(out, e)
	}
	for _, p := range c.patterns {
		out = append(out, Entry{Key: p.text(), State: p.state})
	}
	return out
}

// Known returns the names of the keys that have a value, as they were given and
// in the order of their lower-case forms.
func (c Context) Known() []string {
	var names []string
	for i := range c.entries {
		if c.entries[i].State == KeyKnown {
			names = append(names, c.entries[i].Key)
		}
	}
	slices.SortFunc(names, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) })
	return names
}

// Equal reports whether both say the same of every key, in any order of setting.
func (c Context) Equal(d Context) bool {
	return c.within(d) && d.within(c)
}

// within reports whether d says of the keys and patterns named in c what c says.
func (c Context) within(d Context) bool {
	for i := range c.entries {
		e := &c.entries[i]
		k := contextKey{name: e.Key, hash: e.hash}
		values, multi, state := d.lookup(&k)
		if state != e.State || multi != e.Multi || !slices.Equal(values, e.values()) || !slices.Equal(d.oneOf(&k), c.oneOf(&k)) {
			return false
		}
		if o := d.find(&k); o != nil && (o.Present != e.Present || o.Same != e.Same) || o == nil && (e.Present || e.Same != "") {
			return false
		}
	}
	for _, p := range c.patterns {
		same := func(q contextPattern) bool { return strings.EqualFold(p.text(), q.text()) && p.state == q.state }
		if !slices.ContainsFunc(d.patterns, same) {
			return false
		}
	}
	return true
}

// contextKey is a key name ready to be looked up.
type contextKey struct {
	name string
	hash uint32
}

func sameKey(a, b *contextKey) bool { return a.hash == b.hash && strings.EqualFold(a.name, b.name) }

func newContextKey(name string) contextKey { return contextKey{name, foldHash(name)} }

// foldHash is FNV-1a over the name in lower case.
func foldHash(s string) uint32 {
	h := uint32(2166136261)
	for i := range len(s) {
		h = (h ^ uint32(lower(s[i]))) * 16777619
	}
	return h
}

func (e *contextEntry) values() []string {
	switch {
	case e.State != KeyKnown:
		return nil
	case e.Multi:
		return e.Values
	}
	return e.single[:]
}

func (c *Context) find(k *contextKey) *contextEntry {
	for i := range c.entries {
		if e := &c.entries[i]; e.hash == k.hash && strings.EqualFold(e.Key, k.name) {
			return e
		}
	}
	return nil
}

func (c *Context) lookup(k *contextKey) (values []string, multi bool, state KeyState) {
	if e := c.find(k); e != nil {
		return e.values(), e.Multi, e.State
	}
	longest := -1
	for i := range c.patterns {
		p := &c.patterns[i]
		if len(p.prefix) >= longest && p.covers(k.name) {
			longest, state = len(p.prefix), p.state
		}
	}
	return nil, false, state
}

// oneOf returns the only values that an unknown key may have, as SetOneOf gave
// them; nil for any.
func (c *Context) oneOf(k *contextKey) []string {
	if e := c.find(k); e != nil && e.State == KeyUnknown {
		return e.Values
	}
	return nil
}

// possible returns the only values that an unknown key may have; nil for any.
func (c *Context) possible(k *contextKey) []string {
	if values := c.oneOf(k); values != nil {
		return values
	}
	return keyForms[strings.ToLower(k.name)].domain.List()
}

// own makes the slices c's own before they are written to.
func (c *Context) own() {
	if c.owner != c {
		c.entries = slices.Clone(c.entries)
		c.patterns = slices.Clone(c.patterns)
		c.owner = c
	}
}

func (c *Context) put(key string, entry Entry) *contextEntry {
	c.own()
	k := newContextKey(key)
	e := c.find(&k)
	if e == nil {
		c.entries = append(c.entries, contextEntry{})
		e = &c.entries[len(c.entries)-1]
	}
	e.hash, e.Entry = k.hash, entry
	return e
}

// add appends a known key that is new to c, its own.
func (c *Context) add(k contextKey) *contextEntry {
	c.entries = append(c.entries, contextEntry{hash: k.hash, Entry: Entry{Key: k.name, State: KeyKnown}})
	return &c.entries[len(c.entries)-1]
}

func (c *Context) setState(pattern string, s KeyState) {
	prefix, ok := strings.CutSuffix(pattern, "*")
	if !ok {
		c.put(pattern, Entry{Key: pattern, State: s})
		return
	}
	c.own()
	n := contextPattern{prefix: prefix, state: s}
	if pattern == hosts {
		n = contextPattern{host: true, state: s}
	}
	c.patterns = slices.DeleteFunc(c.patterns, func(p contextPattern) bool { return strings.EqualFold(p.text(), pattern) })
	c.patterns = append(c.patterns, n)
}

// reset empties the context and keeps its memory.
func (c *Context) reset() {
	c.entries, c.patterns, c.owner = c.entries[:0], c.patterns[:0], c
}

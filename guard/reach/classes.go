package reach

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"ssmguard/guard"
	"ssmguard/guard/policy"
)

// columns are what tells the items of a half apart: each gives every item a number, and items
// with the same numbers in all columns that a set of policies asks for have the same verdict.
// Columns with the same numbers are one.
type columns struct {
	items     []item
	all       [][]int32
	one       []bool // all items have the same number
	byKey     map[string]int
	byContent map[string]int
}

// column returns the column of a name, which is made where it is new.
func (c *columns) column(name string, number func(i int, it *item) int32) int {
	if at, ok := c.byKey[name]; ok {
		return at
	}
	column := make([]int32, len(c.items))
	for i := range c.items {
		column[i] = number(i, &c.items[i])
	}
	return c.keep(name, column)
}

// keep keeps a column under a name.
func (c *columns) keep(name string, column []int32) int {
	same := true
	content := make([]byte, 0, 2*len(column))
	for i := range column {
		same = same && column[i] == column[0]
		content = binary.AppendVarint(content, int64(column[i]))
	}
	at, ok := c.byContent[string(content)]
	if !ok {
		at = len(c.all)
		c.all, c.one = append(c.all, column), append(c.one, same)
		c.byContent[string(content)] = at
	}
	c.byKey[name] = at
	return at
}

// numbered numbers texts from 1 in the order in which they come.
func numbered() func(text string) int32 {
	numbers := make(map[string]int32)
	return func(text string) int32 {
		n, ok := numbers[text]
		if !ok {
			n = int32(len(numbers) + 1)
			numbers[text] = n
		}
		return n
	}
}

// ofShapes tells items apart by their shapes.
func (c *columns) ofShapes() int {
	number := numbered()
	return c.column("shape", func(_ int, it *item) int32 { return number(it.shape) })
}

// ofTag tells items apart by the value of a tag, whose key is in lower case.
func (c *columns) ofTag(lower string) int {
	number := numbered()
	return c.column("tag "+lower, func(_ int, it *item) int32 {
		if values := tagValues(it.tags, lower); values != nil {
			return number(fmt.Sprintf("%q", values))
		}
		return 0
	})
}

// ofCondition tells items apart by whether a condition on one of their tags holds: holds says so
// of a value of it, or of none.
func (c *columns) ofCondition(lower string, holds func(value string, has bool) bool) []int32 {
	column := make([]int32, len(c.items))
	known := make(map[string]int32)
	several := numbered()
	for i := range c.items {
		values := tagValues(c.items[i].tags, lower)
		switch {
		case len(values) > 1: // which of them counts is not known
			column[i] = 2 + several(fmt.Sprintf("%q", values))
			continue
		case len(values) == 0:
			values = []string{""}
		}
		number, ok := known[values[0]]
		if !ok {
			value, has := strings.CutPrefix(values[0], "=")
			if holds(value, has) {
				number = 1
			}
			known[values[0]] = number
		}
		column[i] = number
	}
	return column
}

// ofResources tells items apart by whether the resources of a statement match them: 0 is no.
// Where that turns on a variable, or on a region that is not known, each that may match is told
// apart from all others.
func (c *columns) ofResources(s *policy.Statement) int {
	not := s.NotResources() != nil
	texts := slices.Concat(s.Resources(), s.NotResources())
	name := fmt.Sprintf("resources %t %s %q", not, s.Version(), texts)
	if at, ok := c.byKey[name]; ok {
		return at
	}
	variable := slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(text, "${") })
	return c.column(name, func(i int, it *item) int32 {
		switch {
		case it.region == "" || it.arn == "", variable && slices.ContainsFunc(texts, func(text string) bool { return mayMatch(text, it.arn) }):
			return int32(i + 2)
		case s.MatchesResource(it.arn, policy.Context{}):
			return 1
		}
		return 0
	})
}

// mayMatch reports whether a pattern matches an ARN with some text in the place of its variables,
// or could: case and the bounds of components are not looked at.
func mayMatch(pattern, arn string) bool {
	wide := guard.ReplaceVariables(pattern, func(string) string { return "*" })
	return strings.Count(wide, ":") < 5 || policy.Wild(strings.ToLower(wide), strings.ToLower(arn))
}

// some reports whether a column has a number other than 0.
func (c *columns) some(column int) bool {
	return slices.ContainsFunc(c.all[column], func(n int32) bool { return n != 0 })
}

// partition returns the items of each class that the policies of a group tell apart. What
// conditions make of tags with values of the caller is looked at for the group alone.
func (h *half) partition(g group) [][]int {
	var key []byte
	var cuts [][]int32
	for _, cut := range g.set.cuts {
		if !h.columns.one[cut] {
			key = binary.AppendUvarint(key, uint64(cut))
			cuts = append(cuts, h.columns.all[cut])
		}
	}
	own := h.ownCuts(g)
	if len(own) == 0 {
		if known, ok := h.partitions[string(key)]; ok {
			return known
		}
	}
	members := apart(len(h.items), append(cuts, own...))
	if len(own) > 0 {
		return members
	}
	if len(h.partitions) == mostKept {
		clear(h.partitions)
	}
	h.partitions[string(key)] = members
	return members
}

// apart returns the items that have the same numbers in all columns.
func apart(items int, cuts [][]int32) (members [][]int) {
	class := make([]int32, items)
	for _, cut := range cuts {
		next := make(map[[2]int32]int32)
		for i, n := range cut {
			at, ok := next[[2]int32{class[i], n}]
			if !ok {
				at = int32(len(next))
				next[[2]int32{class[i], n}] = at
			}
			class[i] = at
		}
	}
	for i, n := range class {
		for int(n) >= len(members) {
			members = append(members, nil)
		}
		members[n] = append(members[n], i)
	}
	return members
}

// ownCuts tells items apart by the conditions that compare their tags with values of the caller.
// Where such a value is not known, by the tags themselves.
func (h *half) ownCuts(g group) (cuts [][]int32) {
	if len(g.set.pairs) == 0 || len(h.items) == 0 {
		return nil
	}
	need, ok := h.need(g, &h.items[0])
	if !ok {
		return nil
	}
	for _, t := range g.set.pairs {
		lower := tagOf(t.key)
		open := slices.ContainsFunc(t.variables, func(key string) bool {
			_, _, state := need.Context.Lookup(key)
			return state == policy.KeyUnknown
		})
		if open {
			cuts = append(cuts, h.columns.all[h.columns.ofTag(lower)])
			continue
		}
		context := need.Context
		cuts = append(cuts, h.columns.ofCondition(lower, func(value string, has bool) bool {
			if has {
				context.Set(t.condition.Key, value)
			} else {
				context.SetAbsent(t.condition.Key)
			}
			return t.holds(context)
		}))
	}
	return cuts
}

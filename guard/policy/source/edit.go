package source

import (
	"errors"
	"slices"
	"strings"
)

// edit is one piece of a text that is replaced.
type edit struct {
	at   Span
	with string
}

// apply makes edits, which do not overlap. Lines get the ends that the text's lines have.
func apply(text string, edits []edit) string {
	dos := strings.Contains(text, "\r\n")
	slices.SortStableFunc(edits, func(a, b edit) int { return a.at.Start - b.at.Start })
	var b strings.Builder
	done := 0
	for _, e := range edits {
		if dos {
			e.with = strings.ReplaceAll(e.with, "\n", "\r\n")
		}
		b.WriteString(text[done:e.at.Start] + e.with)
		done = e.at.End
	}
	return b.String() + text[done:]
}

// ErrNoStatement is the error about a statement that a document does not have.
var ErrNoStatement = errors.New("the document has no such statement")

// Replace makes one statement of a policy document another, which is JSON. All that both
// have alike stays as it is written, white space included.
func Replace(text string, index int, statement string) (string, error) {
	old, ok := statementNode(text, index)
	fresh, good := parse(statement)
	if !ok || !good || fresh.kind != '{' {
		return "", ErrNoStatement
	}
	c := change{text: text, with: statement}
	c.object(old, fresh)
	return apply(text, c.edits), nil
}

// Add puts a statement, which is JSON, behind the last of a policy document, laid out as
// its neighbours are.
func Add(text, statement string) (string, error) {
	statements, ok := statementsOf(text)
	fresh, good := parse(statement)
	if !ok || !good || statements.kind != '[' && statements.kind != '{' {
		return "", ErrNoStatement
	}
	c := change{text: text, with: statement}
	if statements.kind == '[' && len(statements.entries) == 0 {
		return apply(text, []edit{{statements.span, "[" + flat(statement, fresh) + "]"}}), nil
	}
	last := statements
	if statements.kind == '[' {
		last = statements.entries[len(statements.entries)-1]
	}
	indent, own := c.indentOf(last.span.Start)
	body := c.layout(fresh, last, indent, own)
	separator := ", "
	if own {
		separator = ",\n" + indent
	}
	edits := []edit{{Span{last.span.End, last.span.End}, separator + body}}
	if statements.kind == '{' {
		edits[0].with += "]"
		edits = append(edits, edit{Span{statements.span.Start, statements.span.Start}, "["})
	}
	return apply(text, edits), nil
}

// Remove takes a statement out of a policy document. A document has to keep one.
func Remove(text string, index int) (string, error) {
	statements, ok := statementsOf(text)
	if !ok || index < 0 || index >= len(statements.list()) {
		return "", ErrNoStatement
	}
	if len(statements.list()) == 1 {
		return "", errors.New("it is the only statement, and IAM takes no policy without one: detach the policy instead")
	}
	return apply(text, []edit{{without(spans(statements.entries), index), ""}}), nil
}

func spans(nodes []node) []Span {
	var out []Span
	for _, n := range nodes {
		out = append(out, n.span)
	}
	return out
}

// without is what to take out of a text to be rid of one of several entries, its comma
// included.
func without(entries []Span, i int) Span {
	if i > 0 {
		return Span{entries[i-1].End, entries[i].End}
	}
	return Span{entries[0].Start, entries[1].Start}
}

// change collects the edits that make one statement another.
type change struct {
	text, with string // of the old and the new statement
	edits      []edit
}

func (c *change) replace(at Span, with string) { c.edits = append(c.edits, edit{at, with}) }

// object makes an object's members those of another.
func (c *change) object(old, fresh node) {
	var gone []int
	for i, m := range old.members {
		other, ok := fresh.member(m.key)
		switch {
		case !ok:
			gone = append(gone, i)
		case m.value.kind == '{' && other.value.kind == '{':
			c.object(m.value, other.value)
		default:
			c.values(m.value, other.value)
		}
	}
	var added []member
	for _, m := range fresh.members {
		if _, ok := old.member(m.key); !ok {
			added = append(added, m)
		}
	}
	// A member that goes makes room for one that comes: NotResource for Resource.
	for len(gone) > 0 && len(added) > 0 {
		m := old.members[gone[0]]
		indent, own := c.indentOf(m.name.Start)
		c.replace(Span{m.name.Start, m.value.span.End}, c.memberText(added[0], m.value, indent, own))
		gone, added = gone[1:], added[1:]
	}
	switch {
	case len(gone) == len(old.members) && len(gone) > 0:
		c.replace(Span{old.members[0].name.Start, old.members[len(old.members)-1].value.span.End}, "")
		return
	case len(gone) > 0:
		c.drop(old.members, gone)
	}
	if len(added) == 0 {
		return
	}
	if len(old.members) == 0 {
		c.replace(old.span, flat(c.with, fresh))
		return
	}
	last := old.members[len(old.members)-1]
	indent, own := c.indentOf(last.name.Start)
	for _, m := range added {
		separator := ", "
		if own {
			separator = ",\n" + indent
		}
		c.replace(Span{last.value.span.End, last.value.span.End}, separator+c.memberText(m, last.value, indent, own))
	}
}

// drop takes members out, each with a comma: the one before it, or for those at the
// beginning the one behind.
func (c *change) drop(members []member, gone []int) {
	whole := func(i int) Span { return Span{members[i].name.Start, members[i].value.span.End} }
	kept := slices.IndexFunc(members, func(m member) bool {
		return !slices.ContainsFunc(gone, func(i int) bool { return members[i].name == m.name })
	})
	if kept > 0 {
		c.replace(Span{whole(0).Start, whole(kept).Start}, "")
	}
	for _, i := range gone {
		if i > kept {
			c.replace(Span{whole(i - 1).End, whole(i).End}, "")
		}
	}
}

// memberText prints a member in the place of, or behind, another value.
func (c *change) memberText(m member, like node, indent string, own bool) string {
	return c.with[m.name.Start:m.name.End] + ": " + c.layout(m.value, like, indent, own)
}

// values makes the list of texts at one place another.
func (c *change) values(old, fresh node) {
	had, want := texts(old), texts(fresh)
	if slices.Equal(had, want) && old.kind != '{' && fresh.kind != '{' {
		return
	}
	if old.kind != '[' || fresh.kind == '{' || len(want) == 0 {
		c.replaceList(old, fresh)
		return
	}
	entries, list := old.entries, fresh.list()
	write := func(n node) string { return c.with[n.span.Start:n.span.End] }
	switch {
	case len(had) == len(want):
		for i := range had {
			if had[i] != want[i] {
				c.replace(entries[i].span, write(list[i]))
			}
		}
	case len(had) > 0 && len(had) < len(want) && slices.Equal(had, want[:len(had)]):
		last := entries[len(entries)-1]
		indent, own := c.indentOf(last.span.Start)
		for _, n := range list[len(had):] {
			separator := ", "
			if own {
				separator = ",\n" + indent
			}
			c.replace(Span{last.span.End, last.span.End}, separator+write(n))
		}
	case len(want) < len(had) && subsequence(want, had) && slices.Equal(had[:1], want[:1]):
		k := 0
		for i := range had {
			if k < len(want) && had[i] == want[k] {
				k++
				continue
			}
			c.replace(without(spans(entries), i), "")
		}
	default:
		c.replaceList(old, fresh)
	}
}

// replaceList writes a new list for an old one.
func (c *change) replaceList(old, fresh node) {
	start := strings.LastIndexByte(c.text[:old.span.Start], '\n') + 1
	indent, _ := c.indentOf(old.span.Start)
	rest, _, _ := strings.Cut(c.text[start+len(indent):old.span.Start], ":")
	c.replace(old.span, c.layout(fresh, old, indent, start > 0 && rest != "" && strings.Count(rest, `"`) == 2))
}

// subsequence reports whether all of some texts stand among others, in order.
func subsequence(few, many []string) bool {
	for _, text := range many {
		if len(few) > 0 && few[0] == text {
			few = few[1:]
		}
	}
	return len(few) == 0
}

// texts are the entries of a list, as policies compare them.
func texts(n node) []string {
	var out []string
	for _, e := range n.list() {
		out = append(out, e.text)
	}
	return out
}

// indentOf returns the white space that begins the line of an offset, and whether the
// offset is the first thing on that line.
func (c *change) indentOf(offset int) (indent string, own bool) {
	start := strings.LastIndexByte(c.text[:offset], '\n') + 1
	line := c.text[start:offset]
	rest := strings.TrimLeft(line, " \t")
	return line[:len(line)-len(rest)], rest == "" && start > 0
}

// layout prints a new value as its neighbour is laid out: on one line if that is, and where
// lines are no matter to the text, else over several with the indentation of the text. own
// reports whether the neighbour begins a line.
func (c *change) layout(fresh, like node, indent string, own bool) string {
	const wide = 100
	one := flat(c.with, fresh)
	if !own || !strings.Contains(c.text[like.span.Start:like.span.End], "\n") && len(indent)+len(one) <= wide {
		return one
	}
	var b strings.Builder
	print(&b, c.with, fresh, "", len(indent), wide)
	unit := c.unit()
	lines := strings.Split(b.String(), "\n")
	for i, line := range lines[1:] {
		rest := strings.TrimLeft(line, " ")
		lines[i+1] = indent + strings.Repeat(unit, (len(line)-len(rest))/len(step)) + rest
	}
	return strings.Join(lines, "\n")
}

// unit is the white space by which the text indents a level: what its first indented line
// has.
func (c *change) unit() string {
	for line := range strings.Lines(c.text) {
		rest := strings.TrimLeft(line, " \t")
		if n := len(line) - len(rest); n > 0 && strings.TrimSpace(rest) != "" {
			if n > 8 {
				break // it is not for the level alone
			}
			return line[:n]
		}
	}
	return step
}

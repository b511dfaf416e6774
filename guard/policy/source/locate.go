package source

import (
	"slices"
	"strings"
	"unicode/utf8"

	"ssmguard/guard/policy/scan"
)

// Part names a part of a statement as the statement writes it. The zero Part is the
// statement itself.
type Part struct {
	Element  string // a member of the statement: "Action", "NotResource", "Condition" ...
	Operator string // of a condition: "StringEquals"
	Key      string // of a condition: "aws:SourceIp"
	Value    string // one entry of the list that stands there; "" for the name of the member
}

// Span is a piece of a text, in bytes: from Start to End, which is not part of it.
type Span struct{ Start, End int }

// Place is where a Span begins and ends as an editor counts, from 1, columns in
// characters. The end column is that of the first character behind it.
type Place struct{ Line, Column, EndLine, EndColumn int }

// Place returns the lines and columns of a span of a text.
func (s Span) Place(text string) Place {
	at := func(offset int) (line, column int) {
		before := text[:min(offset, len(text))]
		return 1 + strings.Count(before, "\n"), 1 + utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])
	}
	var p Place
	p.Line, p.Column = at(s.Start)
	p.EndLine, p.EndColumn = at(s.End)
	return p
}

// Statement returns where a statement of a policy document stands, counted from 0. It is
// not ok if the text is no policy document, or has no such statement.
func Statement(text string, index int) (Span, bool) {
	if n, ok := statementNode(text, index); ok {
		return n.span, true
	}
	return Span{}, false
}

// Locate returns where a part of a statement stands: its value, or the name of the member
// if the Part has no value. What is not there is looked for less and less exactly: the
// value, the condition key, the element, the statement's first character. It is not ok if
// the text has no such statement.
func Locate(text string, index int, part Part) (Span, bool) {
	n, ok := statementNode(text, index)
	if !ok {
		return Span{}, false
	}
	found := Span{n.span.Start, n.span.Start + 1}
	for _, name := range []string{part.Element, part.Operator, part.Key} {
		if name == "" {
			continue
		}
		m, ok := n.member(name)
		if !ok {
			return found, true
		}
		found, n = m.name, m.value
	}
	if part.Value != "" {
		for _, entry := range n.list() {
			if entry.text == part.Value {
				return entry.span, true
			}
		}
	}
	return found, true
}

// node is a value of JSON with the places of all that it holds.
type node struct {
	span    Span
	kind    byte   // '{', '[' or the first character of a scalar
	text    string // of a scalar, unescaped
	members []member
	entries []node
}

type member struct {
	key   string
	name  Span // with its quotes
	value node
}

// member returns a member of an object: the letters' case counts not, as in policies.
func (n node) member(name string) (member, bool) {
	for _, m := range n.members {
		if m.key == name {
			return m, true
		}
	}
	i := slices.IndexFunc(n.members, func(m member) bool { return strings.EqualFold(m.key, name) })
	if i < 0 {
		return member{}, false
	}
	return n.members[i], true
}

// list returns the entries of an array, or the value itself: policies write either.
func (n node) list() []node {
	if n.kind == '[' {
		return n.entries
	}
	return []node{n}
}

// deepest bounds the nesting of what is read.
const deepest = 64

// parse reads a text of JSON. What stands behind the first value is left alone.
func parse(text string) (node, bool) {
	s := &scan.Scanner{Text: text}
	n := read(s, 0)
	return n, !s.Failed()
}

func read(s *scan.Scanner, depth int) node {
	n := node{kind: s.Peek()}
	n.span.Start = s.Pos
	if depth > deepest {
		s.Fail(s.Pos, "the document is nested too deeply")
		return n
	}
	first := true
	switch n.kind {
	case '{':
		s.Pos++
		for s.More(&first, '}') {
			var m member
			s.Space()
			m.name.Start = s.Pos
			m.key = s.Str("a quoted name")
			m.name.End = s.Pos
			s.Expect(':', "after the name")
			m.value = read(s, depth+1)
			n.members = append(n.members, m)
		}
	case '[':
		s.Array("before the list", func() { n.entries = append(n.entries, read(s, depth+1)) })
	case 'n':
		s.Skip(depth)
	default:
		n.text = s.Scalar("a value")
	}
	n.span.End = s.Pos
	return n
}

// statementsOf returns the value of the document's Statement.
func statementsOf(text string) (node, bool) {
	document, ok := parse(text)
	if !ok {
		return node{}, false
	}
	m, ok := document.member("Statement")
	return m.value, ok
}

func statementNode(text string, index int) (node, bool) {
	statements, ok := statementsOf(text)
	list := statements.list()
	if !ok || index < 0 || index >= len(list) || list[index].kind != '{' {
		return node{}, false
	}
	return list[index], true
}

package policy

import (
	"strings"

	"ssmguard/guard/policy/scan"
)

// parser reads policy documents into slices that grow together, so that a whole
// document costs a handful of allocations, and none when it is used again.
type parser struct {
	scan.Scanner
	kind   Kind
	source string
	lines  bool // keep line numbers and warnings
	line   int  // line breaks before lineAt
	lineAt int

	statements []Statement
	actions    []action
	resources  []resource
	conditions []condition
	values     []condValue
	parts      []part
	warnings   []Warning
}

const (
	version2012 = "2012-10-17"
	version2008 = "2008-10-17"
)

// Elements are kept as bits, so that one that comes twice is seen.
const (
	elVersion = 1 << iota
	elID
	elStatement
	elSid
	elEffect
	elAction
	elResource
	elPrincipal
	elCondition
)

// once records an element and faults when it was there before.
func (p *parser) once(seen *int, el int, at int, name string) {
	if *seen&el != 0 {
		p.Fail(at, "%s stands here twice", name)
	}
	*seen |= el
}

// document reads a whole document, statements included, and compiles it: only at
// the end is it certain which version its values are written in.
func (p *parser) document(d *Document) {
	from := len(p.statements)
	p.Space()
	start := p.Pos
	if !p.Expect('{', "of the policy document") {
		return
	}
	seen := 0
	for first := true; p.More(&first, '}'); {
		switch name, at := p.Key(); name {
		case "Version":
			p.once(&seen, elVersion, at, name)
			d.Version = p.versionString()
		case "Id":
			p.once(&seen, elID, at, name)
			d.ID = p.Str("a string")
		case "Statement":
			p.once(&seen, elStatement, at, name)
			p.statementList()
		default:
			p.Fail(at, "a policy document has no element %q", name)
		}
	}
	if seen&elStatement == 0 {
		p.Fail(start, "the document has no Statement")
	}
	if p.Failed() {
		return
	}
	p.compile(from, d.Version)
	d.Statements = p.statements[from:len(p.statements):len(p.statements)]
}

func (p *parser) versionString() string {
	p.Space()
	at := p.Pos
	v := p.Str("a version")
	if v != version2012 && v != version2008 {
		p.Fail(at, "the version must be 2012-10-17 or 2008-10-17")
	}
	if p.kind == RCP && v != version2012 {
		p.Fail(at, "a resource control policy must be of version 2012-10-17")
	}
	return v
}

func (p *parser) statementList() {
	if p.Peek() == '{' {
		p.statement()
		return
	}
	at := p.Pos
	if !p.Expect('[', "or '{' of a statement") {
		return
	}
	from := len(p.statements)
	for first := true; p.More(&first, ']'); {
		p.statement()
	}
	if len(p.statements) == from {
		p.Fail(at, "the document has no statements")
	}
	p.uniqueSids(from)
}

// uniqueSids refuses a Sid that comes twice; empty ones do not count.
func (p *parser) uniqueSids(from int) {
	list := p.statements[from:]
	for i := range list {
		sid := list[i].At.Sid
		for j := 0; sid != "" && j < i && !p.Failed(); j++ {
			if list[j].At.Sid == sid {
				p.Fail(list[i].offset, "the Sid %q stands in two statements", sid)
			}
		}
	}
}

// statement reads one statement. Its patterns and values are compiled later.
func (p *parser) statement() {
	if p.Peek() != '{' {
		p.Unexpected("'{' of a statement")
		return
	}
	start := p.Pos
	p.Pos++
	s := Statement{kind: p.kind, offset: start}
	seen := 0
	for first := true; p.More(&first, '}'); {
		p.element(&s, &seen)
	}
	if p.Failed() {
		return
	}
	p.complete(&s, seen, start)
	s.At.Source, s.At.Line = p.source, p.lineOf(start)
	p.statements = append(p.statements, s)
}

// element reads one member of a statement.
func (p *parser) element(s *Statement, seen *int) {
	name, at := p.Key()
	switch name {
	case "Sid":
		p.once(seen, elSid, at, name)
		s.At.Sid = p.sid()
	case "Effect":
		p.once(seen, elEffect, at, name)
		s.deny = p.effect()
	case "Action", "NotAction":
		p.once(seen, elAction, at, "Action or NotAction")
		s.notAction = name == "NotAction"
		p.actionList(s)
	case "Resource", "NotResource":
		p.once(seen, elResource, at, "Resource or NotResource")
		s.notResource = name == "NotResource"
		p.resourceList(s)
	case "Principal", "NotPrincipal":
		p.once(seen, elPrincipal, at, "Principal or NotPrincipal")
		s.principal = p.principalElement(at, name)
	case "Condition":
		p.once(seen, elCondition, at, name)
		p.conditionBlock(s)
	default:
		p.Fail(at, "a statement has no element %q", name)
	}
}

// complete checks that nothing is missing from a statement.
func (p *parser) complete(s *Statement, seen, start int) {
	switch {
	case seen&elEffect == 0:
		p.Fail(start, "the statement has no Effect")
	case seen&elAction == 0:
		p.Fail(start, "the statement has neither Action nor NotAction")
	case seen&elResource == 0:
		p.Fail(start, "the statement has neither Resource nor NotResource")
	case p.kind == RCP && seen&elPrincipal == 0:
		p.Fail(start, "a statement of a resource control policy needs the Principal \"*\"")
	case p.kind == RCP && s.notAction:
		p.Fail(start, "a resource control policy has no NotAction")
	}
}

func (p *parser) sid() string {
	p.Space()
	at := p.Pos
	sid := p.Str("a string")
	for i := range len(sid) {
		if c := sid[i]; !(lower(c) >= 'a' && lower(c) <= 'z' || c >= '0' && c <= '9') {
			if p.kind == Endpoint || p.kind == SCP || p.kind == RCP {
				p.warn(at, "a Sid should hold letters and digits only")
			} else {
				p.Fail(at, "a Sid may hold only the letters a-z and A-Z and digits")
			}
			break
		}
	}
	return sid
}

func (p *parser) effect() bool {
	p.Space()
	at := p.Pos
	switch p.Str("Allow or Deny") {
	case "Allow":
		return false
	case "Deny":
		return true
	}
	p.Fail(at, "the Effect must be Allow or Deny, written like this")
	return false
}

// texts calls f for a string or for each string of an array and returns how many
// there were.
func (p *parser) texts(want string, f func(text string, at int)) int {
	one := func() {
		p.Space()
		at := p.Pos
		if text := p.Str(want); !p.Failed() {
			f(text, at)
		}
	}
	if p.Peek() != '[' {
		one()
		return 1
	}
	p.Pos++
	n := 0
	for first := true; p.More(&first, ']'); n++ {
		one()
	}
	return n
}

func (p *parser) actionList(s *Statement) {
	from, at := len(p.actions), p.Pos
	n := p.texts("an action", func(text string, at int) {
		if fault := actionFault(text); fault != "" {
			p.Fail(at, "%s", fault)
		}
		if p.lines && strings.ContainsAny(text, " \t") {
			p.warn(at, "an action with a space matches nothing")
		}
		p.actions = append(p.actions, compileAction(text))
	})
	if n == 0 {
		p.Fail(at, "the statement names no action")
	}
	s.actions = p.actions[from:len(p.actions):len(p.actions)]
}

func (p *parser) resourceList(s *Statement) {
	from, at := len(p.resources), p.Pos
	n := p.texts("a resource", func(text string, at int) {
		if fault := resourceFault(text); fault != "" {
			p.Fail(at, "%s", fault)
		}
		p.resources = append(p.resources, compileResource(text, p.kind))
	})
	if n == 0 {
		p.Fail(at, "the statement names no resource")
	}
	s.resources = p.resources[from:len(p.resources):len(p.resources)]
}

// compile finishes the statements from index from on, once the version is known:
// without 2012-10-17 "${" has no meaning.
func (p *parser) compile(from int, version string) {
	list := p.statements[from:]
	for i := range list {
		s := &list[i]
		s.At.Index, s.version, s.variables = i, version, version == version2012
		for j := range s.resources {
			if r := &s.resources[j]; s.variables && r.free <= len(r.text) {
				r.parts = p.split(r.text[r.free:])
			}
		}
		for j := range s.conditions {
			n := &s.conditions[j]
			for k := range n.values {
				v := &n.values[k]
				if n.op.family.variables() && s.variables {
					v.parts = p.split(v.text)
				}
			}
		}
		p.versionWarning(s)
	}
}

// split is splitVariables into the parser's own slice.
func (p *parser) split(text string) []part {
	if !strings.Contains(text, "${") {
		return nil
	}
	from := len(p.parts)
	p.parts = splitVariables(p.parts, text)
	if len(p.parts) == from {
		return nil
	}
	return p.parts[from:len(p.parts):len(p.parts)]
}

// lineOf returns the line of an offset, 0 when lines are not kept. Offsets come
// in rising order.
func (p *parser) lineOf(offset int) int {
	if !p.lines {
		return 0
	}
	p.line += strings.Count(p.Text[p.lineAt:offset], "\n")
	p.lineAt = offset
	return p.line + 1
}

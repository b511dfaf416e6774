package policy

import (
	"strconv"
	"strings"

	"ssmguard/guard/policy/scan"
)

// CaseEvaluator decides evaluation cases in the JSON format case-v1, one after
// the other, and keeps its memory between them. It serves one goroutine at a
// time; the zero value is ready.
//
// A case is an object with the members id, principal, action, resource,
// resourceAccount, context, unknown, identityPolicies, permissionBoundary,
// sessionPolicies, scps and rcps; other members are passed over.
type CaseEvaluator struct {
	p        parser
	eval     Evaluator
	set      Set
	context  Context
	unknown  []string
	values   []string // of multivalued keys
	levels   [2][][]Statement
	id       string
	action   string
	resource string
	owner    string // account of the resource, "" for AWS
	account  string // account of the principal
	seen     int
}

// Decide appends the decision of one case to dst: a JSON object with id,
// decision, matched and error. A case that cannot be read gets the decision
// "error".
func (d *CaseEvaluator) Decide(dst []byte, line string) []byte {
	d.reset(line)
	d.readCase()
	if d.p.Failed() {
		e := d.p.Fault("case")
		return appendDecision(dst, caseName(line), "error", nil, "column "+strconv.Itoa(e.Column)+": "+e.Msg)
	}
	for _, key := range d.unknown { // they may have stood before the context
		d.context.SetUnknown(key)
	}
	a := d.eval.Decide(&d.set, d.action, d.resource, &d.context)
	verdict, by := a.Verdict, a.By
	if d.owner != "" && d.owner != d.account && verdict != ExplicitDeny {
		verdict, by = ImplicitDeny, nil // no resource policy ever allows across accounts
	}
	return appendDecision(dst, d.id, verdict.String(), by, "")
}

// caseName finds the id of a case that cannot be read as a whole, "" when it
// stands behind a fault of the JSON.
func caseName(line string) string {
	s := scan.Scanner{Text: line}
	if !s.Expect('{', "of the case") {
		return ""
	}
	for first := true; s.More(&first, '}'); {
		name, _ := s.Key()
		if name == "id" && s.Peek() == '"' {
			return s.Str("the id")
		}
		s.Skip(0)
	}
	return ""
}

// reset forgets the last case.
func (d *CaseEvaluator) reset(line string) {
	p := &d.p
	*p = parser{
		Scanner:    scan.Scanner{Text: line},
		statements: p.statements[:0], actions: p.actions[:0], resources: p.resources[:0],
		conditions: p.conditions[:0], values: p.values[:0], parts: p.parts[:0],
	}
	d.context.reset()
	d.set = Set{}
	d.unknown, d.values = d.unknown[:0], d.values[:0]
	d.id, d.action, d.resource, d.owner, d.account, d.seen = "", "", "", "", "", 0
}

// Members that a case must have, and whether it has a session policy.
const (
	casePrincipal = 1 << iota
	caseAction
	caseResource
	caseSession
)

func (d *CaseEvaluator) readCase() {
	p := &d.p
	if !p.Expect('{', "of the case") {
		return
	}
	for first := true; p.More(&first, '}'); {
		name, _ := p.Key()
		d.member(name)
	}
	p.End("the end of the case")
	switch {
	case d.seen&casePrincipal == 0:
		p.Fail(p.Pos, "the case has no principal")
	case d.seen&caseAction == 0:
		p.Fail(p.Pos, "the case has no action")
	case d.seen&caseResource == 0:
		p.Fail(p.Pos, "the case has no resource")
	}
}

func (d *CaseEvaluator) member(name string) {
	p := &d.p
	switch name {
	case "id":
		d.id = p.Str("the id")
	case "principal":
		d.seen |= casePrincipal
		d.principal()
	case "action":
		d.seen |= caseAction
		d.action = d.nonEmpty("the action")
	case "resource":
		d.seen |= caseResource
		d.resource = d.nonEmpty("the resource")
	case "resourceAccount":
		d.owner = p.Str("an account")
	case "context":
		d.readContext()
	case "unknown":
		p.Array("of the unknown keys", func() { d.unknown = append(d.unknown, p.Str("a key")) })
	case "identityPolicies":
		d.set.Identity = d.policies(Identity)
	case "permissionBoundary":
		if !p.Null() {
			from := len(p.statements)
			d.policy(Boundary)
			d.set.Boundary = d.since(from)
		}
	case "sessionPolicies":
		if l := d.policies(Session); d.seen&caseSession != 0 {
			d.set.Session = l
		}
	case "scps":
		d.set.SCP = d.organization(SCP, &d.levels[0])
	case "rcps":
		d.set.RCP = d.organization(RCP, &d.levels[1])
	default:
		p.Skip(0)
	}
}

func (d *CaseEvaluator) nonEmpty(what string) string {
	d.p.Space()
	at := d.p.Pos
	s := d.p.Str(what)
	if s == "" {
		d.p.Fail(at, "%s is empty", what)
	}
	return s
}

func (d *CaseEvaluator) principal() {
	p := &d.p
	if !p.Expect('{', "of the principal") {
		return
	}
	for first := true; p.More(&first, '}'); {
		name, _ := p.Key()
		p.Space()
		at := p.Pos
		switch name {
		case "arn":
			arn := p.Str("the principal's ARN")
			if afterColons(arn, 5) > len(arn) {
				p.Fail(at, "%q is not an ARN", arn)
				return
			}
			d.account = arn[afterColons(arn, 4) : afterColons(arn, 5)-1]
		case "type":
			switch kind := p.Str("the principal's type"); kind {
			case "user", "role", "federated":
			case "root":
				d.set.Root = true
			default:
				p.Fail(at, "there is no principal type %q", kind)
			}
		default:
			p.Skip(0)
		}
	}
}

func (d *CaseEvaluator) readContext() {
	p := &d.p
	if !p.Expect('{', "of the context") {
		return
	}
	for first := true; p.More(&first, '}'); {
		key, at := p.Key()
		k := newContextKey(key)
		if d.context.find(&k) != nil {
			p.Fail(at, "the key %q is given twice", key)
		}
		if p.Peek() != '[' {
			d.context.add(k).single[0] = p.Str("a string or an array of strings")
			continue
		}
		from := len(d.values)
		p.Array("of the values", func() { d.values = append(d.values, p.Str("a string")) })
		e := d.context.add(k)
		e.Values, e.Multi = d.values[from:len(d.values):len(d.values)], true
	}
}

// since returns the statements read since there were n of them.
func (d *CaseEvaluator) since(n int) []Statement {
	s := d.p.statements
	return s[n:len(s):len(s)]
}

// policies reads a list of policies into one layer.
func (d *CaseEvaluator) policies(kind Kind) []Statement {
	from := len(d.p.statements)
	d.p.Array("of the policies", func() {
		d.policy(kind)
		if kind == Session {
			d.seen |= caseSession
		}
	})
	return d.since(from)
}

// organization reads a list of levels, each a list of policies.
func (d *CaseEvaluator) organization(kind Kind, levels *[][]Statement) [][]Statement {
	*levels = (*levels)[:0]
	d.p.Array("of the levels", func() { *levels = append(*levels, d.policies(kind)) })
	return *levels
}

// policy reads {"name", "document"} in either order.
func (d *CaseEvaluator) policy(kind Kind) {
	p := &d.p
	if !p.Expect('{', "of the policy") {
		return
	}
	from := len(p.statements)
	p.kind = kind
	name, found := "", false
	for first := true; p.More(&first, '}'); {
		member, _ := p.Key()
		switch member {
		case "name":
			name = p.Str("the policy's name")
		case "document":
			found = true
			p.document(&Document{})
		default:
			p.Skip(0)
		}
	}
	if !found {
		p.Fail(p.Pos, "the policy has no document")
	}
	for i := from; i < len(p.statements); i++ {
		p.statements[i].At.Source = name
	}
}

// appendDecision writes one decision.
func appendDecision(dst []byte, id, decision string, by []Pos, fault string) []byte {
	dst = append(dst, `{"id":`...)
	dst = appendJSON(dst, id)
	dst = append(dst, `,"decision":"`...)
	dst = append(dst, decision...)
	dst = append(dst, `","matched":[`...)
	for i, at := range by {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"policy":`...)
		dst = appendJSON(dst, at.Source)
		dst = append(dst, `,"statement":`...)
		if at.Sid != "" {
			dst = appendJSON(dst, at.Sid)
		} else {
			dst = strconv.AppendInt(dst, int64(at.Index), 10)
		}
		dst = append(dst, '}')
	}
	dst = append(dst, `],"error":`...)
	dst = appendJSON(dst, fault)
	return append(dst, '}')
}

const hexDigits = "0123456789abcdef"

// appendJSON appends s as a JSON string.
func appendJSON(dst []byte, s string) []byte {
	dst = append(dst, '"')
	if !strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r == '"' || r == '\\' }) {
		dst = append(dst, s...)
		return append(dst, '"')
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}

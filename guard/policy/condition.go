package policy

import (
	"strings"
	"unsafe"

	"ssmguard/guard/policy/scalar"
)

// truth is a value of three-valued logic, ordered so that "and" is the minimum
// and "or" the maximum.
type truth uint8

const (
	no truth = iota
	maybe
	yes
)

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

func (t truth) not() truth { return yes - t }

// condition is one key of one operator of a Condition block.
type condition struct {
	op       *operator
	q        quantifier
	ifExists bool
	name     string // the operator as written
	key      contextKey
	values   []condValue
}

// condValue is one value of a condition.
type condValue struct {
	text  string
	parts []part // nil: no variables
	value scalar.Value
	json  byte // how the value was written: '"' a string, 'b' a boolean, 'n' a number
}

// holds evaluates the condition:
// docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition.html
func (n *condition) holds(c *Context) truth {
	values, multi, state := c.lookup(&n.key)
	if state == KeyUnknown {
		return n.holdsUnknown(c)
	}
	return n.holdsFor(values, multi, state, c)
}

// holdsUnknown evaluates the condition on an unknown key: it is decided when the
// key's absence and each value that it may have give the same.
func (n *condition) holdsUnknown(c *Context) truth {
	e := c.find(&n.key)
	if e == nil || e.Values == nil {
		switch {
		case e != nil && e.Present && n.op.family == famNull:
			return n.null([]string{n.key.name}, false, KeyKnown)
		case e != nil && e.Same != "" && n.asksSame(e.Same):
			return truthOf(!n.op.negated)
		}
		return n.holdsFor(nil, false, KeyUnknown, c)
	}
	values := e.Values
	t := n.holdsFor(nil, false, KeyAbsent, c)
	for i := range values {
		if n.holdsFor(values[i:i+1], false, KeyKnown, c) != t {
			return maybe
		}
	}
	return t
}

// asksSame reports whether one of the condition's values is the variable of a key,
// alone or, with wildcards, followed by "*": what has its value matches.
func (n *condition) asksSame(key string) bool {
	for i := range n.values {
		parts := n.values[i].parts
		like := n.op.family == famStringLike && len(parts) == 2 && parts[1].kind == partText && parts[1].text == "*"
		text := n.op.family == famString || n.op.family == famStringFold || n.op.family == famStringLike
		if text && (len(parts) == 1 || like) && parts[0].kind == partVariable && strings.EqualFold(parts[0].key.name, key) {
			return true
		}
	}
	return false
}

// holdsFor evaluates the condition for what is known of its key.
func (n *condition) holdsFor(values []string, multi bool, state KeyState, c *Context) truth {
	if n.op.family == famNull {
		return n.null(values, multi, state)
	}
	if state == KeyUnknown {
		return maybe
	}
	if state == KeyAbsent || n.q != single && isNull(values, multi) {
		return truthOf(n.holdsAbsent())
	}
	switch n.q {
	case forAll:
		t := yes
		for i := range values {
			t = min(t, n.test(values[i], c))
		}
		return t
	case forAny:
		t := no
		for i := range values {
			t = max(t, n.test(values[i], c))
		}
		return t
	}
	if multi { // a multivalued key needs a set operator
		return no
	}
	return n.test(values[0], c)
}

// isNull reports whether a present key has an empty value, which the set operators
// and Null take for none.
func isNull(values []string, multi bool) bool {
	return len(values) == 0 || !multi && values[0] == ""
}

// holdsAbsent is the result for a key that is not in the request.
func (n *condition) holdsAbsent() bool {
	switch n.q {
	case forAll:
		return true
	case forAny:
		return n.ifExists
	}
	return n.ifExists || n.op.negated
}

// null evaluates the Null operator. With a set qualifier it is constant, as
// Access Analyzer's check "Null with qualifier" says.
func (n *condition) null(values []string, multi bool, state KeyState) truth {
	if n.q != single {
		return truthOf(n.q == forAll)
	}
	var present, absent bool
	for i := range n.values {
		present = present || strings.EqualFold(n.values[i].text, "false")
		absent = absent || strings.EqualFold(n.values[i].text, "true")
	}
	switch {
	case present == absent:
		return truthOf(present)
	case state == KeyUnknown:
		return maybe
	}
	return truthOf(present == (state == KeyKnown && !isNull(values, multi)))
}

// test compares one value of the request with the condition's values: one must
// match, or for a negated operator none may.
func (n *condition) test(got string, c *Context) truth {
	t := no
	switch n.op.family {
	case famNumeric, famDate, famIP:
		return n.testScalar(got)
	case famBinary:
		for i := range n.values {
			t = max(t, truthOf(scalar.SameBinary(n.values[i].text, got)))
		}
	default:
		for i := range n.values {
			t = max(t, n.op.family.matches(&n.values[i], got, c))
		}
	}
	if n.op.negated {
		return t.not()
	}
	return t
}

// testScalar is test for the families that compare parsed values.
func (n *condition) testScalar(got string) truth {
	have := n.op.family.parse(got)
	match := false
	for i := range n.values {
		match = match || n.op.compare(n.values[i].value, have)
	}
	return truthOf(match != n.op.negated)
}

// parse reads a value of the Numeric, Date and IP families.
func (f family) parse(text string) scalar.Value {
	switch f {
	case famNumeric:
		return scalar.Number(text)
	case famDate:
		return scalar.Date(text)
	case famIP:
		return scalar.IP(text)
	}
	return scalar.Value{}
}

// compare matches one value of the policy with one of the request; what is no
// number, date or address matches nothing.
func (op *operator) compare(want, got scalar.Value) bool {
	switch {
	case want.Kind == scalar.None || got.Kind == scalar.None:
		return false
	case op.family == famIP:
		return want.Contains(got)
	case op.family == famDate:
		return op.rel.holds(scalar.Compare(got, want))
	}
	return op.rel.holds(scalar.Compare(got, want))
}

// matches compares one text of the policy, variables expanded, with one of the
// request.
func (f family) matches(v *condValue, got string, c *Context) truth {
	if v.parts == nil {
		return truthOf(f.matchText(v.text, rawStar, rawQuest, got))
	}
	var buf [256]byte
	text, known := expand(buf[:0], v.parts, f.wild(), c)
	if known != yes {
		return known
	}
	return truthOf(f.matchText(view(text), safeStar, safeQuest, got))
}

func (f family) matchText(want string, star, quest byte, got string) bool {
	switch f {
	case famString:
		return want == got
	case famStringFold:
		return strings.EqualFold(want, got)
	case famBool:
		return strings.EqualFold(want, got) && (strings.EqualFold(got, "true") || strings.EqualFold(got, "false"))
	case famArn:
		return matchArn(want, star, quest, got)
	}
	g := glob{text: want, star: star, quest: quest}
	return g.match(got, 0)
}

// matchArn compares the six components of two ARNs one by one.
func matchArn(want string, star, quest byte, got string) bool {
	free := afterColons(want, 5)
	if free > len(want) || afterColons(got, 5) > len(got) || !strings.HasPrefix(got, "arn:") {
		return false
	}
	g := glob{text: want, star: star, quest: quest, free: free}
	return g.match(got, 0)
}

// view is b as a string without a copy. The string must not outlive the next
// write to b.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

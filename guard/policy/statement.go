package policy

import (
	"fmt"
	"slices"
)

// Kind is the type of a policy document. It decides which elements the document
// may hold and how its short ARNs are read.
type Kind int

// The policy types that bear on a request.
const (
	Identity Kind = iota // attached to a user, group or role
	Boundary             // permissions boundary
	Session              // passed when the session was created
	SCP                  // service control policy
	RCP                  // resource control policy
	Endpoint             // policy of a VPC endpoint
)

var kindNames = [...]string{"identity", "boundary", "session", "scp", "rcp", "endpoint"}

// String returns the name of the layer that policies of this kind form, as
// Answer.DependsOn has it.
func (k Kind) String() string {
	if k < 0 || int(k) >= len(kindNames) {
		return "unknown"
	}
	return kindNames[k]
}

// MarshalText returns the kind's name.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads a kind's name.
func (k *Kind) UnmarshalText(name []byte) error {
	i := slices.Index(kindNames[:], string(name))
	if i < 0 {
		return fmt.Errorf("no kind of policy is called %q", name)
	}
	*k = Kind(i)
	return nil
}

// Statement is one statement of a policy document, compiled. Its zero value
// matches nothing.
type Statement struct {
	At Pos

	kind        Kind
	deny        bool
	variables   bool // Version is 2012-10-17: "${...}" is a variable
	notAction   bool
	notResource bool
	principal   *principal
	actions     []action
	resources   []resource
	conditions  []condition
	version     string
	offset      int // of its '{' in the text
}

// Condition is one key of one operator in a statement's Condition element.
type Condition struct {
	Operator string   // as written, with qualifier and IfExists
	Key      string   // as written
	Values   []string // as written, variables not expanded
}

// Denies reports whether the statement's Effect is Deny.
func (s *Statement) Denies() bool { return s.deny }

// Effect returns "Allow" or "Deny".
func (s *Statement) Effect() string {
	if s.deny {
		return "Deny"
	}
	return "Allow"
}

// Version returns the Version of the statement's document, "" when it had none.
func (s *Statement) Version() string { return s.version }

// Actions returns the patterns of the Action element, nil when there is none.
func (s *Statement) Actions() []string {
	if s.notAction {
		return nil
	}
	return texts(s.actions, actionText)
}

// Resources returns the patterns of the Resource element, nil when there is none.
func (s *Statement) Resources() []string { return s.resourceTexts(false) }

// NotResources returns the patterns of the NotResource element, nil when there is none.
func (s *Statement) NotResources() []string { return s.resourceTexts(true) }

func (s *Statement) resourceTexts(not bool) []string {
	if s.notResource != not {
		return nil
	}
	return texts(s.resources, func(r *resource) string { return r.text })
}

func actionText(a *action) string { return a.text }

func texts[T any](list []T, text func(*T) string) []string {
	var out []string
	for i := range list {
		out = append(out, text(&list[i]))
	}
	return out
}

// Unmet returns the conditions that do not hold in c, each by itself; one that turns
// on an unknown key does not.
func (s *Statement) Unmet(c Context) []Unmet {
	var out []Unmet
	for i := range s.conditions {
		n := &s.conditions[i]
		if n.holds(&c) == yes {
			continue
		}
		got, _, state := c.lookup(&n.key)
		out = append(out, Unmet{Condition: n.public(), Got: got, Absent: state == KeyAbsent, Unknown: state == KeyUnknown})
	}
	return out
}

// Conditions returns the keys of the Condition element in the order of the
// document.
func (s *Statement) Conditions() []Condition {
	var out []Condition
	for i := range s.conditions {
		out = append(out, s.conditions[i].public())
	}
	return out
}

func (n *condition) public() Condition {
	values := make([]string, 0, len(n.values))
	for i := range n.values {
		values = append(values, n.values[i].text)
	}
	return Condition{Operator: n.name, Key: n.key.name, Values: values}
}

// MatchesAction reports whether the statement's Action or NotAction element
// covers an action such as "ssm:StartSession".
func (s *Statement) MatchesAction(name string) bool {
	covers := slices.ContainsFunc(s.actions, func(a action) bool { return a.matches(name) })
	return covers != s.notAction && len(s.actions) > 0
}

// MatchesResource reports whether the statement's Resource or NotResource
// element covers an ARN, or "*" for an action without resource types. Variables
// are expanded from c; what turns on an unknown key is not covered.
func (s *Statement) MatchesResource(arn string, c Context) bool {
	return s.matchResource(arn, afterColons(arn, 5), &c) == yes
}

// MatchesConditions reports whether every condition holds in c; one that turns
// on an unknown key does not.
func (s *Statement) MatchesConditions(c Context) bool {
	return s.matchConditions(&c) == yes
}

func (s *Statement) matchAction(name string) bool {
	for i := range s.actions {
		if s.actions[i].matches(name) {
			return !s.notAction
		}
	}
	return s.notAction
}

func (s *Statement) matchResource(arn string, fold int, c *Context) truth {
	t := no
	for i := range s.resources {
		if t = max(t, s.resources[i].matches(arn, fold, c)); t == yes {
			break
		}
	}
	if s.notResource {
		return t.not()
	}
	return t
}

func (s *Statement) matchConditions(c *Context) truth {
	t := yes
	for i := range s.conditions {
		if t = min(t, s.conditions[i].holds(c)); t == no {
			break
		}
	}
	return t
}

// applies reports whether the statement matches the request as a whole.
func (s *Statement) applies(r *request) truth {
	if !s.matchAction(r.action) {
		return no
	}
	t := s.matchResource(r.resource, r.fold, r.context)
	if t != no && s.principal != nil {
		t = min(t, s.principal.matches(r.context))
	}
	if t == no {
		return no
	}
	return min(t, s.matchConditions(r.context))
}

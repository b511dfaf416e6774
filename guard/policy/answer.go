package policy

import (
	"fmt"
	"strings"
)

// Verdict is the outcome of an evaluation. The zero value is Unknown, so a
// verdict that was not set can never stop or open anything.
type Verdict int

// The verdicts of IAM's evaluation logic, and Unknown for what cannot be told.
const (
	// Unknown means the outcome turns on a key or a layer that could not be read.
	Unknown Verdict = iota
	// Allow means every layer that bears on the request allows it and none denies it.
	Allow
	// ImplicitDeny means nothing denies the request, but some layer does not allow it.
	ImplicitDeny
	// ExplicitDeny means a Deny statement matches the request.
	ExplicitDeny
)

var verdictNames = [...]string{"unknown", "allowed", "implicitDeny", "explicitDeny"}

// String returns IAM's own word for the verdict ("allowed", "implicitDeny",
// "explicitDeny") or "unknown".
func (v Verdict) String() string {
	if v < 0 || int(v) >= len(verdictNames) {
		return fmt.Sprintf("Verdict(%d)", int(v))
	}
	return verdictNames[v]
}

// Denies reports whether the verdict is a proven refusal.
func (v Verdict) Denies() bool { return v == ImplicitDeny || v == ExplicitDeny }

// Pos names one statement of one policy document.
type Pos struct {
	Source string // the document, as the user would name it: `inline "ssm"`, `managed AdministratorAccess`
	Index  int    // position in Statement, from 0; -1 when not known
	Sid    string // the statement's Sid, "" when it has none
	Line   int    // line of the statement in the document, from 1; 0 when not known
}

// String returns the position as people count: `inline "ssm", statement 1 (Sid)`,
// or the line where only that is known.
func (p Pos) String() string {
	var b strings.Builder
	b.WriteString(p.Source)
	switch {
	case p.Index >= 0:
		fmt.Fprintf(&b, ", statement %d", p.Index+1)
	case p.Line > 0:
		fmt.Fprintf(&b, ", line %d", p.Line)
	}
	if p.Sid != "" {
		fmt.Fprintf(&b, " (%s)", p.Sid)
	}
	return b.String()
}

// Unmet is a condition of a statement that does not hold.
type Unmet struct {
	Condition
	Got     []string // values of the request
	Absent  bool     // the key is known not to be in the request
	Unknown bool     // whether the key is in the request could not be read
}

// LayerAnswer is what one layer says by itself, as if the others allowed.
type LayerAnswer struct {
	Layer   Kind
	Level   int // of the organization, from 1 for its root; 0 in layers without levels
	Verdict Verdict
	By      []Pos  // the statements that decided in this layer
	Seen    bool   // AWS was seen to refuse a like call by this layer, so that no unknown key undoes it
	Key     string // a known condition key that was seen to decide, where the statements are not shown; else ""
}

// Answer is the outcome of one evaluation with its reasons.
type Answer struct {
	Verdict   Verdict
	By        []Pos         // the statements that decided: every matching Deny, or for Allow every matching Allow
	Layers    []LayerAnswer // each layer that bears on the request, by itself
	DependsOn []string      // for Unknown: the keys and layers the verdict turns on
}

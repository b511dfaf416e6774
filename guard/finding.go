package guard

import (
	"slices"

	"ssmguard/guard/policy"
	"ssmguard/guard/policy/source"
)

// Code names a finding, "SG101"; `ssmguard explain CODE` prints its page.
type Code string

// Level tells what a finding does to the session.
type Level int

// The levels, the weightiest last.
const (
	Note    Level = iota // worth knowing, nothing to do now
	Warning              // the session starts, something will fail later or cannot be told
	Error                // a required grant is denied
)

var levelNames = [...]string{"note", "warning", "error"}

// String returns "note", "warning" or "error".
func (l Level) String() string {
	if l < 0 || int(l) >= len(levelNames) {
		return "note"
	}
	return levelNames[l]
}

// Finding is one thing the user should know: what is missing, what came
// closest, and what to add.
type Finding struct {
	Code     Code
	Level    Level
	Grant    string // ID of the grant it is about, "" when it is about none
	Action   string // what the session needs: "ssm:StartSession" ...
	Resource string // ... on this ARN; both "" when the finding is about no grant
	Summary  string // one line, no capital, no full stop
	Detail   string // why, in a sentence or two; "" when Nearest says it all
	Nearest  []Near // the statements that came closest or that decided, the closest first
	Fix      *Fix
}

// Near is a statement that bears on a finding, and why it did or did not apply.
type Near struct {
	At  policy.Pos
	Why string // `matches, but its condition ssm:resourceTag/Name = web cannot hold here: ...`

	Part source.Part // the part of the statement that it is for; zero for all of it
	Note string      // Why, for those who see that part: "cannot hold here: ..."; "" for Why itself
}

// Fix is the smallest change that lets the request through.
type Fix struct {
	Text    string            // what to do, in a clause: "add to role/dev"
	Steps   []string          `json:",omitempty"` // what Text is made of, where it is of several
	Changes []Change          // to policies; empty when the repair is none, such as "sign in with MFA"
	Grants  []string          // IDs of the grants it repairs
	Needs   map[string]string // condition keys the request must carry instead: {"aws:MultiFactorAuthPresent": "true"}
	Checked bool              // the local evaluator has seen the request allowed with it, and all that it speaks of exists
	Check   string            // what was checked: "with this statement the session is allowed, and nothing else changes"
	// Deliberate says that it changes a Deny that looks as if it was meant: its owner has to agree.
	Deliberate bool   `json:",omitempty"`
	Ask        string // who can make the change, when the caller's own administrator cannot: "organization administrator"
	Message    string // to send to Ask, ready to paste
	Or         *Fix   // another way: this one opens little in actions, that one in resources; or nil
}

// Same reports whether two fixes do the same: what is told of them may differ.
func (f *Fix) Same(other *Fix) bool {
	return f.Text == other.Text && slices.Equal(f.Changes, other.Changes) && slices.Equal(f.Grants, other.Grants)
}

// ChangeKind is what a Change does to a policy.
type ChangeKind string

// The kinds of change.
const (
	AddStatement     ChangeKind = "add"
	ReplaceStatement ChangeKind = "replace"
	RemoveStatement  ChangeKind = "remove"
)

// Change is one edit of one policy.
type Change struct {
	Kind      ChangeKind
	Level     int // of the organization, the root is 1; 0 in layers without levels
	Layer     policy.Kind
	Where     string     // whose policy, as the user would name it: "role/dev", `boundary "dev-boundary"`
	At        policy.Pos // the statement that is replaced or removed
	Statement string     // one IAM statement, JSON: the new text; "" for RemoveStatement
}

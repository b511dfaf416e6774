package guard

import "ssmguard/guard/policy"

// Code names a finding, "SG101"; `ssmguard explain CODE` prints its page.
type Code string

// Finding is one thing the user should know: what is missing, what came
// closest, and what to add.
type Finding struct {
	Code    Code
	Grant   string // ID of the grant it is about, "" when it is about none
	Summary string // one line, no capital, no full stop
	Detail  string // why, in a sentence or two
	Seen    []policy.Pos
	Fix     *Fix
}

// Fix is the smallest change that lets the request through.
type Fix struct {
	Where     string // whose policy to change, as the user would name it: "role/dev"
	Statement string // one IAM statement, JSON, "" when the repair is none
	Text      string // what to do with it, in a clause: "add to role/dev"
	Checked   bool   // the local evaluator has seen the request allowed with it
}

package guard

import "ssmguard/guard/policy"

// Grant is one permission the request needs, on one resource.
type Grant struct {
	ID       string         // stable in JSON: "start/target", "start/document", "resume", ...
	Action   string         // ssm:StartSession
	Resource string         // the exact ARN IAM evaluates
	Context  policy.Context // the condition keys of this resource only
	Advisory bool           // a missing advisory grant warns and never stops
	Why      string         // one clause for people: why the session needs it
}

// Ruling is one judge's answer on one grant.
type Ruling struct {
	Grant  Grant
	Answer policy.Answer
	Judge  string // "iam" or "local"
}

// Decision is everything the guard found out about one request.
type Decision struct {
	Request  Request
	Facts    Facts
	Grants   []Grant     // what the request needs, in the order of Needs
	Rulings  []Ruling    // by grant, then by judge
	Findings []Finding   // the weightiest first
	Policies *policy.Set // what the local judge read; nil when it read nothing
}

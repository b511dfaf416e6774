package report

import (
	"io"

	"ssmguard/guard"
	"ssmguard/guard/finding"
)

// explanationJSON is what a message says, as schema/explanation.schema.json describes it.
type explanationJSON struct {
	Protocol int           `json:"protocol"`
	Refusals []refusalJSON `json:"refusals"`
	Findings []findingJSON `json:"findings"`
}

type refusalJSON struct {
	Action   string `json:"action"`
	Resource string `json:"resource"`
	Reason   string `json:"reason"`
	Owner    string `json:"owner"`
	Policy   string `json:"policy"`
}

// Explanation writes, for programs, the refusals by IAM that a message holds and what
// all of the message means.
func Explanation(w io.Writer, refusals []finding.Refusal, findings []guard.Finding) error {
	out := explanationJSON{Protocol: Protocol, Refusals: []refusalJSON{}, Findings: []findingJSON{}}
	for _, r := range refusals {
		if r.Denied() {
			out.Refusals = append(out.Refusals, refusalJSON{r.Action, r.Resource, r.Reason(), r.Owner(), r.PolicyARN})
		}
	}
	for _, f := range findings {
		out.Findings = append(out.Findings, newFinding(guard.Decision{}, f))
	}
	return NewJSON(w).enc.Encode(out)
}

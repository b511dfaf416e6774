package finding

import (
	"slices"
	"strings"

	"ssmguard/guard"
	"ssmguard/guard/policy"
	"ssmguard/guard/policy/source"
)

// actionSlip finds an action of a statement that is nearly the grant's: another spelling,
// or another service's.
func (q inquiry) actionSlip(s *policy.Statement) (miss, bool) {
	service, name, _ := strings.Cut(q.grant.Action, ":")
	for _, wrote := range s.Actions() {
		theirs, what, ok := strings.Cut(wrote, ":")
		other := ok && strings.EqualFold(what, name) && !strings.EqualFold(theirs, service)
		if strings.ContainsAny(wrote, "*?") || !other && !guard.NearAction(wrote, q.grant.Action) {
			continue
		}
		why := "grants " + wrote + ", which is no action; it is called " + q.grant.Action
		if other {
			why = "grants " + wrote + ", of another service; the action is " + q.grant.Action
		}
		return miss{code: subjectCodes[q.about].action, rank: rankSlip, why: why, part: source.Part{Element: "Action", Value: wrote}}, true
	}
	return miss{}, false
}

// patternSlip finds what is written wrongly in a pattern that would cover the resource
// otherwise.
func (q inquiry) patternSlip(pattern string) (miss, bool) {
	m := miss{code: subjectCodes[q.about].name, rank: rankSlip}
	switch slip := guard.ResourceSlip(pattern, q.grant.Resource); slip.Kind {
	case guard.TerraformSlip:
		m.code, m.why = "SG304", "holds "+slip.Wrote+"...}, which is Terraform's; IAM's variables are written ${...}"
		return m, q.relevant(pattern)
	case guard.ShortSlip:
		m.why = "is too short for an ARN: before " + slip.Wrote + " there are partition, service, region and account, and between two colons where one is left out"
	case guard.ColonSlip:
		m.why = "has a colon where a slash belongs: " + slip.Wrote + ", and it is " + slip.Correct
	case guard.TypeSlip:
		m.why = "is for the type " + slip.Wrote + ", which there is not; it is called " + slip.Correct
	case guard.NameSlip:
		m.why = "grants " + slip.Wrote + ", which is nearly " + slip.Correct
	default:
		return miss{}, false // what else is wrong with it is told by its fields
	}
	return m, true
}

// withoutValue returns the first variable of a pattern that has no value in this request.
func (q inquiry) withoutValue(pattern string) string {
	for _, name := range guard.Variables(pattern) {
		if _, _, state := q.grant.Context.Lookup(name); state == policy.KeyAbsent && len(name) > 1 && !strings.Contains(name, ",") {
			return "${" + name + "}"
		}
	}
	return ""
}

// nodePolicy reports whether a layer has the policy of a node's agent, which lets nobody
// start a session.
func nodePolicy(l guard.Layer) bool {
	return slices.ContainsFunc(l.Statements, func(s policy.Statement) bool {
		return !s.Denies() && slices.Contains(s.Actions(), "ssm:UpdateInstanceInformation")
	})
}

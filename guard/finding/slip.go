package finding

import (
	"slices"
	"strings"

	"ssmguard/guard"
	"ssmguard/guard/policy"
	"ssmguard/internal/spelling"
)

// farthest is how many letters a slip of the pen may take.
const farthest = 2

// actionSlip finds an action of a statement that is nearly the grant's: another spelling,
// or another service's.
func (q inquiry) actionSlip(s *policy.Statement) (miss, bool) {
	service, name, _ := strings.Cut(q.grant.Action, ":")
	for _, wrote := range s.Actions() {
		theirs, what, ok := strings.Cut(wrote, ":")
		other := ok && strings.EqualFold(what, name) && !strings.EqualFold(theirs, service)
		if strings.ContainsAny(wrote, "*?") || !other && spelling.Distance(wrote, q.grant.Action) > farthest {
			continue
		}
		why := "grants " + wrote + ", which is no action; it is called " + q.grant.Action
		if other {
			why = "grants " + wrote + ", of another service; the action is " + q.grant.Action
		}
		return miss{code: subjectCodes[q.about].action, rank: rankSlip, why: why}, true
	}
	return miss{}, false
}

// patternSlip finds what is written wrongly in a pattern that would cover the resource
// otherwise.
func (q inquiry) patternSlip(pattern string) (miss, bool) {
	codes, arn := subjectCodes[q.about], q.grant.Resource
	for _, left := range []string{"&{", "$${"} {
		if strings.Contains(pattern, left) && q.relevant(pattern) {
			return miss{code: "SG304", rank: rankSlip, why: "holds " + left + "...}, which is Terraform's; IAM's variables are written ${...}"}, true
		}
	}
	slip := func(why string) (miss, bool) { return miss{code: codes.name, rank: rankSlip, why: why}, true }
	kind, name := guard.ResourceType(arn), strings.TrimPrefix(guard.ArnField(arn, guard.FieldResource), guard.ResourceType(arn)+"/")
	fields := strings.SplitN(pattern, ":", 6)
	if last := fields[len(fields)-1]; len(fields) < 6 && len(fields) > guard.FieldService && strings.HasPrefix(last, kind+"/") {
		if policy.Wild(strings.TrimPrefix(last, kind+"/"), name) {
			return slip("is too short for an ARN: before " + last + " there are partition, service, region and account, and between two colons where one is left out")
		}
		return miss{}, false
	}
	resource := guard.ArnField(pattern, guard.FieldResource)
	rest, colon := strings.CutPrefix(resource, kind+":")
	wrote, after, slash := strings.Cut(resource, "/")
	switch {
	case colon && policy.Wild(rest, name):
		return slip("has a colon where a slash belongs: " + resource + ", and it is " + kind + "/" + rest)
	case slash && wrote != kind && !strings.ContainsAny(wrote, "*?") && !knownType(wrote) && spelling.Distance(wrote, kind) <= farthest && policy.Wild(after, name):
		return slip("is for the type " + wrote + ", which there is not; it is called " + kind)
	case slash && wrote == kind && kind == "document" && !strings.ContainsAny(after, "*?$") && after != name && spelling.Distance(after, name) <= farthest && !strings.HasPrefix(after, name):
		return slip("grants " + after + ", which is nearly " + name)
	}
	return miss{}, false
}

func knownType(kind string) bool {
	return slices.Contains([]string{"instance", "managed-instance", "task", "document", "session", "key", "cluster"}, kind)
}

// withoutValue returns the first variable of a pattern that has no value in this request.
func (q inquiry) withoutValue(pattern string) string {
	for {
		_, rest, ok := strings.Cut(pattern, "${")
		name, after, closed := strings.Cut(rest, "}")
		if !ok || !closed {
			return ""
		}
		if _, _, state := q.grant.Context.Lookup(name); state == policy.KeyAbsent && len(name) > 1 && !strings.Contains(name, ",") {
			return "${" + name + "}"
		}
		pattern = after
	}
}

// nodePolicy reports whether a layer has the policy of a node's agent, which lets nobody
// start a session.
func nodePolicy(l guard.Layer) bool {
	return slices.ContainsFunc(l.Statements, func(s policy.Statement) bool {
		return !s.Denies() && slices.Contains(s.Actions(), "ssm:UpdateInstanceInformation")
	})
}

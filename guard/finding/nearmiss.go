package finding

import (
	"cmp"
	"slices"
	"strings"

	"ssmguard/guard"
	"ssmguard/guard/policy"
	"ssmguard/guard/policy/source"
)

// relevant reports whether a pattern is about the kind of thing the grant is
// about. A grant for documents is no near miss of a target.
func (q inquiry) relevant(pattern string) bool {
	kind, service := guard.ResourceType(pattern), guard.ArnField(pattern, guard.FieldService)
	switch q.about {
	case aboutDocument:
		return kind == "document" || kind == "*" && policy.Wild(service, "ssm")
	case aboutTarget:
		return kind == "instance" || kind == "managed-instance" || kind == "task" || kind == "*"
	case aboutKey:
		return service == "kms" || service == "*"
	case aboutTask:
		return kind == "task" || kind == "cluster" || kind == "*" && policy.Wild(service, "ecs")
	}
	return kind == "session" || kind == "*" && policy.Wild(service, "ssm")
}

// miss is one Allow statement that comes near a grant, and why it does not
// reach it.
type miss struct {
	s      *policy.Statement
	code   guard.Code
	why    string
	rank   int // the smaller, the nearer
	part   source.Part
	note   string            // as of guard.Near
	tag    *policy.Condition // the condition that a tag on the resource would satisfy
	guards bool              // the condition is one that guards everything at once
}

// The ranks: a condition is nearer than a slip in the ARN, that nearer than
// another action, that nearer than another name or type.
const (
	rankCondition = iota
	rankSlip
	rankAction
	rankName
	rankType
)

// near is the miss as a finding tells it.
func (m miss) near() guard.Near {
	return guard.Near{At: m.s.At, Why: m.why, Part: m.part, Note: m.note}
}

// misses returns the statements of a layer that come near the grant, the
// nearest first.
func (q inquiry) misses(l guard.Layer) []miss {
	var out []miss
	for i := range l.Statements {
		s := &l.Statements[i]
		if s.Denies() {
			continue
		}
		if m, ok := q.miss(s); ok {
			m.s = s
			out = append(out, m)
		}
	}
	slices.SortStableFunc(out, func(a, b miss) int { return cmp.Compare(a.rank, b.rank) })
	return out
}

func (q inquiry) miss(s *policy.Statement) (miss, bool) {
	action := s.MatchesAction(q.grant.Action)
	resource := s.MatchesResource(q.grant.Resource, q.grant.Context)
	switch {
	case action && resource:
		return q.conditionMiss(s)
	case action:
		return q.resourceMiss(s)
	case resource:
		if m, ok := q.actionSlip(s); ok {
			return m, true
		}
		return q.actionMiss(s)
	}
	return miss{}, false
}

// conditionMiss names the condition that keeps a statement from the grant: the
// one with a rule of its own before any other.
func (q inquiry) conditionMiss(s *policy.Statement) (miss, bool) {
	var best miss
	found := false
	for _, u := range s.Unmet(q.grant.Context) {
		code, reason, taggable := q.unmet(u)
		if !found || best.code == subjectCodes[q.about].condition && code != best.code {
			best = miss{code: code, rank: rankCondition, guards: guard.GuardKey(u.Key) != "",
				why: "matches, but its condition " + guard.ConditionText(u.Condition) + " " + reason, part: conditionPart(u.Condition), note: reason}
			if len(u.Got) > 0 && len(u.Values) == 1 {
				best.part.Value = u.Values[0] // it is the value that is another
			}
			if taggable {
				best.tag = &u.Condition
			}
		}
		found = true
	}
	return best, found
}

// conditionPart is the part of a statement in which a condition stands.
func conditionPart(c policy.Condition) source.Part {
	return source.Part{Element: "Condition", Operator: c.Operator, Key: c.Key}
}

// tagAdvice names the tag with which a layer would allow the grant and no other
// deny it: "the tag Name = bastion"; "" when there is none, or a tag alone does
// not do it.
func (q inquiry) tagAdvice(l guard.Layer, c *policy.Condition) string {
	if q.d.Policies == nil || len(c.Values) == 0 || strings.ContainsAny(c.Values[0], "${*?") || guard.ArnField(q.grant.Resource, guard.FieldAccount) != q.d.Request.Caller.Account {
		return "" // the tags of another account's document are not ours to set
	}
	_, key, _ := strings.Cut(c.Key, "/")
	tagged := q.grant
	tagged.Context.Set(guard.TagSSM+key, c.Values[0])
	tagged.Context.Set(guard.TagGlobal+key, c.Values[0])
	a := guard.Evaluate(*q.d.Policies, tagged)
	switch {
	case a.Verdict == policy.ExplicitDeny || l.Says(a).Verdict != policy.Allow:
		return ""
	case strings.EqualFold(c.Operator, "Null"):
		return "any tag " + key
	}
	return "the tag " + key + " = " + c.Values[0]
}

// unmet says which rule an unmet condition breaks and why it does not hold; taggable
// reports whether a tag on the resource could make it hold.
func (q inquiry) unmet(u policy.Unmet) (code guard.Code, why string, taggable bool) {
	code, why = subjectCodes[q.about].condition, "does not hold: "+q.got(u)
	start := q.about == aboutDocument || q.about == aboutTarget
	session := q.about == aboutSession || q.about == aboutChannel
	switch own := guard.GuardKey(u.Key); {
	case own != "":
		return own, why, false
	case !u.Absent && q.lacksTag(u.Values):
		if q.about == aboutTarget {
			code = "SG207"
		}
		return code, "cannot hold here: the caller has no such tag", false
	case guard.IsSessionTag(u.Key) && start:
		return "SG208", "cannot hold here: only sessions carry this tag, and there is none before StartSession", false
	case noSuchKey(q.grant.Action, u) != "":
		return code, "cannot hold here: " + noSuchKey(q.grant.Action, u), false
	case !guard.IsTagKey(u.Key):
		return code, why, false
	case q.about == aboutDocument && guard.AwsOwned(q.d.Request, q.d.Facts):
		return "SG101", "cannot hold here: an AWS-owned document carries no tags", false
	case q.about == aboutDocument:
		return "SG106", why, true
	case q.about == aboutTarget && u.Absent:
		return "SG202", why, true
	case q.about == aboutTarget:
		return "SG201", why, true
	case session && !guard.IsSessionTag(u.Key):
		return "SG305", "cannot hold here: a session carries only the tags aws:ssmmessages:session-id and :target-id", false
	}
	return code, why, false
}

// noSuchKey says of a condition on a key that the action does not have which key was
// meant: "ssm:StartSession has no such key; ssm:resourceTag/Env is meant". It is "" for
// keys that the action has, and for those that are stated all the same.
func noSuchKey(action string, u policy.Unmet) string {
	meant, foreign := guard.ForeignKey(action, u.Key)
	switch {
	case !foreign || !u.Absent || strings.HasPrefix(strings.ToLower(u.Key), strings.ToLower(guard.TagSSM)):
		return ""
	case meant == "":
		return action + " has no such key"
	}
	return action + " has no such key; " + meant + " is meant"
}

// lacksTag reports whether a condition compares with a tag the caller does not have.
func (q inquiry) lacksTag(want []string) bool {
	const variable = "${aws:principaltag/"
	for _, w := range want {
		_, rest, ok := strings.Cut(strings.ToLower(w), variable)
		if name, _, closed := strings.Cut(rest, "}"); ok && closed {
			if _, _, state := q.grant.Context.Lookup("aws:PrincipalTag/" + name); state == policy.KeyAbsent {
				return true
			}
		}
	}
	return false
}

// got says what the request has for the key of an unmet condition.
func (q inquiry) got(u policy.Unmet) string {
	thing := q.thing(u.Key)
	possible, listed := q.grant.Context.Possible(u.Key)
	switch {
	case u.Unknown && listed && !slices.ContainsFunc(possible, func(v string) bool { return slices.Contains(u.Values, v) }):
		return "the " + thing + " has no such key, or it is " + guard.Join(possible, "or")
	case u.Unknown:
		return "the key is not known here"
	case u.Absent && guard.IsTagKey(u.Key):
		return "the " + thing + " has no such tag"
	case u.Absent:
		return "the " + thing + " does not carry the key"
	case guard.IsTagKey(u.Key):
		_, name, _ := strings.Cut(u.Key, "/")
		has := "the " + thing + " has " + name + " = " + guard.Join(u.Got, "and")
		switch key, value := guard.CallersTag(u.Condition, q.grant.Context); {
		case value != "":
			_, tag, _ := strings.Cut(key, "/")
			has += ", and the caller " + tag + " = " + value
		case guard.LiteralWildcard(u.Condition):
			has += ", and " + u.Operator + " takes * and ? literally"
		}
		return has
	}
	return "it is " + guard.Join(u.Got, "and") + " here"
}

// actionMiss is a statement that names the resource, but for other actions.
// One on everything names nothing.
func (q inquiry) actionMiss(s *policy.Statement) (miss, bool) {
	if s.Resources() == nil || slices.Contains(s.Resources(), "*") || len(s.Actions()) == 0 {
		return miss{}, false
	}
	actions := s.Actions()
	if q.about == aboutSession || q.about == aboutChannel {
		return miss{}, false // what else is granted on sessions says nothing here
	}
	part := source.Part{Element: "Action"}
	if len(actions) == 1 {
		part.Value = actions[0]
	}
	if len(actions) > 3 {
		actions = append(slices.Clone(actions[:3]), "others")
	}
	return miss{code: subjectCodes[q.about].action, rank: rankAction, part: part,
		why: "names it, but for " + guard.Join(actions, "and") + ", not for " + q.grant.Action}, true
}

// resourceMiss finds the pattern of a statement that comes nearest to the ARN.
func (q inquiry) resourceMiss(s *policy.Statement) (miss, bool) {
	if s.Resources() == nil {
		return miss{code: subjectCodes[q.about].name, rank: rankName, part: source.Part{Element: "NotResource"},
			why: "excepts it: NotResource " + guard.Join(s.NotResources(), "and"), note: "excepts it"}, true
	}
	var best miss
	found := false
	for _, p := range s.Resources() {
		if m, ok := q.patternMiss(s, p); ok && (!found || m.rank < best.rank) {
			best, found = m, true
			best.part = source.Part{Element: "Resource", Value: p}
		}
	}
	return best, found
}

func (q inquiry) patternMiss(s *policy.Statement, pattern string) (miss, bool) {
	if m, ok := q.patternSlip(pattern); ok {
		return m, true
	}
	if !q.relevant(pattern) {
		return miss{}, false
	}
	if strings.Contains(pattern, "${") {
		if m, ok := q.variableMiss(s, pattern); ok {
			return m, true
		}
	}
	codes := subjectCodes[q.about]
	diff := guard.CompareARN(pattern, q.grant.Resource)
	field := func(i int) bool { return slices.Contains(diff, i) }
	switch {
	case field(guard.FieldService):
		return q.typeMiss(pattern), q.about == aboutTarget
	case field(guard.FieldResource) && q.about == aboutTarget && guard.ResourceType(pattern) != guard.ResourceType(q.grant.Resource) && guard.ResourceType(pattern) != "*":
		return q.typeMiss(pattern), true
	case field(guard.FieldResource):
		return miss{code: codes.name, rank: rankName, why: "grants " + guard.ArnName(pattern) + ", not " + guard.ArnName(q.grant.Resource)}, true
	case field(guard.FieldAccount) && q.about == aboutDocument && len(diff) == 1:
		return q.accountMiss(pattern), true
	case len(diff) > 0:
		return miss{code: codes.place, rank: rankSlip, why: "covers it, but " + guard.PlaceText(pattern, q.grant.Resource, diff)}, true
	}
	return miss{}, false
}

// accountMiss is the commonest slip: whose document it is.
func (q inquiry) accountMiss(pattern string) miss {
	account := guard.ArnField(q.grant.Resource, guard.FieldAccount)
	switch wrote := guard.ArnField(pattern, guard.FieldAccount); {
	case account == "":
		return miss{code: "SG102", rank: rankSlip, why: "names this document with the account id " + wrote + ", but AWS owns it: the account field of its ARN is empty"}
	case wrote == "":
		return miss{code: "SG103", rank: rankSlip, why: "names this document with an empty account field, but it belongs to account " + account}
	}
	return miss{code: "SG108", rank: rankSlip, why: "covers it, but " + guard.PlaceText(pattern, q.grant.Resource, []int{guard.FieldAccount})}
}

// variableMiss is a pattern whose variable has no value, or the wrong one.
func (q inquiry) variableMiss(s *policy.Statement, pattern string) (miss, bool) {
	lower := strings.ToLower(pattern)
	switch {
	case s.Version() != "2012-10-17":
		return miss{code: "SG304", rank: rankSlip, why: "holds ${...}, which is plain text in a policy without Version 2012-10-17"}, true
	case strings.Contains(lower, "${aws:username}") && q.d.Request.Caller.Kind() != guard.User:
		return miss{code: "SG301", rank: rankSlip, why: "compares with ${aws:username}, which only IAM users have, so it matches nothing"}, true
	case q.withoutValue(pattern) != "":
		return miss{code: subjectCodes[q.about].name, rank: rankSlip, why: "compares with " + q.withoutValue(pattern) + ", which has no value here, so it matches nothing"}, true
	case strings.Contains(lower, "session/${aws:userid}"):
		return miss{code: "SG302", rank: rankSlip, why: "compares the session id with ${aws:userid}, but session ids begin with the user or role session name"}, true
	}
	return miss{}, false
}

// typeMiss is a statement for another type of resource than the target.
func (q inquiry) typeMiss(pattern string) miss {
	return miss{code: "SG203", rank: rankType, why: "is for " + guard.TypeName(pattern) + ", and the target is " + guard.TypeNameOne(q.grant.Resource)}
}

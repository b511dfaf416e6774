package guard

import (
	"slices"
	"strings"

	"ssmguard/guard/policy"
)

// The findings about statements that guard everything at once, whatever is asked for.
const (
	RegionGuard  Code = "SG805"
	MFAGuard     Code = "SG806"
	NetworkGuard Code = "SG808"
)

var guardKeys = map[string]Code{
	"aws:requestedregion":        RegionGuard,
	"aws:multifactorauthpresent": MFAGuard, "aws:multifactorauthage": MFAGuard,
	"aws:sourceip": NetworkGuard, "aws:vpcsourceip": NetworkGuard, "aws:sourcevpc": NetworkGuard, "aws:sourcevpce": NetworkGuard,
}

// GuardKey returns the finding about statements that ask for a condition key to guard
// everything at once, "" for every other key.
func GuardKey(key string) Code { return guardKeys[strings.ToLower(key)] }

// DeniesUntagged reports whether a Deny has a negated condition on a resource tag,
// which holds for everything without the tag.
func DeniesUntagged(s *policy.Statement) bool {
	for _, c := range s.Conditions() {
		if IsTagKey(c.Key) && Negated(c) {
			return true
		}
	}
	return false
}

// OpensUntagged reports whether an Allow on everything has a tag condition that holds for
// what has no tag, and returns the condition's key.
func OpensUntagged(s *policy.Statement) (key string, opens bool) {
	if s.Denies() || !slices.Contains(s.Resources(), "*") {
		return "", false
	}
	for _, c := range s.Conditions() {
		if IsTagKey(c.Key) && strings.HasSuffix(strings.ToLower(c.Operator), "ifexists") && !Negated(c) {
			return c.Key, true
		}
	}
	return "", false
}

// IsTagKey reports whether a condition key stands for a tag of the resource.
func IsTagKey(key string) bool {
	k := strings.ToLower(key)
	return strings.HasPrefix(k, "ssm:resourcetag/") || strings.HasPrefix(k, "aws:resourcetag/") || strings.HasPrefix(k, "ecs:resourcetag/")
}

// IsSessionTag reports whether a condition key stands for a tag that only sessions carry.
func IsSessionTag(key string) bool {
	return strings.HasPrefix(strings.ToLower(key), "ssm:resourcetag/aws:ssmmessages:")
}

// Negated reports whether a condition holds for what its values do not name.
func Negated(c policy.Condition) bool { return strings.Contains(strings.ToLower(c.Operator), "not") }

// signs are the condition operators as people read them; the others are written
// out.
var signs = map[string]string{
	"stringequals": "=", "stringlike": "=", "stringequalsignorecase": "=", "arnequals": "=", "arnlike": "=", "bool": "=",
	"ipaddress": "in", "numericequals": "=", "dateequals": "=",
	"stringnotequals": "is not", "stringnotlike": "is not", "stringnotequalsignorecase": "is not",
	"arnnotequals": "is not", "arnnotlike": "is not", "notipaddress": "not in", "numericnotequals": "is not", "datenotequals": "is not",
	"numericlessthan": "<", "numericlessthanequals": "<=", "numericgreaterthan": ">", "numericgreaterthanequals": ">=",
	"datelessthan": "before", "datelessthanequals": "until", "dategreaterthan": "after", "dategreaterthanequals": "from",
}

// Join writes a list as people do: a, b and c.
func Join(s []string, last string) string {
	if len(s) < 2 {
		return strings.Join(s, "")
	}
	return strings.Join(s[:len(s)-1], ", ") + " " + last + " " + s[len(s)-1]
}

// ConditionText writes one condition as its operator means it: "ssm:resourceTag/Name = bastion
// (or absent)" of StringEqualsIfExists. The notes follow what the operator adds in parentheses.
func ConditionText(c policy.Condition, notes ...string) string {
	text, aside := operatorText(c)
	if len(aside) > 0 {
		notes = append([]string{strings.Join(aside, ", ")}, notes...)
	}
	if len(notes) > 0 {
		text += " (" + strings.Join(notes, "; ") + ")"
	}
	return text
}

// operatorText writes a condition, and what its operator says of the values of the request.
func operatorText(c policy.Condition) (text string, aside []string) {
	set, operator, ok := strings.Cut(strings.ToLower(c.Operator), ":")
	if !ok {
		set, operator = "", set
	}
	base, ifExists := strings.CutSuffix(operator, "ifexists")
	if base == "null" {
		if len(c.Values) > 0 && strings.EqualFold(c.Values[0], "true") {
			return c.Key + " is absent", nil
		}
		return c.Key + " is present", nil
	}
	sign, ok := signs[base]
	switch {
	case !ok:
		sign = c.Operator[len(c.Operator)-len(operator):][:len(base)]
	case strings.HasSuffix(base, "like") && slices.ContainsFunc(c.Values, func(v string) bool { return strings.ContainsAny(v, "*?") }):
		sign = map[string]string{"=": "like", "is not": "is not like"}[sign]
	case strings.HasSuffix(base, "ignorecase"):
		aside = append(aside, "in any case")
	}
	switch set {
	case "foranyvalue":
		aside = append(aside, "any of its values")
	case "forallvalues":
		aside = append(aside, "all of its values")
	}
	if ifExists {
		aside = append(aside, "or absent")
	}
	return c.Key + " " + sign + " " + Join(c.Values, "or"), aside
}

// LiteralWildcard reports whether a condition compares with a pattern by an operator that
// takes the wildcards in it literally.
func LiteralWildcard(c policy.Condition) bool {
	_, operator, ok := strings.Cut(c.Operator, ":")
	if !ok {
		operator = c.Operator
	}
	operator = strings.TrimSuffix(strings.ToLower(operator), "ifexists")
	return (operator == "stringequals" || operator == "stringnotequals") &&
		slices.ContainsFunc(c.Values, func(v string) bool { return strings.ContainsAny(v, "*?") && !strings.Contains(v, "${") })
}

// CallersTag returns the key and the value of the caller's tag that a condition compares
// with, "" for the value when it compares with none or the caller has it not.
func CallersTag(c policy.Condition, context policy.Context) (key, value string) {
	for _, v := range c.Values {
		_, rest, ok := cutFold(v, "${aws:principaltag/")
		name, _, closed := strings.Cut(rest, "}")
		if !ok || !closed {
			continue
		}
		if got, _, state := context.Lookup("aws:PrincipalTag/" + name); state == policy.KeyKnown && len(got) == 1 {
			return "aws:PrincipalTag/" + name, got[0]
		}
	}
	return "", ""
}

// cutFold is strings.Cut, ASCII case aside; sep is in lower case.
func cutFold(s, sep string) (before, after string, found bool) {
	i := strings.Index(strings.ToLower(s), sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

package guard

import (
	"strings"

	"ssmguard/guard/policy"
)

// GuardKeys are the keys of statements that guard everything at once.
var GuardKeys = map[string]Code{
	"aws:requestedregion":        "SG805",
	"aws:multifactorauthpresent": "SG806", "aws:multifactorauthage": "SG806",
	"aws:sourceip": "SG808", "aws:vpcsourceip": "SG808", "aws:sourcevpc": "SG808", "aws:sourcevpce": "SG808",
}

// DeniesUntagged tells whether a Deny has a negated condition on a resource tag,
// which holds for everything without the tag.
func DeniesUntagged(s *policy.Statement) bool {
	for _, c := range s.Conditions() {
		if IsTagKey(c.Key) && Negated(c) {
			return true
		}
	}
	return false
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

// Negated tells whether a condition holds for what its values do not name.
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

// ConditionText writes one condition: "ssm:resourceTag/Name = bastion".
func ConditionText(u policy.Unmet) string {
	operator := u.Operator
	if _, plain, ok := strings.Cut(operator, ":"); ok {
		operator = plain
	}
	base := strings.TrimSuffix(strings.ToLower(operator), "ifexists")
	if base == "null" {
		if len(u.Want) > 0 && strings.EqualFold(u.Want[0], "true") {
			return u.Key + " is absent"
		}
		return u.Key + " is present"
	}
	sign, ok := signs[base]
	if !ok {
		sign = operator
	}
	return u.Key + " " + sign + " " + Join(u.Want, "or")
}

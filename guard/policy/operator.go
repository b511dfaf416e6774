package policy

import "strings"

// family groups the condition operators that compare the same kind of value.
type family uint8

const (
	famNull family = iota
	famString
	famStringFold
	famStringLike
	famNumeric
	famDate
	famBool
	famBinary
	famIP
	famArn
)

// relation is what a comparison of two ordered values must yield.
type relation uint8

const (
	equal relation = iota
	less
	lessEqual
	greater
	greaterEqual
)

// holds reports whether a comparison's result (-1, 0, 1) satisfies the relation.
func (r relation) holds(c int) bool {
	switch r {
	case less:
		return c < 0
	case lessEqual:
		return c <= 0
	case greater:
		return c > 0
	case greaterEqual:
		return c >= 0
	}
	return c == 0
}

// operator is one row of the table of condition operators.
type operator struct {
	name    string
	family  family
	rel     relation
	negated bool
}

// operators holds every operator of the language, without its set qualifier and
// IfExists: docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
var operators = [...]operator{
	{"StringEquals", famString, equal, false},
	{"StringNotEquals", famString, equal, true},
	{"StringEqualsIgnoreCase", famStringFold, equal, false},
	{"StringNotEqualsIgnoreCase", famStringFold, equal, true},
	{"StringLike", famStringLike, equal, false},
	{"StringNotLike", famStringLike, equal, true},
	{"NumericEquals", famNumeric, equal, false},
	{"NumericNotEquals", famNumeric, equal, true},
	{"NumericLessThan", famNumeric, less, false},
	{"NumericLessThanEquals", famNumeric, lessEqual, false},
	{"NumericGreaterThan", famNumeric, greater, false},
	{"NumericGreaterThanEquals", famNumeric, greaterEqual, false},
	{"DateEquals", famDate, equal, false},
	{"DateNotEquals", famDate, equal, true},
	{"DateLessThan", famDate, less, false},
	{"DateLessThanEquals", famDate, lessEqual, false},
	{"DateGreaterThan", famDate, greater, false},
	{"DateGreaterThanEquals", famDate, greaterEqual, false},
	{"Bool", famBool, equal, false},
	{"BinaryEquals", famBinary, equal, false},
	{"IpAddress", famIP, equal, false},
	{"NotIpAddress", famIP, equal, true},
	{"ArnEquals", famArn, equal, false},
	{"ArnLike", famArn, equal, false},
	{"ArnNotEquals", famArn, equal, true},
	{"ArnNotLike", famArn, equal, true},
	{"Null", famNull, equal, false},
}

// quantifier is the set qualifier of an operator.
type quantifier uint8

const (
	single quantifier = iota
	forAll
	forAny
)

// parseOperator reads "ForAllValues:StringEqualsIfExists" and the like. Case is
// ignored; exact reports whether the case was AWS's own.
func parseOperator(text string) (op *operator, q quantifier, ifExists, exact, ok bool) {
	name := text
	exact = true
	if prefix, rest, found := strings.Cut(text, ":"); found {
		switch {
		case strings.EqualFold(prefix, "ForAllValues"):
			q, exact = forAll, prefix == "ForAllValues"
		case strings.EqualFold(prefix, "ForAnyValue"):
			q, exact = forAny, prefix == "ForAnyValue"
		default:
			return nil, 0, false, false, false
		}
		name = rest
	}
	const suffix = "IfExists"
	if cut := len(name) - len(suffix); cut > 0 && strings.EqualFold(name[cut:], suffix) {
		exact = exact && name[cut:] == suffix
		name, ifExists = name[:cut], true
	}
	for i := range operators {
		if op = &operators[i]; len(op.name) == len(name) && strings.EqualFold(op.name, name) {
			return op, q, ifExists, exact && op.name == name, true
		}
	}
	return nil, 0, false, false, false
}

// variables reports whether policy variables are expanded in the family's values.
func (f family) variables() bool {
	return f == famString || f == famStringFold || f == famStringLike || f == famArn || f == famBool
}

// wild reports whether "*" and "?" are wildcards in the family's values.
func (f family) wild() bool { return f == famStringLike || f == famArn }

// folds reports whether the family ignores case.
func (f family) folds() bool { return f == famStringFold || f == famBool }

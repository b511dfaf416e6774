package policy

import (
	"strings"

	"ssmguard/guard/policy/automata"
	"ssmguard/guard/policy/scalar"
)

// form is what AWS documents of a key's values: how they are compared, and how
// they are written.
type form struct {
	domain scalar.Domain
	text   func() automata.NFA // accepts what the values look like; nil for any text
}

// keyForms lists the keys whose values have one form only:
// docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
var keyForms = map[string]form{
	"aws:multifactorauthpresent":     {scalar.Bools, nil},
	"aws:securetransport":            {scalar.Bools, nil},
	"aws:viaawsservice":              {scalar.Bools, nil},
	"aws:principalisawsservice":      {scalar.Bools, nil},
	"ssm:sessiondocumentaccesscheck": {scalar.Bools, nil},
	"aws:multifactorauthage":         {scalar.Numbers, automata.Ages},
	"aws:epochtime":                  {scalar.Dates, automata.Epochs},
	"aws:currenttime":                {scalar.Dates, automata.Dates},
	"aws:tokenissuetime":             {scalar.Dates, automata.Dates},
	"aws:sourceip":                   {scalar.Addresses, automata.Addresses},
	"aws:vpcsourceip":                {scalar.Addresses, automata.Addresses},
	"aws:principalaccount":           {scalar.Texts, automata.Accounts},
	"aws:resourceaccount":            {scalar.Texts, automata.Accounts},
	"aws:sourceaccount":              {scalar.Texts, automata.Accounts},
	"aws:principalorgid":             {scalar.Texts, automata.Organizations},
	"aws:resourceorgid":              {scalar.Texts, automata.Organizations},
	"aws:sourceorgid":                {scalar.Texts, automata.Organizations},
	"aws:principalarn":               {scalar.Texts, automata.ARNs},
	"aws:sourcearn":                  {scalar.Texts, automata.ARNs},
	"ssm:sourceinstancearn":          {scalar.Texts, automata.ARNs},
	"ec2:sourceinstancearn":          {scalar.Texts, automata.ARNs},
	"aws:principaltype":              {scalar.Texts, automata.PrincipalTypes},
	"aws:requestedregion":            {scalar.Texts, automata.Regions},
	"aws:username":                   {scalar.Texts, automata.UserNames},
}

// nfa builds the automaton of one expanded value of a condition.
func (f family) nfa(text string) automata.NFA {
	switch f {
	case famStringLike:
		return automata.Glob(text, 0)
	case famArn:
		if afterColons(text, 5) > len(text) {
			return automata.NFA{} // no ARN: matches nothing
		}
		return automata.Glob(text, afterColons(text, 5))
	}
	if strings.IndexByte(text, safeStar) >= 0 { // an unknown variable
		return automata.Glob(text, 0)
	}
	return automata.Literal(text, f.folds())
}

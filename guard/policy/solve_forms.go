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
	"aws:multifactorauthage":         {scalar.Numbers, ageForm},
	"aws:epochtime":                  {scalar.Dates, epochForm},
	"aws:currenttime":                {scalar.Dates, dateForm},
	"aws:tokenissuetime":             {scalar.Dates, dateForm},
	"aws:sourceip":                   {scalar.Addresses, addressForm},
	"aws:vpcsourceip":                {scalar.Addresses, addressForm},
	"aws:principalaccount":           {scalar.Texts, accountForm},
	"aws:resourceaccount":            {scalar.Texts, accountForm},
	"aws:sourceaccount":              {scalar.Texts, accountForm},
	"aws:principalorgid":             {scalar.Texts, organizationForm},
	"aws:resourceorgid":              {scalar.Texts, organizationForm},
	"aws:sourceorgid":                {scalar.Texts, organizationForm},
	"aws:principalarn":               {scalar.Texts, arnForm},
	"aws:sourcearn":                  {scalar.Texts, arnForm},
	"ssm:sourceinstancearn":          {scalar.Texts, arnForm},
	"ec2:sourceinstancearn":          {scalar.Texts, arnForm},
	"aws:principaltype":              {scalar.Texts, principalTypeForm},
	"aws:requestedregion":            {scalar.Texts, regionForm},
	"aws:username":                   {scalar.Texts, userNameForm},
}

// A form takes at least every value that AWS may send.

func ageForm() automata.NFA {
	return automata.Form([]string{"0", "[1-9]", "[1-9]#", "[1-9]##", "[1-9]###", "[1-9]####", "[1-9]#####"}, []string{"", ".#", ".##"})
}

func epochForm() automata.NFA { return automata.Form([]string{"[1-9]########", "[1-9]#########"}) }

func dateForm() automata.NFA {
	return automata.Form([]string{"####-"}, []string{"0[1-9]-", "1[012]-"}, []string{"0[1-9]", "[12]#", "3[01]"},
		[]string{"T[01]#:", "T2[0-3]:"}, []string{"[0-5]#:[0-5]#"}, []string{"Z", ".###Z"})
}

func accountForm() automata.NFA { return automata.Form([]string{"############"}) }

func organizationForm() automata.NFA {
	return automata.Form([]string{"o-", "o-[a-z0-9]*"}, []string{"[a-z0-9]"})
}

func arnForm() automata.NFA {
	return automata.Glob(string(appendWild(nil, "arn:aws*:*:*:*:?*", true)), 0)
}

func principalTypeForm() automata.NFA {
	return automata.Form([]string{"Account", "User", "FederatedUser", "AssumedRole", "Anonymous"})
}

func regionForm() automata.NFA { return automata.Form([]string{"[a-z][a-z]-[a-z-]*[a-z]-[1-9]"}) }

func userNameForm() automata.NFA {
	const characters = "[A-Za-z0-9_+=,.@-]"
	return automata.Form([]string{characters + characters + "*"})
}

// addressForm takes more than IPv6 addresses; domain.has sorts out the rest.
func addressForm() automata.NFA {
	octet := []string{"#", "[1-9]#", "1##", "2[0-4]#", "25[0-5]"}
	dot := []string{"."}
	const v6 = "[0-9A-Fa-f.:]*"
	return automata.Form(octet, dot, octet, dot, octet, dot, octet).Or(automata.Form([]string{v6 + ":" + v6 + ":" + v6}))
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

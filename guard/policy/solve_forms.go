package policy

import (
	"strings"

	"ssmguard/guard/policy/automata"
	"ssmguard/guard/policy/scalar"
)

// form is what AWS documents of a key's values: how they are compared, and how
// they are written.
type form struct {
	domain domain
	text   func() automata.NFA // accepts what the values look like; nil for any text
}

// domain says with which operators a key's values are meant to be compared.
type domain uint8

const (
	textDomain domain = iota
	boolDomain
	numberDomain
	dateDomain
	ipDomain
)

// list returns all values of the domain, nil when they are many.
func (d domain) list() []string {
	if d == boolDomain {
		return []string{"true", "false"}
	}
	return nil
}

// has reports whether a text is a value of the domain.
func (d domain) has(text string) bool {
	switch d {
	case numberDomain:
		return scalar.Number(text).Kind != scalar.None
	case dateDomain:
		return scalar.Date(text).Kind != scalar.None
	case ipDomain:
		return scalar.IP(text).Kind != scalar.None && !strings.Contains(text, "/")
	}
	return true
}

// keyForms lists the keys whose values have one form only:
// docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
var keyForms = map[string]form{
	"aws:multifactorauthpresent":     {boolDomain, nil},
	"aws:securetransport":            {boolDomain, nil},
	"aws:viaawsservice":              {boolDomain, nil},
	"aws:principalisawsservice":      {boolDomain, nil},
	"ssm:sessiondocumentaccesscheck": {boolDomain, nil},
	"aws:multifactorauthage":         {numberDomain, ageForm},
	"aws:epochtime":                  {dateDomain, epochForm},
	"aws:currenttime":                {dateDomain, dateForm},
	"aws:tokenissuetime":             {dateDomain, dateForm},
	"aws:sourceip":                   {ipDomain, addressForm},
	"aws:vpcsourceip":                {ipDomain, addressForm},
	"aws:principalaccount":           {textDomain, accountForm},
	"aws:resourceaccount":            {textDomain, accountForm},
	"aws:sourceaccount":              {textDomain, accountForm},
	"aws:principalorgid":             {textDomain, organizationForm},
	"aws:resourceorgid":              {textDomain, organizationForm},
	"aws:sourceorgid":                {textDomain, organizationForm},
	"aws:principalarn":               {textDomain, arnForm},
	"aws:sourcearn":                  {textDomain, arnForm},
	"ssm:sourceinstancearn":          {textDomain, arnForm},
	"ec2:sourceinstancearn":          {textDomain, arnForm},
	"aws:principaltype":              {textDomain, principalTypeForm},
	"aws:requestedregion":            {textDomain, regionForm},
	"aws:username":                   {textDomain, userNameForm},
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

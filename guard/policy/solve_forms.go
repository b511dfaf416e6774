package policy

import "strings"

// form is what AWS documents of a key's values: how they are compared, and how
// they are written.
type form struct {
	domain domain
	text   func() nfa // accepts what the values look like; nil for any text
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
		return parseNumber(text).kind != noScalar
	case dateDomain:
		return parseDate(text).kind != noScalar
	case ipDomain:
		return parseIP(text).kind != noScalar && !strings.Contains(text, "/")
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

// A form takes at least every value that AWS may send. Its parts are lists of
// alternatives, in which "#" is a digit, "[...]" one of the characters and "[...]*"
// any number of them.

func ageForm() nfa {
	return formNFA([]string{"0", "[1-9]", "[1-9]#", "[1-9]##", "[1-9]###", "[1-9]####", "[1-9]#####"}, []string{"", ".#", ".##"})
}

func epochForm() nfa { return formNFA([]string{"[1-9]########", "[1-9]#########"}) }

func dateForm() nfa {
	return formNFA([]string{"####-"}, []string{"0[1-9]-", "1[012]-"}, []string{"0[1-9]", "[12]#", "3[01]"},
		[]string{"T[01]#:", "T2[0-3]:"}, []string{"[0-5]#:[0-5]#"}, []string{"Z", ".###Z"})
}

func accountForm() nfa { return formNFA([]string{"############"}) }

func organizationForm() nfa { return formNFA([]string{"o-", "o-[a-z0-9]*"}, []string{"[a-z0-9]"}) }

func arnForm() nfa { return globNFA(string(appendWild(nil, "arn:aws*:*:*:*:?*", true)), 0) }

func principalTypeForm() nfa {
	return formNFA([]string{"Account", "User", "FederatedUser", "AssumedRole", "Anonymous"})
}

func regionForm() nfa { return formNFA([]string{"[a-z][a-z]-[a-z-]*[a-z]-[1-9]"}) }

func userNameForm() nfa {
	const characters = "[A-Za-z0-9_+=,.@-]"
	return formNFA([]string{characters + characters + "*"})
}

// addressForm takes more than IPv6 addresses; domain.has sorts out the rest.
func addressForm() nfa {
	octet := []string{"#", "[1-9]#", "1##", "2[0-4]#", "25[0-5]"}
	dot := []string{"."}
	const v6 = "[0-9A-Fa-f.:]*"
	return formNFA(octet, dot, octet, dot, octet, dot, octet).or(formNFA([]string{v6 + ":" + v6 + ":" + v6}))
}

// formNFA builds the automaton of parts that follow each other, each one of some
// alternatives.
func formNFA(parts ...[]string) nfa {
	n := nfa{start: []int{0}}
	wall := token{kind: tokNever}
	for _, alternatives := range parts {
		entry := len(n.tokens)
		n.tokens = append(n.tokens, wall)
		var ends []int
		for _, a := range alternatives {
			n.jumps = append(n.jumps, jump{entry, len(n.tokens)})
			n.tokens = append(n.tokens, formTokens(a)...)
			ends = append(ends, len(n.tokens))
			n.tokens = append(n.tokens, wall)
		}
		for _, end := range ends {
			n.jumps = append(n.jumps, jump{end, len(n.tokens)})
		}
	}
	n.accept = []int{len(n.tokens)}
	return n
}

// formTokens reads one alternative.
func formTokens(text string) []token {
	var out []token
	for i := 0; i < len(text); i++ {
		t := token{kind: tokSet}
		switch text[i] {
		case '#':
			t.set = "0123456789"
		case '[':
			end := i + strings.IndexByte(text[i:], ']')
			t.set = spelledOut(text[i+1 : end])
			i = end
			if i+1 < len(text) && text[i+1] == '*' {
				t.kind = tokSetStar
				i++
			}
		default:
			t = token{kind: tokLiteral, r: rune(text[i])}
		}
		out = append(out, t)
	}
	return out
}

// spelledOut writes the ranges of a set as characters.
func spelledOut(set string) string {
	var b strings.Builder
	for i := 0; i < len(set); i++ {
		if i+2 < len(set) && set[i+1] == '-' {
			for c := set[i]; c <= set[i+2]; c++ {
				b.WriteByte(c)
			}
			i += 2
			continue
		}
		b.WriteByte(set[i])
	}
	return b.String()
}

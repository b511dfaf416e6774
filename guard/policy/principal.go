package policy

import (
	"slices"
	"strings"

	"ssmguard/guard/policy/scalar"
)

// principal is the Principal element of a VPC endpoint policy: any principal, or
// some of AWS's.
type principal struct {
	not      bool
	any      bool
	accounts []string // 12 digits
	arns     []string
	others   bool // services, federated or canonical users: never an IAM caller
	text     string
}

// principalElement reads Principal or NotPrincipal. Only endpoint and resource
// control policies have them, and the latter only Principal "*".
func (p *parser) principalElement(at int, name string) *principal {
	switch {
	case p.kind == SCP:
		p.Fail(at, "service control policies have no %s", name)
	case p.kind != Endpoint && p.kind != RCP:
		p.Fail(at, "%s policies have no %s", p.kind, name)
	case p.kind == RCP && name == "NotPrincipal":
		p.Fail(at, "a resource control policy has no NotPrincipal")
	}
	p.Space()
	start := p.Pos
	who := &principal{not: name == "NotPrincipal"}
	if p.Peek() == '"' {
		if s := p.Str("a principal"); s != "*" {
			p.Fail(start, "the principal must be \"*\" or an object")
		}
		who.any = true
	} else {
		p.principalObject(who)
	}
	if p.kind == RCP && !who.any {
		p.Fail(start, "the Principal of a resource control policy must be \"*\"")
	}
	if !p.Failed() {
		who.text = p.Text[start:p.Pos]
	}
	return who
}

func (p *parser) principalObject(who *principal) {
	if !p.Expect('{', "or \"*\" of the principal") {
		return
	}
	for first := true; p.More(&first, '}'); {
		name, at := p.Key()
		switch name {
		case "AWS":
			p.texts("a principal", func(text string, at int) { who.add(p, text, at) })
		case "Service", "Federated", "CanonicalUser":
			who.others = true
			p.texts("a principal", func(string, int) {})
		default:
			p.Fail(at, "there are no principals %q", name)
		}
	}
}

// add files one AWS principal: "*", an account in either form, or an ARN.
func (who *principal) add(p *parser, text string, at int) {
	account, isRoot := strings.CutSuffix(text, ":root")
	switch {
	case text == "*":
		who.any = true
	case len(text) == 12 && scalar.Digits(text):
		who.accounts = append(who.accounts, text)
	case isRoot && strings.HasPrefix(text, "arn:") && afterColons(text, 5) <= len(text):
		who.accounts = append(who.accounts, account[strings.LastIndexByte(account, ':')+1:])
	case strings.HasPrefix(text, "arn:"):
		who.arns = append(who.arns, text)
	default:
		p.Fail(at, "%q is no principal", text)
	}
}

var (
	keyPrincipalArn     = newContextKey("aws:PrincipalArn")
	keyPrincipalAccount = newContextKey("aws:PrincipalAccount")
)

// matches compares with the caller as aws:PrincipalArn and aws:PrincipalAccount
// describe him. A role's ARN covers its sessions.
func (who *principal) matches(c *Context) truth {
	t := truthOf(who.any)
	if !who.any && len(who.arns) > 0 {
		t = max(t, c.equalsAny(&keyPrincipalArn, who.arns))
	}
	if !who.any && len(who.accounts) > 0 {
		t = max(t, c.equalsAny(&keyPrincipalAccount, who.accounts))
	}
	if who.not {
		return t.not()
	}
	return t
}

// equalsAny reports whether a single-valued key has one of the values.
func (c *Context) equalsAny(k *contextKey, want []string) truth {
	values, _, state := c.lookup(k)
	if state == KeyUnknown {
		return maybe
	}
	return truthOf(slices.ContainsFunc(values, func(v string) bool { return slices.Contains(want, v) }))
}

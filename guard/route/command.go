package route

import (
	"fmt"
	"strconv"
	"strings"

	"ssmguard/internal/safetext"
)

// Command returns the command of the AWS CLI that adds the rule. See
// https://docs.aws.amazon.com/cli/latest/reference/ec2/authorize-security-group-ingress.html
func (a Addition) Command(region string) string {
	port := strconv.Itoa(a.Port)
	words := []string{"aws", "ec2", "authorize-security-group-" + a.Side.String(), "--group-id", a.Group}
	if a.Side == Ingress {
		words = append(words, "--protocol", "tcp", "--port", port, "--source-group", a.Peer)
	} else { // --source-group is for ingress alone
		words = append(words, "--ip-permissions", "IpProtocol=tcp,FromPort="+port+",ToPort="+port+",UserIdGroupPairs=[{GroupId="+a.Peer+"}]")
	}
	return safetext.Words(append(words, "--region", region))
}

// Terraform returns the resource of Terraform's AWS provider that is the rule. name is what to
// call it. See
// https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/vpc_security_group_ingress_rule
func (a Addition) Terraform(name string) string {
	return fmt.Sprintf(`resource "aws_vpc_security_group_%s_rule" %s {
  security_group_id            = %s
  referenced_security_group_id = %s
  ip_protocol                  = "tcp"
  from_port                    = %d
  to_port                      = %d
}
`, a.Side, quoted(identifier(name)), quoted(a.Group), quoted(a.Peer), a.Port, a.Port)
}

// identifier turns a name into one of Terraform's: letters, digits, _ and -, and no digit first.
func identifier(name string) string {
	name = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-' {
			return r
		}
		return '_'
	}, name)
	if name == "" || strings.ContainsRune("0123456789-", rune(name[0])) {
		name = "_" + name
	}
	return name
}

// quoted is a text as a string of Terraform's language, without what that would evaluate. Ids
// of AWS need none of it.
func quoted(text string) string {
	text = strings.NewReplacer("${", "$${", "%{", "%%{").Replace(text)
	return strconv.QuoteToASCII(text)
}

// text says what a rule lets through, with the word before its peers.
func (r Rule) text(preposition string) string {
	what := r.Protocol
	switch {
	case r.Protocol == allProtocols:
		what = "everything"
	case r.Protocol == "6":
		what = "tcp"
	}
	switch {
	case r.Protocol == allProtocols:
	case r.From == 0 && r.To == 65535:
		what += " to all ports"
	case r.From == r.To:
		what += " " + strconv.Itoa(r.From)
	default:
		what += fmt.Sprintf(" %d-%d", r.From, r.To)
	}
	var peers []string
	for _, p := range r.Prefixes {
		peers = append(peers, p.String())
	}
	peers = append(peers, r.References...)
	peers = append(peers, r.Lists...)
	const most = 3
	if more := len(peers) - most; more > 0 {
		peers = append(peers[:most:most], fmt.Sprintf("%d more", more))
	}
	return what + " " + preposition + " " + strings.Join(peers, ", ")
}

// Text says what a rule of a side lets through: "tcp 5432 from sg-1", "everything to 0.0.0.0/0".
func (s Side) Text(r Rule) string {
	if s == Egress {
		return r.text("to")
	}
	return r.text("from")
}

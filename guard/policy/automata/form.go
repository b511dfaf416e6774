package automata

import "strings"

// Form accepts parts that follow each other, each one of some alternatives, in which
// "#" is a digit, "[...]" one of the characters and "[...]*" any number of them.
func Form(parts ...[]string) NFA {
	n := NFA{start: []int{0}}
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

// Ages accepts at least every text that AWS may send for seconds, as of aws:MultiFactorAuthAge.
func Ages() NFA {
	return Form([]string{"0", "[1-9]", "[1-9]#", "[1-9]##", "[1-9]###", "[1-9]####", "[1-9]#####"}, []string{"", ".#", ".##"})
}

// Epochs accepts at least every text that AWS may send for seconds since 1970 of our days.
func Epochs() NFA { return Form([]string{"[1-9]########", "[1-9]#########"}) }

// Dates accepts at least every text that AWS may send for a time in UTC, as of aws:CurrentTime.
func Dates() NFA {
	return Form([]string{"####-"}, []string{"0[1-9]-", "1[012]-"}, []string{"0[1-9]", "[12]#", "3[01]"},
		[]string{"T[01]#:", "T2[0-3]:"}, []string{"[0-5]#:[0-5]#"}, []string{"Z", ".###Z"})
}

// Accounts accepts at least every text that AWS may send for an account number.
func Accounts() NFA { return Form([]string{"############"}) }

// Organizations accepts at least every text that AWS may send for the number of an organization.
func Organizations() NFA {
	return Form([]string{"o-", "o-[a-z0-9]*"}, []string{"[a-z0-9]"})
}

// ARNs accepts at least every text that AWS may send for an ARN.
func ARNs() NFA {
	return Glob(strings.NewReplacer("*", string([]byte{Star}), "?", string([]byte{Quest})).Replace("arn:aws*:*:*:*:?*"), 0)
}

// PrincipalTypes accepts at least every text that AWS may send for aws:PrincipalType.
func PrincipalTypes() NFA {
	return Form([]string{"Account", "User", "FederatedUser", "AssumedRole", "Anonymous"})
}

// Regions accepts at least every text that AWS may send for the name of a region.
func Regions() NFA { return Form([]string{"[a-z][a-z]-[a-z-]*[a-z]-[1-9]"}) }

// UserNames accepts at least every text that AWS may send for the name of an IAM user.
func UserNames() NFA {
	const characters = "[A-Za-z0-9_+=,.@-]"
	return Form([]string{characters + characters + "*"})
}

// Addresses accepts IPv4 addresses, and more texts than IPv6 addresses.
func Addresses() NFA {
	octet := []string{"#", "[1-9]#", "1##", "2[0-4]#", "25[0-5]"}
	dot := []string{"."}
	const v6 = "[0-9A-Fa-f.:]*"
	return Form(octet, dot, octet, dot, octet, dot, octet).Or(Form([]string{v6 + ":" + v6 + ":" + v6}))
}

package policyfile

import (
	"fmt"
	"slices"
	"strings"

	"ssmguard/guard"
)

// owners is the graph of who has which policies, as a file tells it. Its nodes are
// principals, such as role/dev, and whatever stands between them and a policy.
type owners struct {
	principals []string // role/dev once for each place that declares it
	generated  []string // nodes of principals whose names CloudFormation makes of theirs
	ties       []tie
}

// tie says that one node has another.
type tie struct {
	holder string // "" for nobody knows whom
	held   string
	sure   bool
}

// certainty is how sure it is that a principal has a policy.
type certainty int

const (
	certainlyNot certainty = iota
	possibly
	certainly
)

func (o *owners) declare(principal string) {
	o.principals = append(o.principals, principal)
}

func (o *owners) generate(node string) {
	o.generated = append(o.generated, node)
}

func (o *owners) tie(holder, held string, sure bool) {
	o.ties = append(o.ties, tie{holder, held, sure && holder != ""})
}

// knows returns the node of a caller, "" if the file does not know it: a name that
// is declared twice could be either's.
func (o *owners) knows(caller []string) string {
	for _, name := range caller {
		declared := 0
		for _, p := range o.principals {
			if p == name {
				declared++
			}
		}
		if declared == 1 || declared == 0 && slices.ContainsFunc(o.ties, func(t tie) bool { return t.holder == name }) {
			return name
		}
	}
	var made []string
	for _, node := range o.generated {
		if slices.ContainsFunc(caller, func(name string) bool { return generatedFrom(name, node) }) {
			made = append(made, node)
		}
	}
	if len(made) == 1 {
		return made[0]
	}
	return ""
}

// generatedFrom reports whether a principal's name is one that CloudFormation makes: the
// stack, the logical ID, and a random text.
func generatedFrom(name, logical string) bool {
	i := strings.LastIndexByte(name, '-')
	if i < 0 || len(name)-i-1 < 12 || strings.ContainsFunc(name[i+1:], func(c rune) bool { return !strings.ContainsRune(alphanumeric, c) }) {
		return false
	}
	return strings.HasSuffix(name[:i], "-"+logical)
}

const alphanumeric = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// of returns for each node how sure it is that a principal has it.
func (o *owners) of(principal string) map[string]certainty {
	have := map[string]certainty{principal: certainly}
	for changed := true; changed; {
		changed = false
		for _, t := range o.ties {
			sure := have[t.holder]
			if t.holder == "" || !t.sure {
				sure = min(possibly, max(sure, map[bool]certainty{true: possibly}[t.holder == ""]))
			}
			if sure > have[t.held] {
				have[t.held], changed = sure, true
			}
		}
	}
	return have
}

// ownPolicies are the policies of a file as they are for one principal.
type ownPolicies struct {
	certain, possible, others []policyText
	boundary                  []policyText // the caller's, which is in the same file
	unread                    []unreadPolicy
}

// owned sorts the policies of a file by whether a caller has them; tied is the name
// of the caller if the file knows it, else "".
func (t fileTexts) owned(caller []string) (own ownPolicies, tied string) {
	node := t.owners.knows(caller)
	if node == "" {
		return ownPolicies{unread: t.unread}, ""
	}
	if tied = node; !slices.Contains(caller, node) {
		tied = caller[0]
	}
	have := t.owners.of(node)
	bounds := make(map[string]bool)
	for _, u := range t.unread {
		if u.node != "" && have[u.node] == certainlyNot {
			continue
		}
		if d, ok := t.whole(u.held); ok && have[u.node] == certainly {
			own.boundary = append(own.boundary, d)
			bounds[u.held] = true
			continue
		}
		own.unread = append(own.unread, u)
	}
	for _, d := range t.documents {
		switch have[d.node] {
		case certainly:
			own.certain = append(own.certain, d)
		case possibly:
			own.possible = append(own.possible, d)
		default:
			if d.used || bounds[d.node] {
				continue
			}
			own.others = append(own.others, d)
		}
	}
	return own, tied
}

// whole returns the policy at a node, if that is one and nothing of it is unread.
func (t fileTexts) whole(node string) (d policyText, ok bool) {
	if node == "" || slices.ContainsFunc(t.unread, func(u unreadPolicy) bool { return u.node == node }) {
		return policyText{}, false
	}
	for _, other := range t.documents {
		if other.node != node {
			continue
		}
		if ok {
			return policyText{}, false
		}
		d, ok = other, true
	}
	return d, ok
}

// principalNames returns the nodes that may stand for a caller: a role of IAM
// Identity Center is its permission set, too.
func principalNames(c guard.Caller) []string {
	if c.Kind() != guard.User && c.Kind() != guard.AssumedRole {
		return nil
	}
	names := []string{c.Name()}
	var set string
	if n, _ := fmt.Sscanf(c.Home(), "permission set %q", &set); n == 1 {
		names = append(names, "permission set/"+set)
	}
	return names
}

package prove

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"ssmguard/guard"
	"ssmguard/guard/policy"
	"ssmguard/guard/policy/automata"
)

// A request has one of finitely many targets as far as policies can tell: two targets whose
// ARNs the same patterns match have the same verdicts, whatever else is so. One target of each
// class is enough, and the same goes for documents and regions.

// hexadecimal is the form of the end of a node's id; the oldest instances have 8 characters
// (docs.aws.amazon.com/AWSEC2/latest/UserGuide/resource-ids.html).
var hexadecimal = strings.Repeat("[0-9a-f]", 17)

// kinds are how the resource of a target's ARN looks, a usual one, and the target of
// StartSession that has it.
var kinds = map[Kind]struct {
	form   [][]string
	usual  string
	target func(resource string) string
}{
	Instance: {[][]string{{"instance/i-"}, {hexadecimal, hexadecimal[:len(hexadecimal)*8/17]}}, "instance/i-0123456789abcdef0", afterSlash},
	Managed:  {[][]string{{"managed-instance/mi-"}, {hexadecimal}}, "managed-instance/mi-0123456789abcdef0", afterSlash},
	Task: {[][]string{{"task/"}, {"[A-Za-z0-9_-][A-Za-z0-9_-]*"}, {"/"}, {strings.Repeat("[0-9a-f]", 32)}}, "task/web/0123456789abcdef0123456789abcdef", func(resource string) string {
		part := strings.Split(resource, "/")
		return "ecs:" + part[1] + "_" + part[2] + "_" + part[2] + "-0123456789"
	}},
}

func afterSlash(resource string) string { return resource[strings.IndexByte(resource, '/')+1:] }

// targets returns a target of each class, as ARNs tell them apart, and the tags of sessions.
func (p *prover) targets(r guard.Request) (targets []string) {
	if r.Target != "" {
		return []string{r.Target}
	}
	for _, kind := range p.in.Kinds {
		k := kinds[kind]
		begins := k.usual[:strings.IndexByte(k.usual, '/')+1]
		for _, resource := range p.classes("the ids of targets", k.usual, begins, k.form...) {
			targets = append(targets, k.target(resource))
		}
	}
	return targets
}

// documents returns a document of each class: AWS's own, the account's, and those that other
// accounts share.
func (p *prover) documents(r guard.Request) []string {
	if r.Document != "" {
		return []string{r.Document}
	}
	documents := append(slices.Clone(guard.KnownDocuments), guard.PasswordReset)
	names := p.classes("the names of documents", "document/Corp-Session", "document/", []string{"document/"}, []string{strings.Repeat("[A-Za-z0-9_.-]", 3) + "[A-Za-z0-9_.-]*"})
	owners := p.accounts(r.Caller.Account)
	for _, resource := range names {
		name := afterSlash(resource)
		own := r.With(r.Target, name)
		if guard.AwsOwned(own, guard.Facts{}) {
			continue // no account can own one of that name
		}
		documents = append(documents, name)
		for _, owner := range owners {
			documents = append(documents, fmt.Sprintf("arn:%s:ssm:%s:%s:%s", guard.Partition(r), r.Region, owner, resource))
		}
	}
	return automata.Distinct(documents)
}

// classes returns one resource of the form for each combination of patterns that some resource
// of it satisfies, which begins with a text that all of the form do. The usual one stands for
// its class.
func (p *prover) classes(what, usual, begins string, form ...[]string) (resources []string) {
	return p.toldApart(what, usual, func() []option {
		return append(p.pieces(begins), p.tagged(begins)...)
	}, automata.Form(form...))
}

// toldApart returns one text that looks as it has to for each combination of options that
// some such text satisfies. The usual one stands for its class. They are the same for every
// caller and region, and are looked for once.
func (p *prover) toldApart(what, usual string, texts func() []option, looks automata.NFA) (representatives []string) {
	key := what + ", " + usual
	if known := p.apart[key]; known != nil {
		return known
	}
	defer func() { p.apart[key] = representatives }()
	var patterns []automata.NFA
	seen := make(map[string]bool)
	for _, o := range texts() {
		if !seen[o.id] {
			seen[o.id] = true
			patterns = append(patterns, o.looks)
		}
	}
	left := 4_000_000
	found, all := automata.Classes(patterns, &looks, &left)
	if !all {
		p.lacks[what+" that the policies tell apart, which are too many"] = true
	}
	class := func(text string) string {
		var b strings.Builder
		for i := range patterns {
			fmt.Fprint(&b, patterns[i].Accepts(text))
		}
		return b.String()
	}
	representatives = []string{usual}
	for _, c := range found {
		if class(c.Text) != class(usual) {
			representatives = append(representatives, c.Text)
		}
	}
	return representatives
}

// pieces returns what the patterns of the statements say of resources that begin with a text.
func (p *prover) pieces(begins string) (pieces []option) {
	p.eachPattern(func(s *policy.Statement, pattern string) {
		if fields := strings.SplitN(pattern, ":", 6); len(fields) == 6 {
			fixed, _, _ := strings.Cut(fields[5], "${")
			if wild := strings.IndexAny(fixed, "*?"); wild >= 0 {
				fixed = fixed[:wild]
			}
			if !strings.HasPrefix(fixed, begins) && !strings.HasPrefix(begins, fixed) {
				return
			}
		}
		pieces = append(pieces, p.expanded(s, pattern)...)
	})
	return pieces
}

// tagged returns what the statements say of targets of one kind by the tags of sessions.
func (p *prover) tagged(begins string) (pieces []option) {
	if begins == "document/" || !slices.Contains(p.actions, guard.ActionTerminate) {
		return nil
	}
	c := p.relation(sessionTarget)
	odd := c.mixed || len(c.keys) > 2 // beside the two names of the tag
	for _, o := range c.options {
		odd = odd || begins == "task/" && !strings.HasPrefix(o.id[1:], "i-") && !strings.HasPrefix(o.id[1:], "mi-") && o.id != "**"
		pieces = append(pieces, option{begins + o.id, automata.Join(automata.Literal(begins, false), o.looks)})
	}
	if odd {
		p.lacks["the targets of sessions, which "+sessionTarget+" tells apart"] = true
	}
	return pieces
}

// accounts returns a foreign account of each class, as ARNs and aws:ResourceAccount tell them
// apart.
func (p *prover) accounts(own string) []string {
	usual := "210987654321"
	if own == usual {
		usual = "321098765432"
	}
	accounts := p.toldApart("the accounts", usual, func() []option { return p.accountTexts(keyAccount) }, automata.Accounts())
	return slices.DeleteFunc(slices.Clone(accounts), func(account string) bool { return account == own })
}

// accountTexts returns what the statements say of accounts in ARNs and by some keys.
func (p *prover) accountTexts(keys ...string) (texts []option) {
	fields := func(arn string) {
		for _, field := range strings.Split(arn, ":") {
			if field != "" && strings.Trim(field, "0123456789*?") == "" {
				texts = append(texts, formWild.option(field))
			}
		}
	}
	p.eachPattern(func(_ *policy.Statement, pattern string) { fields(pattern) })
	p.eachStatement(func(s *policy.Statement) {
		for _, n := range s.Conditions() {
			if strings.EqualFold(n.Key, keyPrincipal) {
				for _, v := range n.Values {
					fields(v)
				}
			}
		}
	})
	for _, key := range keys {
		c := p.relation(key)
		if c.mixed {
			p.lacks["the accounts, which are compared with "+guard.Join(c.keys, "and")] = true
		}
		texts = append(texts, c.options...)
	}
	return texts
}

// Accounts returns an account of each class that policies tell apart as those of their
// callers; the usual one stands for its class. Open is what stands in the way of all.
func Accounts(usual string, sets ...policy.Set) (accounts, open []string) {
	p := newProver(Range{}, sessionActions, sets...)
	p.in.Callers = nil // which nobody knows yet
	accounts = p.toldApart("the accounts", usual, func() []option { return p.accountTexts("aws:PrincipalAccount", keyAccount) }, automata.Accounts())
	return accounts, slices.Sorted(maps.Keys(p.lacks))
}

// keyAccount is the key of the account that owns a resource.
const keyAccount = "aws:ResourceAccount"

// regions returns a region of each class, or the one that is stated.
func (p *prover) regions(caller guard.Caller) (regions []string) {
	if p.in.Request.Region != "" {
		return []string{p.in.Request.Region}
	}
	var telling []string
	whole := false
	holds := func(text string) {
		whole = whole || slices.ContainsFunc(guard.Variables(text), func(inside string) bool {
			name, _, _ := variable(inside)
			return strings.EqualFold(name, guard.KeyRegion)
		})
	}
	p.eachPattern(func(_ *policy.Statement, pattern string) {
		telling = append(telling, strings.Split(pattern, ":")...)
		holds(pattern)
	})
	p.eachStatement(func(s *policy.Statement) {
		for _, c := range s.Conditions() {
			about := strings.EqualFold(c.Key, guard.KeyRegion)
			if about {
				telling = append(telling, c.Values...)
			}
			for _, v := range c.Values {
				holds(v)
				whole = whole || about && strings.Contains(v, "${")
			}
		}
	})
	telling = automata.Distinct(telling)
	seen := make(map[string]bool)
	for _, region := range guard.Regions(guard.Partition(guard.Request{Caller: caller})) {
		class := region
		if !whole {
			class = ""
			for _, pattern := range telling {
				class += fmt.Sprint(policy.Wild(strings.ToLower(pattern), region))
			}
		}
		if !seen[class] {
			seen[class] = true
			regions = append(regions, region)
		}
	}
	if len(regions) == 0 {
		p.lacks["the regions of a partition that is not known"] = true
	}
	return regions
}

// eachPattern calls f with every resource pattern that bears on the claim.
func (p *prover) eachPattern(f func(s *policy.Statement, pattern string)) {
	p.eachStatement(func(s *policy.Statement) {
		for _, pattern := range slices.Concat(s.Resources(), s.NotResources()) {
			f(s, pattern)
		}
	})
}

// eachStatement calls f with every statement that bears on the actions of the claim.
func (p *prover) eachStatement(f func(*policy.Statement)) {
	for _, set := range p.sets {
		set.Root = false // LayersOf leaves out what bears on root by Deny statements alone
		for _, layer := range guard.LayersOf(set) {
			for i := range layer.Statements {
				if s := &layer.Statements[i]; slices.ContainsFunc(p.actions, s.MatchesAction) {
					f(s)
				}
			}
		}
	}
}

// sessionTarget is the key of what a session was started on.
const sessionTarget = guard.TagSSM + "aws:ssmmessages:target-id"

// sessionSuffix is the form of what AWS puts behind the name of a session's owner.
var sessionSuffix = strings.Repeat("[0-9a-z]", 17) + "[0-9a-z]*"

// sessions returns the resource of a session of each class, where the claim is about such, and
// those of them that the caller has started, as far as its name tells.
func (p *prover) sessions(r guard.Request) (all []string, own map[string]bool) {
	own = make(map[string]bool)
	if !slices.Contains(p.actions, guard.ActionTerminate) {
		return nil, own
	}
	owned := automata.Join(automata.Literal("session/"+r.Caller.SessionName()+"-", false), automata.Form([]string{sessionSuffix}))
	all = p.toldApart("the ids of sessions beside those of "+r.Caller.SessionName(), "session/another-0123456789abcdef0", func() []option {
		callers := p.in.Callers
		defer func() { p.in.Callers = callers }()
		p.in.Callers = []guard.Caller{r.Caller} // who has the name
		return append(p.pieces("session/"), option{"own", owned})
	}, automata.Form([]string{"session/"}, []string{"[A-Za-z0-9+=,.@_-][A-Za-z0-9+=,.@_-]*"}, []string{"-"}, []string{sessionSuffix}))
	for _, session := range all {
		own[session] = r.Caller.Kind() == guard.User && owned.Accepts(session)
	}
	return all, own
}

// owners returns the callers whose sessions there are: of any user one of each class of names.
func (p *prover) owners(c guard.Caller) (all []guard.Caller) {
	if q := (question{Request: guard.Request{Caller: c}}); !q.anyUser() || !slices.Contains(p.actions, guard.ActionTerminate) {
		return []guard.Caller{c}
	}
	names := p.toldApart("the names of users", "someone", func() []option {
		c := p.relation(keyUserName)
		if c.mixed {
			p.lacks["the names of users, which are compared with "+guard.Join(c.keys[1:], "and")] = true
		}
		options := c.options
		for _, piece := range p.pieces("session/") {
			options = append(options, option{piece.id + " of", piece.looks.Between("session/", "-0123456789abcdef0")})
		}
		return options
	}, automata.UserNames())
	for _, name := range names {
		one := c
		one.Principal, one.SessionARN = "", principals(c)+name
		one.Unknown = append(slices.DeleteFunc(slices.Clone(c.Unknown), func(u string) bool { return u == guard.UnknownPrincipal }), guard.UnknownPath)
		all = append(all, one)
	}
	return all
}

package prove

import (
	"fmt"
	"slices"
	"strings"

	"ssmguard/guard"
	"ssmguard/guard/policy"
	"ssmguard/guard/policy/automata"
)

// A request has one of finitely many targets as far as policies can tell: two targets whose
// ARNs the same patterns match have the same verdicts, whatever else is so. One target of each
// class is enough, and the same goes for documents and regions.

// hexadecimal is the form of the end of a node's id.
var hexadecimal = strings.Repeat("[0-9a-f]", 17)

// kinds are how the resource of a target's ARN looks, a usual one, and the target of
// StartSession that has it.
var kinds = map[Kind]struct {
	form   [][]string
	usual  string
	target func(resource string) string
}{
	Instance: {[][]string{{"instance/i-"}, {hexadecimal}}, "instance/i-0123456789abcdef0", afterSlash},
	Managed:  {[][]string{{"managed-instance/mi-"}, {hexadecimal}}, "managed-instance/mi-0123456789abcdef0", afterSlash},
	Task: {[][]string{{"task/"}, {"[A-Za-z0-9_-][A-Za-z0-9_-]*"}, {"/"}, {strings.Repeat("[0-9a-f]", 32)}}, "task/web/0123456789abcdef0123456789abcdef", func(resource string) string {
		part := strings.Split(resource, "/")
		return "ecs:" + part[1] + "_" + part[2] + "_" + part[2] + "-0123456789"
	}},
}

func afterSlash(resource string) string { return resource[strings.IndexByte(resource, '/')+1:] }

// targets returns a target of each class.
func (p *prover) targets(r guard.Request) (targets []string) {
	if r.Target != "" {
		return []string{r.Target}
	}
	for _, kind := range p.in.Kinds {
		k := kinds[kind]
		for _, resource := range p.classes("the ids of targets", k.usual, k.form...) {
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
	names := p.classes("the names of documents", "document/Corp-Session", []string{"document/"}, []string{strings.Repeat("[A-Za-z0-9_.-]", 3) + "[A-Za-z0-9_.-]*"})
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
// of it satisfies. The usual one stands for its class.
func (p *prover) classes(what, usual string, form ...[]string) (resources []string) {
	return p.toldApart(what, usual, p.pieces, automata.Form(form...))
}

// toldApart returns one text that looks as it has to for each combination of patterns that
// some such text satisfies. The usual one stands for its class. They are the same for every
// caller and region, and are looked for once.
func (p *prover) toldApart(what, usual string, texts func() []string, looks automata.NFA) (representatives []string) {
	if known := p.apart[usual]; known != nil {
		return known
	}
	defer func() { p.apart[usual] = representatives }()
	var patterns []automata.NFA
	for _, text := range texts() {
		patterns = append(patterns, automata.Glob(strings.NewReplacer("*", string([]byte{automata.Star}), "?", string([]byte{automata.Quest})).Replace(text), 0))
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

// pieces returns what the patterns of the statements say of the resource in an ARN. A pattern
// that ends before it, whose last wildcard goes on into it, counts from its last colon: that
// tells more apart than IAM does, never less. A variable stands for any text, and for each of
// the values that the policies name.
func (p *prover) pieces() (pieces []string) {
	p.eachPattern(func(pattern string) {
		fields := strings.SplitN(withoutVariables(pattern, "*"), ":", 6)
		piece := fields[len(fields)-1]
		if len(fields) < 6 {
			piece = "*" + piece
		}
		pieces = append(pieces, piece)
		if len(fields) < 6 || !strings.Contains(pattern, "${") {
			return
		}
		for _, value := range p.values() {
			pieces = append(pieces, strings.SplitN(withoutVariables(pattern, value), ":", 6)[5])
		}
	})
	return automata.Distinct(pieces)
}

// withoutVariables writes a text in the place of every policy variable.
func withoutVariables(pattern, text string) string {
	return guard.ReplaceVariables(pattern, func(inside string) string {
		if inside == "*" || inside == "?" || inside == "$" {
			return "?" // the character itself, and any other: apart from more than it is
		}
		return text
	})
}

// mostValues is how many values named by policies are tried for a variable.
const mostValues = 200

// values returns the texts that conditions compare with.
func (p *prover) values() []string {
	if p.named == nil {
		var all []string
		p.eachStatement(func(s *policy.Statement) {
			for _, c := range s.Conditions() {
				all = append(all, c.Values...)
			}
		})
		all = slices.DeleteFunc(automata.Distinct(all), func(v string) bool { return strings.Contains(v, "${") })
		if len(all) > mostValues {
			p.lacks["the values that variables in resources may have, which are too many"] = true
			all = all[:mostValues]
		}
		p.named = append([]string{}, all...)
	}
	return p.named
}

// accounts returns a foreign account of each class, as ARNs and aws:ResourceAccount tell them
// apart.
func (p *prover) accounts(own string) []string {
	named := func() (texts []string) {
		p.eachPattern(func(pattern string) {
			texts = append(texts, guard.ArnField(withoutVariables(pattern, "*"), guard.FieldAccount))
		})
		p.eachStatement(func(s *policy.Statement) {
			for _, c := range s.Conditions() {
				if strings.EqualFold(c.Key, "aws:ResourceAccount") {
					texts = append(texts, c.Values...)
				}
			}
		})
		return automata.Distinct(texts)
	}
	usual := "210987654321"
	if own == usual {
		usual = "321098765432"
	}
	accounts := p.toldApart("the accounts", usual, named, automata.Accounts())
	return slices.DeleteFunc(slices.Clone(accounts), func(account string) bool { return account == own })
}

// regions returns a region of each class, or the one that is stated.
func (p *prover) regions(caller guard.Caller) (regions []string) {
	if p.in.Request.Region != "" {
		return []string{p.in.Request.Region}
	}
	var telling []string
	p.eachPattern(func(pattern string) {
		if fields := strings.SplitN(pattern, ":", 6); len(fields) > guard.FieldRegion {
			telling = append(telling, fields[guard.FieldRegion])
		}
	})
	whole := false
	p.eachStatement(func(s *policy.Statement) {
		for _, c := range s.Conditions() {
			if strings.EqualFold(c.Key, guard.KeyRegion) {
				telling = append(telling, c.Values...)
			}
			whole = whole || slices.ContainsFunc(c.Values, func(v string) bool { return strings.Contains(v, "${"+guard.KeyRegion) })
		}
		whole = whole || slices.ContainsFunc(slices.Concat(s.Resources(), s.NotResources()), func(v string) bool { return strings.Contains(v, "${"+guard.KeyRegion) })
	})
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

// eachPattern calls f with every resource pattern that bears on starting a session.
func (p *prover) eachPattern(f func(pattern string)) {
	p.eachStatement(func(s *policy.Statement) {
		for _, pattern := range slices.Concat(s.Resources(), s.NotResources()) {
			f(pattern)
		}
	})
}

// eachStatement calls f with every statement that bears on the actions of sessions.
func (p *prover) eachStatement(f func(*policy.Statement)) {
	for _, set := range p.sets {
		for _, layer := range guard.LayersOf(set) {
			for i := range layer.Statements {
				if s := &layer.Statements[i]; slices.ContainsFunc(sessionActions, s.MatchesAction) {
					f(s)
				}
			}
		}
	}
}

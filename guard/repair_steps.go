package guard

import (
	"net/netip"
	"slices"
	"strings"

	"ssmguard/guard/policy"
)

// candidate is one way to change a layer.
type candidate struct {
	change Change
	text   string
	opens  bool // is to allow; the others are only to deny no longer
	kin    bool // may reach the same thing in other regions
}

// permit adds what a layer lacks: a condition the request can meet, a corrected
// ARN, else a statement.
func (p *plan) permit(l layer, lacking []Grant) {
	for _, g := range lacking {
		if p.meet(l, g) {
			break
		}
	}
	var rest []Grant
	for _, g := range p.lacking(l) {
		if !p.correct(l, g) {
			rest = append(rest, g)
		}
	}
	where := sourceOf(l, p.d.Request.Caller.Home())
	for _, s := range permissions(rest) {
		if l.name == "endpoint" {
			s.Principal = []byte(`"*"`)
		}
		p.apply(Change{Kind: AddStatement, Layer: l.name, Level: l.level, Where: where, Statement: s.String()}, "add to "+where)
	}
}

// meet looks for a statement that would allow the grant if the call came with
// MFA or from elsewhere; then that is the repair.
func (p *plan) meet(l layer, g Grant) bool {
	if p.asIs {
		return false
	}
	for i := range l.statements {
		s := &l.statements[i]
		if s.Denies() || !s.MatchesAction(g.Action) || !s.MatchesResource(g.Resource, g.Context) {
			continue
		}
		keys, text := meeting(s, p.d.Request.Caller.Kind())
		if keys == nil {
			continue
		}
		trial := *p
		trial.fix = &Fix{}
		trial.grants = slices.Clone(p.grants)
		trial.carry(keys)
		for _, changed := range trial.grants {
			if changed.ID == g.ID && l.says(evaluate(p.set, changed)).Verdict == policy.Allow {
				p.carry(keys)
				p.texts = append(p.texts, text)
				return true
			}
		}
	}
	return false
}

// meeting returns the keys that satisfy the guards of a statement: make an Allow
// apply, or a Deny not apply.
func meeting(s *policy.Statement, kind Kind) (keys map[string]string, text string) {
	for _, c := range s.Conditions() {
		switch guardKeys[strings.ToLower(c.Key)] {
		case "SG806":
			how := "sign in with MFA and use those credentials (aws sts get-session-token --serial-number ... --token-code ...)"
			if kind == AssumedRole {
				how = "assume the role with MFA (mfa_serial in the profile that assumes it)"
			}
			return map[string]string{"aws:MultiFactorAuthPresent": "true", "aws:MultiFactorAuthAge": "60"}, how
		case "SG808":
			if strings.EqualFold(c.Operator, "Null") {
				return map[string]string{c.Key: "any"}, "call from where " + c.Key + " is present"
			}
			if value := inside(c.Values); negated(c) == s.Denies() && value != "" {
				return map[string]string{c.Key: value}, "call from where " + conditionText(policy.Unmet{Operator: "StringEquals", Key: c.Key, Want: c.Values})
			}
		}
	}
	return nil, ""
}

// inside returns a value that a network condition accepts.
func inside(values []string) string {
	if len(values) == 0 || strings.Contains(values[0], "${") {
		return ""
	}
	if prefix, err := netip.ParsePrefix(values[0]); err == nil {
		return prefix.Addr().String()
	}
	return strings.TrimRight(values[0], "*")
}

// correct repairs a slip in an ARN in place, when that opens nothing but the
// same thing in the regions the statement names.
func (p *plan) correct(l layer, g Grant) bool {
	if g.ID != GrantDocument {
		return false
	}
	for i := range l.statements {
		s := &l.statements[i]
		if s.Denies() || !s.MatchesAction(g.Action) || !s.MatchesConditions(g.Context) {
			continue
		}
		for k, pattern := range s.Resources() {
			if !accountSlip(pattern, g.Resource) {
				continue
			}
			fields := strings.SplitN(pattern, ":", 6)
			fields[fieldAccount] = arnField(g.Resource, fieldAccount)
			d, err := copyOf(s)
			if err != nil {
				continue
			}
			d.Resource[k] = strings.Join(fields, ":")
			c := candidate{text: "correct the account field of the ARN", opens: true, kin: true,
				change: Change{Kind: ReplaceStatement, Layer: l.name, Level: l.level, Where: sourceOf(l, p.d.Request.Caller.Home()), At: s.At, Statement: d.String()}}
			if cost, ok := p.try(c, []Grant{g}, l); ok && cost == 0 {
				p.apply(c.change, c.text)
				return true
			}
		}
	}
	return false
}

// try evaluates a candidate: whether the layer then lets the grants through, and
// how many kinds of neighbours change.
func (p *plan) try(c candidate, grants []Grant, l layer) (cost int, ok bool) {
	set, err := Apply(p.set, c.change)
	if err != nil {
		return 0, false
	}
	for _, g := range grants {
		a := evaluate(set, g)
		if l.says(a).Verdict == policy.ImplicitDeny && c.opens || l.denies(a, c.change.At) {
			return 0, false
		}
	}
	return reach(p.probes, p.before, verdicts(set, p.probes), c.kin), true
}

// undeny finds the smallest change that keeps a Deny from the grants: what the
// request can meet, else the candidate that changes the fewest neighbours.
func (p *plan) undeny(l layer, s *policy.Statement) {
	if keys, text := meeting(s, p.d.Request.Caller.Kind()); keys != nil && !p.asIs {
		trial := *p
		trial.fix = &Fix{}
		trial.grants = slices.Clone(p.grants)
		trial.carry(keys)
		if !slices.ContainsFunc(trial.grants, func(g Grant) bool { return l.denies(evaluate(p.set, g), s.At) }) {
			p.carry(keys)
			p.texts = append(p.texts, text)
			return
		}
	}
	var hit []Grant
	for _, g := range p.grants {
		if l.denies(evaluate(p.set, g), s.At) {
			hit = append(hit, g)
		}
	}
	if len(hit) == 0 {
		return // an earlier step was enough
	}
	var best *candidate
	least := 0
	for _, c := range p.narrowings(l, s, hit) {
		if cost, ok := p.try(c, p.whole(), l); ok && (best == nil || cost < least) {
			best, least = &c, cost
		}
	}
	if best == nil {
		return
	}
	for _, c := range s.Conditions() {
		if guardKeys[strings.ToLower(c.Key)] == "SG805" && negated(c) {
			best.text = "use --region " + join(c.Values, "or") + " if the target is there, or " + best.text
		}
	}
	p.apply(best.change, best.text)
}

// whole is every grant of the plan's group, those that are not denied included: a
// repair must not close them.
func (p *plan) whole() []Grant {
	return slices.DeleteFunc(Needs(p.request(), p.d.Facts), func(g Grant) bool { return groupOf(g) != p.group })
}

// negated tells whether a condition holds for what its values do not name.
func negated(c policy.Condition) bool { return strings.Contains(strings.ToLower(c.Operator), "not") }

// nodeTypes are the targets there are.
func nodeTypes(partition string) texts {
	return texts{"arn:" + partition + ":ec2:*:*:instance/*", "arn:" + partition + ":ssm:*:*:managed-instance/*", "arn:" + partition + ":ecs:*:*:task/*"}
}

// spareDocuments takes documents out of what a Deny covers and adds nothing to
// it. It returns false when that cannot be written, or leaves nothing.
func spareDocuments(d *draft, partition string) bool {
	if len(d.NotResource) > 0 {
		d.NotResource = append(slices.Clone(d.NotResource), "arn:"+partition+":ssm:*:*:document/*")
		return true
	}
	var kept texts
	for _, pattern := range d.Resource {
		fields := strings.SplitN(pattern, ":", 6)
		switch {
		case pattern == "*":
			kept = append(kept, nodeTypes(partition)...)
		case resourceType(pattern) == "document":
		case resourceType(pattern) != "*":
			kept = append(kept, pattern)
		case len(fields) == 6 && fields[fieldResource] != "*":
			return false
		default:
			kept = append(kept, nodesOf(fields)...)
		}
	}
	d.Resource = kept
	return len(kept) > 0
}

// nodesOf returns the targets among everything of one service, given the fields
// of a pattern that ends in *.
func nodesOf(fields []string) texts {
	var out texts
	for _, node := range nodeTypes("*") {
		n := strings.SplitN(node, ":", 6)
		if len(fields) <= fieldService || n[fieldService] != fields[fieldService] {
			continue
		}
		copy(n[:fieldResource], fields)
		out = append(out, strings.Join(n, ":"))
	}
	return out
}

// narrowings are the ways to take grants out of a Deny, the most careful first.
func (p *plan) narrowings(l layer, s *policy.Statement, hit []Grant) []candidate {
	change := Change{Kind: ReplaceStatement, Layer: l.name, Level: l.level, Where: sourceOf(l, p.d.Request.Caller.Home()), At: s.At}
	var cs []candidate
	offer := func(text string, edit func(*draft) bool) {
		if d, err := copyOf(s); err == nil && edit(&d) {
			c := change
			c.Statement = d.String()
			cs = append(cs, candidate{change: c, text: text})
		}
	}
	const deliberate = ", if its owner agrees: it looks deliberate"
	offer("restrict the Deny to targets", func(d *draft) bool {
		return deniesUntagged(s) && slices.ContainsFunc(hit, func(g Grant) bool { return g.ID == GrantDocument }) &&
			spareDocuments(d, partition(p.d.Request))
	})
	offer("take it out of the Deny"+deliberate, func(d *draft) bool {
		d.Resource = slices.DeleteFunc(slices.Clone(d.Resource), func(pattern string) bool {
			return slices.ContainsFunc(hit, func(g Grant) bool { return wild(pattern, g.Resource) })
		})
		return len(d.Resource) > 0 && len(d.Resource) < len(s.Resources())
	})
	for _, c := range s.Conditions() {
		offer("extend the condition"+deliberate, func(d *draft) bool { return p.extend(d, c, hit) })
	}
	except := "except it from the Deny"
	if !deniesUntagged(s) {
		except += deliberate
	}
	offer(except, func(d *draft) bool {
		d.Resource, d.NotResource = nil, nil
		for _, g := range hit {
			d.NotResource = append(d.NotResource, exception(g))
		}
		d.NotResource = slices.Compact(d.NotResource)
		return slices.Equal(s.Resources(), []string{"*"}) && hit[0].ID != GrantDataChannel
	})
	change.Kind = RemoveStatement
	return append(cs, candidate{change: change, text: "remove the Deny" + deliberate})
}

// exception is what to take out of a Deny on everything: the resource, or every
// session, for the id of this one is not known before it exists.
func exception(g Grant) string {
	if resourceType(g.Resource) == "session" {
		return "arn:" + arnField(g.Resource, fieldPartition) + ":ssm:*:*:session/*"
	}
	return g.Resource
}

// extend adds the request's value to a negated condition.
func (p *plan) extend(d *draft, c policy.Condition, hit []Grant) bool {
	if !negated(c) {
		return false
	}
	got, _, state := hit[0].Context.Lookup(c.Key)
	if state != policy.KeyKnown || len(got) != 1 {
		return false
	}
	values := append(slices.Clone(c.Values), got[0])
	d.Condition[c.Operator][c.Key] = values
	return true
}

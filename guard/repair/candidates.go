package repair

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strings"

	"ssmguard/guard"
	"ssmguard/guard/policy"
)

// candidate is one way to change a layer.
type candidate struct {
	change guard.Change
	text   string
	opens  bool // is to allow; the others are only to deny no longer
	narrow bool // in actions: it opens these actions on whatever else the Deny covers
	kin    bool // may reach the same thing in other regions
}

// permit adds what a layer lacks: a condition the request can meet, a corrected
// ARN, else a statement.
func (p *plan) permit(l guard.Layer, lacking []guard.Grant) {
	for _, g := range lacking {
		if p.meet(l, g) {
			break
		}
	}
	var rest []guard.Grant
	for _, g := range p.lacking(l) {
		l := p.now(l)
		if l.Says(guard.Evaluate(p.set, g)).Verdict == policy.Allow {
			continue // by what another grant needed
		}
		if !p.correct(l, g) && !p.slip(l, g) && !p.matchLike(l, g) && !p.widen(l, g) {
			rest = append(rest, g)
		}
	}
	where := guard.SourceOf(l, p.d.Request.Caller.Home())
	for _, s := range guard.Permissions(rest) {
		s.Condition = p.ownTags(l, s.Condition, rest)
		if l.Kind == policy.Endpoint {
			s.Principal = p.principalOf(l, s, rest[0])
		}
		text := "add to " + where
		if own := guard.OwnDocuments(p.set, p.d.Request); p.group == "start" && p.d.Request.Document == "" && len(own) > 0 && !p.asIs {
			text = "use --document-name " + guard.Join(own, "or") + ", which is granted, or " + text
		}
		p.apply(guard.Change{Kind: guard.AddStatement, Layer: l.Kind, Level: l.Level, Where: where, Statement: s.String()}, text)
	}
}

// principalOf returns for a new statement of an endpoint's policy a Principal that one of
// its statements has, or the caller's account: the first with which the grant passes.
func (p *plan) principalOf(l guard.Layer, s guard.Draft, g guard.Grant) json.RawMessage {
	var pinned []json.RawMessage
	for i := range l.Statements {
		if d, err := guard.CopyOf(&l.Statements[i]); err == nil && d.Effect == "Allow" && d.Principal != nil {
			pinned = append(pinned, d.Principal)
		}
	}
	if len(pinned) == 0 {
		return json.RawMessage(`"*"`)
	}
	r := p.d.Request
	account := json.RawMessage(`{"AWS":"arn:` + guard.Partition(r) + `:iam::` + r.Caller.Account + `:root"}`)
	for _, principal := range pinned {
		s.Principal = principal
		set, err := guard.Apply(p.set, guard.Change{Kind: guard.AddStatement, Layer: l.Kind, Statement: s.String()})
		if err == nil && l.Says(guard.EvaluateBy(p.judge, set, g)).Verdict == policy.Allow {
			return principal
		}
	}
	return account
}

// meet looks for a statement that would allow the grant if the call came with
// MFA or from elsewhere; then that is the repair.
func (p *plan) meet(l guard.Layer, g guard.Grant) bool {
	if p.asIs {
		return false
	}
	for i := range l.Statements {
		s := &l.Statements[i]
		if s.Denies() || !s.MatchesAction(g.Action) || !s.MatchesResource(g.Resource, g.Context) {
			continue
		}
		keys, text := meeting(s, p.d.Request.Caller)
		if keys == nil {
			continue
		}
		trial := *p
		trial.fix = &guard.Fix{}
		trial.grants = slices.Clone(p.grants)
		trial.carry(keys)
		for _, changed := range trial.grants {
			if changed.ID == g.ID && l.Says(guard.EvaluateBy(p.judge, p.set, changed)).Verdict == policy.Allow {
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
func meeting(s *policy.Statement, caller guard.Caller) (keys map[string]string, text string) {
	for _, c := range s.Conditions() {
		switch guard.GuardKey(c.Key) {
		case guard.MFAGuard:
			how := "sign in with MFA and use those credentials (aws sts get-session-token --serial-number ... --token-code ...)"
			switch {
			case permissionSet(caller):
				how = "sign in to IAM Identity Center with MFA, or let the statement leave out " + caller.Home() + ": mfa_serial does nothing for its profiles"
			case caller.Kind() == guard.AssumedRole:
				how = "assume the role with MFA (mfa_serial in the profile that assumes it)"
			}
			return map[string]string{"aws:MultiFactorAuthPresent": "true", "aws:MultiFactorAuthAge": "60"}, how
		case guard.NetworkGuard:
			if strings.EqualFold(c.Operator, "Null") {
				return map[string]string{c.Key: "any"}, "call from where " + c.Key + " is present"
			}
			if value := inside(c.Values); guard.Negated(c) == s.Denies() && value != "" {
				return map[string]string{c.Key: value}, "call from where " + guard.ConditionText(policy.Condition{Operator: "StringEquals", Key: c.Key, Values: c.Values})
			}
		}
	}
	return nil, ""
}

// permissionSet reports whether a caller has a role of IAM Identity Center.
func permissionSet(c guard.Caller) bool { return c.Home() != c.Name() }

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
func (p *plan) correct(l guard.Layer, g guard.Grant) bool {
	if g.ID != guard.GrantDocument {
		return false
	}
	for i := range l.Statements {
		s := &l.Statements[i]
		if s.Denies() || !s.MatchesAction(g.Action) || !s.MatchesConditions(g.Context) {
			continue
		}
		for k, pattern := range s.Resources() {
			if !guard.AccountSlip(pattern, g.Resource) {
				continue
			}
			fields := strings.SplitN(pattern, ":", 6)
			fields[guard.FieldAccount] = guard.ArnField(g.Resource, guard.FieldAccount)
			d, err := guard.CopyOf(s)
			if err != nil {
				continue
			}
			d.Resource[k] = strings.Join(fields, ":")
			c := candidate{text: "correct the account field of the ARN", opens: true, kin: true,
				change: guard.Change{Kind: guard.ReplaceStatement, Layer: l.Kind, Level: l.Level, Where: guard.SourceOf(l, p.d.Request.Caller.Home()), At: s.At, Statement: d.String()}}
			if cost, ok := p.try(c, []guard.Grant{g}, l); ok && cost == 0 {
				p.apply(c.change, c.text)
				return true
			}
		}
	}
	return false
}

// matchLike repairs a statement that compares with a pattern by an operator that takes
// the wildcards in it literally.
func (p *plan) matchLike(l guard.Layer, g guard.Grant) bool {
	for i := range l.Statements {
		s := &l.Statements[i]
		if s.Denies() || !s.MatchesAction(g.Action) || !s.MatchesResource(g.Resource, g.Context) {
			continue
		}
		d, err := guard.CopyOf(s)
		if err != nil {
			continue
		}
		text := ""
		for _, u := range s.Unmet(g.Context) {
			like := strings.Replace(u.Operator, "Equals", "Like", 1)
			if !guard.LiteralWildcard(u.Condition) || d.Condition[u.Operator] == nil {
				continue
			}
			if d.Condition[like] == nil {
				d.Condition[like] = make(map[string]guard.Texts)
			}
			d.Condition[like][u.Key] = d.Condition[u.Operator][u.Key]
			delete(d.Condition[u.Operator], u.Key)
			if len(d.Condition[u.Operator]) == 0 {
				delete(d.Condition, u.Operator)
			}
			text = "compare with " + like + ", which takes the wildcard as one"
		}
		c := guard.Change{Kind: guard.ReplaceStatement, Layer: l.Kind, Level: l.Level, Where: guard.SourceOf(l, p.d.Request.Caller.Home()), At: s.At, Statement: d.String()}
		if _, ok := p.tried(candidate{change: c, opens: true}, []guard.Grant{g}, l); text != "" && ok {
			p.apply(c, text)
			return true
		}
	}
	return false
}

// ownTags adds to the condition of a new statement the caller's own tags, where the layer
// grants by them: what is opened is opened to those who have the same.
func (p *plan) ownTags(l guard.Layer, condition map[string]map[string]guard.Texts, grants []guard.Grant) map[string]map[string]guard.Texts {
	for i := range l.Statements {
		for _, g := range grants {
			s := &l.Statements[i]
			if guard.GroupOf(g) != "start" || s.Denies() || !s.MatchesAction(g.Action) || !s.MatchesResource(g.Resource, g.Context) {
				continue
			}
			for _, u := range s.Unmet(g.Context) {
				key, value := guard.CallersTag(u.Condition, g.Context)
				if value == "" || strings.ContainsAny(value, "*?$") {
					continue
				}
				if condition == nil {
					condition = map[string]map[string]guard.Texts{"StringEquals": {}}
				}
				condition["StringEquals"][key] = guard.Texts{value}
			}
		}
	}
	return condition
}

// try evaluates a candidate: whether the layer then lets the grants through, and
// how many kinds of neighbours change.
func (p *plan) try(c candidate, grants []guard.Grant, l guard.Layer) (cost int, ok bool) {
	after, ok := p.tried(c, grants, l)
	if !ok {
		return 0, false
	}
	return reach(p.probes, p.before, after, c.kin), true
}

// tried evaluates the neighbours with a candidate, unless the layer still keeps the
// grants out.
func (p *plan) tried(c candidate, grants []guard.Grant, l guard.Layer) (after []policy.Verdict, ok bool) {
	set, err := guard.Apply(p.set, c.change)
	if err != nil {
		return nil, false
	}
	for _, g := range grants {
		a := guard.EvaluateBy(p.judge, set, g)
		if l.Says(a).Verdict == policy.ImplicitDeny && c.opens || l.Denies(a, c.change.At) {
			return nil, false
		}
	}
	after, _ = p.after(set, c.change)
	return after, true
}

// within reports whether every neighbour that one change touches is touched by another.
func within(before, one, other []policy.Verdict) bool {
	for i := range before {
		if one[i] != before[i] && other[i] == before[i] {
			return false
		}
	}
	return true
}

// undeny finds the smallest change that keeps a Deny from the grants: what the
// request can meet, else the candidate that changes the fewest neighbours.
func (p *plan) undeny(l guard.Layer, s *policy.Statement) {
	if keys, text := meeting(s, p.d.Request.Caller); keys != nil && !p.asIs {
		trial := *p
		trial.fix = &guard.Fix{}
		trial.grants = slices.Clone(p.grants)
		trial.carry(keys)
		if !slices.ContainsFunc(trial.grants, func(g guard.Grant) bool { return l.Denies(guard.EvaluateBy(p.judge, p.set, g), s.At) }) {
			p.carry(keys)
			p.texts = append(p.texts, text)
			return
		}
	}
	var hit []guard.Grant
	for _, g := range p.grants {
		if l.Denies(guard.EvaluateBy(p.judge, p.set, g), s.At) {
			hit = append(hit, g)
		}
	}
	if len(hit) == 0 {
		return // an earlier step was enough
	}
	best := p.narrowest(p.narrowings(l, s, hit), l)
	if best == nil {
		return
	}
	for _, c := range s.Conditions() {
		regions := slices.DeleteFunc(slices.Clone(c.Values), func(region string) bool { return !guard.IsRegion(region) })
		if guard.GuardKey(c.Key) == guard.RegionGuard && guard.Negated(c) && len(regions) > 0 && !p.byResource {
			best.text = "use --region " + guard.Join(regions, "or") + " if the target is there, or " + best.text
		}
	}
	p.apply(best.change, best.text)
}

// narrowest returns the candidate that changes the fewest neighbours. One that is
// narrow in actions and one that is narrow in resources may each open what the other
// keeps closed; the plan is then made once with either.
func (p *plan) narrowest(cs []candidate, l guard.Layer) *candidate {
	var byAction, byResource *candidate
	var actions, resources []policy.Verdict
	least, whole := 0, p.whole()
	for _, c := range cs {
		after, ok := p.tried(c, whole, l)
		if !ok {
			continue
		}
		cost := reach(p.probes, p.before, after, c.kin)
		switch {
		case c.narrow:
			byAction, actions = &c, after
		case byResource == nil || cost < least:
			byResource, resources, least = &c, after, cost
		}
	}
	switch {
	case byAction == nil:
		return byResource
	case byResource == nil || within(p.before, actions, resources):
		return byAction
	case within(p.before, resources, actions):
		return byResource
	}
	p.forked = true
	if p.byResource {
		return byResource
	}
	return byAction
}

// whole is every grant of the plan's group, those that are not denied included: a
// repair must not close them.
func (p *plan) whole() []guard.Grant {
	return slices.DeleteFunc(guard.Needs(p.request(), p.d.Facts), func(g guard.Grant) bool { return guard.GroupOf(g) != p.group })
}

// nodeTypes are the targets there are.
func nodeTypes(partition string) guard.Texts {
	return guard.Texts{"arn:" + partition + ":ec2:*:*:instance/*", "arn:" + partition + ":ssm:*:*:managed-instance/*", "arn:" + partition + ":ecs:*:*:task/*"}
}

// spareDocuments takes documents out of what a Deny covers and adds nothing to
// it. It returns false when that cannot be written, or leaves nothing.
func spareDocuments(d *guard.Draft, partition string) bool {
	if len(d.NotResource) > 0 {
		d.NotResource = append(slices.Clone(d.NotResource), "arn:"+partition+":ssm:*:*:document/*")
		return true
	}
	var kept guard.Texts
	for _, pattern := range d.Resource {
		fields := strings.SplitN(pattern, ":", 6)
		switch {
		case pattern == "*":
			kept = append(kept, nodeTypes(partition)...)
		case guard.ResourceType(pattern) == "document":
		case guard.ResourceType(pattern) != "*":
			kept = append(kept, pattern)
		case len(fields) == 6 && fields[guard.FieldResource] != "*":
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
func nodesOf(fields []string) guard.Texts {
	var out guard.Texts
	for _, node := range nodeTypes("*") {
		n := strings.SplitN(node, ":", 6)
		if len(fields) <= guard.FieldService || n[guard.FieldService] != fields[guard.FieldService] {
			continue
		}
		copy(n[:guard.FieldResource], fields)
		out = append(out, strings.Join(n, ":"))
	}
	return out
}

// narrowings are the ways to take grants out of a Deny, the most careful first.
func (p *plan) narrowings(l guard.Layer, s *policy.Statement, hit []guard.Grant) []candidate {
	change := guard.Change{Kind: guard.ReplaceStatement, Layer: l.Kind, Level: l.Level, Where: guard.SourceOf(l, p.d.Request.Caller.Home()), At: s.At}
	var cs []candidate
	offer := func(text string, edit func(*guard.Draft) bool) (offered bool) {
		d, err := guard.CopyOf(s)
		if err != nil || !edit(&d) {
			return false
		}
		c := change
		c.Statement = d.String()
		cs = append(cs, candidate{change: c, text: text})
		return true
	}
	offer("restrict the Deny to targets", func(d *guard.Draft) bool {
		return guard.DeniesUntagged(s) && slices.ContainsFunc(hit, func(g guard.Grant) bool { return g.ID == guard.GrantDocument }) &&
			spareDocuments(d, guard.Partition(p.d.Request))
	})
	actions := actionsOf(hit)
	if offer("add "+guard.Join(actions, "and")+" to the NotAction of the Deny"+deliberate, func(d *guard.Draft) bool {
		if len(d.NotAction) == 0 {
			return false
		}
		d.NotAction = append(slices.Clone(d.NotAction), actions...)
		return true
	}) {
		cs[len(cs)-1].narrow = true
	}
	offer("add it to the NotResource of the Deny"+deliberate, func(d *guard.Draft) bool {
		if len(d.NotResource) == 0 {
			return false
		}
		d.NotResource = slices.Clone(d.NotResource)
		for _, g := range hit {
			if one := exception(g); !slices.Contains(d.NotResource, one) {
				d.NotResource = append(d.NotResource, one)
			}
		}
		return true
	})
	offer("take it out of the Deny"+deliberate, func(d *guard.Draft) bool {
		d.Resource = slices.DeleteFunc(slices.Clone(d.Resource), func(pattern string) bool {
			return slices.ContainsFunc(hit, func(g guard.Grant) bool { return policy.Wild(pattern, g.Resource) })
		})
		return len(d.Resource) > 0 && len(d.Resource) < len(s.Resources())
	})
	for _, c := range s.Conditions() {
		offer("extend the condition"+deliberate, func(d *guard.Draft) bool { return p.extend(d, c, hit) })
	}
	except := "except it from the Deny"
	if !guard.DeniesUntagged(s) {
		except += deliberate
	}
	offer(except, func(d *guard.Draft) bool {
		d.Resource, d.NotResource = nil, nil
		for _, g := range hit {
			d.NotResource = append(d.NotResource, exception(g))
		}
		d.NotResource = slices.Compact(d.NotResource)
		return slices.Equal(s.Resources(), []string{"*"}) && hit[0].ID != guard.GrantDataChannel
	})
	change.Kind = guard.RemoveStatement
	return append(cs, candidate{change: change, text: "remove the Deny" + deliberate})
}

// actionsOf returns the actions of grants, each once.
func actionsOf(grants []guard.Grant) []string {
	var actions []string
	for _, g := range grants {
		if !slices.Contains(actions, g.Action) {
			actions = append(actions, g.Action)
		}
	}
	return actions
}

// exception is what to take out of a Deny on everything: the resource, or every
// session, for the id of this one is not known before it exists.
func exception(g guard.Grant) string {
	if guard.ResourceType(g.Resource) == "session" {
		return "arn:" + guard.ArnField(g.Resource, guard.FieldPartition) + ":ssm:*:*:session/*"
	}
	return guard.Literal(g.Resource)
}

// extend adds the request's value to a negated condition.
func (p *plan) extend(d *guard.Draft, c policy.Condition, hit []guard.Grant) bool {
	if !guard.Negated(c) {
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

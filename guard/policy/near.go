package policy

import (
	"slices"
	"strings"
)

// nearLimit is the number of statements that an answer's near misses speak of.
const nearLimit = 10

// Costs rank near misses: the cheaper what a statement lacks, the closer it came.
const (
	costUnknown   = 1 // a condition that may hold
	costCondition = 2
	costVersion   = 2
	costPrincipal = 5
	costNoID      = 12 // an ARN where the request is for "*"
	costAction    = 40 // another action of the same service
	tooFar        = 1000
)

// segmentCosts ranks the parts of an ARN that may differ. An account too many is
// the commonest slip, another service or resource type the least alike.
var segmentCosts = map[string]int{
	"account": 4, "region": 6, "partition": 8, "resource": 10, "type": 15, "service": 25,
}

// nearMiss is one statement with what it lacks.
type nearMiss struct {
	cost  int
	unmet []Unmet
}

// nearMisses explains why the layers that do not allow do not: what each of the
// statements that came closest lacks.
func (e *Evaluator) nearMisses(r *request) []Unmet {
	var all []nearMiss
	for i := range e.layers {
		if e.layerAllows(i) == yes {
			continue
		}
		l := &e.layers[i]
		for j := range l.statements {
			s := &l.statements[j]
			if s.deny {
				continue
			}
			m := s.miss(r)
			for k := range m.unmet {
				m.unmet[k].Layer, m.unmet[k].Level = kindNames[l.kind], l.level
			}
			if m.cost < tooFar && len(m.unmet) > 0 {
				all = append(all, m)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b nearMiss) int { return a.cost - b.cost })
	var out []Unmet
	for _, m := range all[:min(len(all), nearLimit)] {
		out = append(out, m.unmet...)
	}
	return out
}

// miss lists what keeps the statement from applying.
func (s *Statement) miss(r *request) nearMiss {
	if m, ok := s.versionMiss(r); ok {
		return m
	}
	var m nearMiss
	m.add(s.actionMiss(r))
	m.add(s.resourceMiss(r))
	if s.principal != nil {
		if t := s.principal.matches(r.context); t != yes {
			m.add(Unmet{Operator: "Principal", Want: append(slices.Clone(s.principal.arns), s.principal.accounts...),
				Unknown: t == maybe}, costPrincipal)
		}
	}
	for i := range s.conditions {
		m.add(s.conditions[i].miss(r.context))
	}
	for i := range m.unmet {
		m.unmet[i].At = s.At
	}
	return m
}

// add takes what one element lacks; a cost of 0 says nothing.
func (m *nearMiss) add(u Unmet, cost int) {
	if cost > 0 {
		m.unmet = append(m.unmet, u)
		m.cost += cost
	}
}

// versionMiss finds the statements that lack nothing but the version of the
// language that knows variables.
func (s *Statement) versionMiss(r *request) (nearMiss, bool) {
	if s.variables || s.applies(r) == yes {
		return nearMiss{}, false
	}
	with := *s
	with.resources, with.conditions = slices.Clone(s.resources), slices.Clone(s.conditions)
	for i := range with.conditions {
		with.conditions[i].values = slices.Clone(with.conditions[i].values)
	}
	p := parser{statements: []Statement{with}}
	p.compile(0, version2012)
	if p.statements[0].applies(r) != yes {
		return nearMiss{}, false
	}
	u := Unmet{At: s.At, Operator: "Version", Want: []string{version2012}}
	if s.version != "" {
		u.Got = []string{s.version}
	}
	return nearMiss{cost: costVersion, unmet: []Unmet{u}}, true
}

func (s *Statement) actionMiss(r *request) (Unmet, int) {
	if s.matchAction(r.action) {
		return Unmet{}, 0
	}
	u := Unmet{Operator: "Action", Got: []string{r.action}}
	if s.notAction {
		u.Operator = "NotAction"
	}
	service, _, _ := strings.Cut(r.action, ":")
	cost := tooFar
	for i := range s.actions {
		vendor, _, _ := strings.Cut(s.actions[i].text, ":")
		u.Want = append(u.Want, s.actions[i].text)
		if s.notAction || strings.EqualFold(vendor, service) {
			cost = costAction
		}
	}
	return u, cost
}

// resourceMiss compares with the pattern that comes closest.
func (s *Statement) resourceMiss(r *request) (Unmet, int) {
	t := s.matchResource(r.resource, r.fold, r.context)
	if t == yes {
		return Unmet{}, 0
	}
	u := Unmet{Operator: "Resource", Got: []string{r.resource}, Unknown: t == maybe}
	if s.notResource {
		u.Operator = "NotResource"
	}
	best, closest := tooFar, -1
	for i := range s.resources {
		p := &s.resources[i]
		segment, cost := p.differs(r)
		if s.notResource {
			segment, cost = "", costCondition
		}
		if cost < best {
			best, closest, u.Segment = cost, i, segment
			if key, state := p.unresolved(r.context); key != "" {
				u.Key, u.Absent, u.Unknown = key, state == no, state == maybe
			} else {
				u.Key, u.Absent, u.Unknown = "", false, t == maybe
			}
		}
	}
	for i := range s.resources {
		u.Want = append(u.Want, s.resources[i].expanded(r.context))
	}
	if closest > 0 {
		u.Want[0], u.Want[closest] = u.Want[closest], u.Want[0]
	}
	return u, best
}

var segments = [...]string{"partition", "service", "region", "account", "type", "resource"}

// differs returns the first part of the ARN in which pattern and request differ,
// and how much they differ in all.
func (p *resource) differs(r *request) (string, int) {
	want, got := splitARN(p.expanded(r.context)), splitARN(r.resource)
	if got == nil {
		return "", costNoID
	}
	first, cost := "", 0
	for i := range got {
		g := glob{star: rawStar, quest: rawQuest}
		fold := 0
		if i < 4 {
			fold = len(got[i])
		}
		if i < len(want) {
			g.text = want[i]
		} else {
			g.text = "*"
		}
		if g.match(got[i], fold) {
			continue
		}
		if first == "" {
			first = segments[i]
		}
		cost += segmentCosts[segments[i]]
	}
	if cost == 0 { // only the whole differs
		return "resource", segmentCosts["resource"]
	}
	return first, cost
}

// splitARN returns partition, service, region, account, resource type and the
// rest of an ARN, as far as it goes; nil when it is none.
func splitARN(arn string) []string {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 2 || parts[0] != "arn" {
		return nil
	}
	parts = parts[1:]
	if len(parts) < 5 {
		return parts
	}
	name := parts[4]
	if name == "*" {
		return append(parts[:4:4], "*", "*")
	}
	if i := strings.IndexAny(name, "/:"); i >= 0 {
		return append(parts[:4:4], name[:i], name[i:])
	}
	return append(parts[:4:4], "", name)
}

// expanded returns the pattern with the variables that have a value replaced.
func (p *resource) expanded(c *Context) string {
	if p.parts == nil {
		return p.text
	}
	return p.text[:p.free] + expandedText(p.parts, c)
}

// expandedText replaces the variables that have a value and leaves the others.
func expandedText(parts []part, c *Context) string {
	var b strings.Builder
	for i := range parts {
		p := &parts[i]
		if p.kind == partText {
			b.WriteString(p.text)
		} else if value, state := c.variable(p); p.kind != partLiteral && state == yes {
			b.WriteString(value)
		} else {
			b.WriteString(p.source())
		}
	}
	return b.String()
}

// source returns the part as it was written.
func (p *part) source() string {
	switch p.kind {
	case partLiteral:
		return "${" + p.text + "}"
	case partVariable:
		return "${" + p.key.name + "}"
	case partDefault:
		return "${" + p.key.name + ", '" + p.text + "'}"
	}
	return p.text
}

// unresolved returns the first variable without a known value: No when it has
// none, Maybe when it is not known.
func (p *resource) unresolved(c *Context) (string, truth) {
	for i := range p.parts {
		if part := &p.parts[i]; part.kind >= partVariable {
			if _, state := c.variable(part); state != yes {
				return part.key.name, state
			}
		}
	}
	return "", yes
}

// miss says why a condition does not hold.
func (n *condition) miss(c *Context) (Unmet, int) {
	t := n.holds(c)
	if t == yes {
		return Unmet{}, 0
	}
	values, _, state := c.lookup(&n.key)
	u := Unmet{Operator: n.name, Key: n.key.name, Absent: state == KeyAbsent, Unknown: t == maybe}
	u.Got = slices.Clone(values)
	for i := range n.values {
		text := n.values[i].text
		if n.values[i].parts != nil {
			text = expandedText(n.values[i].parts, c)
		}
		u.Want = append(u.Want, text)
	}
	if t == maybe {
		return u, costUnknown
	}
	return u, costCondition
}

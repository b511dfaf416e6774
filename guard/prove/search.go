package prove

import (
	"encoding/json"
	"slices"
	"strings"

	"ssmguard/guard"
	"ssmguard/guard/policy"
	"ssmguard/guard/policy/scalar"
)

// choice is a state that a key was given: of one grant if it is a tag of its resource, else of
// all.
type choice struct {
	grant    string // ID, "" for all
	state    policy.Entry
	optional bool // the key may be absent
}

// verdict is guard's on one grant.
func (p *prover) verdict(set int, g guard.Grant) policy.Verdict {
	p.steps--
	bears := guard.Bearing(p.sets[set], g)
	return p.search.Verdict(&bears, g.Action, g.Resource, &g.Context)
}

// find gives unknown keys a state until all wishes come true, and returns the request; sure
// reports, where it found none, that there is none. A key is given one state of every class
// that the undecided statements of all wishes tell apart, one key after the other, so that
// what two grants ask of one key is asked of it at once.
func (p *prover) find(q question, grants []guard.Grant, list []wish, made []choice) (found *Counterexample, sure bool) {
	var open []wish
	for _, w := range list {
		switch v := p.verdict(w.set, grants[w.grant]); {
		case v == policy.Unknown:
			open = append(open, w)
		case v.Denies() != w.denied:
			return nil, true
		}
	}
	if len(open) == 0 && p.spreads {
		return &Counterexample{}, false // whoever spread them has looked for one
	}
	if len(open) == 0 {
		return p.smallest(q, list, made), false
	}
	if p.steps <= 0 {
		p.lacks["the search took too long"] = true
		return nil, false
	}
	g := grants[open[0].grant]
	key, ok := p.next(open, grants)
	if !ok {
		return nil, false
	}
	c := choice{}
	if ofOne(key) {
		c.grant = g.ID
	}
	var asks []policy.Ask
	limits := p.limits(q)
	for i := range grants {
		if h := &grants[i]; c.grant == "" || c.grant == h.ID {
			asks = append(asks, p.asks(key, h, i, open, limits, q.others)...)
		}
	}
	states, all := p.search.States(asks...)
	if !all {
		p.lacks[key] = true
	}
	sure = all
	c.optional = slices.ContainsFunc(states, func(e policy.Entry) bool { return e.State == policy.KeyAbsent })
	for _, state := range append(likely(q, key, g), states...) {
		if slices.ContainsFunc(limits, func(l limit) bool { return l.about(key, c.grant) && !l.has(state, &g.Context) }) {
			continue
		}
		c.state = state
		next := c.applied(grants)
		if !possible(&next[open[0].grant].Context) {
			continue
		}
		found, surely := p.find(q, next, list, append(slices.Clone(made), c))
		if found != nil {
			return found, true
		}
		sure = sure && surely
	}
	return nil, sure
}

// smallest returns the request of some choices, with fewer of them where fewer do.
func (p *prover) smallest(q question, list []wish, made []choice) *Counterexample {
	found := p.concrete(q, made, list)
	for i := range made {
		if found == nil || made[i].state.State == policy.KeyAbsent || !made[i].optional {
			continue
		}
		fewer := slices.Clone(made)
		fewer[i].state = policy.Entry{Key: made[i].state.Key, State: policy.KeyAbsent}
		grants := p.grants(q)
		for _, c := range fewer {
			grants = c.applied(grants)
		}
		if !possible(&grants[list[0].grant].Context) {
			continue
		}
		if other := p.concrete(q, fewer, list); other != nil {
			found, made = other, fewer
		}
	}
	return found
}

// ofOne reports whether a key says something of the resource of one grant alone.
func ofOne(key string) bool {
	_, isTag := tagOf(key)
	return isTag || strings.HasPrefix(key, spreadKey) || slices.ContainsFunc([]string{keyAccount, "aws:ResourceOrgID", "aws:ResourceOrgPaths", "ssm:DocumentType", "ssm:DocumentCategories"},
		func(own string) bool { return strings.EqualFold(own, key) })
}

// asks are what all open wishes ask of a key on one grant, as one: what one wish asks of a
// key bears on another key that a second wish compares with it.
func (p *prover) asks(key string, g *guard.Grant, index int, open []wish, limits []limit, others bool) (asks []policy.Ask) {
	together := policy.Set{}
	for _, w := range open {
		if w.grant == index {
			set := guard.Bearing(p.sets[w.set], *g)
			set.Root = false // LayersOf leaves out what bears on root by Deny statements alone
			for _, layer := range guard.LayersOf(set) {
				together.Identity = append(together.Identity, layer.Statements...)
			}
		}
	}
	if together.Identity == nil {
		return nil
	}
	for _, l := range limits {
		if l.grant == "" || l.grant == g.ID {
			together.Identity = append(together.Identity, l.told...)
		}
	}
	if start := g.Action == guard.ActionStart; start || !others {
		together.Identity = append(together.Identity, p.twins(start)...)
	}
	for _, name := range namesOf(key) {
		if unknown(*g, name) {
			asks = append(asks, policy.Ask{Set: &together, Action: g.Action, Resource: g.Resource, Context: &g.Context, Key: name})
		}
	}
	return asks
}

// twins returns what the statements ask of a key that goes by another name, too, asked of
// that name: of a resource's tags, or of a session's, which has the id of its owner; and what
// they ask of the caller's name, asked of the ARN.
func (p *prover) twins(tags bool) []policy.Statement {
	if all, known := p.twin[tags]; known {
		return all
	}
	var all []policy.Statement
	p.eachStatement(func(s *policy.Statement) {
		for _, n := range s.Conditions() {
			key, changed := twinOf(n.Key, tags)
			var values []string
			for _, v := range n.Values {
				values = append(values, guard.ReplaceVariables(v, func(inside string) string {
					name, rest, _ := strings.Cut(inside, ",")
					twin, other := twinOf(strings.TrimSpace(name), tags)
					changed = changed || other
					return "${" + strings.TrimSuffix(twin+","+rest, ",") + "}"
				}))
			}
			if changed {
				all = append(all, told(n.Operator, key, values)...)
			}
			if form := formOf(n.Operator); strings.EqualFold(n.Key, keyUserName) && form != formNull && form != formScalar {
				for _, v := range n.Values {
					all = append(all, told("StringLike", keyPrincipal, []string{"*/" + v})...) // ends with the name
				}
			}
		}
	})
	p.twin[tags] = all
	return all
}

// twinOf returns the other name of a key, if it has one.
func twinOf(key string, tags bool) (other string, ok bool) {
	if !tags {
		if strings.EqualFold(key, guard.SessionTagID) {
			return keyUserID, true
		}
		return key, false
	}
	for _, name := range namesOf(key)[1:] {
		return name, true
	}
	return key, false
}

// limit is what the values of a key are held to beside what policies ask: a statement that
// tells the values apart, and which of them there are.
type limit struct {
	grant string // ID of the grant whose key it is, "" for all
	keys  []string
	told  []policy.Statement
	has   func(policy.Entry, *policy.Context) bool
}

// about reports whether the limit is one of a key.
func (l limit) about(key, grant string) bool {
	return l.grant == grant && slices.ContainsFunc(l.keys, func(k string) bool { return strings.EqualFold(k, key) })
}

// limits returns what is known of the values that keys may have in a question.
func (p *prover) limits(q question) (limits []limit) {
	for tag, values := range p.in.Without {
		keys := namesOf(guard.TagSSM + tag)
		limits = append(limits, limit{guard.GrantTarget, keys, told("StringEquals", keys[0], values), func(e policy.Entry, _ *policy.Context) bool {
			return e.State != policy.KeyKnown || !slices.Contains(values, e.Values[0])
		}})
	}
	if slices.Contains(q.Caller.Unknown, guard.UnknownPrincipal) || slices.Contains(q.Caller.Unknown, guard.UnknownPath) {
		begins := principals(q.Caller)
		patterns := []string{begins + "?*"}
		if !slices.Contains(q.Caller.Unknown, guard.UnknownPrincipal) { // the name is known, and the path is not
			name := strings.TrimPrefix(q.Caller.Name(), kindOf(q.Caller)+"/")
			patterns = []string{begins + name, begins + "*/" + name}
		}
		limits = append(limits, limit{"", []string{keyPrincipal}, told("StringLike", keyPrincipal, patterns), func(e policy.Entry, _ *policy.Context) bool {
			return e.State == policy.KeyKnown && slices.ContainsFunc(patterns, func(p string) bool { return policy.Wild(p, e.Values[0]) })
		}})
	}
	if q.others && q.Caller.Kind() == guard.User {
		// The session of another user has another id. That of a role may be one of its own.
		same := told("StringEquals", guard.SessionTagID, []string{"${" + keyUserID + "}"})
		differs := func(other string) func(policy.Entry, *policy.Context) bool {
			return func(e policy.Entry, c *policy.Context) bool {
				values, _, state := c.Lookup(other)
				return e.State != policy.KeyKnown || state != policy.KeyKnown || values[0] != e.Values[0]
			}
		}
		limits = append(limits, limit{"", []string{keyUserID}, same, differs(guard.SessionTagID)})
		for _, grant := range []string{guard.GrantResume, guard.GrantTerminate} {
			limits = append(limits, limit{grant, namesOf(guard.SessionTagID), nil, differs(keyUserID)})
		}
	}
	return limits
}

const keyUserID = "aws:userid"

// told returns a statement with a condition that tells values apart.
func told(operator, key string, values []string) []policy.Statement {
	text, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": map[string]any{
		"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": map[string]any{operator: map[string]any{key: values}}}})
	if err != nil {
		return nil // strings always marshal
	}
	d, err := policy.Parse(policy.Identity, "", text)
	if err != nil {
		return nil
	}
	return d.Statements
}

// Keys of which no request has both, that no request has without the other, and that none has
// with another value of the other than one. See "Availability" of each in the IAM User
// Guide's list of global condition keys.
var (
	apart = [][2]string{
		{"aws:SourceIp", "aws:SourceVpc"}, {"aws:SourceIp", "aws:SourceVpce"}, {"aws:SourceIp", "aws:VpcSourceIp"}, {"aws:SourceIp", "aws:SourceVpcArn"},
		{"aws:SourceIp", "aws:VpceAccount"}, {"aws:SourceIp", "aws:VpceOrgID"}, {"aws:SourceIp", "aws:VpceOrgPaths"},
	}
	together = [][2]string{{"aws:PrincipalOrgID", "aws:PrincipalOrgPaths"}, {"aws:ResourceOrgID", "aws:ResourceOrgPaths"}, {"aws:VpceOrgID", "aws:VpceOrgPaths"}}
)

// possible reports whether what is known of a context may be so in one request.
func possible(c *policy.Context) bool {
	in := func(key string) policy.KeyState {
		_, _, state := c.Lookup(key)
		return state
	}
	for _, keys := range apart {
		if in(keys[0]) == policy.KeyKnown && in(keys[1]) == policy.KeyKnown {
			return false
		}
	}
	for _, keys := range together {
		a, b := in(keys[0]), in(keys[1])
		if a == policy.KeyKnown && b == policy.KeyAbsent || a == policy.KeyAbsent && b == policy.KeyKnown {
			return false
		}
	}
	factor, _, state := c.Lookup("aws:MultiFactorAuthPresent")
	without := state == policy.KeyAbsent || state == policy.KeyKnown && !strings.EqualFold(factor[0], "true")
	return !without || in("aws:MultiFactorAuthAge") != policy.KeyKnown
}

// sameMoment reports whether the two keys of the time of a request say the same.
func sameMoment(context map[string][]string) bool {
	date, seconds := context["aws:CurrentTime"], context["aws:EpochTime"]
	return len(date) == 0 || len(seconds) == 0 || scalar.Compare(scalar.Date(date[0]), scalar.Date(seconds[0])) == 0
}

// likely returns further states of a key, which go with what was found of others.
func likely(q question, key string, g guard.Grant) (more []policy.Entry) {
	add := func(value string) {
		more = append(more, policy.Entry{Key: key, State: policy.KeyKnown, Values: []string{value}})
	}
	switch {
	case strings.EqualFold(key, keyPrincipal):
		if name, _, state := g.Context.Lookup(keyUserName); state == policy.KeyKnown {
			add(principals(q.Caller) + name[0])
		}
		add(principals(q.Caller) + "someone")
	case strings.EqualFold(key, keyUserName):
		if arn, _, state := g.Context.Lookup(keyPrincipal); state == policy.KeyKnown {
			add(arn[0][strings.LastIndexByte(arn[0], '/')+1:])
		}
	}
	return more
}

// next returns a key that a set's verdict on the grant of the first wish turns on. What is so
// of all grants goes before what is so of one resource: the second may be compared with the
// first by several grants, which then ask all of it at once.
func (p *prover) next(open []wish, grants []guard.Grant) (key string, ok bool) {
	g := grants[open[0].grant]
	keys, layers := guard.SplitDepends(guard.Evaluate(p.sets[open[0].set], g).DependsOn)
	for _, name := range keys {
		for _, e := range g.Context.Entries() {
			if e.Same != "" && strings.EqualFold(e.Key, name) && unknown(g, e.Same) {
				name = e.Same
			}
		}
		if !unknown(g, name) {
			continue
		}
		if shared := p.sharedBeside(name, g); shared != "" {
			name = shared
		}
		if !ok || ofOne(key) && !ofOne(name) {
			key, ok = name, true
		}
	}
	if ok {
		return key, true
	}
	for _, layer := range layers {
		p.lacks[layer] = true
	}
	return "", false
}

func unknown(g guard.Grant, key string) bool {
	_, _, state := g.Context.Lookup(key)
	return state == policy.KeyUnknown
}

// sharedBeside returns an unknown key of all grants that a condition compares with one of a
// resource, "" if there is none.
func (p *prover) sharedBeside(key string, g guard.Grant) (shared string) {
	if !ofOne(key) {
		return ""
	}
	names := namesOf(key)
	p.eachStatement(func(s *policy.Statement) {
		if shared != "" || !s.MatchesAction(g.Action) {
			return
		}
		for _, n := range s.Conditions() {
			keys := []string{n.Key}
			for _, v := range n.Values {
				for _, inside := range guard.Variables(v) {
					name, _, _ := variable(inside)
					keys = append(keys, name)
				}
			}
			if !slices.ContainsFunc(keys, func(k string) bool {
				return slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(name, k) })
			}) {
				continue
			}
			for _, k := range keys {
				if k != "" && !ofOne(k) && unknown(g, k) {
					shared = k
				}
			}
		}
	})
	return shared
}

// namesOf returns the names of a key: a resource's tag has two.
func namesOf(key string) []string {
	names := []string{key}
	if tag, ok := tagOf(key); ok {
		for _, prefix := range tagPrefixes {
			if !strings.EqualFold(prefix+tag, key) {
				names = append(names, prefix+tag)
			}
		}
	}
	return names
}

// applied returns the grants with the state in the contexts that it is for. A key that has
// another's value is given it, too.
func (c choice) applied(grants []guard.Grant) []guard.Grant {
	out := slices.Clone(grants)
	keys := namesOf(c.state.Key)
	for i := range out {
		if c.grant != "" && c.grant != out[i].ID {
			continue
		}
		all := keys
		for _, e := range out[i].Context.Entries() {
			if e.Same != "" && strings.EqualFold(e.Same, c.state.Key) {
				all = append(slices.Clone(all), e.Key)
			}
		}
		for _, key := range all {
			if _, _, state := out[i].Context.Lookup(key); state != policy.KeyUnknown {
				continue
			}
			switch context := &out[i].Context; {
			case c.state.State == policy.KeyAbsent:
				context.SetAbsent(key)
			case c.state.Multi:
				context.SetMulti(key, c.state.Values...)
			default:
				context.Set(key, c.state.Values[0])
			}
		}
	}
	return out
}

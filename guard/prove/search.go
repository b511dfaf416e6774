package prove

import (
	"slices"
	"strings"

	"ssmguard/guard"
	"ssmguard/guard/policy"
)

// choice is a state that a key was given: of one grant if it is a tag of its resource, else of
// all.
type choice struct {
	grant string // ID, "" for all
	state policy.Entry
}

// verdict is guard's on one grant.
func (p *prover) verdict(set int, g guard.Grant) policy.Verdict {
	p.steps--
	bears := guard.Bearing(p.sets[set], g)
	return p.search.Verdict(&bears, g.Action, g.Resource, &g.Context)
}

// find gives unknown keys a state until all wishes come true, and returns the states; sure
// reports, where it found none, that there are none. A key is given one state of every class
// that the undecided statements of all wishes tell apart, one key after the other, so that
// what two grants ask of one key is asked of it at once.
func (p *prover) find(grants []guard.Grant, list []wish, made []choice) (found []choice, sure bool) {
	var open []wish
	for _, w := range list {
		switch v := p.verdict(w.set, grants[w.grant]); {
		case v == policy.Unknown:
			open = append(open, w)
		case v.Denies() != w.denied:
			return nil, true
		}
	}
	if len(open) == 0 {
		return append([]choice{}, made...), true
	}
	if p.steps <= 0 {
		p.lacks["the search took too long"] = true
		return nil, false
	}
	g := grants[open[0].grant]
	key, ok := p.next(open[0].set, g)
	if !ok {
		return nil, false
	}
	c := choice{}
	if _, isTag := tagOf(key); isTag {
		c.grant = g.ID
	}
	var asks []policy.Ask
	for _, w := range open {
		h := &grants[w.grant]
		if c.grant != "" && c.grant != h.ID {
			continue
		}
		bears := guard.Bearing(p.sets[w.set], *h)
		for _, name := range namesOf(key) {
			if _, _, state := h.Context.Lookup(name); state == policy.KeyUnknown {
				asks = append(asks, policy.Ask{Set: &bears, Action: h.Action, Resource: h.Resource, Context: &h.Context, Key: name})
			}
		}
	}
	states, all := p.search.States(asks...)
	if !all {
		p.lacks[key] = true
	}
	sure = all
	for _, state := range append(likely(key, grants[open[0].grant], states), states...) {
		if p.without(c.grant, state) {
			continue
		}
		c.state = state
		found, surely := p.find(c.applied(grants), list, append(slices.Clone(made), c))
		if found != nil {
			return found, true
		}
		sure = sure && surely
	}
	return nil, sure
}

// likely returns further states of a key, which look like those of real requests.
func likely(key string, g guard.Grant, states []policy.Entry) (more []policy.Entry) {
	if !strings.EqualFold(key, keyPrincipal) {
		return nil
	}
	account, partition := guard.ArnField(g.Resource, guard.FieldAccount), guard.ArnField(g.Resource, guard.FieldPartition)
	add := func(resource string) {
		more = append(more, policy.Entry{Key: key, State: policy.KeyKnown, Values: []string{"arn:" + partition + ":iam::" + account + ":" + resource}})
	}
	add("user/someone")
	add("role/someone")
	for _, s := range states {
		if len(s.Values) == 1 {
			add(guard.ArnField(s.Values[0], 5))
		}
	}
	return more
}

// next returns a key that a set's verdict on a grant turns on.
func (p *prover) next(set int, g guard.Grant) (key string, ok bool) {
	keys, layers := guard.SplitDepends(guard.Evaluate(p.sets[set], g).DependsOn)
	for _, key := range keys {
		for _, e := range g.Context.Entries() {
			if e.Same != "" && strings.EqualFold(e.Key, key) {
				if _, _, state := g.Context.Lookup(e.Same); state == policy.KeyUnknown {
					return e.Same, true
				}
			}
		}
		if _, _, state := g.Context.Lookup(key); state == policy.KeyUnknown {
			return key, true
		}
	}
	for _, layer := range layers {
		p.lacks[layer] = true
	}
	return "", false
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

// without reports whether no target of the range has such a tag.
func (p *prover) without(grant string, state policy.Entry) bool {
	tag, ok := tagOf(state.Key)
	if !ok || grant != guard.GrantTarget || state.State != policy.KeyKnown {
		return false
	}
	for key, values := range p.in.Without {
		if strings.EqualFold(key, tag) && slices.Contains(values, state.Values[0]) {
			return true
		}
	}
	return false
}

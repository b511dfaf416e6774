package policy

import (
	"slices"
	"strings"

	"ssmguard/guard/policy/automata"
	"ssmguard/guard/policy/scalar"
)

// candidate is one possible state of an unknown key.
type candidate struct {
	state  KeyState
	multi  bool
	values []string
}

func (v *candidate) apply(c *Context, key string) {
	switch {
	case v.state == KeyAbsent:
		c.put(key, Entry{Key: key, State: KeyAbsent}) // the key itself, though its name may look like a pattern
	case v.multi:
		c.SetMulti(key, v.values...)
	default:
		c.Set(key, v.values[0])
	}
}

// multivalued lists the global keys that hold several values:
// docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
var multivalued = map[string]bool{
	"aws:calledvia": true, "aws:tagkeys": true, "aws:principalorgpaths": true, "aws:resourceorgpaths": true,
	"aws:sourceorgpaths": true, "aws:principalservicenameslist": true, "aws:vpceorgpaths": true,
}

// question is what the undecided statements ask of one key.
type question struct {
	s        *search
	key      *contextKey
	patterns []automata.NFA // texts that its value is compared with
	scalars  []scalar.Value // numbers, dates and prefixes it is compared with
	families [16]bool       // how they are compared
	sets     bool           // with a set operator
	exact    bool           // patterns and scalars say all there is to know
	visited  []contextKey   // key, and the one on whose behalf it is asked about
}

// candidates returns one state of key i for every class that the undecided
// statements tell apart, apart from its absence, and whether these are all classes.
func (s *search) candidates(i int) ([]candidate, bool) {
	if values := s.r.context.oneOf(&s.keys[i]); values != nil {
		return knownAs(values), true
	}
	q := question{key: &s.keys[i], exact: true, visited: []contextKey{s.keys[i]}}
	q.gather(s)
	return q.candidates()
}

// candidates returns one state for every class that was gathered, and whether these are
// all classes.
func (q *question) candidates() ([]candidate, bool) {
	name := strings.ToLower(q.key.name)
	values, complete := q.values(keyForms[name])
	values = automata.Distinct(values)
	out := knownAs(values)
	if multivalued[name] || q.sets && !strings.HasPrefix(name, "aws:") && !strings.Contains(name, "tag/") {
		lists, all := automata.Lists(values)
		for _, l := range lists {
			out = append(out, candidate{state: KeyKnown, multi: true, values: l})
		}
		return out, complete && all
	}
	return out, complete
}

// knownAs returns a candidate for each value.
func knownAs(values []string) (out []candidate) {
	for _, v := range values {
		out = append(out, candidate{state: KeyKnown, values: []string{v}})
	}
	return out
}

// Ask is one of several requests that turn on the same key.
type Ask struct {
	Set              *Set
	Action, Resource string
	Context          *Context
	Key              string // its name, which is not known
}

// States returns one state of the key of the asks, which may have a name of its own in each,
// for each class of values that their undecided statements tell apart, its absence included
// where that may be, and whether these are all classes.
func (e *Evaluator) States(asks ...Ask) (states []Entry, all bool) {
	q := question{exact: true}
	states, few := []Entry{{Key: asks[0].Key, State: KeyAbsent}}, []string(nil)
	for _, a := range asks {
		k := newContextKey(a.Key)
		q.key, q.visited = &k, []contextKey{k}
		r := newRequest(a.Action, a.Resource, a.Context)
		own := Evaluator{layers: a.Set.layers(nil)}
		own.collect(&r)
		q.gather(newSearch(&own, &r))
		few = a.Context.oneOf(&k)
		if entry := a.Context.find(&k); entry != nil && entry.Present {
			states = nil
		}
	}
	list, all := knownAs(few), true
	if few == nil {
		list, all = q.candidates()
	}
	for _, c := range list {
		states = append(states, Entry{Key: asks[0].Key, Values: c.values, Multi: c.multi, State: KeyKnown})
	}
	return states, all
}

// values returns one value of every class among those that the form allows, and
// whether these are all classes.
func (q *question) values(f form) ([]string, bool) {
	if list := f.domain.List(); list != nil {
		return list, true
	}
	values, complete := q.scalarValues(f.domain)
	if f.domain != scalar.Texts && len(q.patterns) == 0 {
		return values, complete && q.exact
	}
	var text *automata.NFA
	if f.text != nil {
		n := f.text()
		text = &n
	}
	texts, all := q.s.e.classes.Classes(q.patterns, text, &q.s.left)
	matches := false
	compared := len(values) > 0
	for _, c := range texts {
		if !f.domain.Has(c.Text) { // what matches nothing is among the others, too
			all = all && !c.Matches
			continue
		}
		matches = matches || c.Matches
		values = append(values, c.Text)
	}
	// numbers and texts at once are more than one question
	return values, complete && all && q.exact && !(compared && matches)
}

// gather collects what undecided statements of a search ask of the value of q.key.
func (q *question) gather(s *search) {
	q.s = s
	k := q.key
	for i := range q.s.e.found {
		m := &q.s.e.found[i]
		if m.truth != maybe {
			continue
		}
		st := m.statement
		if st.principal != nil && (sameKey(k, &keyPrincipalArn) || sameKey(k, &keyPrincipalAccount)) {
			for _, text := range append(st.principal.arns, st.principal.accounts...) {
				q.patterns = append(q.patterns, automata.Literal(text, false))
			}
		}
		for j := range st.conditions {
			q.askCondition(&st.conditions[j], k)
		}
		for j := range st.resources {
			if r := &st.resources[j]; uses(r.parts, k) {
				q.insideResource(r, k)
			}
		}
	}
}

func uses(parts []part, k *contextKey) bool {
	found := false
	eachVariable(parts, func(o *contextKey) { found = found || sameKey(o, k) })
	return found
}

// askItself notes that the key is compared with a value that holds itself. With
// itself and anything more a text is compared by its length alone, the same for
// all texts; but ARNs must be ARNs, and booleans booleans.
func (q *question) askItself(n *condition, v *condValue, k *contextKey) {
	q.exact = q.exact && !usesOthers(v.parts, k)
	switch n.op.family {
	case famArn:
		anyARN := strings.ReplaceAll("arn:*:*:*:*:*", "*", string([]byte{safeStar}))
		q.patterns = append(q.patterns, famArn.nfa(anyARN))
		q.exact = q.exact && len(v.parts) == 1
	case famBool:
		q.patterns = append(q.patterns, famBool.nfa("true"), famBool.nfa("false"))
	}
}

// usesOthers reports whether a variable other than k stands among parts.
func usesOthers(parts []part, k *contextKey) bool {
	found := false
	eachVariable(parts, func(o *contextKey) { found = found || !sameKey(o, k) })
	return found
}

// askCondition collects what one condition asks of k: as its key, or as a
// variable in its values.
func (q *question) askCondition(n *condition, k *contextKey) {
	own := sameKey(&n.key, k)
	if own {
		q.families[n.op.family] = true
		q.sets = q.sets || n.q != single
	}
	for i := range n.values {
		v := &n.values[i]
		switch {
		case own && uses(v.parts, k):
			q.askItself(n, v, k)
		case own:
			q.askValue(n, v)
		case uses(v.parts, k):
			q.insideCondition(n, v, k)
		}
	}
}

// askValue collects one value that the key is compared with.
func (q *question) askValue(n *condition, v *condValue) {
	switch n.op.family {
	case famNull:
		return
	case famNumeric, famDate, famIP:
		if v.value.Kind != scalar.None {
			q.scalars = append(q.scalars, v.value)
		}
		return
	}
	if v.parts == nil {
		text := string(appendWild(nil, v.text, n.op.family.wild()))
		q.patterns = append(q.patterns, n.op.family.nfa(text))
		return
	}
	text, known := expand(nil, v.parts, n.op.family.wild(), q.s.r.context)
	switch known {
	case yes:
		q.patterns = append(q.patterns, n.op.family.nfa(string(text)))
	case maybe:
		q.compared(n, v)
		text = wildUnknown(v.parts, n.op.family.wild(), q.s.r.context)
		q.patterns = append(q.patterns, n.op.family.nfa(string(text)))
	}
}

// compared notes that an unknown value of n holds another unknown one, inner, as
// a variable, and that q asks about one of the two. When the text around the
// variable is plain, whatever the statements ask of the other says something of
// this one.
func (q *question) compared(n *condition, v *condValue) {
	inner := firstUnknown(v.parts, q.s.r.context)
	other, outward := &n.key, false
	if sameKey(other, q.key) {
		other, outward = inner, true
	}
	if slices.ContainsFunc(q.visited[1:], func(k contextKey) bool { return sameKey(&k, other) }) {
		return // this comparison is being looked at from its other side
	}
	head, tail, alone := around(v.parts, inner, n.op.family.wild(), q.s.r.context)
	plain := alone && strings.IndexByte(head+tail, safeStar) < 0 && strings.IndexByte(head+tail, safeQuest) < 0
	if !plain || n.op.family == famArn || n.op.family.folds() || len(q.visited) > 1 {
		q.exact = false
		return
	}
	sub := question{key: other, exact: true, visited: []contextKey{*other, *q.key}}
	sub.gather(q.s)
	q.exact = q.exact && sub.exact
	for _, p := range v.parts {
		if p.kind == partDefault {
			sub.patterns = append(sub.patterns, automata.Literal(p.text, false))
		}
	}
	something := automata.Glob(string([]byte{safeQuest, safeStar}), 0) // an empty variable has no value
	for _, p := range append(sub.patterns, something) {
		if outward {
			q.patterns = append(q.patterns, p.Within(head, tail))
		} else {
			q.patterns = append(q.patterns, p.Between(head, tail))
		}
	}
}

// firstUnknown returns the first variable whose value is not known.
func firstUnknown(parts []part, c *Context) *contextKey {
	var first *contextKey
	eachVariable(parts, func(k *contextKey) {
		if _, _, state := c.lookup(k); state == KeyUnknown && first == nil {
			first = k
		}
	})
	return first
}

// wildUnknown expands a value with a wildcard for what is unknown.
func wildUnknown(parts []part, wild bool, c *Context) []byte {
	var dst []byte
	for i := range parts {
		piece, known := expand(nil, parts[i:i+1], wild, c)
		if known == maybe {
			piece = []byte{safeStar}
		}
		dst = append(dst, piece...)
	}
	return dst
}

// insideCondition collects what a value with k as a variable asks of k.
func (q *question) insideCondition(n *condition, v *condValue, k *contextKey) {
	values, _, state := q.s.r.context.lookup(&n.key)
	if state == KeyUnknown {
		q.compared(n, v)
		return
	}
	fold := n.op.family.folds()
	head, tail, one := around(v.parts, k, n.op.family.wild(), q.s.r.context)
	if !one || n.op.family == famArn { // where an ARN's colons stand depends on the value
		q.exact = false
	}
	for _, value := range values {
		q.patterns = append(q.patterns, automata.Inner(value, fold, func(i int) bool {
			return matchPiece(head, value[:i], fold)
		}, func(j int) bool {
			return matchPiece(tail, value[j:], fold)
		}))
	}
}

// matchPiece matches expanded text without regard to segments.
func matchPiece(text, s string, fold bool) bool {
	g := glob{text: text, star: safeStar, quest: safeQuest}
	if fold {
		return g.match(s, len(s))
	}
	return g.match(s, 0)
}

// around returns the text before and behind the first use of k, with "*" for
// what else is unknown, and whether k stands there once and alone.
func around(parts []part, k *contextKey, wild bool, c *Context) (head, tail string, one bool) {
	at := slices.IndexFunc(parts, func(p part) bool { return p.kind >= partVariable && sameKey(&p.key, k) })
	one = true
	eachVariable(append(slices.Clone(parts[:at]), parts[at+1:]...), func(o *contextKey) {
		if _, _, state := c.lookup(o); state == KeyUnknown {
			one = false
		}
	})
	return string(wildUnknown(parts[:at], wild, c)), string(wildUnknown(parts[at+1:], wild, c)), one
}

// insideResource collects what a resource pattern with k as a variable asks of k.
func (q *question) insideResource(r *resource, k *contextKey) {
	name := q.s.r.resource
	head, tail, one := around(r.parts, k, true, q.s.r.context)
	q.exact = q.exact && one
	head = string(appendWild(nil, r.text[:r.free], true)) + head
	q.patterns = append(q.patterns, automata.Inner(name, false, func(i int) bool {
		g := glob{text: head, star: safeStar, quest: safeQuest, free: r.free, crossing: true}
		return g.match(name[:i], min(q.s.r.fold, i))
	}, func(j int) bool {
		return matchPiece(tail, name[j:], false)
	}))
}

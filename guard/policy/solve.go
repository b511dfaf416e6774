package policy

import "slices"

// What three-valued logic leaves open is settled by trying values. The same
// unknown key may stand in several statements, so each key is given a value once
// for all of them; it is enough to try one value of every class that the
// policies tell apart. Allow in one completion and a denial in another make the
// verdict Unknown.

// outcomes is a set of verdicts that completions reached.
type outcomes uint8

const (
	sawAllow outcomes = 1 << iota
	sawImplicit
	sawExplicit
	sawDeny = sawImplicit | sawExplicit
)

// open reports whether the outcomes already leave the verdict Unknown.
func (o outcomes) open() bool { return o&sawAllow != 0 && o&sawDeny != 0 }

// searchBudget bounds the steps that settling one verdict may take, and again
// naming what it depends on; past it the verdict stays Unknown. A step matches one
// statement or moves one automaton by a character.
const searchBudget = 400_000

// search tries completions of one request.
type search struct {
	e      *Evaluator
	r      request // its context is the one being completed
	base   Context
	keys   []contextKey // the unknown keys of undecided statements
	given  []bool       // which of them have a value now
	left   int          // steps that may still be taken
	proven bool         // every class of values was tried
}

// undecided settles the verdicts that three-valued logic leaves open: the
// answer's, and that of each layer by itself.
func (e *Evaluator) undecided(r *request, a *Answer) {
	s := newSearch(e, r)
	a.Verdict = s.settle()
	if e.brief {
		return
	}
	if a.Verdict == Unknown {
		a.DependsOn = s.dependsOn()
	}
	e.restore(r)
	for i := range a.Layers {
		alone := Evaluator{layers: e.layers[i : i+1], classes: e.classes}
		open := a.Layers[i].Verdict == Unknown
		for _, m := range e.found {
			if m.layer == i {
				m.layer = 0
				alone.found = append(alone.found, m)
				open = open || m.open && m.statement.deny && a.Layers[i].Verdict == ImplicitDeny
			}
		}
		if open {
			a.Layers[i].Verdict = newSearch(&alone, r).settle()
		}
	}
}

// settle finds the verdict by trying completions.
func (s *search) settle() Verdict {
	denied := s.e.allowed() == no // then only the kind of denial is open
	seen := s.run(func(o outcomes) bool { return o.open() || denied && o == sawDeny })
	switch {
	case denied && (seen != sawExplicit || !s.proven):
		return ImplicitDeny
	case !s.proven || seen.open():
		return Unknown
	case seen&sawAllow != 0:
		return Allow
	case seen == sawExplicit:
		return ExplicitDeny
	}
	return ImplicitDeny
}

func newSearch(e *Evaluator, r *request) *search {
	s := &search{e: e, r: *r, base: *r.context, left: searchBudget}
	s.r.context = &s.base
	for i := range e.found {
		if m := &e.found[i]; m.truth == maybe {
			m.statement.eachKey(func(k *contextKey) { s.addKey(k) })
		}
	}
	s.given = make([]bool, len(s.keys))
	return s
}

// addKey keeps a key when it is unknown and new.
func (s *search) addKey(k *contextKey) {
	if _, _, state := s.r.context.lookup(k); state != KeyUnknown || s.index(k) >= 0 {
		return
	}
	s.keys = append(s.keys, *k)
}

// index returns the place of a key among the unknown ones, or -1.
func (s *search) index(k *contextKey) int {
	return slices.IndexFunc(s.keys, func(o contextKey) bool { return sameKey(&o, k) })
}

// run explores completions until stop is satisfied with the outcomes.
func (s *search) run(stop func(outcomes) bool) outcomes {
	s.left, s.proven = searchBudget, true
	var seen outcomes
	s.explore(&seen, -1, stop)
	return seen
}

// explore gives values to the unknown keys one after the other, the key last
// only when all others it matters with have one.
func (s *search) explore(seen *outcomes, last int, stop func(outcomes) bool) {
	s.evaluate()
	if o, ok := s.outcome(); ok {
		s.record(seen, o, last)
		return
	}
	next := s.next(last)
	if next < 0 || s.left <= 0 {
		s.proven = false
		return
	}
	here := seen
	var own outcomes
	if next == last { // does this key alone turn the verdict?
		here = &own
	}
	complete := s.complete(next, func() bool {
		s.explore(here, last, stop)
		return !stop(*here) && s.left > 0
	})
	if own.open() {
		*seen |= own
	}
	s.proven = s.proven && complete && s.left > 0
}

// complete gives a key one value of every class and calls f with each, until f has
// seen enough. It reports whether these were all classes. That the key is absent
// comes first: mostly it is enough, and finding the values takes long.
func (s *search) complete(i int, f func() bool) bool {
	name := s.keys[i].name
	unknown := Entry{Key: name, State: KeyUnknown}
	if e := s.r.context.find(&s.keys[i]); e != nil {
		unknown = e.Entry
	}
	try := func(v candidate) bool {
		s.given[i] = true
		v.apply(s.r.context, name)
		more := f()
		s.given[i] = false
		s.r.context.put(name, unknown)
		return more
	}
	if !unknown.Present && !try(candidate{state: KeyAbsent}) {
		return false
	}
	s.evaluate()
	values, all := s.candidates(i)
	for _, v := range values {
		if !try(v) {
			return false
		}
	}
	return all
}

// record notes an outcome. Where one key is asked about, only its own values
// count, and that an unread layer could deny tells nothing about it.
func (s *search) record(seen *outcomes, o outcomes, last int) {
	switch {
	case last < 0:
		*seen |= o
	case !s.given[last]:
	case o&sawAllow != 0:
		*seen |= sawAllow
	default:
		*seen |= o
	}
}

// evaluate matches the statements that may apply against the values given so far.
func (s *search) evaluate() {
	for i := range s.e.found {
		if m := &s.e.found[i]; m.open {
			m.truth = m.statement.applies(&s.r)
			s.left--
		}
	}
}

// outcome returns what the completion so far has settled. A layer that was not
// read may hold anything: where all else allows, it may allow and may deny.
func (s *search) outcome() (outcomes, bool) {
	unread := false
	deny, allow := no, yes
	for i := range s.e.found {
		if m := &s.e.found[i]; m.statement.deny {
			deny = max(deny, m.truth)
		}
	}
	for i := range s.e.layers {
		if s.e.layers[i].partial {
			unread = true
			continue
		}
		allow = min(allow, s.e.layerAllows(i))
	}
	switch {
	case deny == yes:
		return sawExplicit, true
	case deny == maybe || allow == maybe:
		return 0, false
	case allow == no:
		return sawImplicit, true
	case unread:
		return sawAllow | sawImplicit, true
	}
	return sawAllow, true
}

// next chooses a key that an undecided statement turns on, last only when there
// is no other.
func (s *search) next(last int) int {
	found := -1
	for i := range s.e.found {
		m := &s.e.found[i]
		if m.truth != maybe {
			continue
		}
		m.statement.eachKey(func(k *contextKey) {
			at := s.index(k)
			if at >= 0 && !s.given[at] && (found < 0 || found == last) {
				found = at
			}
		})
	}
	return found
}

// dependsOn lists the keys and layers that the verdict turns on: keys whose
// value alone can make the difference, and what was not read. When the search
// could not tell, it lists every unknown key that was in play.
func (s *search) dependsOn() []string {
	var names []string
	s.left = searchBudget
	for i := range s.keys {
		var seen outcomes
		s.proven = true
		s.explore(&seen, i, outcomes.open)
		if seen.open() || !s.proven {
			names = append(names, s.keys[i].name)
		}
	}
	for i := range s.e.layers {
		if l := &s.e.layers[i]; l.partial && !slices.Contains(names, kindNames[l.kind]) {
			names = append(names, kindNames[l.kind])
		}
	}
	if len(names) == 0 {
		for i := range s.keys {
			names = append(names, s.keys[i].name)
		}
	}
	return names
}

// restore puts back what three-valued logic said of each statement.
func (e *Evaluator) restore(r *request) {
	for i := range e.found {
		if m := &e.found[i]; m.open {
			m.truth = m.statement.applies(r)
		}
	}
}

// eachKey calls f for every context key that the statement may turn on.
func (s *Statement) eachKey(f func(*contextKey)) {
	for i := range s.resources {
		eachVariable(s.resources[i].parts, f)
	}
	if s.principal != nil {
		s.principal.eachKey(f)
	}
	for i := range s.conditions {
		n := &s.conditions[i]
		f(&n.key)
		for j := range n.values {
			eachVariable(n.values[j].parts, f)
		}
	}
}

func eachVariable(parts []part, f func(*contextKey)) {
	for i := range parts {
		if parts[i].kind == partVariable || parts[i].kind == partDefault {
			f(&parts[i].key)
		}
	}
}

func (who *principal) eachKey(f func(*contextKey)) {
	if len(who.arns) > 0 {
		f(&keyPrincipalArn)
	}
	if len(who.accounts) > 0 {
		f(&keyPrincipalAccount)
	}
}

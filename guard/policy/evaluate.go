package policy

import "ssmguard/guard/policy/automata"

// request is what statements are compared with.
type request struct {
	action   string
	resource string
	fold     int // where the resource's sixth component begins
	context  *Context
}

func newRequest(action, resource string, c *Context) request {
	return request{action: action, resource: resource, fold: afterColons(resource, 5), context: c}
}

// Evaluator evaluates requests one after the other and keeps its memory between
// them: after the first few an evaluation allocates nothing. It serves one
// goroutine at a time; the zero value is ready.
type Evaluator struct {
	layers []layer
	found  []match
	answer Answer
	brief  bool // only the verdict is asked for

	classes automata.Memo // of what the searches looked for
}

// match is a statement that applies, or may.
type match struct {
	layer     int
	statement *Statement
	truth     truth
	open      bool // not settled by what is known
}

// Evaluate decides one request as IAM does, and visits every statement on the
// way: docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html.
// Resource is an ARN, or "*" for an action without resource types. The function
// is total: whatever it is given, it answers.
func (s Set) Evaluate(action, resource string, c Context) Answer {
	var e Evaluator
	return *e.Decide(&s, action, resource, &c)
}

// Verdict is Decide without the reasons: what an undecided request turns on takes
// longer to find than that it is undecided.
func (e *Evaluator) Verdict(s *Set, action, resource string, c *Context) Verdict {
	e.brief = true
	v := e.Decide(s, action, resource, c).Verdict
	e.brief = false
	return v
}

// Decide is Set.Evaluate without its memory. The answer is the evaluator's: it holds
// until the next call.
func (e *Evaluator) Decide(s *Set, action, resource string, c *Context) *Answer {
	r := newRequest(action, resource, c)
	e.layers = s.layers(e.layers[:0])
	e.collect(&r)
	a := &e.answer
	*a = Answer{By: a.By[:0], Layers: a.Layers[:0], DependsOn: nil}
	a.Layers = e.layerAnswers(a.Layers)
	deny, allow := e.denied(), e.allowed()
	switch {
	case deny == yes:
		a.Verdict = ExplicitDeny
	case deny == no && allow == no:
		a.Verdict = ImplicitDeny
	case deny == no && allow == yes:
		a.Verdict = Allow
	default:
		e.undecided(&r, a)
	}
	a.By = e.reasons(a.By, a.Verdict)
	return a
}

// collect visits every statement of every layer and keeps those that may apply.
func (e *Evaluator) collect(r *request) {
	e.found = e.found[:0]
	for i := range e.layers {
		list := e.layers[i].statements
		for j := range list {
			if t := list[j].applies(r); t != no {
				e.found = append(e.found, match{i, &list[j], t, t == maybe})
			}
		}
	}
}

// denied reports whether some statement denies. One that was not read may.
func (e *Evaluator) denied() truth {
	t := no
	for i := range e.found {
		if m := &e.found[i]; m.statement.deny {
			t = max(t, m.truth)
		}
	}
	for i := range e.layers {
		if e.layers[i].partial {
			t = max(t, maybe)
		}
	}
	return t
}

// allowed reports whether every layer allows.
func (e *Evaluator) allowed() truth {
	t := yes
	for i := range e.layers {
		t = min(t, e.layerAllows(i))
	}
	return t
}

// layerAllows reports whether some statement of one layer allows. One that was not
// read may.
func (e *Evaluator) layerAllows(i int) truth {
	l := &e.layers[i]
	t := truthOf(l.allows)
	if l.partial {
		t = max(t, maybe)
	}
	for k := range e.found {
		if m := &e.found[k]; m.layer == i && !m.statement.deny {
			t = max(t, m.truth)
		}
	}
	return t
}

// reasons lists the statements that decided: for an explicit deny the matching
// Denies, for Allow the matching Allows. A Deny that only may match decides when,
// whatever the unknown keys are, one of several does.
func (e *Evaluator) reasons(by []Pos, v Verdict) []Pos {
	if v != Allow && v != ExplicitDeny {
		return by
	}
	for _, least := range [...]truth{yes, maybe} {
		for i := range e.found {
			if m := &e.found[i]; m.truth == least && m.statement.deny == (v == ExplicitDeny) {
				by = append(by, m.statement.At)
			}
		}
		if v == Allow || len(by) > 0 {
			break
		}
	}
	return by
}

// layerAnswers reports each layer by itself.
func (e *Evaluator) layerAnswers(out []LayerAnswer) []LayerAnswer {
	for i := range e.layers {
		l := &e.layers[i]
		a := LayerAnswer{Layer: l.kind, Level: l.level}
		if len(out) < cap(out) { // reuse the positions' memory
			a.By = out[: len(out)+1 : len(out)+1][len(out)].By[:0]
		}
		deny := truthOf(false)
		if l.partial {
			deny = maybe
		}
		for k := range e.found {
			if m := &e.found[k]; m.layer == i && m.statement.deny {
				deny = max(deny, m.truth)
			}
		}
		a.Verdict = layerVerdict(deny, e.layerAllows(i))
		for k := range e.found {
			m := &e.found[k]
			if m.layer == i && m.truth == yes && (a.Verdict == ExplicitDeny && m.statement.deny || a.Verdict == Allow && !m.statement.deny) {
				a.By = append(a.By, m.statement.At)
			}
		}
		out = append(out, a)
	}
	return out
}

// layerVerdict is the verdict of one layer alone.
func layerVerdict(deny, allow truth) Verdict {
	switch {
	case deny == yes:
		return ExplicitDeny
	case allow == no && deny == no:
		return ImplicitDeny
	case allow == yes && deny == no:
		return Allow
	case allow == no:
		return ImplicitDeny
	}
	return Unknown
}

package guard

import (
	"context"
	"slices"
	"strconv"
	"time"

	"ssmguard/guard/policy"
)

// Local is the judge that reads the caller's policies and evaluates them here.
type Local struct {
	Source PolicySource
}

// Name returns "local".
func (Local) Name() string { return "local" }

func (l Local) read(ctx context.Context, c Caller) (policy.Set, error) {
	return l.Source.Policies(ctx, c)
}

func (l Local) rule(set policy.Set, gs []Grant) []Ruling { return Judge(set, l.Name(), gs) }

// Simulate reads the policies and rules on every grant. When some of them could
// not be read it still rules, and returns the NotVisible.
func (l Local) Simulate(ctx context.Context, c Caller, gs []Grant) ([]Ruling, error) {
	set, err := l.Source.Policies(ctx, c)
	if !usable(set, err) {
		return nil, err
	}
	return Judge(set, l.Name(), gs), err
}

// usable reports whether a set can be judged by: every read went well, or the
// set says itself what it lacks. A read that failed and left no trace would let
// its layer pass for empty.
func usable(set policy.Set, err error) bool { return err == nil || len(set.Partial) > 0 }

// Judge evaluates every grant against the policies that bear on its service.
func Judge(set policy.Set, name string, gs []Grant) []Ruling {
	rulings := make([]Ruling, 0, len(gs))
	for _, g := range gs {
		a := Evaluate(set, g)
		if a.Verdict.Denies() && turnsOnClock(set, g) {
			a = policy.Answer{DependsOn: []string{keyTime}}
		}
		rulings = append(rulings, Ruling{Grant: g, Judge: name, Answer: a})
	}
	return rulings
}

// clockSkew is how far our clock may be from AWS's: a call that is signed with
// more is refused whatever the policies say.
const clockSkew = 5 * time.Minute

// turnsOnClock reports whether a denial would be none by a clock that is as right as
// ours. A time that the user states is meant as it stands.
func turnsOnClock(set policy.Set, g Grant) bool {
	now, _, _ := g.Context.Lookup(keyTime)
	epoch, _, _ := g.Context.Lookup(keyEpoch)
	if len(now) != 1 || len(epoch) != 1 {
		return false
	}
	at, err := time.Parse(time.RFC3339, now[0])
	if err != nil || epoch[0] != strconv.FormatInt(at.Unix(), 10) {
		return false
	}
	for _, skew := range []time.Duration{-clockSkew, clockSkew} {
		k := Keyring{c: g.Context}
		k.clock(at.Add(skew))
		other := g
		other.Context = k.c
		if !Evaluate(set, other).Verdict.Denies() {
			return true
		}
	}
	return false
}

// Evaluate asks the evaluator about one grant. Of the layers of a Set, resource
// control policies bear on KMS but on no service a session starts with. Of a request whose
// region nobody stated the answer is the one of all regions.
func Evaluate(set policy.Set, g Grant) policy.Answer {
	return EvaluateBy(new(policy.Evaluator), set, g)
}

// EvaluateBy is Evaluate by an evaluator that has looked at the like before. The answer holds
// until it is used again.
func EvaluateBy(e *policy.Evaluator, set policy.Set, g Grant) policy.Answer {
	bears := Bearing(set, g)
	if g.Regionless() {
		return anywhere(bears, g)
	}
	return *e.Decide(&bears, g.Action, g.Resource, &g.Context)
}

// Bearing returns the part of a set that AWS applies to a grant. The endpoint of a set
// is the one that the session is asked for: the data channel and keys have theirs.
func Bearing(set policy.Set, g Grant) policy.Set {
	if g.Action != ActionDataKey {
		set.RCP, set.Partial = nil, without(set.Partial, policy.RCP)
	}
	if BearsApart(g.Action) {
		set.Endpoint, set.Partial = nil, without(set.Partial, policy.Endpoint)
	}
	return set
}

// BearsApart reports whether not every layer bears on an action that bears on others.
func BearsApart(action string) bool {
	return action == ActionDataKey || action == ActionDataChannel
}

func without(kinds []policy.Kind, kind policy.Kind) []policy.Kind {
	if !slices.Contains(kinds, kind) {
		return kinds
	}
	return slices.DeleteFunc(slices.Clone(kinds), func(k policy.Kind) bool { return k == kind })
}

// Static is a PolicySource of policies already at hand: files, an overlay.
type Static policy.Set

// Policies returns the set.
func (s Static) Policies(context.Context, Caller) (policy.Set, error) { return policy.Set(s), nil }

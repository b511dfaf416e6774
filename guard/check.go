package guard

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"ssmguard/guard/policy"
)

// PolicySource reads every policy that bears on a caller. It may return a
// usable Set together with (joined) errors: what is missing is then named in
// Set.Partial, and an error without Partial means that the Set is worth nothing.
type PolicySource interface {
	Policies(ctx context.Context, c Caller) (policy.Set, error)
}

// Simulator is a judge: it rules on each grant, in the order given, and gives
// up when ctx ends. A grant it cannot express gets an Unknown ruling. A deny it
// cannot prove carries Answer.DependsOn. It may return rulings together with a
// (joined) NotVisible.
type Simulator interface {
	Name() string
	Simulate(ctx context.Context, c Caller, gs []Grant) ([]Ruling, error)
}

// reader is a judge whose evidence needs no facts, so that it can be read while
// the inventory is asked.
type reader interface {
	read(ctx context.Context, c Caller) (policy.Set, error)
	rule(set policy.Set, gs []Grant) []Ruling
}

// Inventory reads what the grants depend on: tags, the document, the key, the
// target's health. It gives up when ctx ends, and may return usable Facts
// together with (joined) errors: what is missing is then named in Facts.Unknown.
type Inventory interface {
	Facts(ctx context.Context, r Request) (Facts, error)
}

// Guard checks requests. The zero Guard has no judges and answers Unknown.
type Guard struct {
	Inventory  Inventory     // nil: nothing is known of target and document
	Simulators []Simulator   // at most one of them a Local
	Patience   time.Duration // how long the inventory and each judge may take; 0 means DefaultPatience
	Log        *slog.Logger  // nil discards
}

// DefaultPatience bounds the inventory and every judge.
const DefaultPatience = 5 * time.Second

// Check asks every judge about every grant of a request. A denial, and all that
// could not be read, is in the Decision, whose Findings are guard/finding's to
// make; the error is ctx's, when the caller gave up.
func (g *Guard) Check(ctx context.Context, r Request) (Decision, error) {
	reading := g.readAhead(ctx, r.Caller)
	facts, factsErr := g.facts(ctx, r)
	d := Decision{Request: r, Facts: facts, Grants: Needs(r, facts)}
	results := g.ask(ctx, r.Caller, d.Grants, reading)
	if err := ctx.Err(); err != nil {
		return Decision{Request: r}, err
	}
	d.Rulings = rulingsOn(d.Grants, results)
	for _, res := range results {
		if res.policies != nil {
			d.Policies = res.policies
		}
	}
	d.Access = g.askAccess(ctx, d)
	d.unread("inventory", factsErr)
	for _, res := range results {
		d.unread(res.judge, res.err)
	}
	return d, nil
}

// rulingsOn returns what the judges said, grant by grant.
func rulingsOn(grants []Grant, results []result) (rulings []Ruling) {
	for _, gr := range grants {
		for _, res := range results {
			rulings = append(rulings, res.of(gr)...)
		}
	}
	return rulings
}

// unread notes what could not be read.
func (d *Decision) unread(who string, err error) {
	if err != nil {
		d.Unread = append(d.Unread, Unread{who, err})
	}
}

// patience bounds one step.
func (g *Guard) patience(ctx context.Context) (context.Context, context.CancelFunc) {
	wait := g.Patience
	if wait == 0 {
		wait = DefaultPatience
	}
	return context.WithTimeoutCause(ctx, wait, fmt.Errorf("no answer within %s", wait))
}

func (g *Guard) facts(ctx context.Context, r Request) (Facts, error) {
	if g.Inventory == nil {
		return UnknownFacts(), nil
	}
	ctx, cancel := g.patience(ctx)
	defer cancel()
	start := time.Now()
	f, err := g.Inventory.Facts(ctx, r)
	g.log("inventory", start, err)
	if err != nil && len(f.Unknown) == 0 {
		// Nothing says which of the facts are good.
		none := UnknownFacts()
		none.At = f.At
		return none, cause(ctx, err)
	}
	return f, err
}

// result is what one judge gave.
type result struct {
	judge    string
	rulings  []Ruling
	policies *policy.Set
	err      error
}

// of returns the judge's rulings on one grant: Unknown when it has none.
func (r result) of(g Grant) []Ruling {
	for _, x := range r.rulings {
		if x.Grant.ID == g.ID {
			x.Grant, x.Judge = g, r.judge
			return []Ruling{x}
		}
	}
	return []Ruling{{Grant: g, Judge: r.judge}}
}

// read is what a PolicySource gave.
type read struct {
	set policy.Set
	err error
}

// readAhead starts reading the policies of each reader. Each
// channel delivers once; ask receives from every one of them.
func (g *Guard) readAhead(ctx context.Context, c Caller) map[int]chan read {
	reading := make(map[int]chan read)
	for i, s := range g.Simulators {
		l, ok := s.(reader)
		if !ok {
			continue
		}
		ch := make(chan read, 1)
		reading[i] = ch
		go func() {
			ctx, cancel := g.patience(ctx)
			defer cancel()
			start := time.Now()
			set, err := l.read(ctx, c)
			g.log("policies", start, err)
			ch <- read{set, cause(ctx, err)}
		}()
	}
	return reading
}

// ask runs the judges at once and waits for all of them.
func (g *Guard) ask(ctx context.Context, c Caller, gs []Grant, reading map[int]chan read) []result {
	results := make([]result, len(g.Simulators))
	var wg sync.WaitGroup
	for i, s := range g.Simulators {
		wg.Go(func() {
			res := result{judge: s.Name()}
			if ch, ok := reading[i]; ok {
				in := <-ch
				res.err = in.err
				if usable(in.set, in.err) {
					res.policies = &in.set
					res.rulings = s.(reader).rule(in.set, gs)
				}
			} else {
				ctx, cancel := g.patience(ctx)
				defer cancel()
				start := time.Now()
				res.rulings, res.err = s.Simulate(ctx, c, gs)
				g.log(res.judge, start, res.err)
				res.err = cause(ctx, res.err)
			}
			results[i] = res
		})
	}
	wg.Wait()
	return results
}

// cause says why a step's context ended, when that is why the step failed.
func cause(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil && errors.Is(err, context.DeadlineExceeded) {
		return context.Cause(ctx)
	}
	return err
}

func (g *Guard) log(step string, start time.Time, err error) {
	if g.Log == nil {
		return
	}
	attrs := []any{"step", step, "took", time.Since(start).Round(time.Millisecond)}
	if err != nil {
		attrs = append(attrs, "err", err)
	}
	g.Log.Debug("guard asked", attrs...)
}

package prove

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"ssmguard/guard"
	"ssmguard/guard/policy"
)

// Kind is a kind of target.
type Kind string

// The kinds of targets that sessions are started on.
const (
	Instance Kind = "instance" // an EC2 instance
	Managed  Kind = "managed"  // a managed node of another kind, mi-...
	Task     Kind = "task"     // a container of an ECS task
)

// Kinds are all of them.
var Kinds = []Kind{Instance, Managed, Task}

// Range is the requests that a claim is about. What is left out ranges over everything.
type Range struct {
	// Request has the caller and what is stated of the context. A Region, a Target or a
	// Document that is "" is any.
	Request guard.Request
	// Callers are those whose requests they are; none for the Request's alone.
	Callers []guard.Caller
	Kinds   []Kind // of targets, none for all
	Facts   guard.Facts
	Tags    map[string]string   // every target has them, and maybe others
	Without map[string][]string // values that no target has for a tag
}

// Counterexample is one request that a claim is wrong about.
type Counterexample struct {
	Principal  string            `json:"principal"` // ARN
	Region     string            `json:"region"`
	Target     string            `json:"target"`
	TargetTags map[string]string `json:"targetTags"` // empty for an untagged target
	Document   string            `json:"document"`   // name or ARN
	// DocumentTags are empty for an untagged document, and for AWS's own.
	DocumentTags map[string]string   `json:"documentTags"`
	Context      map[string][]string `json:"context"`   // condition keys beside the tags
	Grant        string              `json:"grant"`     // ID of the grant that shows it
	Action       string              `json:"action"`    // of the grant
	Resource     string              `json:"resource"`  // of the grant, an ARN
	Statement    string              `json:"statement"` // what allows or denies the grant, "" if nothing allows it
	Denied       bool                `json:"denied"`    // the grant is denied, not allowed
}

// Result is what is known of a claim.
type Result struct {
	Proven  bool
	Counter *Counterexample // nil if none was found
	Open    []string        // what stands in the way of an answer, if there is neither
}

// Allowed decides the claim that every request of a range is allowed.
func Allowed(set policy.Set, in Range) Result {
	return newProver(in, set).run(func(gs []guard.Grant) (all [][]wish) {
		for i, g := range gs {
			if !g.Advisory {
				all = append(all, []wish{{0, i, true}})
			}
		}
		return all
	})
}

// Denied decides the claim that every request of a range is denied.
func Denied(set policy.Set, in Range) Result {
	return newProver(in, set).run(func(gs []guard.Grant) [][]wish {
		var all []wish
		for i, g := range gs {
			if !g.Advisory {
				all = append(all, wish{0, i, false})
			}
		}
		return [][]wish{all}
	})
}

// NoMore decides the claim that no grant of a session that new allows is denied by old. The
// grants are those of starting, resuming and ending one.
func NoMore(old, new policy.Set, in Range) Result {
	return newProver(in, old, new).run(func(gs []guard.Grant) (all [][]wish) {
		for i, g := range gs {
			if slices.Contains(sessionActions, g.Action) {
				all = append(all, []wish{{1, i, false}, {0, i, true}})
			}
		}
		return all
	})
}

// sessionActions are those that NoMore compares.
var sessionActions = []string{guard.ActionStart, guard.ActionResume, guard.ActionTerminate}

// wish is one verdict that a counterexample needs: that a set denies a grant, or allows it.
type wish struct {
	set, grant int
	denied     bool
}

// prover decides one claim.
type prover struct {
	sets   []policy.Set
	in     Range
	lacks  map[string]bool     // what stood in the way
	steps  int                 // that may still be taken
	apart  map[string][]string // representatives of classes, by the usual one
	named  []string            // values with which conditions compare; nil until they are gathered
	search policy.Evaluator
}

// mostSteps bounds the verdicts that one claim may take.
const mostSteps = 400_000

func newProver(in Range, sets ...policy.Set) *prover {
	if len(in.Callers) == 0 {
		in.Callers = []guard.Caller{in.Request.Caller}
	}
	if len(in.Kinds) == 0 {
		in.Kinds = Kinds
	}
	return &prover{sets: sets, in: in, lacks: make(map[string]bool), apart: make(map[string][]string), steps: mostSteps}
}

// run looks for a request in which all wishes of one of the lists come true.
func (p *prover) run(wishes func([]guard.Grant) [][]wish) Result {
	for _, caller := range p.in.Callers {
		for _, region := range p.regions(caller) {
			r := p.in.Request
			r.Caller, r.Region = caller, region
			if found := p.inRegion(r, wishes); found != nil {
				return Result{Counter: found}
			}
		}
	}
	open := slices.Sorted(maps.Keys(p.lacks))
	return Result{Proven: len(open) == 0, Open: open}
}

// inRegion looks through the targets and documents of one region. Most grants turn on one of
// the two alone, so that what is denied, or allowed, whatever the other is, is left out first.
func (p *prover) inRegion(r guard.Request, wishes func([]guard.Grant) [][]wish) *Counterexample {
	targets, documents := p.targets(r), p.documents(r)
	seen := make(map[string]bool)
	possible := func(g guard.Grant, w wish) bool {
		v := p.verdict(w.set, g)
		if w.denied {
			return v != policy.Allow
		}
		return !v.Denies()
	}
	for _, target := range targets {
		for _, document := range documents {
			q := r.With(target, document)
			grants := p.grants(q)
		lists:
			for _, list := range wishes(grants) {
				for _, w := range list {
					key := grants[w.grant].ID + " " + grants[w.grant].Resource + " " + string(rune('0'+w.set)) + map[bool]string{true: "-"}[w.denied]
					can, known := seen[key]
					if !known {
						can = possible(grants[w.grant], w)
						seen[key] = can
					}
					if !can {
						continue lists
					}
				}
				found, sure := p.find(grants, list, nil)
				if found != nil {
					if c := p.concrete(q, found, list); c != nil {
						return c
					}
					sure = false
				}
				if !sure && len(p.lacks) == 0 {
					p.lacks["a request that was found and could not be shown"] = true
				}
			}
		}
	}
	return nil
}

// grants are those of a request, with the tags of the range. A caller whom nobody named has
// the account of the ARNs.
func (p *prover) grants(r guard.Request) []guard.Grant {
	grants := guard.Needs(r, p.in.Facts)
	account := choice{state: policy.Entry{Key: "aws:PrincipalAccount", Values: []string{r.Caller.Account}, State: policy.KeyKnown}}
	grants = account.applied(grants)
	for i := range grants {
		if grants[i].ID != guard.GrantTarget {
			continue
		}
		for key, value := range p.in.Tags {
			for _, prefix := range tagPrefixes {
				grants[i].Context.Set(prefix+key, value)
			}
		}
	}
	return grants
}

// tagPrefixes are what the condition keys of a resource's tags begin with.
var tagPrefixes = []string{guard.TagSSM, guard.TagGlobal}

// concrete makes one request of what was found, and returns it if guard's verdicts on it are
// those that were wished for.
func (p *prover) concrete(r guard.Request, found []choice, list []wish) *Counterexample {
	facts := p.in.Facts
	facts.Unknown = slices.DeleteFunc(slices.Clone(facts.Unknown), func(what string) bool {
		return what == guard.UnknownTargetTags || what == guard.UnknownDocumentTags
	})
	tags := map[string]string{}
	maps.Copy(tags, facts.TargetTags)
	maps.Copy(tags, p.in.Tags)
	document := map[string]string{}
	maps.Copy(document, facts.DocumentTags)
	context := make(map[string][]string)
	maps.Copy(context, r.Context)
	for _, c := range found {
		tag, isTag := tagOf(c.state.Key)
		switch {
		case c.state.State == policy.KeyAbsent:
		case isTag && c.grant == guard.GrantTarget:
			tags[tag] = c.state.Values[0]
		case isTag && c.grant == guard.GrantDocument:
			document[tag] = c.state.Values[0]
		default:
			context[c.state.Key] = c.state.Values
		}
	}
	facts.TargetTags, facts.DocumentTags = tags, document
	r.Context = context
	grants := guard.Needs(r, facts)
	for i := range grants {
		for _, c := range found { // what is absent cannot be stated
			if c.state.State == policy.KeyAbsent && (c.grant == "" || c.grant == grants[i].ID) {
				grants[i].Context.SetAbsent(c.state.Key)
			}
		}
	}
	for _, w := range list {
		v := p.verdict(w.set, grants[w.grant])
		if w.denied && !v.Denies() || !w.denied && v != policy.Allow {
			return nil
		}
	}
	if arn := context[keyPrincipal]; len(arn) == 1 {
		if r.Caller.Principal = arn[0]; !ofAccount(arn[0], r.Caller) {
			return nil
		}
	}
	shown := list[0]
	g := grants[shown.grant]
	answer := guard.Evaluate(p.sets[shown.set], g)
	c := &Counterexample{
		Principal: r.Caller.Principal, Region: r.Region, Target: r.Target, TargetTags: tags, Document: cmp.Or(r.Document, guard.DefaultDocument), DocumentTags: document,
		Context: context, Grant: g.ID, Action: g.Action, Resource: g.Resource, Denied: shown.denied,
	}
	if len(answer.By) > 0 {
		c.Statement = answer.By[0].String()
	}
	return c
}

// keyPrincipal is the key of the caller's ARN.
const keyPrincipal = "aws:PrincipalArn"

// ofAccount reports whether an ARN is one of a user or a role in the caller's account.
func ofAccount(arn string, c guard.Caller) bool {
	rest, ok := strings.CutPrefix(arn, "arn:"+c.Partition+":iam::"+c.Account+":")
	return ok && (strings.HasPrefix(rest, "user/") || strings.HasPrefix(rest, "role/"))
}

// tagOf returns the tag that a condition key is about.
func tagOf(key string) (tag string, ok bool) {
	for _, prefix := range tagPrefixes {
		if len(key) > len(prefix) && strings.EqualFold(key[:len(prefix)], prefix) {
			return key[len(prefix):], true
		}
	}
	return "", false
}

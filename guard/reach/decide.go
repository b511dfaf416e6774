package reach

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"ssmguard/guard"
	"ssmguard/guard/policy"
)

// Group is the answers that are the same for some principals.
type Group struct {
	Principals []int   // of Account.Principals, in their order
	Blocks     []Block // one for each region of the targets
}

// Block is the answers of one region. That of a session on a target with a document is
// Session(target's class, document's class).
type Block struct {
	Region    string
	Targets   []Class // of Account.Targets, each in one class
	Documents []Class // of Account.Documents
}

// Class is targets or documents with the same answer to one of the two grants of a session.
type Class struct {
	Items  []int
	Answer Answer
}

// Answer is what is decided about one grant.
type Answer struct {
	Verdict policy.Verdict
	By      []Reason      // the statements that allow it, or deny it; of an undecided one those that allow it in the layers that do
	Lacking []policy.Kind // of an implicit deny: the layers that do not allow it
	Open    []string      // of an undecided one: the keys and layers it turns on, as in policy.Answer
}

// Reason is a statement that decides.
type Reason struct {
	Layer  policy.Kind
	Policy *Policy    // whose name the principal's attachment tells; nil for the organization's and the endpoint's
	At     policy.Pos // Source is empty if there is a Policy
}

// weights order verdicts from the best to the worst, as guard.Decision does.
var weights = [...]int{policy.Allow: 0, policy.Unknown: 1, policy.ImplicitDeny: 2, policy.ExplicitDeny: 3}

// Session returns the verdict on a session, given those on the target and on the document.
func Session(target, document policy.Verdict) policy.Verdict {
	if weights[document] > weights[target] {
		return document
	}
	return target
}

// NameOf returns the name by which a principal has a policy.
func (p *Principal) NameOf(r Reason) string {
	switch {
	case r.Policy == nil:
		return r.At.Source
	case r.Layer == policy.Boundary && p.Boundary != nil:
		return p.Boundary.Name
	}
	for _, at := range p.Identity {
		if at.Policy == r.Policy {
			return at.Name
		}
	}
	return ""
}

// group is principals that one half cannot tell apart.
type group struct {
	set *reduced
	one int // of the principals
}

// pair is a group of each half.
type pair struct{ target, document int }

// Decide decides every request of an account, and calls each with the answers, group by group,
// until it returns an error. Memory grows with the number of principals, targets and documents,
// not with the number of requests.
func (a *Account) Decide(each func(Group) error) error {
	if len(a.Principals) == 0 || len(a.Targets) == 0 || len(a.Documents) == 0 {
		return nil
	}
	targets, documents := a.newHalf(ofTargets), a.newHalf(ofDocuments)
	members := make(map[pair][]int)
	for i := range a.Principals {
		at := pair{targets.groupOf(i), documents.groupOf(i)}
		members[at] = append(members[at], i)
	}
	pairs := make([]pair, 0, len(members))
	for at := range members {
		pairs = append(pairs, at)
	}
	slices.SortFunc(pairs, func(x, y pair) int { // what was decided about a group's targets is kept for the next one alone
		return cmp.Or(cmp.Compare(x.target, y.target), cmp.Compare(x.document, y.document))
	})
	last, blocks := -1, []Block(nil)
	kept := make(map[int]map[string][]Class)
	for _, at := range pairs {
		if at.target != last {
			last, blocks = at.target, nil
			classes := targets.decide(at.target)
			for _, region := range targets.regions {
				blocks = append(blocks, Block{Region: region, Targets: classes[region]})
			}
		}
		answers := kept[at.document]
		if answers == nil {
			if len(kept) == mostKept {
				clear(kept)
			}
			answers = documents.decide(at.document)
			kept[at.document] = answers
		}
		g := Group{Principals: members[at], Blocks: slices.Clone(blocks)}
		for i := range g.Blocks {
			g.Blocks[i].Documents = answers[g.Blocks[i].Region]
		}
		if err := each(g); err != nil {
			return err
		}
	}
	return nil
}

// mostKept bounds what is kept of one group for others.
const mostKept = 256

// decide decides a group's requests, one of each class, and returns the classes by region, those
// with equal answers as one. Of documents a class's items are documents, whatever the region.
func (h *half) decide(g int) map[string][]Class {
	group := h.groups[g]
	out := make(map[string][]Class)
	same := make(map[string]int)
	for _, members := range h.partition(group) {
		it := &h.items[members[0]]
		answer := h.ask(group, it)
		key := fmt.Sprintf("%q %#v", it.region, answer)
		at, ok := same[key]
		if !ok {
			at = len(out[it.region])
			same[key] = at
			out[it.region] = append(out[it.region], Class{Answer: answer})
		}
		c := &out[it.region][at]
		for _, m := range members {
			c.Items = append(c.Items, h.items[m].index)
		}
	}
	for _, classes := range out {
		for i := range classes {
			slices.Sort(classes[i].Items)
		}
	}
	return out
}

// need returns the grant of a group for an item; none for a target without an ARN.
func (h *half) need(g group, it *item) (guard.Grant, bool) {
	target, document := it.index, it.other
	if h.of == ofDocuments {
		target, document = it.other, it.index
	}
	r, f := h.account.Request(g.one, target, document)
	for _, need := range guard.Needs(r, f) {
		if need.ID == h.of.grant() {
			return need, true
		}
	}
	return guard.Grant{}, false
}

// ask asks guard about one request.
func (h *half) ask(g group, it *item) Answer {
	need, ok := h.need(g, it)
	if !ok {
		return Answer{}
	}
	return answerOf(guard.Judge(g.set.set, "local", []guard.Grant{need})[0].Answer, g.set.set, h.policies)
}

// answerOf keeps of an answer by the policies of a set what is told.
func answerOf(a policy.Answer, set policy.Set, policies []*Policy) Answer {
	out := Answer{Verdict: a.Verdict}
	reason := func(layer policy.Kind, at policy.Pos) {
		r := Reason{Layer: layer, At: at}
		if id, ok := idOf(at.Source); ok {
			r.Policy, r.At.Source = policies[id], ""
		}
		out.By = append(out.By, r)
	}
	for _, l := range a.Layers {
		switch {
		case (a.Verdict == policy.Allow || a.Verdict == policy.Unknown) && l.Verdict == policy.Allow, a.Verdict == policy.ExplicitDeny && l.Verdict == policy.ExplicitDeny:
			for _, at := range l.By {
				reason(l.Layer, at)
			}
		case a.Verdict == policy.ImplicitDeny && l.Verdict == policy.ImplicitDeny:
			if !slices.Contains(out.Lacking, l.Layer) {
				out.Lacking = append(out.Lacking, l.Layer)
			}
		}
	}
	if a.Verdict == policy.ExplicitDeny && len(out.By) == 0 { // one of several denies, whatever the unknown keys are
		for _, layer := range guard.LayersOf(set) {
			for i := range layer.Statements {
				if at := layer.Statements[i].At; slices.Contains(a.By, at) {
					reason(layer.Kind, at)
				}
			}
		}
	}
	if a.Verdict == policy.Unknown {
		out.Open = slices.Clone(a.DependsOn)
		slices.SortFunc(out.Open, func(x, y string) int { return strings.Compare(strings.ToLower(x), strings.ToLower(y)) })
	}
	return out
}

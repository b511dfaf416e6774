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
	Open    []string            // what of the range itself is not known, which stands in the way of a proof
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

	By      []policy.Pos  `json:"-"` // the statements that decide
	Request guard.Request `json:"-"` // as guard is asked
	Facts   guard.Facts   `json:"-"` // of its target and document
	Others  bool          `json:"-"` // it is about a session that another caller started
	Alone   bool          `json:"-"` // the grant shows it by itself, whatever the others are
}

// size is how much has to be so for a counterexample to be one.
func (c *Counterexample) size() int {
	return len(c.TargetTags) + len(c.DocumentTags) + len(c.Context)
}

// Result is what is known of a claim.
type Result struct {
	Proven  bool
	Counter *Counterexample   // nil if none was found
	More    []*Counterexample // of NoMore: those of other grants, smallest first
	Open    []string          // what stands in the way of an answer, if there is neither
}

// Allowed decides the claim that every request of a range is allowed.
func Allowed(set policy.Set, in Range) Result {
	return newProver(in, startAction, set).run(func(gs []guard.Grant) (all [][]wish) {
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
	p := newProver(in, startAction, set)
	p.both = in.Request.Target == "" && in.Request.Document == ""
	return p.run(func(gs []guard.Grant) [][]wish {
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
// grants are those of starting one, and of resuming and ending the caller's own and others'.
func NoMore(old, new policy.Set, in Range) Result {
	p := newProver(in, sessionActions, old, new)
	p.every = true
	return p.run(func(gs []guard.Grant) (all [][]wish) {
		for i, g := range gs {
			if slices.Contains(sessionActions, g.Action) {
				all = append(all, []wish{{1, i, false}, {0, i, true}})
			}
		}
		return all
	})
}

// startAction is what Allowed and Denied are about, sessionActions what NoMore compares.
var (
	startAction    = []string{guard.ActionStart}
	sessionActions = []string{guard.ActionStart, guard.ActionResume, guard.ActionTerminate}
)

// wish is one verdict that a counterexample needs: that a set denies a grant, or allows it.
type wish struct {
	set, grant int
	denied     bool
}

// prover decides one claim.
type prover struct {
	sets    []policy.Set
	actions []string // that the claim is about
	every   bool     // one counterexample for each grant is looked for, not one for all
	both    bool     // target and document range, and a counterexample is about both at once
	spreads bool     // the sets are those of another prover, spread
	in      Range
	lacks   map[string]bool             // what stood in the way
	steps   int                         // that may still be taken
	apart   map[string][]string         // representatives of classes, by the usual one
	vague   map[string]string           // patterns whose variables were not looked through, and which variables
	twin    map[bool][]policy.Statement // what twins has gathered
	search  policy.Evaluator
	found   map[string]*Counterexample // by grant
}

// mostSteps bounds the verdicts that one claim may take.
const mostSteps = 400_000

func newProver(in Range, actions []string, sets ...policy.Set) *prover {
	if len(in.Callers) == 0 {
		in.Callers = []guard.Caller{in.Request.Caller}
	}
	if len(in.Kinds) == 0 {
		in.Kinds = Kinds
	}
	p := &prover{sets: sets, actions: actions, in: in, lacks: make(map[string]bool), apart: make(map[string][]string), steps: mostSteps,
		vague: make(map[string]string), twin: make(map[bool][]policy.Statement), found: make(map[string]*Counterexample)}
	for _, what := range in.Open {
		p.lacks[what] = true
	}
	return p
}

// run looks for a request in which all wishes of one of the lists come true.
func (p *prover) run(wishes func([]guard.Grant) [][]wish) (r Result) {
	for _, caller := range p.in.Callers {
		for _, region := range p.regions(caller) {
			q := question{Request: p.in.Request}
			q.Caller, q.Region = caller, region
			p.inRegion(q, wishes)
			if len(p.found) > 0 && !p.every {
				break
			}
		}
	}
	for _, c := range p.found {
		r.More = append(r.More, c)
	}
	slices.SortFunc(r.More, func(a, b *Counterexample) int {
		return cmp.Or(cmp.Compare(a.size(), b.size()), cmp.Compare(order(a), order(b)))
	})
	if len(r.More) > 0 {
		r.Counter, r.More = r.More[0], r.More[1:]
		return r
	}
	if len(p.vague) > 0 && !p.whatever(wishes) {
		for _, key := range p.vague {
			p.lacks["which names go with which values of "+key+", which stands in a resource"] = true
		}
	}
	r.Open = slices.Sorted(maps.Keys(p.lacks))
	r.Proven = len(r.Open) == 0
	return r
}

// whatever reports whether a claim is so, whichever resources the patterns match that were not
// looked through.
func (p *prover) whatever(wishes func([]guard.Grant) [][]wish) bool {
	o := newProver(p.in, p.actions)
	o.every, o.both, o.spreads, o.steps = p.every, p.both, true, p.steps
	for _, set := range p.sets {
		wider, err := p.spread(set)
		if err != nil {
			return false
		}
		o.sets = append(o.sets, wider)
	}
	return o.run(wishes).Proven
}

// order is where counterexamples that are as small stand: starting a session comes first,
// the sessions of others last.
func order(c *Counterexample) int {
	n := slices.Index([]string{guard.GrantTarget, guard.GrantDocument, guard.GrantResume, guard.GrantTerminate}, c.Grant)
	if c.Others {
		n += 10
	}
	return n
}

// question is one request, or one about a session that was started.
type question struct {
	guard.Request
	session string // the resource of its ARN, "" for one as the request starts it
	others  bool   // somebody else has started it
}

// anyUser reports whether it is not known which user asks.
func (q question) anyUser() bool {
	return q.Caller.Kind() == guard.User && slices.Contains(q.Caller.Unknown, guard.UnknownPrincipal)
}

// inRegion looks through the targets, documents and others' sessions of one region. Most
// grants turn on one of them alone, so that what is denied, or allowed, whatever the others
// are, is left out first.
func (p *prover) inRegion(q question, wishes func([]guard.Grant) [][]wish) {
	targets, documents := p.targets(q.Request), p.documents(q.Request)
	seen := make(map[string]bool)
	for _, target := range targets {
		for _, document := range documents {
			q.Target, q.Document = target, document // what is stated of one alone is stated of each
			if p.look(q, wishes, seen) {
				return
			}
		}
		for _, caller := range p.owners(q.Caller) {
			o := q
			o.Caller = caller
			sessions, own := p.sessions(o.Request)
			for _, session := range sessions {
				o.session, o.others = session, !own[session]
				p.look(o, wishes, seen)
			}
		}
	}
}

// look asks one question, and reports whether it refutes the claim and that is enough. Seen
// has what came of the like.
func (p *prover) look(q question, wishes func([]guard.Grant) [][]wish, seen map[string]bool) bool {
	grants := p.grants(q)
lists:
	for _, list := range wishes(grants) {
		if started := grants[list[0].grant].Action != guard.ActionStart; started && q.session == "" && q.anyUser() {
			continue // the name of a session tells who has started it
		}
		name := ""
		for _, w := range list {
			g := &grants[w.grant]
			key := g.ID + " " + g.Resource + " " + string(rune('0'+w.set)) + map[bool]string{true: "-"}[w.denied]
			if g.Action != guard.ActionStart {
				key += " " + q.Target + " " + q.Caller.SessionARN // which the tags and the name of a session have
			}
			name += key + " "
			can, known := seen[key]
			if !known {
				v := p.verdict(w.set, *g)
				can = w.denied && v != policy.Allow || !w.denied && !v.Denies()
				seen[key] = can
			}
			if !can {
				continue lists
			}
		}
		kind := grants[list[0].grant].ID
		if q.others {
			kind += ", others'"
		}
		if best := p.found[kind]; p.every && (seen["found "+name] || best != nil && best.size() <= 0) {
			continue
		}
		seen["found "+name] = true
		c, sure := p.find(q, grants, list, nil)
		switch best := p.found[kind]; {
		case c != nil && (best == nil || c.size() < best.size()):
			p.found[kind] = c
		case c == nil && !sure && len(p.lacks) == 0:
			p.lacks["a request that was found and could not be shown"] = true
		}
		if c != nil && !p.every && c.Context["document:"+keyAccount] == nil { // whose AWS's documents are is not known
			return true
		}
	}
	return false
}

// grants are those of a question, with the tags of the range. A caller whom nobody named has
// the account of the ARNs.
func (p *prover) grants(q question) []guard.Grant {
	grants := q.needs(p.in.Facts)
	account := choice{state: policy.Entry{Key: "aws:PrincipalAccount", Values: []string{q.Caller.Account}, State: policy.KeyKnown}}
	grants = account.applied(grants)
	for i := range grants {
		if p.spreads {
			grants[i].Context.SetUnknown(spreadKey + "*")
		}
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

// needs are the grants of a question. It is not known which user has started the session of
// another.
func (q question) needs(f guard.Facts) (grants []guard.Grant) {
	if q.session == "" {
		return guard.Needs(q.Request, f)
	}
	for _, g := range guard.Needs(q.Request, f) {
		if !slices.Contains([]string{guard.ActionResume, guard.ActionTerminate}, g.Action) {
			continue
		}
		fields := strings.SplitN(g.Resource, ":", 6)
		fields[5] = q.session
		g.Resource = strings.Join(fields, ":")
		if values := q.Context[guard.SessionTagID]; len(values) == 1 {
			g.Context.Set(guard.SessionTagID, values[0])
		} else if q.others {
			g.Context.SetUnknown(guard.SessionTagID)
		}
		grants = append(grants, g)
	}
	return grants
}

// tagPrefixes are what the condition keys of a resource's tags begin with.
var tagPrefixes = []string{guard.TagSSM, guard.TagGlobal}

// concrete makes one request of what was found, and returns it if guard's verdicts on it are
// those that were wished for.
func (p *prover) concrete(q question, found []choice, list []wish) *Counterexample {
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
	maps.Copy(context, q.Context)
	for _, c := range found {
		tag, isTag := tagOf(c.state.Key)
		switch {
		case c.state.State == policy.KeyAbsent:
		case isTag && c.grant == guard.GrantTarget:
			tags[tag] = c.state.Values[0]
		case isTag && c.grant == guard.GrantDocument:
			document[tag] = c.state.Values[0]
		case c.grant == guard.GrantTarget:
			context["target:"+c.state.Key] = c.state.Values
		case c.grant == guard.GrantDocument:
			context["document:"+c.state.Key] = c.state.Values
		default:
			context[c.state.Key] = c.state.Values
		}
	}
	if !q.named(context) || !sameMoment(context) {
		return nil
	}
	facts.TargetTags, facts.DocumentTags = tags, document
	q.Context = context
	grants := q.needs(facts)
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
	shown := list[0]
	g := grants[shown.grant]
	answer := guard.Evaluate(p.sets[shown.set], g)
	c := &Counterexample{
		Principal: cmp.Or(q.Caller.Principal, q.Caller.SessionARN), Region: q.Region, Target: q.Target, TargetTags: tags, Document: cmp.Or(q.Document, guard.DefaultDocument), DocumentTags: document,
		Context: context, Grant: g.ID, Action: g.Action, Resource: g.Resource, Denied: shown.denied,
		By: slices.Clone(answer.By), Request: q.Request, Facts: facts, Others: q.others, Alone: len(list) == 1 || p.every,
	}
	if len(answer.By) > 0 {
		c.Statement = answer.By[0].String()
	}
	return c
}

// named makes the caller of a question the one whose ARN and name were found, of which the
// context then says nothing. It is not ok if no user or role of the account is that one.
func (q *question) named(context map[string][]string) (ok bool) {
	arn, name := context[keyPrincipal], context[keyUserName]
	if len(arn) == 0 && len(name) == 0 {
		return true
	}
	if !slices.Contains(q.Caller.Unknown, guard.UnknownPrincipal) {
		if len(arn) == 1 {
			q.Caller.Principal = arn[0] // of a role whose path was not known
			q.Caller.Unknown = slices.DeleteFunc(slices.Clone(q.Caller.Unknown), func(u string) bool { return u == guard.UnknownPath })
		}
		return true
	}
	if len(arn) == 0 {
		arn = []string{principals(q.Caller) + name[0]}
	}
	last := arn[0][strings.LastIndexByte(arn[0], '/')+1:]
	if len(name) == 1 && last != name[0] || !strings.HasPrefix(arn[0], principals(q.Caller)) || last == "" {
		return false
	}
	q.Caller.Principal, q.Caller.SessionARN = arn[0], arn[0]
	if kindOf(q.Caller) == "role" {
		q.Caller.SessionARN = "arn:" + q.Caller.Partition + ":sts::" + q.Caller.Account + ":assumed-role/" + last + "/session"
	}
	q.Caller.Unknown = slices.DeleteFunc(slices.Clone(q.Caller.Unknown), func(u string) bool { return u == guard.UnknownPrincipal })
	delete(context, keyPrincipal)
	delete(context, keyUserName)
	return true
}

// principals begins the ARNs of the callers of the kind and account of one.
func principals(c guard.Caller) string {
	return "arn:" + c.Partition + ":iam::" + c.Account + ":" + kindOf(c) + "/"
}

// kindOf is what the ARN of a caller's policies calls it.
func kindOf(c guard.Caller) string {
	if c.Kind() == guard.AssumedRole {
		return "role"
	}
	return "user"
}

// The keys of the caller's ARN and name.
const (
	keyPrincipal = "aws:PrincipalArn"
	keyUserName  = "aws:username"
)

// tagOf returns the tag that a condition key is about.
func tagOf(key string) (tag string, ok bool) {
	for _, prefix := range tagPrefixes {
		if len(key) > len(prefix) && strings.EqualFold(key[:len(prefix)], prefix) {
			return key[len(prefix):], true
		}
	}
	return "", false
}

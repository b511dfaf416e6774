package guard

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"ssmguard/guard/policy"
)

// repairs works out the fixes of one decision, one for each group of grants that
// are repaired together: what a session cannot start without, what its owner
// does to it later, its data channel, its key.
type repairs struct {
	d     Decision
	fixes map[string]*Fix
}

// Propose gives every finding of a denied grant the repair that lets the request
// through. A finding that has a fix keeps it.
func Propose(d Decision) Decision {
	r := &repairs{d: d, fixes: make(map[string]*Fix)}
	fs := slices.Clone(d.Findings)
	for i := range fs {
		for _, g := range d.Grants {
			if f := &fs[i]; f.Grant == g.ID && f.Level > Note && f.Fix == nil && d.Of(g.ID).Verdict.Denies() {
				f.Fix = r.of(g)
			}
		}
	}
	d.Findings = fs
	return d
}

// of returns the fix for a grant. Grants of one group share theirs. No change of a
// policy starts a session with a document that cannot start any.
func (r *repairs) of(g Grant) *Fix {
	if DocumentUnusable(r.d.Request, r.d.Facts) {
		return nil
	}
	group := groupOf(g)
	if _, ok := r.fixes[group]; !ok {
		r.fixes[group] = r.work(group)
	}
	return r.fixes[group]
}

func groupOf(g Grant) string {
	switch g.ID {
	case GrantTarget, GrantDocument:
		return "start"
	case GrantResume, GrantTerminate:
		return "session"
	case GrantTask, GrantCluster:
		return "execute"
	}
	return g.ID
}

// allowed says what a repaired group makes possible, partly what one grant of it does.
var (
	allowed = map[string]string{
		"start": "the session is allowed", "session": "the session can be resumed and ended", "execute": "the command is allowed",
		GrantDataChannel: "the data channel is allowed", GrantKMS: "the key may be used",
	}
	partly = map[string]string{
		GrantTarget: "the target may be used", GrantDocument: "the document may be used",
		GrantResume: "the session can be resumed", GrantTerminate: "the session can be ended",
		GrantTask: "the task may be used", GrantCluster: "the cluster may be used",
	}
)

func (r *repairs) work(group string) *Fix {
	var grants []Grant
	for _, g := range r.d.Grants {
		if groupOf(g) == group && r.d.Of(g.ID).Verdict.Denies() {
			grants = append(grants, g)
		}
	}
	if r.d.Policies == nil {
		return r.unseen(grants)
	}
	set := *r.d.Policies
	set.Partial = nil // what cannot be read cannot be repaired either
	probes := probesFor(r.d.Request, r.d.Facts, set)
	p := plan{d: r.d, set: set, grants: grants, group: group, probes: probes, before: verdicts(set, probes)}
	fix := p.begin(false)
	if fix != nil && len(fix.Needs) > 0 && !fix.Checked {
		// Another policy forbids what this one asks of the request.
		if other := p.begin(true); other != nil && other.Checked {
			return other
		}
	}
	return fix
}

// unseen proposes a statement without having seen the policies, or says whom to
// ask when the simulation blames a layer that others own. Against an explicit
// deny a statement would not help.
func (r *repairs) unseen(grants []Grant) *Fix {
	fix := &Fix{}
	var lacking []Grant
	for _, g := range grants {
		fix.Grants = append(fix.Grants, g.ID)
		owner := ""
		for _, ruling := range r.d.Of(g.ID).Rulings {
			for _, la := range ruling.Answer.Layers {
				if la.Verdict.Denies() && owners[la.Layer] != "" {
					owner = owners[la.Layer]
				}
			}
		}
		switch {
		case owner != "":
			fix.Ask = owner
			fix.Message += "Please allow " + r.d.Request.Caller.SessionARN + " " + g.Action + " on " + g.Resource + ".\n"
		case r.d.Of(g.ID).Verdict != policy.ExplicitDeny:
			lacking = append(lacking, g)
		}
	}
	if len(lacking) == 0 && fix.Ask == "" {
		return nil
	}
	who := r.d.Request.Caller.Home()
	for _, s := range permissions(lacking) {
		fix.Changes = append(fix.Changes, Change{Kind: AddStatement, Layer: "identity", Where: who, Statement: s.String()})
	}
	fix.Text = "add to " + who
	if len(fix.Changes) == 0 {
		fix.Text = "ask " + fix.Ask
	}
	return fix
}

// permissions drafts the statements that allow some grants: one for each set of
// actions that shares its resources.
func permissions(grants []Grant) []draft {
	var start, own texts
	var out []draft
	for _, g := range grants {
		switch {
		case g.Action == actionStart:
			start = append(start, g.Resource)
		case g.ID == GrantResume || g.ID == GrantTerminate:
			own = append(own, g.Action)
		case g.ID == GrantDataChannel:
			out = append(out, allow(texts{g.Action}, texts{"*"}))
		default:
			out = append(out, allow(texts{g.Action}, texts{g.Resource}))
		}
	}
	if len(own) > 0 {
		d := allow(own, texts{"*"})
		d.Condition = map[string]map[string]texts{"StringLike": {sessionTagID: {"${aws:userid}"}}}
		out = append([]draft{d}, out...)
	}
	if len(start) > 0 {
		out = append([]draft{allow(texts{actionStart}, start)}, out...)
	}
	return out
}

// plan is one fix in the making.
type plan struct {
	d      Decision
	set    policy.Set // with the changes so far
	grants []Grant    // what is to be allowed, with the keys they must carry
	group  string
	probes []probe
	before []policy.Verdict
	fix    *Fix
	texts  []string // what to do, step by step
	asIs   bool     // the request stays as it is
}

// begin works on a copy of the plan.
func (p plan) begin(asIs bool) *Fix {
	p.grants, p.fix, p.asIs = slices.Clone(p.grants), &Fix{}, asIs
	return p.work()
}

// work removes what denies, then adds what is missing, layer by layer, and checks
// the whole.
func (p *plan) work() *Fix {
	for _, l := range layersOf(p.set) {
		for _, s := range p.denying(l) {
			p.undeny(l, s)
		}
	}
	for _, l := range layersOf(p.set) {
		if lacking := p.lacking(l); len(lacking) > 0 {
			p.permit(l, lacking)
		}
	}
	for _, g := range p.grants {
		p.fix.Grants = append(p.fix.Grants, g.ID)
	}
	if len(p.fix.Changes) == 0 && len(p.fix.Needs) == 0 {
		return nil
	}
	p.fix.Text = join(p.texts, "and")
	p.check()
	p.ask()
	return p.fix
}

// denying returns the Deny statements of a layer that match any of the grants.
func (p *plan) denying(l layer) []*policy.Statement {
	var out []*policy.Statement
	for _, g := range p.grants {
		for _, s := range l.denying(evaluate(p.set, g)) {
			if !slices.ContainsFunc(out, func(o *policy.Statement) bool { return o.At == s.At }) {
				out = append(out, s)
			}
		}
	}
	return out
}

// lacking returns the grants that nothing in a layer allows. What was not read of
// a layer may allow them.
func (p *plan) lacking(l layer) []Grant {
	if slices.Contains(p.d.Policies.Partial, l.name) {
		return nil
	}
	var out []Grant
	for _, g := range p.grants {
		if l.says(evaluate(p.set, g)).Verdict == policy.ImplicitDeny {
			out = append(out, g)
		}
	}
	return out
}

// carry makes the request itself different: keys that it must carry.
func (p *plan) carry(keys map[string]string) {
	if p.fix.Needs == nil {
		p.fix.Needs = make(map[string]string)
	}
	maps.Copy(p.fix.Needs, keys)
	for _, g := range Needs(p.request(), p.d.Facts) {
		for i := range p.grants {
			if p.grants[i].ID == g.ID {
				p.grants[i] = g
			}
		}
	}
}

// request is the request with the keys it must carry.
func (p *plan) request() Request {
	r := p.d.Request
	r.Context = maps.Clone(r.Context)
	if r.Context == nil {
		r.Context = make(map[string][]string)
	}
	for key, value := range p.fix.Needs {
		r.Context[key] = []string{value}
	}
	return r
}

// apply makes one change for good.
func (p *plan) apply(c Change, text string) {
	set, err := Apply(p.set, c)
	if err != nil {
		return // a draft the evaluator refuses is not offered
	}
	p.set = set
	p.fix.Changes = append(p.fix.Changes, c)
	if !slices.Contains(p.texts, text) {
		p.texts = append(p.texts, text)
	}
}

// check evaluates the grants and the neighbours with the whole fix.
func (p *plan) check() {
	if slices.ContainsFunc(p.grants, func(g Grant) bool { return !p.passes(g) }) {
		return
	}
	p.fix.Checked = true
	with := "with this change "
	switch {
	case len(p.fix.Changes) == 0:
		with = "so "
	case len(p.fix.Changes) == 1 && p.fix.Changes[0].Kind == AddStatement:
		with = "with this statement "
	case len(p.fix.Changes) > 1:
		with = "with these changes "
	}
	p.fix.Check = with + p.outcome() + changed(p.probes, p.before, verdicts(p.set, p.probes)).String()
	if len(p.d.Policies.Partial) > 0 {
		p.fix.Check += ", as far as the policies can be read"
	}
	if unseen := DocumentUnseen(p.d.Request, p.d.Facts); unseen != "" && p.group == "start" {
		p.fix.Check += "; " + unseen
	}
}

// passes tells whether a grant is allowed with the changes so far, as far as the
// policies can be read.
func (p *plan) passes(g Grant) bool {
	set := p.set
	set.Partial = p.d.Policies.Partial
	a := evaluate(set, g)
	keys, _ := splitDepends(a.DependsOn)
	return a.Verdict == policy.Allow || a.Verdict == policy.Unknown && len(keys) == 0
}

// outcome says what the fix makes possible. That the session is allowed takes
// every grant of the group, those that were not denied included.
func (p *plan) outcome() string {
	if slices.ContainsFunc(p.whole(), func(g Grant) bool { return evaluate(p.set, g).Verdict != policy.Allow }) {
		return cmp.Or(partly[p.grants[0].ID], allowed[p.group])
	}
	return allowed[p.group]
}

// list names the first few of many.
func list(labels []string) string {
	const most = 3
	if len(labels) > most {
		return strings.Join(labels[:most], ", ") + fmt.Sprintf(" and %d more", len(labels)-most)
	}
	return join(labels, "and")
}

// owners are who can change a layer that the caller's administrator cannot.
var owners = map[string]string{
	"boundary": "the administrator who set the permissions boundary",
	"session":  "whoever made these credentials with a session policy",
	"scp":      "the administrator of the organization",
	"rcp":      "the administrator of the organization",
	"endpoint": "the owner of the VPC endpoint",
}

// ask writes the message for the layers that others own.
func (p *plan) ask() {
	var who []string
	for _, c := range p.fix.Changes {
		if o := owners[c.Layer]; o != "" && !slices.Contains(who, o) {
			who = append(who, o)
		}
	}
	if len(who) == 0 {
		return
	}
	p.fix.Ask = join(who, "and")
	var b strings.Builder
	fmt.Fprintf(&b, "Please allow %s in account %s, region %s:\n", p.d.Request.Caller.SessionARN, p.d.Request.Caller.Account, p.d.Request.Region)
	for _, g := range p.grants {
		fmt.Fprintf(&b, "- %s on %s\n", g.Action, g.Resource)
	}
	for _, c := range p.fix.Changes {
		if owners[c.Layer] == "" {
			continue
		}
		fmt.Fprintf(&b, "The %s has to change: %s.\n", layerTitles[c.Layer], c.describe())
	}
	p.fix.Message = b.String()
}

// describe says in a clause what a change does.
func (c Change) describe() string {
	switch c.Kind {
	case RemoveStatement:
		return "remove " + c.At.String()
	case ReplaceStatement:
		return "replace " + c.At.String() + " with " + c.Statement
	}
	return "add " + c.Statement + " to " + c.Where
}

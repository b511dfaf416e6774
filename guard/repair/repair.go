package repair

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"ssmguard/guard"
	"ssmguard/guard/policy"
)

// repairs works out the fixes of one decision, one for each group of grants that
// are repaired together: what a session cannot start without, what its owner
// does to it later, its data channel, its key.
type repairs struct {
	d     guard.Decision
	fixes map[string]*guard.Fix
	judge policy.Evaluator

	probes []probe // of all repairs
	before []policy.Verdict
}

// Propose gives every finding of a denied grant the repair that lets the request
// through. A finding that has a fix keeps it.
func Propose(d guard.Decision) guard.Decision {
	r := &repairs{d: d, fixes: make(map[string]*guard.Fix)}
	fs := slices.Clone(d.Findings)
	for i := range fs {
		for _, g := range d.Grants {
			if f := &fs[i]; f.Grant == g.ID && f.Level > guard.Note && f.Fix == nil && d.Of(g.ID).Verdict.Denies() {
				f.Fix = r.of(g)
			}
		}
	}
	d.Findings = fs
	return d
}

// of returns the fix for a grant. Grants of one group share theirs. No change of a
// policy starts a session with a document that cannot start any.
func (r *repairs) of(g guard.Grant) *guard.Fix {
	if guard.DocumentUnusable(r.d.Request, r.d.Facts) {
		return nil
	}
	group := guard.GroupOf(g)
	if _, ok := r.fixes[group]; !ok {
		r.fixes[group] = r.work(group)
	}
	return r.fixes[group]
}

// allowed says what a repaired group makes possible, partly what one grant of it does.
var (
	allowed = map[string]string{
		"start": "the session is allowed", "session": "own sessions can be resumed and ended", "execute": "the command is allowed",
		guard.GrantDataChannel: "the data channel is allowed", guard.GrantKMS: "the key may be used",
	}
	partly = map[string]string{
		guard.GrantTarget: "the target may be used", guard.GrantDocument: "the document may be used",
		guard.GrantResume: "own sessions can be resumed", guard.GrantTerminate: "own sessions can be ended",
		guard.GrantTask: "the task may be used", guard.GrantCluster: "the cluster may be used",
	}
)

func (r *repairs) work(group string) *guard.Fix {
	var grants []guard.Grant
	for _, g := range r.d.Grants {
		if guard.GroupOf(g) == group && r.d.Of(g.ID).Verdict.Denies() {
			grants = append(grants, g)
		}
	}
	if r.d.Policies == nil {
		return r.unseen(grants)
	}
	set := *r.d.Policies
	set.Partial = nil // what cannot be read cannot be repaired either
	if r.probes == nil {
		r.probes = probesFor(r.d.Request, r.d.Facts, set)
		r.before = verdicts(&r.judge, set, r.probes)
	}
	p := plan{d: r.d, set: set, grants: grants, group: group, judge: &r.judge}
	for i, one := range r.probes {
		if group != "session" || one.label != ownSessions {
			p.probes, p.before = append(p.probes, one), append(p.before, r.before[i])
		}
	}
	p.latest, p.trials = p.before, make(map[guard.Change]trial)
	fix := p.begin(false)
	if fix != nil && len(fix.Needs) > 0 && !fix.Checked {
		// Another policy forbids what this one asks of the request.
		if other := p.begin(true); other != nil && other.Checked {
			return other
		}
	}
	if fix != nil && fix.Checked && fix.Needs["aws:MultiFactorAuthPresent"] != "" && permissionSet(r.d.Request.Caller) {
		fix.Checked = false
		fix.Check += ", if sessions of IAM Identity Center carry the key, which is not documented"
	}
	return fix
}

// unseen proposes a statement without having seen the policies, or says whom to
// ask when the simulation blames a layer that others own. Against an explicit
// deny a statement would not help.
func (r *repairs) unseen(grants []guard.Grant) *guard.Fix {
	fix := &guard.Fix{}
	var lacking []guard.Grant
	for _, g := range grants {
		fix.Grants = append(fix.Grants, g.ID)
		owner := ""
		for _, ruling := range r.d.Of(g.ID).Rulings {
			for _, la := range ruling.Answer.Layers {
				if o := guard.Owner(la.Layer); la.Verdict.Denies() && o != "" {
					owner = o
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
	for _, s := range guard.Permissions(lacking) {
		fix.Changes = append(fix.Changes, guard.Change{Kind: guard.AddStatement, Where: who, Statement: s.String()})
	}
	fix.Text = "add to " + who
	if len(fix.Changes) == 0 {
		fix.Text = "ask " + fix.Ask
	}
	return fix
}

// plan is one fix in the making.
type plan struct {
	d      guard.Decision
	set    policy.Set    // with the changes so far
	grants []guard.Grant // what is to be allowed, with the keys they must carry
	group  string
	probes []probe
	before []policy.Verdict
	latest []policy.Verdict       // of the probes with the changes so far
	edits  []*policy.Statement    // of the changes so far
	trials map[guard.Change]trial // what was tried since the last of them
	judge  *policy.Evaluator      // of probes: one, as they turn on the same keys
	fix    *guard.Fix
	texts  []string // what to do, step by step
	asIs   bool     // the request stays as it is

	byResource bool // of two changes that are narrow in different ways, the one that is in resources
	forked     bool // there were two such
	byTag      bool // a statement that grants by tags takes those of the resource too, instead of another statement
	taggable   bool // there was such a statement
}

// begin works on a copy of the plan, and on another for each choice that the first met
// between ways that are narrow, each in its own.
func (p plan) begin(asIs bool) *guard.Fix {
	p.asIs = asIs
	first := p
	fix := first.work()
	last := fix
	another := func(choose func(*plan)) {
		other := p
		choose(&other)
		if way := other.work(); way != nil && way.Checked == fix.Checked {
			last.Or, last = way, way
		}
	}
	if first.forked {
		another(func(other *plan) { other.byResource = true })
	}
	if first.taggable {
		another(func(other *plan) { other.byTag = true })
	}
	return fix
}

// work removes what denies, then adds what is missing, layer by layer, and checks
// the whole.
func (p *plan) work() *guard.Fix {
	p.grants, p.fix = slices.Clone(p.grants), &guard.Fix{}
	for _, l := range guard.LayersOf(p.set) {
		for _, s := range p.denying(l) {
			p.undeny(l, s)
		}
	}
	for _, l := range guard.LayersOf(p.set) {
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
	p.fix.Text, p.fix.Steps = clause(p.texts), p.texts
	p.fix.Deliberate = strings.HasSuffix(p.fix.Text, deliberate)
	p.check()
	p.ask()
	return p.fix
}

// deliberate ends what to do to a Deny that looks as if it was meant.
const deliberate = ", if its owner agrees: it looks deliberate"

// clause joins what to do. What may be done instead is said once, and that an owner has to
// agree, at the end.
func clause(steps []string) string {
	var plain, owned, instead []string
	for _, s := range steps {
		if other, rest, ok := strings.Cut(s, ", or "); ok && slices.Contains(instead, other) {
			s = rest
		} else if ok {
			instead = append(instead, other)
		}
		if rest, ok := strings.CutSuffix(s, deliberate); ok {
			owned = append(owned, rest)
		} else {
			plain = append(plain, s)
		}
	}
	text := guard.Join(slices.Concat(plain, owned), "and")
	if len(owned) > 0 {
		text += deliberate
	}
	return text
}

// denying returns the Deny statements of a layer that match any of the grants.
func (p *plan) denying(l guard.Layer) []*policy.Statement {
	var out []*policy.Statement
	for _, g := range p.grants {
		for _, s := range l.Denying(guard.EvaluateBy(p.judge, p.set, g)) {
			if !slices.ContainsFunc(out, func(o *policy.Statement) bool { return o.At == s.At }) {
				out = append(out, s)
			}
		}
	}
	return out
}

// lacking returns the grants that nothing in a layer allows. What was not read of
// a layer may allow them.
func (p *plan) lacking(l guard.Layer) []guard.Grant {
	if slices.Contains(p.d.Policies.Partial, l.Kind) {
		return nil
	}
	var out []guard.Grant
	for _, g := range p.grants {
		if l.Says(guard.EvaluateBy(p.judge, p.set, g)).Verdict == policy.ImplicitDeny {
			out = append(out, g)
		}
	}
	return out
}

// now returns a layer with the changes so far.
func (p *plan) now(l guard.Layer) guard.Layer {
	for _, now := range guard.LayersOf(p.set) {
		if now.Kind == l.Kind && now.Level == l.Level {
			return now
		}
	}
	return l
}

// carry makes the request itself different: keys that it must carry.
func (p *plan) carry(keys map[string]string) {
	if p.fix.Needs == nil {
		p.fix.Needs = make(map[string]string)
	}
	maps.Copy(p.fix.Needs, keys)
	for _, g := range guard.Needs(p.request(), p.d.Facts) {
		for i := range p.grants {
			if p.grants[i].ID == g.ID {
				p.grants[i] = g
			}
		}
	}
}

// request is the request with the keys it must carry.
func (p *plan) request() guard.Request {
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

// apply makes one change for good. A statement that is replaced again is replaced once, by
// the last text, which was made of the one before.
func (p *plan) apply(c guard.Change, text string) {
	set, err := guard.Apply(p.set, c)
	if err != nil {
		return // a draft the evaluator refuses is not offered
	}
	p.latest, p.edits = p.after(set, c)
	p.trials = make(map[guard.Change]trial)
	p.set = set
	again := func(o guard.Change) bool {
		return o.Kind == guard.ReplaceStatement && c.Kind == o.Kind && o.Layer == c.Layer && o.Level == c.Level && o.At == c.At
	}
	if i := slices.IndexFunc(p.fix.Changes, again); i >= 0 {
		p.fix.Changes[i] = c
	} else {
		p.fix.Changes = append(p.fix.Changes, c)
	}
	if !slices.Contains(p.texts, text) {
		p.texts = append(p.texts, text)
	}
}

// check evaluates the grants and the neighbours with the whole fix.
func (p *plan) check() {
	if slices.ContainsFunc(p.grants, func(g guard.Grant) bool { return !p.passes(g) }) {
		return
	}
	p.fix.Checked = true
	p.fix.Check = with(p.fix.Changes) + p.outcome() + changed(p.probes, p.before, p.latest).String()
	if len(p.d.Policies.Partial) > 0 {
		p.fix.Check += ", as far as the policies can be read"
	}
	if unseen := guard.DocumentUnseen(p.d.Request, p.d.Facts); unseen != "" && p.group == "start" {
		p.fix.Checked = false // what the fix speaks of may not exist
		p.fix.Check += "; " + unseen
	}
}

// with returns the beginning of a sentence that says what changes lead to.
func with(changes []guard.Change) string {
	switch {
	case len(changes) == 0:
		return "so "
	case len(changes) == 1 && changes[0].Kind == guard.AddStatement:
		return "with this statement "
	case len(changes) > 1:
		return "with these changes "
	}
	return "with this change "
}

// passes reports whether a grant is allowed with the changes so far, as far as the
// policies can be read.
func (p *plan) passes(g guard.Grant) bool {
	set := p.set
	set.Partial = p.d.Policies.Partial
	a := guard.EvaluateBy(p.judge, set, g)
	keys, _ := guard.SplitDepends(a.DependsOn)
	return a.Verdict == policy.Allow || a.Verdict == policy.Unknown && len(keys) == 0
}

// outcome says what the fix makes possible. That the session is allowed takes
// every grant of the group, those that were not denied included.
func (p *plan) outcome() string {
	if slices.ContainsFunc(p.whole(), func(g guard.Grant) bool { return guard.EvaluateBy(p.judge, p.set, g).Verdict != policy.Allow }) {
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
	return guard.Join(labels, "and")
}

// ask writes the message for the layers that others own.
func (p *plan) ask() {
	var who []string
	for _, c := range p.fix.Changes {
		if o := guard.Owner(c.Layer); o != "" && !slices.Contains(who, o) {
			who = append(who, o)
		}
	}
	if len(who) == 0 {
		return
	}
	p.fix.Ask = guard.Join(who, "and")
	var b strings.Builder
	r := p.d.Request
	fmt.Fprintf(&b, "Please allow %s in account %s, region %s:\n", r.Caller.SessionARN, r.Caller.Account, cmp.Or(r.Region, "whichever it is"))
	for _, g := range p.grants {
		fmt.Fprintf(&b, "- %s on %s\n", g.Action, g.Resource)
	}
	for _, c := range p.fix.Changes {
		if guard.Owner(c.Layer) == "" {
			continue
		}
		fmt.Fprintf(&b, "The %s has to change: %s.\n", guard.Title(c.Layer), c.Describe())
	}
	p.fix.Message = b.String()
}

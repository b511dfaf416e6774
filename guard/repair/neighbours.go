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

// probe is a neighbour of a request: something a repair should not change.
type probe struct {
	label string // what would change with it, for people
	grant guard.Grant
	kin   bool // the same thing in another region: a corrected ARN may reach it
	like  likeness
}

// likeness is the same for probes that differ in their actions alone, of which every
// statement says the same: they have one verdict. The zero likeness is like no other.
type likeness struct {
	base  string // the resource and what is known of it
	kind  int    // of the action, told by the statements before the repair
	edits string // what the statements of the repair say of the action
}

// ownSessions are neighbours of every repair but that of the caller's own sessions, which is
// of all of them.
const ownSessions = "own sessions in other regions"

// probesFor returns the neighbours of a request: other targets, other tags, other
// documents, other regions, other people's sessions, other actions.
func probesFor(r guard.Request, f guard.Facts, set policy.Set) []probe {
	p := probing{own: guard.Needs(r, f), bare: make(map[string][]guard.Grant)}
	bare := f
	bare.TargetTags, bare.DocumentTags, bare.Unknown = nil, nil, nil
	other := r.With("i-0fedcba9876543210", r.Document)
	p.add("other EC2 instances", other, bare, guard.GrantTarget)
	for _, tags := range []map[string]string{f.TargetTags, f.DocumentTags} {
		if len(tags) > 0 {
			p.tagged(r, tags)
		}
	}
	wanted := wantedTags(set)
	for _, key := range slices.Sorted(maps.Keys(wanted)) {
		values := wanted[key]
		if own := f.TargetTags[key]; own != "" && len(f.TargetTags) > 1 && !slices.Contains(values, own) {
			values = append(slices.Clone(values), own)
		}
		for _, value := range values {
			tagged := bare
			tagged.TargetTags = map[string]string{key: value}
			tagged.DocumentTags = tagged.TargetTags
			p.add("EC2 instances tagged "+key+"="+value, other, tagged, guard.GrantTarget)
			named := r.With(r.Target, "Probe-Shell")
			p.add("documents tagged "+key+"="+value, named, tagged, guard.GrantDocument)
		}
	}
	for _, tags := range taggings(set, f.TargetTags, wanted) {
		p.add("EC2 instances with other tags", other, guard.Facts{TargetTags: tags}, guard.GrantTarget)
	}
	other.Target = "mi-0fedcba9876543210"
	p.add("managed nodes (mi-)", other, bare, guard.GrantTarget)
	other.Target = "ecs:probe_fedcba98_fedcba98-1"
	p.add("ECS tasks", other, bare, guard.GrantTarget)
	p.documents(r, bare)
	p.regions(r, f, set)
	p.sessions(r, f)
	p.actions(r, f, set)
	p.sort(set)
	return p.probes
}

// sort numbers the kinds of actions that the policies tell apart.
func (p *probing) sort(set policy.Set) {
	set.Root = false // LayersOf leaves out root's own
	var statements []*policy.Statement
	for _, l := range guard.LayersOf(set) {
		for i := range l.Statements {
			statements = append(statements, &l.Statements[i])
		}
	}
	kinds, actions := make(map[string]int), make(map[string]int)
	for i := range p.probes {
		g := p.probes[i].grant
		kind, ok := actions[g.Action]
		if !ok {
			said := says(statements, g.Action)
			if guard.BearsApart(g.Action) {
				said += g.Action
			}
			if kind, ok = kinds[said]; !ok {
				kind = len(kinds)
				kinds[said] = kind
			}
			actions[g.Action] = kind
		}
		p.probes[i].like.kind = kind
	}
}

// says writes which of some statements are about an action.
func says(statements []*policy.Statement, action string) string {
	b := make([]byte, len(statements))
	for i, s := range statements {
		b[i] = '-'
		if s.MatchesAction(action) {
			b[i] = '+'
		}
	}
	return string(b)
}

type probing struct {
	own    []guard.Grant
	probes []probe
	bare   map[string][]guard.Grant // what the request needs, by region, where nothing has tags
}

// add takes the grants of a changed request, unless they are the request's own.
func (p *probing) add(label string, r guard.Request, f guard.Facts, ids ...string) {
	for _, g := range guard.Needs(r, f) {
		if !slices.Contains(ids, g.ID) {
			continue
		}
		if label != "sessions of other people" && slices.ContainsFunc(p.own, func(o guard.Grant) bool { return o.Action == g.Action && o.Resource == g.Resource }) {
			continue
		}
		p.probes = append(p.probes, probe{label: label, grant: g})
	}
}

// tagged takes what else can carry the tags of the request's own.
func (p *probing) tagged(r guard.Request, tags map[string]string) {
	same := guard.Facts{TargetTags: tags, DocumentTags: tags}
	for _, other := range []struct{ label, target string }{
		{"other EC2 instances with the same tags", "i-0fedcba9876543210"},
		{"managed nodes with the same tags", "mi-0fedcba9876543210"},
		{"ECS tasks with the same tags", "ecs:probe_fedcba98_fedcba98-1"},
	} {
		p.add(other.label, r.With(other.target, r.Document), same, guard.GrantTarget)
	}
	p.add("documents with the same tags", r.With(r.Target, "Probe-Shell"), same, guard.GrantDocument)
}

func (p *probing) documents(r guard.Request, f guard.Facts) {
	f.DocumentOwner, f.DocumentType = "", ""
	for _, name := range append(guard.KnownDocuments, "Probe-Shell") {
		other := r.With(r.Target, name)
		label := "the document " + guard.DocumentName(other)
		if name == "Probe-Shell" {
			label = "other documents of the account"
		}
		p.add(label, other, f, guard.GrantDocument)
	}
}

func (p *probing) regions(r guard.Request, f guard.Facts, set policy.Set) {
	if r.Region == "" {
		return // the request itself is of every region
	}
	start := len(p.probes)
	for _, region := range regionsNamed(set) {
		if region == r.Region {
			continue
		}
		other := r
		other.Region = region
		if strings.HasPrefix(r.Document, "arn:") {
			other.Document = strings.Replace(r.Document, ":"+r.Region+":", ":"+region+":", 1)
		}
		p.add("the same document in other regions", other, f, guard.GrantDocument)
		p.add("targets in other regions", other, f, guard.GrantTarget)
		p.add(ownSessions, other, f, guard.GrantResume, guard.GrantTerminate)
		for _, g := range guard.Needs(other, f) {
			for _, action := range otherActions {
				if !p.does(action) {
					like := likeness{base: "region " + region + " " + g.ID}
					g.Action = action
					p.probes = append(p.probes, probe{label: "other actions in other regions", grant: g, like: like})
				}
			}
		}
	}
	for i := range p.probes[start:] {
		p.probes[start+i].kin = true
		other := p.probes[start+i]
		if other.grant.ID != guard.GrantDocument {
			continue
		}
		for _, owner := range []string{"", r.Caller.Account} {
			other.label, other.kin, other.like = "other documents in other regions", false, likeness{}
			other.grant.Resource = "arn:" + guard.Partition(r) + ":ssm:" + guard.ArnField(other.grant.Resource, guard.FieldRegion) + ":" + owner + ":document/Probe-Shell"
			p.probes = append(p.probes, other)
		}
	}
}

// regionsNamed returns the regions that the caller's policies speak of, and two of
// which at least one is not the request's.
func regionsNamed(set policy.Set) []string {
	regions := []string{"eu-north-1", "us-west-2"}
	add := func(region string) {
		if region != "" && !strings.ContainsAny(region, "*?$") && !slices.Contains(regions, region) {
			regions = append(regions, region)
		}
	}
	for _, l := range guard.LayersOf(set) {
		for i := range l.Statements {
			s := &l.Statements[i]
			for _, pattern := range slices.Concat(s.Resources(), s.NotResources()) {
				add(guard.ArnField(pattern, guard.FieldRegion))
			}
			for _, c := range s.Conditions() {
				if strings.EqualFold(c.Key, "aws:RequestedRegion") {
					for _, region := range c.Values {
						add(region)
					}
				}
			}
		}
	}
	return regions
}

func (p *probing) sessions(r guard.Request, f guard.Facts) {
	other := r
	other.SessionID = "somebody-0fedcba9876543210"
	other.Context = map[string][]string{guard.SessionTagID: {"AROAEXAMPLEPROBE00001:somebody"}}
	if r.Caller.UserID == "" {
		other.Context["aws:userid"] = []string{"AROAEXAMPLEPROBE00002:" + r.Caller.SessionName()} // whose, if not somebody's
	}
	p.add("sessions of other people", other, f, guard.GrantResume, guard.GrantTerminate)
}

// otherActions are what resources can suffer besides, whatever the policies speak of.
var otherActions = []string{
	"ssm:SendCommand", "ssm:GetDocument", "ssm:UpdateDocument", "ssm:TerminateSession", "ssm:DescribeSessions",
	"ssmmessages:CreateControlChannel", "ec2:TerminateInstances", "kms:Decrypt", "iam:PassRole", "probe:Anything",
}

// otherResources are of services that no session has to do with.
var otherResources = []string{"*", "arn:aws:s3:::probe", "arn:aws:iam::111122223333:role/probe"}

// most bounds what is looked at for one statement, and the actions for all of them.
const (
	mostActions   = 100
	mostResources = 12
)

// actions are what else can be done to the resources of a request: what the policies
// allow or deny, and what a Deny covers that names only what it leaves out.
func (p *probing) actions(r guard.Request, f guard.Facts, set policy.Set) {
	named := slices.Clone(otherActions)
	for _, l := range guard.LayersOf(set) {
		for i := range l.Statements {
			s := &l.Statements[i]
			actions := otherActions
			if a := s.Actions(); a != nil && !slices.Contains(a, "*") {
				actions = samples(a, mostActions)
			}
			for _, action := range actions {
				if len(named) < mostActions && !slices.Contains(named, action) && !p.does(action) {
					named = append(named, action)
				}
			}
			if s.Denies() {
				p.elsewhere(r, f, s, actions)
			}
		}
	}
	others := r
	others.Target = "i-0fedcba9876543210"
	others.Context = map[string][]string{guard.SessionTagID: {"AROAEXAMPLEPROBE00001:somebody"}}
	for i, own := range slices.Concat(p.own, guard.Needs(others, f)) {
		// The same grant of another target's session, or another's, has other keys.
		if kept := slices.ContainsFunc(p.own, func(o guard.Grant) bool { return o.Resource == own.Resource }); !kept {
			continue
		}
		for _, action := range named {
			if p.owns(action, own.Resource) {
				continue
			}
			g := own
			g.Action = action
			p.probes = append(p.probes, probe{label: "other actions on the same resources", grant: g, like: likeness{base: fmt.Sprint("same ", i)}})
		}
	}
}

// elsewhere adds what one Deny covers of other resources: the actions of the request, and
// its own.
func (p *probing) elsewhere(r guard.Request, f guard.Facts, s *policy.Statement, actions []string) {
	resources := otherResources
	if named := s.Resources(); named != nil && !slices.Contains(named, "*") {
		resources = nil
		for _, pattern := range samples(named, mostResources) {
			resources = append(resources, placed(pattern, r))
		}
	}
	for _, own := range p.own {
		for _, resource := range resources {
			if label := startable(resource, r); own.Action == guard.ActionStart && label != "" {
				p.elsewhereOne(r, f, probe{label: label, grant: own}, resource)
			}
		}
	}
	if len(actions) > mostResources {
		actions = actions[:mostResources]
	}
	for _, action := range actions {
		if p.does(action) {
			continue
		}
		for _, resource := range resources {
			g := p.own[0]
			g.Action = action
			p.elsewhereOne(r, f, probe{label: "other actions on other resources", grant: g}, resource)
		}
	}
}

// startable says what a resource is to a session, "" when none has to do with it.
func startable(resource string, r guard.Request) string {
	kind := guard.ResourceType(resource)
	abroad := r.Region != "" && guard.ArnField(resource, guard.FieldRegion) != r.Region
	switch {
	case kind == "document" && abroad:
		return "other documents in other regions"
	case kind == "document" && guard.ArnField(resource, guard.FieldAccount) == "":
		return "other documents of AWS"
	case kind == "document":
		return "other documents of the account"
	case kind != "instance" && kind != "managed-instance" && kind != "task":
		return ""
	case abroad:
		return "targets in other regions"
	case kind == "instance":
		return "other EC2 instances"
	case kind == "task":
		return "ECS tasks"
	}
	return "managed nodes (mi-)"
}

// elsewhereOne adds one probe on another resource, which has no tags.
func (p *probing) elsewhereOne(r guard.Request, f guard.Facts, one probe, resource string) {
	if region := guard.ArnField(resource, guard.FieldRegion); guard.IsRegion(region) {
		r.Region = region
	}
	f.TargetTags, f.DocumentTags, f.Unknown = nil, nil, nil
	if p.bare[r.Region] == nil {
		p.bare[r.Region] = guard.Needs(r, f)
	}
	for _, g := range p.bare[r.Region] {
		if g.ID == one.grant.ID {
			one.grant.Context = g.Context
		}
	}
	one.grant.Resource = resource
	one.like.base = "elsewhere " + one.grant.ID + " " + resource
	if !p.owns(one.grant.Action, resource) {
		p.probes = append(p.probes, one)
	}
}

// does reports whether an action is one of the request's own.
func (p *probing) does(action string) bool {
	return slices.ContainsFunc(p.own, func(o guard.Grant) bool { return strings.EqualFold(o.Action, action) })
}

// owns reports whether an action on a resource is what the request itself needs.
func (p *probing) owns(action, resource string) bool {
	return slices.ContainsFunc(p.own, func(o guard.Grant) bool { return strings.EqualFold(o.Action, action) && o.Resource == resource })
}

// samples returns for each of some patterns a text that it matches.
func samples(patterns []string, most int) []string {
	var out []string
	for _, pattern := range patterns {
		if len(out) == most {
			break
		}
		pattern = guard.ReplaceVariables(pattern, func(string) string { return "probe" })
		out = append(out, strings.NewReplacer("*", "probe", "?", "0").Replace(pattern))
	}
	return out
}

// placed puts the sample of an ARN into the request's account and region, where the
// pattern leaves them open.
func placed(sample string, r guard.Request) string {
	fields := strings.SplitN(sample, ":", 6)
	for i, value := range map[int]string{guard.FieldPartition: guard.Partition(r), guard.FieldRegion: cmp.Or(r.Region, "*"), guard.FieldAccount: r.Caller.Account} {
		if i < len(fields) && fields[i] == "probe" {
			fields[i] = value
		}
	}
	return strings.Join(fields, ":")
}

// taggings returns the tags of the target changed in every way that the conditions of
// the policies tell apart, as long as they are few.
func taggings(set policy.Set, own map[string]string, wanted map[string][]string) []map[string]string {
	all := []map[string]string{maps.Clone(own)}
	if all[0] == nil {
		all[0] = make(map[string]string)
	}
	for _, key := range tagKeys(set) {
		for _, tags := range slices.Clone(all) {
			for _, value := range append(slices.Clone(wanted[key]), "probe", "") {
				if len(all) == 64 || value == "" && own[key] == "" {
					continue
				}
				changed := maps.Clone(tags)
				changed[key] = value
				if value == "" {
					delete(changed, key)
				}
				all = append(all, changed)
			}
		}
	}
	return all[1:]
}

// tagKeys are the tags of resources that the conditions of the policies speak of.
func tagKeys(set policy.Set) []string {
	var keys []string
	for _, l := range guard.LayersOf(set) {
		for i := range l.Statements {
			for _, c := range l.Statements[i].Conditions() {
				if _, key, _ := strings.Cut(c.Key, "/"); guard.IsTagKey(c.Key) && !guard.IsSessionTag(c.Key) && !slices.Contains(keys, key) {
					keys = append(keys, key)
				}
			}
		}
	}
	return keys
}

// wantedTags returns, for each tag that the policies ask for, the values they name: a few
// of many, as each is looked at with every other tag.
func wantedTags(set policy.Set) map[string][]string {
	const most = 4
	tags := make(map[string][]string)
	for _, l := range guard.LayersOf(set) {
		for i := range l.Statements {
			for _, c := range l.Statements[i].Conditions() {
				if !guard.IsTagKey(c.Key) || guard.IsSessionTag(c.Key) {
					continue
				}
				_, key, _ := strings.Cut(c.Key, "/")
				for _, value := range c.Values {
					if len(tags[key]) < most && !strings.Contains(value, "${") && !slices.Contains(tags[key], value) {
						tags[key] = append(tags[key], value)
					}
				}
			}
		}
	}
	return tags
}

// verdicts evaluates every probe.
func verdicts(e *policy.Evaluator, set policy.Set, probes []probe) []policy.Verdict {
	out := make([]policy.Verdict, len(probes))
	known := make(map[likeness]policy.Verdict)
	for i := range probes {
		out[i] = verdict(e, set, probes[i].grant, probes[i].like, known)
	}
	return out
}

// verdict evaluates one grant, unless one that is like it is known.
func verdict(e *policy.Evaluator, set policy.Set, g guard.Grant, like likeness, known map[likeness]policy.Verdict) policy.Verdict {
	if v, ok := known[like]; ok && like.base != "" {
		return v
	}
	var v policy.Verdict
	if g.Regionless() {
		v = guard.Evaluate(set, g).Verdict
	} else {
		bears := guard.Bearing(set, g)
		v = e.Verdict(&bears, g.Action, g.Resource, &g.Context)
	}
	known[like] = v
	return v
}

// trial is what one more change makes of the probes.
type trial struct {
	verdicts []policy.Verdict
	edits    []*policy.Statement
}

// after returns the verdicts on the probes with one more change, which made the set, and the
// statements of the repair by then: anew where the statement that changes is about the
// action, before or after.
func (p *plan) after(set policy.Set, c guard.Change) (out []policy.Verdict, edits []*policy.Statement) {
	if last, ok := p.trials[c]; ok {
		return last.verdicts, last.edits
	}
	defer func() { p.trials[c] = trial{out, edits} }()
	edits = slices.Clone(p.edits)
	var touched []*policy.Statement
	for i, list := range [][]policy.Statement{*p.set.Layer(c.Layer, c.Level), *set.Layer(c.Layer, c.Level)} {
		for k := range list {
			switch {
			case c.Kind == guard.AddStatement && (i == 0 || k < len(list)-1), c.Kind != guard.AddStatement && list[k].At != c.At:
				continue
			case i == 1:
				edits = append(edits, &list[k])
			}
			touched = append(touched, &list[k])
		}
	}
	out = slices.Clone(p.latest)
	known := make(map[likeness]policy.Verdict)
	for i := range p.probes {
		g, like := p.probes[i].grant, p.probes[i].like
		if slices.ContainsFunc(touched, func(s *policy.Statement) bool { return s.MatchesAction(g.Action) }) {
			like.edits = says(edits, g.Action)
			out[i] = verdict(p.judge, set, g, like, known)
		}
	}
	return out, edits
}

// effects are the labels of the probes that a change touches, each once.
type effects struct {
	opened, closed []string
	lifted         []string // denied before by a Deny, now only because nothing that was read allows
}

// changed compares the verdicts on the probes before and after a change.
func changed(probes []probe, before, after []policy.Verdict) effects {
	var e effects
	for i, p := range probes {
		list := &e.opened
		switch {
		case before[i] == after[i]:
			continue
		case before[i] == policy.ExplicitDeny && after[i].Denies():
			list = &e.lifted
		case after[i].Denies():
			list = &e.closed
		}
		if !slices.Contains(*list, p.label) {
			*list = append(*list, p.label)
		}
	}
	return e
}

// String continues "the session is allowed".
func (e effects) String() string {
	var said []string
	for _, part := range []struct {
		what   string
		labels []string
		rest   string
	}{{"allows ", e.opened, ""}, {"denies ", e.closed, ""}, {"lifts the Deny from ", e.lifted, ", which nothing allows yet"}} {
		if len(part.labels) > 0 {
			said = append(said, part.what+list(part.labels)+part.rest)
		}
	}
	if len(said) == 0 {
		return ", and nothing else changes"
	}
	return "; it also " + guard.Join(said, "and")
}

// reach counts the kinds of probes that a change touches. A Deny that is lifted
// counts even where nothing allows; tolerateKin takes no offence at the same thing
// being opened in other regions.
func reach(probes []probe, before, after []policy.Verdict, tolerateKin bool) int {
	touched := make(map[string]bool)
	for i, p := range probes {
		if before[i] != after[i] && !(tolerateKin && p.kin && !after[i].Denies()) {
			touched[p.label] = true
		}
	}
	return len(touched)
}

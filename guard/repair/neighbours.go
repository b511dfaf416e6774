package repair

import (
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
}

// probesFor returns the neighbours of a request: other targets, other tags, other
// documents, other regions, other people's sessions, other actions.
func probesFor(r guard.Request, f guard.Facts, set policy.Set) []probe {
	p := probing{own: guard.Needs(r, f)}
	bare := f
	bare.TargetTags, bare.DocumentTags, bare.Unknown = nil, nil, nil
	other := r.With("i-0fedcba9876543210", r.Document)
	p.add("other EC2 instances", other, bare, guard.GrantTarget)
	if len(f.TargetTags) > 0 {
		p.add("other EC2 instances with the same tags", other, guard.Facts{TargetTags: f.TargetTags}, guard.GrantTarget)
	}
	wanted := wantedTags(set)
	for _, key := range slices.Sorted(maps.Keys(wanted)) {
		value := wanted[key]
		tagged := bare
		tagged.TargetTags = map[string]string{key: value}
		tagged.DocumentTags = tagged.TargetTags
		p.add("EC2 instances tagged "+key+"="+value, other, tagged, guard.GrantTarget)
		named := r.With(r.Target, "Probe-Shell")
		p.add("documents tagged "+key+"="+value, named, tagged, guard.GrantDocument)
	}
	other.Target = "mi-0fedcba9876543210"
	p.add("managed nodes (mi-)", other, bare, guard.GrantTarget)
	other.Target = "ecs:probe_fedcba98_fedcba98-1"
	p.add("ECS tasks", other, bare, guard.GrantTarget)
	p.documents(r, bare)
	p.regions(r, f, set)
	p.sessions(r, f)
	p.actions()
	return p.probes
}

type probing struct {
	own    []guard.Grant
	probes []probe
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
	}
	for i := range p.probes[start:] {
		p.probes[start+i].kin = true
		other := p.probes[start+i]
		if other.grant.ID != guard.GrantDocument {
			continue
		}
		for _, owner := range []string{"", r.Caller.Account} {
			other.label, other.kin = "other documents in other regions", false
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

// otherActions are what the resources of a request can suffer besides.
var otherActions = []string{
	"ssm:SendCommand", "ssm:GetDocument", "ssm:UpdateDocument", "ssm:TerminateSession", "ssm:DescribeSessions",
	"ssmmessages:CreateControlChannel", "ec2:TerminateInstances", "kms:Decrypt", "iam:PassRole",
}

func (p *probing) actions() {
	for _, own := range p.own {
		for _, action := range otherActions {
			if slices.ContainsFunc(p.own, func(o guard.Grant) bool { return strings.EqualFold(o.Action, action) && o.Resource == own.Resource }) {
				continue
			}
			g := own
			g.Action = action
			p.probes = append(p.probes, probe{label: "other actions on the same resources", grant: g})
		}
	}
}

// wantedTags returns, for each tag the caller's policies ask for, one value.
func wantedTags(set policy.Set) map[string]string {
	tags := make(map[string]string)
	for _, l := range guard.LayersOf(set) {
		for i := range l.Statements {
			for _, c := range l.Statements[i].Conditions() {
				if !guard.IsTagKey(c.Key) || guard.IsSessionTag(c.Key) || len(c.Values) == 0 || strings.Contains(c.Values[0], "${") {
					continue
				}
				_, key, _ := strings.Cut(c.Key, "/")
				tags[key] = c.Values[0]
			}
		}
	}
	return tags
}

// verdicts evaluates every probe.
func verdicts(set policy.Set, probes []probe) []policy.Verdict {
	out := make([]policy.Verdict, 0, len(probes))
	var e policy.Evaluator
	for _, p := range probes {
		bears := guard.Bearing(set, p.grant)
		out = append(out, e.Decide(&bears, p.grant.Action, p.grant.Resource, &p.grant.Context).Verdict)
	}
	return out
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

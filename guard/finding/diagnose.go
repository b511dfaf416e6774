package finding

import (
	"cmp"
	"slices"

	"ssmguard/guard"
	"ssmguard/guard/policy"
	"ssmguard/guard/policy/source"
)

// subject is what a grant is about; it decides which rules speak of it.
type subject int

const (
	aboutDocument subject = iota
	aboutTarget
	aboutSession
	aboutChannel
	aboutKey
	aboutTask
)

func subjectOf(g guard.Grant) subject {
	switch g.ID {
	case guard.GrantDocument:
		return aboutDocument
	case guard.GrantTarget:
		return aboutTarget
	case guard.GrantDataChannel:
		return aboutChannel
	case guard.GrantKMS:
		return aboutKey
	case guard.GrantTask, guard.GrantCluster:
		return aboutTask
	}
	return aboutSession
}

// subjectCodes are the rules for the plain cases of each subject.
var subjectCodes = [...]struct{ missing, denied, condition, action, name, place guard.Code }{
	aboutDocument: {"SG100", "SG110", "SG107", "SG105", "SG104", "SG108"},
	aboutTarget:   {"SG200", "SG210", "SG206", "SG211", "SG204", "SG205"},
	aboutSession:  {"SG300", "SG310", "SG306", "SG300", "SG300", "SG300"},
	aboutChannel:  {"SG303", "SG310", "SG306", "SG303", "SG303", "SG303"},
	aboutKey:      {"SG400", "SG410", "SG403", "SG401", "SG402", "SG402"},
	aboutTask:     {"SG320", "SG320", "SG320", "SG320", "SG320", "SG320"},
}

// layerCodes are the rules for layers that other people own.
var layerCodes = map[policy.Kind]guard.Code{policy.Boundary: "SG801", policy.Session: "SG802", policy.SCP: "SG803", policy.Endpoint: "SG804", policy.RCP: "SG807"}

// inquiry is one grant that is looked into. It has a method for each kind of near miss,
// which makes them many.
type inquiry struct {
	d     guard.Decision
	grant guard.Grant
	about subject
	level guard.Level
}

// Explain adds the findings of a decision: what is missing and why, what could not
// be read, and what else is worth knowing.
func Explain(d guard.Decision) guard.Decision {
	for _, u := range d.Unread {
		d.Findings = append(d.Findings, unreadable(u.Who, u.Err)...)
	}
	d.Findings = arrange(append(diagnose(d), missed(d)...))
	return d
}

// diagnose says, grant by grant, what is missing and why.
func diagnose(d guard.Decision) []guard.Finding {
	var fs []guard.Finding
	unusable, faulty := DocumentFault(d.Request, d.Facts)
	asks, token := d.AccessOpen()
	for _, g := range d.Grants {
		m := d.Of(g.ID)
		if m.Verdict == policy.Unknown {
			fs = undecidedOnce(d, fs, g, m)
		}
		if !m.Verdict.Denies() {
			continue
		}
		q := inquiry{d: d, grant: g, about: subjectOf(g), level: guard.Error}
		if g.Advisory {
			q.level = guard.Warning
		}
		if faulty && q.about == aboutDocument {
			unusable.Level = q.level // no grant would help, so none is spoken of
			continue
		}
		if asks && g.ID != guard.GrantTarget {
			continue // the session is another caller's, with the credentials of the access
		}
		found := q.explain(m)
		switch {
		case asks:
			found = []guard.Finding{q.askFirst(found[0], token)}
		case !g.Advisory && d.OfAccessToken():
			found = []guard.Finding{q.ofToken(found[0])}
		}
		if q.about == aboutDocument && len(found) > 0 && found[0].Code != guard.RegionGuard {
			add(&found[0], q.otherDocuments())
		}
		fs = append(fs, found...)
	}
	if faulty {
		fs = append(fs, unusable)
	}
	fs = oneOf(fs)
	fs = append(fs, health(d.Request, d.Facts)...)
	return append(fs, lint(d)...)
}

// otherDocuments names the session documents that the caller may use now.
func (q inquiry) otherDocuments() string {
	if q.d.Policies == nil {
		return ""
	}
	set := *q.d.Policies
	set.Partial = nil
	others := slices.DeleteFunc(guard.SessionDocuments(), func(name string) bool {
		return guard.DocumentName(guard.Request{Document: name}) == guard.DocumentName(q.d.Request)
	})
	var names []string
	for _, o := range guard.Documents(set, q.d.Request, others) {
		if o.Verdict == policy.Allow {
			names = append(names, guard.DocumentName(guard.Request{Document: o.Name}))
		}
	}
	own := guard.OwnDocuments(set, q.d.Request)
	all := len(names) == len(others)
	names = append(names, own...)
	switch {
	case len(names) == 0:
		return ""
	case all:
		return "every other session document may be used"
	}
	return "documents that may be used: " + guard.Join(names, "and")
}

// oneOf joins what is said twice of two advisory grants that go together, and
// drops what an error has already said: the same rule, the same statements.
func oneOf(fs []guard.Finding) []guard.Finding {
	var out []guard.Finding
	for _, f := range fs {
		i := slices.IndexFunc(out, func(k guard.Finding) bool {
			return k.Code == f.Code && slices.Equal(k.Nearest, f.Nearest) && (k.Level == f.Level || !lacksEach(f))
		})
		switch {
		case lacksEach(f) && slices.ContainsFunc(out, func(k guard.Finding) bool { return k.Grant == f.Grant && k.Level == f.Level }):
			// the same repair is told already
		case i < 0 || f.Level != guard.Warning || f.Grant == "":
			out = append(out, f)
		case out[i].Level > f.Level:
			// a mere consequence
		case out[i].Grant == guard.GrantResume && f.Grant == guard.GrantTerminate:
			f.Summary += ", nor resume it after a drop"
			out[i] = f
		default:
			out = append(out, f)
		}
	}
	return out
}

// lacksEach reports whether a finding is about a limit in which no statement speaks of the
// grant: what it lacks for one grant it lacks for the others too, each by itself.
func lacksEach(f guard.Finding) bool {
	return len(f.Nearest) == 0 && (f.Code == layerCodes[policy.Boundary] || f.Code == layerCodes[policy.Session])
}

// explain finds the reason of a denial: in the policies read here, layer by layer
// or all of them together, else in what the simulation said.
func (q inquiry) explain(m guard.Merged) []guard.Finding {
	for _, r := range m.Rulings {
		if r.Judge != (guard.Local{}).Name() || q.d.Policies == nil || !r.Answer.Verdict.Denies() {
			continue
		}
		var fs []guard.Finding
		for _, l := range guard.LayersOf(guard.Bearing(*q.d.Policies, q.grant)) {
			if denies := l.Denying(r.Answer); len(denies) > 0 {
				fs = append(fs, q.denied(l, denies)...)
			} else if l.Says(r.Answer).Verdict == policy.ImplicitDeny {
				fs = append(fs, q.missing(l))
			}
		}
		if len(fs) == 0 {
			fs = append(fs, q.together(r.Answer))
		}
		return fs
	}
	return []guard.Finding{q.simulated(m)}
}

// together is a denial that no layer gives by itself: what one asks of a key that
// is not known here, another forbids.
func (q inquiry) together(a policy.Answer) guard.Finding {
	f := q.finding(subjectCodes[q.about].condition)
	for _, l := range guard.LayersOf(guard.Bearing(*q.d.Policies, q.grant)) {
		for i := range l.Statements {
			s := &l.Statements[i]
			if len(f.Nearest) == maxNearest || l.Says(a).Verdict != policy.Unknown || !s.MatchesAction(q.grant.Action) || !s.MatchesResource(q.grant.Resource, q.grant.Context) {
				continue
			}
			for _, u := range s.Unmet(q.grant.Context) {
				if u.Unknown {
					f.Nearest = append(f.Nearest, guard.Near{At: s.At, Why: verb(s) + " it if " + guard.ConditionText(u.Condition), Part: conditionPart(u.Condition)})
					break
				}
			}
		}
	}
	f.Detail = "the statements ask for what cannot be at the same time, whatever is not known here"
	return f
}

// finding begins a finding of this grant.
func (q inquiry) finding(code guard.Code) guard.Finding {
	if account := guard.ArnField(q.grant.Resource, guard.FieldAccount); q.about == aboutDocument && account != "" && account != q.d.Request.Caller.Account &&
		code != subjectCodes[q.about].denied {
		code = "SG113"
	}
	f := guard.Finding{Code: code, Level: q.level, Grant: q.grant.ID, Action: q.grant.Action, Resource: q.grant.Resource,
		Summary: q.d.Request.Caller.Name() + " " + "may not " + doing[q.grant.ID]}
	if q.about == aboutChannel {
		// Nothing documents that AWS asks for this grant, nor on which resource.
		f.Summary = q.d.Request.Caller.Name() + " may be refused ssmmessages:OpenDataChannel, which newer plugins ask for"
		f.Resource = "*"
	}
	if code == "SG302" {
		f.Detail = "AWS prints this pattern in its samples, but no session id that has been seen matches it"
	}
	return f
}

// simulated is a denial of which only IAM's simulation knows.
func (q inquiry) simulated(m guard.Merged) guard.Finding {
	codes := subjectCodes[q.about]
	code := codes.missing
	if m.Verdict == policy.ExplicitDeny {
		code = codes.denied
	}
	f := q.finding(code)
	turns := ""
	for _, r := range m.Rulings {
		if r.Answer.Verdict != m.Verdict {
			continue
		}
		for _, l := range r.Answer.Layers {
			if c, ok := layerCodes[l.Layer]; ok && l.Verdict.Denies() {
				f.Code = cmp.Or(guard.GuardKey(l.Key), c)
			}
			if t := turning(q.grant, l); t != "" {
				f.Fix, turns = q.elsewhere(l), t
			}
		}
		for _, at := range r.Answer.By {
			f.Nearest = append(f.Nearest, guard.Near{At: at, Why: "denies it", Part: effectPart("Deny")})
		}
	}
	f.Detail = "IAM's simulation says so; the statements that decide could not be read here"
	if len(f.Nearest) > 0 {
		f.Detail = "IAM's simulation says so"
	}
	f.Detail += turns
	return f
}

// elsewhere is the repair of a request that a layer forbids for a key of the call: another
// call, or its owner's leave.
func (q inquiry) elsewhere(l policy.LayerAnswer) *guard.Fix {
	what := "see whether " + l.Key + " is what was meant"
	if guard.GuardKey(l.Key) == guard.RegionGuard {
		what = "use another --region if the target is there"
	}
	owner := guard.Owner(l.Layer)
	return &guard.Fix{Text: what + ", or ask " + owner, Grants: []string{q.grant.ID}, Ask: owner,
		Message: "Please allow " + q.d.Request.Caller.SessionARN + " " + q.grant.Action + " on " + q.grant.Resource + ".\n"}
}

// missing explains a layer in which nothing allows the grant.
func (q inquiry) missing(l guard.Layer) guard.Finding {
	near := q.misses(l)
	codes := subjectCodes[q.about]
	code := codes.missing
	if len(near) > 0 {
		code = near[0].code
	}
	if c, ok := layerCodes[l.Kind]; ok && (len(near) == 0 || !near[0].guards) {
		code = c
	}
	f := q.finding(code)
	if l.Kind != policy.Identity {
		f.Detail = "the " + guard.Title(l.Kind) + " does not allow it"
	}
	for i, n := range near {
		if i < maxNearest && n.rank <= near[0].rank+1 {
			f.Nearest = append(f.Nearest, n.near())
		}
	}
	if len(near) > 0 && near[0].tag != nil {
		if tag := q.tagAdvice(l, near[0].tag); tag != "" {
			f.Detail = "giving the " + q.thing(near[0].tag.Key) + " " + tag + " would do, too, and lets in everyone who has this statement"
		}
	}
	if len(near) == 0 && l.Kind == policy.Identity {
		f.Detail = "no statement grants this (needed " + q.grant.Why + ")"
		if nodePolicy(l) && (q.about == aboutTarget || q.about == aboutDocument) {
			add(&f, "what is granted is for the agent on a node, as AmazonSSMManagedInstanceCore is: it belongs to the node's role and lets nobody start a session")
		}
	}
	if q.about == aboutKey && l.Kind == policy.Identity {
		add(&f, "a key policy that names the caller would grant it too, and cannot be read from here")
	}
	return f
}

// maxNearest bounds the statements a finding names.
const maxNearest = 3

// denied explains the Deny statements of one layer, one finding for each rule.
func (q inquiry) denied(l guard.Layer, denies []*policy.Statement) []guard.Finding {
	var fs []guard.Finding
	for _, s := range denies {
		code := q.denyCode(l, s)
		near := guard.Near{At: s.At, Why: q.denyWhy(s), Part: denyPart(s)}
		if n := len(fs); n > 0 && fs[n-1].Code == code {
			fs[n-1].Nearest = append(fs[n-1].Nearest, near)
			continue
		}
		f := q.finding(code)
		f.Nearest = []guard.Near{near}
		if l.Kind != policy.Identity {
			f.Detail = "the " + guard.Title(l.Kind) + " denies it"
		}
		fs = append(fs, f)
	}
	return fs
}

// effectPart is the Effect of a statement: "Allow" or "Deny".
func effectPart(effect string) source.Part { return source.Part{Element: "Effect", Value: effect} }

// denyPart is the part of a Deny that decides: its condition if there is one, else its
// Effect.
func denyPart(s *policy.Statement) source.Part {
	if conditions := s.Conditions(); len(conditions) == 1 {
		return conditionPart(conditions[0])
	}
	return effectPart("Deny")
}

func (q inquiry) denyCode(l guard.Layer, s *policy.Statement) guard.Code {
	for _, c := range s.Conditions() {
		if code := guard.GuardKey(c.Key); code != "" {
			return code
		}
	}
	if code, ok := layerCodes[l.Kind]; ok {
		return code
	}
	if q.about == aboutDocument && guard.DeniesUntagged(s) {
		return "SG111"
	}
	return subjectCodes[q.about].denied
}

func (q inquiry) denyWhy(s *policy.Statement) string {
	var held []string
	unmet := s.Unmet(q.grant.Context)
	for _, c := range s.Conditions() {
		var notes []string
		got, _, state := q.grant.Context.Lookup(c.Key)
		open := slices.ContainsFunc(unmet, func(u policy.Unmet) bool { return u.Key == c.Key && u.Operator == c.Operator })
		possible, listed := q.grant.Context.Possible(c.Key)
		switch {
		case state == policy.KeyUnknown && listed && !open:
			notes = append(notes, "the "+q.thing(c.Key)+" has no such key, or it is "+guard.Join(possible, "or")+"; this operator takes both for a match")
		case state == policy.KeyUnknown:
			notes = append(notes, "which is not known here")
		case open:
			notes = append(notes, "which does not hold, as far as is known here")
		case state == policy.KeyAbsent:
			notes = append(notes, "the "+q.thing(c.Key)+" has no such key, which this operator takes for a match")
		case len(got) > 0:
			notes = append(notes, "it is "+guard.Join(got, "and"))
		}
		held = append(held, guard.ConditionText(c, notes...))
	}
	if len(held) == 0 {
		return "denies it, and a deny wins over every allow"
	}
	return "denies it when " + guard.Join(held, "and") + "; a deny wins over every allow"
}

// thing is what carries a key: the resource its tags, the request the rest.
func (q inquiry) thing(key string) string {
	if !guard.IsTagKey(key) {
		return "request"
	}
	switch q.about {
	case aboutDocument:
		return "document"
	case aboutTarget:
		return "target"
	case aboutKey:
		return "key"
	case aboutTask:
		return guard.ResourceType(q.grant.Resource)
	}
	return "session"
}

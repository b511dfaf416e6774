package finding

import (
	"slices"
	"strings"

	"ssmguard/guard"
	"ssmguard/guard/policy"
	"ssmguard/guard/policy/source"
	"ssmguard/internal/safetext"
)

// undecided explains a grant on which the judges found no common answer: they
// contradict each other, a denial is not proven, or something is not known. What the
// caller wants to do is told in the words of doing. It is not ok when no judge
// answered; unreadable says why.
func undecided(d guard.Decision, g guard.Grant, m guard.Merged, doing string) (guard.Finding, bool) {
	f := guard.Finding{Grant: g.ID, Action: g.Action, Resource: g.Resource, Level: guard.Warning}
	if g.Advisory {
		f.Level = guard.Note
	}
	may := d.Request.Caller.Name() + " may " + doing
	keys, layers := guard.SplitDepends(m.DependsOn)
	switch {
	case m.Contradict:
		f.Code = "SG901"
		f.Summary = "the judges disagree whether " + may
		f.Detail = "the session is not stopped for it: " + opinions(m.Rulings)
	case m.Unproven:
		f.Code = "SG507"
		f.Summary = denier(m.Rulings) + " says that " + d.Request.Caller.Name() + " may not " + doing + ", but not everything that it depends on is known"
		f.Detail = opinions(m.Rulings)
		if on := append(keys, layers...); len(on) > 0 {
			f.Detail += "; it turns on " + guard.Join(on, "and")
		}
		for _, r := range m.Rulings {
			for _, l := range r.Answer.Layers {
				if turns := turning(g, l); turns != "" && r.Answer.Verdict.Denies() {
					f.Detail += turns
				}
			}
		}
	case len(keys) > 0:
		f.Code, f.Nearest = "SG505", unknownNear(d, g, keys)
		f.Summary = "whether " + may + " turns on " + guard.Join(keys, "and") + ", which is not known here"
		f.Detail = stateable(d.Request, g, keys, d.Policies)
	case len(layers) > 0:
		f.Code, f.Nearest = "SG506", unknownNear(d, g, keys)
		turns := "turns on the " + guard.Join(layers, "and the") + ", which cannot be read"
		if slices.ContainsFunc(d.Findings, func(f guard.Finding) bool { return f.Code == "SG502" }) {
			f.Detail, turns = "it "+turns, "cannot be told without iam:SimulatePrincipalPolicy"
		}
		f.Summary = "whether " + may + " " + turns
	default:
		return f, false
	}
	return f, true
}

// turning says of a layer whose statements nobody shows on which known key its deny turns,
// as the end of a sentence; "" if that is not known.
func turning(g guard.Grant, l policy.LayerAnswer) string {
	if l.Key == "" {
		return ""
	}
	got, _, _ := g.Context.Lookup(l.Key)
	return "; with another " + l.Key + " than " + guard.Join(got, "and") + " the " + guard.Title(l.Layer) + " does not deny it"
}

// undecidedOnce adds what is said of an undecided grant unless it is said already: a
// grant that is only advisory adds nothing to what is said of a required one, and what
// target and document have in common is said of the session.
func undecidedOnce(d guard.Decision, fs []guard.Finding, g guard.Grant, m guard.Merged) []guard.Finding {
	f, ok := undecided(d, g, m, doing[g.ID])
	if !ok {
		return fs
	}
	same := slices.IndexFunc(fs, func(k guard.Finding) bool {
		return k.Code == f.Code && k.Detail == f.Detail && (f.Level == guard.Note || slices.Equal(d.Of(k.Grant).DependsOn, m.DependsOn))
	})
	if same < 0 {
		return append(fs, f)
	}
	if fs[same].Grant == guard.GrantTarget && g.ID == guard.GrantDocument {
		for _, target := range d.Grants {
			if target.ID == guard.GrantTarget {
				fs[same], _ = undecided(d, target, d.Of(target.ID), "start this session")
			}
		}
	}
	return fs
}

// stateable says with which options of check the keys that a grant turns on are
// stated. The values are those that the statements ask for, where they are plain.
func stateable(r guard.Request, g guard.Grant, keys []string, set *policy.Set) string {
	if r.Container != "" {
		return "" // check asks about sessions
	}
	var options []string
	add := func(o string) {
		if !slices.Contains(options, o) {
			options = append(options, o)
		}
	}
	of := map[string]string{guard.GrantTarget: "target", guard.GrantDocument: "document"}[g.ID]
	for _, key := range keys {
		if strings.ContainsFunc(key, unplain) {
			continue // what a policy says goes into no command line unless it is plain
		}
		value := asked(g, key, set)
		_, tag, tagged := strings.Cut(key, "/")
		switch {
		case key == guard.KeyRegion && g.Regionless():
			add("--region " + safetext.Word(regionAllowed(g, set)))
		case guard.IsTagKey(key) && of != "" && r.Files && tagged:
			add("--" + of + "-tag " + tag + "=" + value + " (or --" + of + "-untagged)")
		case of != "" && (guard.IsTagKey(key) || strings.HasPrefix(strings.ToLower(key), "aws:resource")):
			add("--context " + of + ":" + key + "=" + value)
		default:
			add("--context " + key + "=" + value)
		}
	}
	if len(options) == 0 {
		return ""
	}
	return "state what is so: " + strings.Join(options, " ")
}

// regionAllowed returns a region in which the policies allow a grant, as far as they can be
// told, else one in which they do not deny it for certain, else "REGION".
func regionAllowed(g guard.Grant, set *policy.Set) string {
	if set == nil {
		return "REGION"
	}
	found := "REGION"
	for _, place := range g.Places(guard.Bearing(*set, g)) {
		region := guard.ArnField(place.Resource, guard.FieldRegion)
		switch v := guard.Evaluate(*set, place).Verdict; {
		case v == policy.Allow:
			return region
		case v == policy.Unknown && found == "REGION":
			found = region
		}
	}
	return found
}

// asked returns a value that the statements which may apply ask of an unknown key,
// "VALUE" when it is not one plain word.
func asked(g guard.Grant, key string, set *policy.Set) string {
	const some = "VALUE"
	if set == nil {
		return some
	}
	for _, l := range guard.LayersOf(guard.Bearing(*set, g)) {
		for i := range l.Statements {
			s := &l.Statements[i]
			if !s.MatchesAction(g.Action) || !s.MatchesResource(g.Resource, g.Context) {
				continue
			}
			for _, u := range s.Unmet(g.Context) {
				if u.Unknown && strings.EqualFold(u.Key, key) && comparesText(u.Operator) && len(u.Values) > 0 && u.Values[0] != "" && !strings.ContainsFunc(u.Values[0], unplain) {
					return u.Values[0]
				}
			}
		}
	}
	return some
}

// comparesText reports whether what an operator is given is a value that the key may
// have, and no range.
func comparesText(operator string) bool {
	o := strings.ToLower(operator)
	return strings.Contains(o, "string") || strings.Contains(o, "arn") || strings.Contains(o, "bool")
}

// unplain reports whether a character means something to a shell or to a policy.
func unplain(r rune) bool {
	return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("._:/@=+-,", r))
}

// unknownNear names the statements whose conditions ask for a key that is not
// known.
func unknownNear(d guard.Decision, g guard.Grant, keys []string) []guard.Near {
	if d.Policies == nil {
		return nil
	}
	var near []guard.Near
	var places []guard.Grant
	if g.Regionless() && slices.Contains(keys, guard.KeyRegion) {
		places = g.Places(guard.Bearing(*d.Policies, g))
	}
	for _, l := range guard.LayersOf(guard.Bearing(*d.Policies, g)) {
		for i := range l.Statements {
			s := &l.Statements[i]
			if !s.MatchesAction(g.Action) {
				continue
			}
			if where := inSomeRegion(s, places); where != "" {
				near = append(near, guard.Near{At: s.At, Why: verb(s) + " it " + where, Part: source.Part{Element: "Resource"}})
			}
			if !s.MatchesResource(g.Resource, g.Context) {
				continue
			}
			for _, u := range s.Unmet(g.Context) {
				if u.Unknown && slices.ContainsFunc(keys, func(k string) bool { return strings.EqualFold(k, u.Key) }) {
					near = append(near, guard.Near{At: s.At, Why: verb(s) + " it if " + guard.ConditionText(u.Condition) + ", which is not known here", Part: conditionPart(u.Condition), Note: verb(s) + " it if this holds; what it asks for is not known here"})
				}
			}
		}
	}
	return near
}

// inSomeRegion says in which regions a statement covers a grant, "" if it covers it in
// all or none of some places.
func inSomeRegion(s *policy.Statement, places []guard.Grant) string {
	var in, out []guard.Grant
	for _, place := range places {
		if s.MatchesResource(place.Resource, place.Context) {
			in = append(in, place)
		} else {
			out = append(out, place)
		}
	}
	if len(in) == 0 || len(out) == 0 {
		return ""
	}
	for _, pattern := range s.Resources() {
		if policy.Wild(pattern, in[0].Resource) {
			return "in the region of " + pattern
		}
	}
	for _, pattern := range s.NotResources() {
		if policy.Wild(pattern, out[0].Resource) {
			return "outside the region of " + pattern
		}
	}
	return "in some regions"
}

func verb(s *policy.Statement) string {
	if s.Denies() {
		return "denies"
	}
	return "allows"
}

// denier names the first judge that denies.
func denier(rs []guard.Ruling) string {
	for _, r := range rs {
		if r.Answer.Verdict.Denies() && r.Judge == "iam" {
			return "IAM's simulation"
		}
	}
	return "the evaluation of the policies read here"
}

// opinions lists what each judge said: "iam: allowed, local: explicitDeny".
func opinions(rs []guard.Ruling) string {
	said := make([]string, 0, len(rs))
	for _, r := range rs {
		said = append(said, r.Judge+": "+r.Answer.Verdict.String())
	}
	return strings.Join(said, ", ")
}

// doing says what a grant is for, after "may" or "may not".
var doing = map[string]string{
	guard.GrantTarget:      "start a session on this target",
	guard.GrantDocument:    "use this document",
	guard.GrantResume:      "resume the session after a drop",
	guard.GrantTerminate:   "end the session",
	guard.GrantDataChannel: "open the data channel",
	guard.GrantTask:        "run commands in this task",
	guard.GrantCluster:     "run commands in this cluster",
	guard.GrantKMS:         "use the key that encrypts the session",
}

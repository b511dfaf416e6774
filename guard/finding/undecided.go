package finding

import (
	"fmt"
	"slices"
	"strings"

	"ssmguard/guard"
	"ssmguard/guard/policy"
)

// undecided explains a grant on which the judges found no common answer: they
// contradict each other, a denial is not proven, or something is not known.
func undecided(d guard.Decision, g guard.Grant, m guard.Merged) []guard.Finding {
	f := guard.Finding{Grant: g.ID, Action: g.Action, Resource: g.Resource, Level: guard.Warning}
	if g.Advisory {
		f.Level = guard.Note
	}
	who := d.Request.Caller.Name()
	switch {
	case m.Contradict:
		f.Code = "SG901"
		f.Summary = "the judges disagree whether " + who + " " + may(g)
		f.Detail = "the session is not stopped for it: " + opinions(m.Rulings)
	case m.Unproven:
		f.Code = "SG507"
		f.Summary = "a judge says that " + who + " " + mayNot(g) + ", but cannot prove it"
		f.Detail = opinions(m.Rulings) + turnsOn(m.DependsOn)
	default:
		keys, layers := guard.SplitDepends(m.DependsOn)
		f.Nearest = unknownNear(d, g, keys)
		switch {
		case len(keys) > 0:
			f.Code = "SG505"
			f.Summary = fmt.Sprintf("whether %s %s turns on %s, which is not known here", who, may(g), guard.Join(keys, "and"))
		case len(layers) > 0:
			f.Code = "SG506"
			on := fmt.Sprintf("turns on the %s, which cannot be read", guard.Join(layers, "and the"))
			if hides(d, "SG502") {
				f.Detail = "it " + on
				on = "cannot be told without iam:SimulatePrincipalPolicy"
			}
			f.Summary = fmt.Sprintf("whether %s %s %s", who, may(g), on)
		default:
			return nil // nobody could be asked; unreadable says why
		}
	}
	return []guard.Finding{f}
}

// hides reports whether evidence could not be read for the reason of a rule.
func hides(d guard.Decision, code guard.Code) bool {
	return slices.ContainsFunc(d.Findings, func(f guard.Finding) bool { return f.Code == code })
}

// undecidedOnce keeps one finding of those that say the same of several grants:
// a grant that is only advisory adds nothing to what is said of a required one.
func undecidedOnce(d guard.Decision, fs []guard.Finding) []guard.Finding {
	var out []guard.Finding
	for _, f := range fs {
		same := slices.IndexFunc(out, func(k guard.Finding) bool {
			return k.Code == f.Code && k.Detail == f.Detail && (f.Level == guard.Note || slices.Equal(d.Of(k.Grant).DependsOn, d.Of(f.Grant).DependsOn))
		})
		open := f.Code == "SG505" || f.Code == "SG506" || f.Code == "SG507" || f.Code == "SG901"
		switch {
		case !open || same < 0:
			out = append(out, f)
		case out[same].Grant == guard.GrantTarget && f.Grant == guard.GrantDocument:
			out[same].Summary = strings.Replace(out[same].Summary, doing[guard.GrantTarget], "start this session", 1)
		}
	}
	return out
}

// unknownNear names the statements whose conditions ask for a key that is not
// known.
func unknownNear(d guard.Decision, g guard.Grant, keys []string) []guard.Near {
	if d.Policies == nil {
		return nil
	}
	var near []guard.Near
	for _, l := range guard.LayersOf(guard.Bearing(*d.Policies, g)) {
		for i := range l.Statements {
			s := &l.Statements[i]
			if !s.MatchesAction(g.Action) || !s.MatchesResource(g.Resource, g.Context) {
				continue
			}
			for _, u := range s.Unmet(g.Context) {
				if u.Unknown && slices.ContainsFunc(keys, func(k string) bool { return strings.EqualFold(k, u.Key) }) {
					near = append(near, guard.Near{At: s.At, Why: verb(s) + " it if " + guard.ConditionText(u.Condition) + ", which is not known here"})
				}
			}
		}
	}
	return near
}

func verb(s *policy.Statement) string {
	if s.Denies() {
		return "denies"
	}
	return "allows"
}

func turnsOn(on []string) string {
	if len(on) == 0 {
		return ""
	}
	keys, layers := guard.SplitDepends(on)
	return "; it turns on " + guard.Join(append(keys, layers...), "and")
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

func may(g guard.Grant) string { return "may " + doing[g.ID] }

func mayNot(g guard.Grant) string { return "may not " + doing[g.ID] }

// unreadable turns the error of a judge or of the inventory into findings: one
// for each permission that is missing, one for whatever else went wrong.
func unreadable(who string, err error) []guard.Finding {
	seen, rest := notVisible(err)
	var fs []guard.Finding
	for _, e := range seen {
		f := guard.Finding{Code: visibleCode(who, e.Permission), Level: guard.Note, Action: e.Permission, Resource: e.Resource,
			Summary: visibleSummary[visibleCode(who, e.Permission)], Detail: e.Cause}
		if f.Resource == "" {
			f.Resource = "*"
		}
		fs = append(fs, f)
	}
	if rest != nil {
		fs = append(fs, guard.Finding{Code: "SG504", Level: guard.Warning,
			Summary: fmt.Sprintf("no answer from %s, which counts as unknown", judgeName(who)),
			Detail:  causes(rest)})
	}
	return fs
}

// causes tells the errors of an error's tree on one line, those of one cause
// together: "ssm:GetDocument, ssm:GetConnectionStatus: no answer in time".
func causes(err error) string {
	var order []string
	calls := make(map[string][]string)
	for line := range strings.SplitSeq(err.Error(), "\n") {
		call, cause, ok := strings.Cut(line, ": ")
		if !ok {
			call, cause = "", line
		}
		if _, known := calls[cause]; !known {
			order = append(order, cause)
		}
		calls[cause] = append(calls[cause], call)
	}
	for i, cause := range order {
		order[i] = oneLine(strings.TrimPrefix(strings.Join(calls[cause], ", ")+": "+cause, ": "))
	}
	return strings.Join(order, "; ")
}

// missed returns the findings about what could not be read, without the reads
// that every ordinary caller is refused when nothing turned on them: an
// organization's policies are not the caller's to read.
func missed(d guard.Decision) []guard.Finding {
	if d.Verdict() != policy.Allow {
		return d.Findings
	}
	return slices.DeleteFunc(slices.Clone(d.Findings), func(f guard.Finding) bool {
		return f.Code == "SG501" && strings.HasPrefix(f.Action, "organizations:")
	})
}

var visibleSummary = map[guard.Code]string{
	"SG501": "the caller's policies cannot all be read",
	"SG502": "IAM's simulation may not be used",
	"SG503": "not everything about the target and the document can be read",
}

func visibleCode(who, permission string) guard.Code {
	switch {
	case strings.HasPrefix(permission, "iam:Simulate"), strings.HasPrefix(permission, "iam:GetContextKeys"):
		return "SG502"
	case who == "inventory":
		return "SG503"
	}
	return "SG501"
}

func judgeName(who string) string {
	switch who {
	case "iam":
		return "IAM's simulation"
	case "local":
		return "the reading of the caller's policies"
	case "inventory":
		return "the look at target and document"
	}
	return who
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

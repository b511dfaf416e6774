package guard

import (
	"fmt"
	"slices"
	"strings"

	"ssmguard/guard/policy"
)

// undecided explains a grant on which the judges found no common answer: they
// contradict each other, a denial is not proven, or something is not known.
func undecided(d Decision, g Grant, m Merged) []Finding {
	f := Finding{Grant: g.ID, Action: g.Action, Resource: g.Resource, Level: Warning}
	if g.Advisory {
		f.Level = Note
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
		keys, layers := splitDepends(m.DependsOn)
		f.Nearest = unknownNear(d, g, keys)
		switch {
		case len(keys) > 0:
			f.Code = "SG505"
			f.Summary = fmt.Sprintf("whether %s %s turns on %s, which is not known here", who, may(g), join(keys, "and"))
		case len(layers) > 0:
			f.Code = "SG506"
			on := fmt.Sprintf("turns on the %s, which cannot be read", join(layers, "and the"))
			if d.hides("SG502") {
				f.Detail = "it " + on
				on = "cannot be told without iam:SimulatePrincipalPolicy"
			}
			f.Summary = fmt.Sprintf("whether %s %s %s", who, may(g), on)
		default:
			return nil // nobody could be asked; unreadable says why
		}
	}
	return []Finding{f}
}

// hides reports whether evidence could not be read for the reason of a rule.
func (d Decision) hides(code Code) bool {
	return slices.ContainsFunc(d.Findings, func(f Finding) bool { return f.Code == code })
}

// undecidedOnce keeps one finding of those that say the same of several grants:
// a grant that is only advisory adds nothing to what is said of a required one.
func undecidedOnce(d Decision, fs []Finding) []Finding {
	var out []Finding
	for _, f := range fs {
		same := slices.IndexFunc(out, func(k Finding) bool {
			return k.Code == f.Code && k.Detail == f.Detail && (f.Level == Note || slices.Equal(d.Of(k.Grant).DependsOn, d.Of(f.Grant).DependsOn))
		})
		open := f.Code == "SG505" || f.Code == "SG506" || f.Code == "SG507" || f.Code == "SG901"
		switch {
		case !open || same < 0:
			out = append(out, f)
		case out[same].Grant == GrantTarget && f.Grant == GrantDocument:
			out[same].Summary = strings.Replace(out[same].Summary, doing[GrantTarget], "start this session", 1)
		}
	}
	return out
}

// unknownNear names the statements whose conditions ask for a key that is not
// known.
func unknownNear(d Decision, g Grant, keys []string) []Near {
	if d.Policies == nil {
		return nil
	}
	var near []Near
	for _, l := range layersOf(bearing(*d.Policies, g)) {
		for i := range l.statements {
			s := &l.statements[i]
			if !s.MatchesAction(g.Action) || !s.MatchesResource(g.Resource, g.Context) {
				continue
			}
			for _, u := range unmetConditions(s, g.Context) {
				if u.Unknown && slices.ContainsFunc(keys, func(k string) bool { return strings.EqualFold(k, u.Key) }) {
					near = append(near, Near{At: s.At, Why: verb(s) + " it if " + conditionText(u) + ", which is not known here"})
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

// layerNames are the layers of policy.Set as people call them.
var layerNames = map[string]string{
	"identity": "identity policies", "boundary": "permissions boundary", "session": "session policy",
	"scp": "service control policies", "rcp": "resource control policies", "endpoint": "VPC endpoint policy",
}

// splitDepends tells condition keys, which hold a colon, from layers.
func splitDepends(on []string) (keys, layers []string) {
	for _, s := range on {
		switch name := layerNames[s]; {
		case strings.Contains(s, ":"):
			keys = append(keys, s)
		case name != "":
			layers = append(layers, name)
		default:
			layers = append(layers, s)
		}
	}
	return keys, layers
}

func turnsOn(on []string) string {
	if len(on) == 0 {
		return ""
	}
	keys, layers := splitDepends(on)
	return "; it turns on " + join(append(keys, layers...), "and")
}

// opinions lists what each judge said: "iam: allowed, local: explicitDeny".
func opinions(rs []Ruling) string {
	said := make([]string, 0, len(rs))
	for _, r := range rs {
		said = append(said, r.Judge+": "+r.Answer.Verdict.String())
	}
	return strings.Join(said, ", ")
}

// doing says what a grant is for, after "may" or "may not".
var doing = map[string]string{
	GrantTarget:      "start a session on this target",
	GrantDocument:    "use this document",
	GrantResume:      "resume the session after a drop",
	GrantTerminate:   "end the session",
	GrantDataChannel: "open the data channel",
	GrantTask:        "run commands in this task",
	GrantCluster:     "run commands in this cluster",
	GrantKMS:         "use the key that encrypts the session",
}

func may(g Grant) string    { return "may " + doing[g.ID] }
func mayNot(g Grant) string { return "may not " + doing[g.ID] }

// join writes a list as people do: a, b and c.
func join(s []string, last string) string {
	if len(s) < 2 {
		return strings.Join(s, "")
	}
	return strings.Join(s[:len(s)-1], ", ") + " " + last + " " + s[len(s)-1]
}

// signs are the condition operators as people read them; the others are written
// out.
var signs = map[string]string{
	"stringequals": "=", "stringlike": "=", "stringequalsignorecase": "=", "arnequals": "=", "arnlike": "=", "bool": "=",
	"ipaddress": "in", "numericequals": "=", "dateequals": "=",
	"stringnotequals": "is not", "stringnotlike": "is not", "stringnotequalsignorecase": "is not",
	"arnnotequals": "is not", "arnnotlike": "is not", "notipaddress": "not in", "numericnotequals": "is not", "datenotequals": "is not",
	"numericlessthan": "<", "numericlessthanequals": "<=", "numericgreaterthan": ">", "numericgreaterthanequals": ">=",
	"datelessthan": "before", "datelessthanequals": "until", "dategreaterthan": "after", "dategreaterthanequals": "from",
}

// conditionText writes one condition: "ssm:resourceTag/Name = bastion".
func conditionText(u policy.Unmet) string {
	operator := u.Operator
	if _, plain, ok := strings.Cut(operator, ":"); ok {
		operator = plain
	}
	base := strings.TrimSuffix(strings.ToLower(operator), "ifexists")
	if base == "null" {
		if len(u.Want) > 0 && strings.EqualFold(u.Want[0], "true") {
			return u.Key + " is absent"
		}
		return u.Key + " is present"
	}
	sign, ok := signs[base]
	if !ok {
		sign = operator
	}
	return u.Key + " " + sign + " " + join(u.Want, "or")
}

// unreadable turns the error of a judge or of the inventory into findings: one
// for each permission that is missing, one for whatever else went wrong.
func unreadable(who string, err error) []Finding {
	seen, rest := notVisible(err)
	var fs []Finding
	for _, e := range seen {
		f := Finding{Code: visibleCode(who, e.Permission), Level: Note, Action: e.Permission, Resource: e.Resource,
			Summary: visibleSummary[visibleCode(who, e.Permission)], Detail: e.Cause}
		if f.Resource == "" {
			f.Resource = "*"
		}
		fs = append(fs, f)
	}
	if rest != nil {
		fs = append(fs, Finding{Code: "SG504", Level: Warning,
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
func missed(d Decision) []Finding {
	if d.Verdict() != policy.Allow {
		return d.Findings
	}
	return slices.DeleteFunc(slices.Clone(d.Findings), func(f Finding) bool {
		return f.Code == "SG501" && strings.HasPrefix(f.Action, "organizations:")
	})
}

var visibleSummary = map[Code]string{
	"SG501": "the caller's policies cannot all be read",
	"SG502": "IAM's simulation may not be used",
	"SG503": "not everything about the target and the document can be read",
}

func visibleCode(who, permission string) Code {
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

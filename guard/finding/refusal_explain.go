package finding

import (
	"slices"
	"strings"

	"ssmguard/guard"
	"ssmguard/guard/policy"
)

// refusalCodes are the rules for the policy types AWS names; implicit denials
// and explicit ones share them, but for identity policies.
var refusalCodes = map[string]guard.Code{
	"service control policy":  "SG603",
	"resource control policy": "SG603",
	"permissions boundary":    "SG604",
	"session policy":          "SG605",
	"VPC endpoint policy":     "SG606",
	"resource-based policy":   "SG607",
	"role trust policy":       "SG607",
}

func (r Refusal) code() guard.Code {
	switch {
	case r.Rule != "":
		return r.Rule
	case r.Code == "TargetNotConnected":
		return "SG700"
	case r.Code == "InvalidDocument":
		return "SG114"
	case r.Encoded != "" && r.Action == "":
		return "SG608"
	case refusalCodes[r.Policy] != "":
		return refusalCodes[r.Policy]
	case r.Action == guard.ActionTerminate:
		return "SG609"
	case r.Policy == IdentityPolicy && r.Explicit:
		return "SG602"
	case r.Policy == IdentityPolicy:
		return "SG601"
	}
	return "SG600"
}

// Explain turns a refusal into a finding by what AWS says alone, without any
// evidence of the account: for a message that someone pasted. The bool is false
// for an error that no rule speaks of.
func (r Refusal) Explain() (guard.Finding, bool) {
	code := r.code()
	if code == "SG600" && !r.Denied() {
		return guard.Finding{}, false
	}
	f := guard.Finding{Code: code, Level: guard.Error, Grant: r.grant(), Action: r.Action, Resource: r.Resource}
	who := "the caller"
	if r.User != "" {
		who = guard.Caller{SessionARN: r.User}.Name()
	}
	page, _ := Page(code)
	switch code {
	case "SG700":
		f.Summary = "AWS says the target is not connected, which is no matter of permissions"
	case r.Rule:
		f.Summary, f.Detail = page.Title, "the target says: "+r.Message
	case "SG114":
		f.Summary = "AWS does not accept the document: " + r.Message
	case "SG608":
		f.Summary = "AWS refused and encoded the reason"
		f.Fix = &guard.Fix{Text: "let someone with sts:DecodeAuthorizationMessage decode it: aws sts decode-authorization-message --encoded-message " + r.Encoded}
	default:
		f.Summary = "AWS refused " + r.what() + " to " + who + ": " + r.reason()
		if r.Resource == "" {
			f.Resource = "*"
		}
		if r.Action == "" {
			f.Action, f.Resource, f.Detail = "", "", r.Message
			f.Summary = "AWS refused the call: " + page.Title
		}
	}
	if r.PolicyARN != "" {
		f.Detail = "AWS names the policy: " + r.PolicyARN
	}
	if code == "SG609" {
		f.Detail = "the AWS CLI also says this when the session-manager plugin is missing: it then ends the session it has just started"
	}
	if r.Wrapped == "KMSEncryption" && f.Detail == "" {
		f.Detail = "the session had started; the plugin could not get a key to encrypt it with"
	}
	return f, true
}

func (r Refusal) what() string {
	if r.Action == "" {
		return "the call"
	}
	return r.Action
}

// reason says in a clause what AWS gives as the reason.
func (r Refusal) reason() string {
	article := "a "
	if strings.HasPrefix(r.Policy, "identity") {
		article = "an "
	}
	switch {
	case r.Policy == "" && r.Explicit:
		return "some policy denies it"
	case r.Policy == "":
		return "it gives no reason"
	case r.Explicit:
		return article + r.Policy + " denies it"
	}
	return "no " + r.Policy + " allows it"
}

// grant guesses the grant by action and resource.
func (r Refusal) grant() string {
	switch strings.ToLower(r.Action) {
	case strings.ToLower(guard.ActionStart):
		if guard.ResourceType(r.Resource) == "document" {
			return guard.GrantDocument
		}
		return guard.GrantTarget
	case strings.ToLower(guard.ActionResume):
		return guard.GrantResume
	case strings.ToLower(guard.ActionTerminate):
		return guard.GrantTerminate
	case strings.ToLower(guard.ActionDataChannel):
		return guard.GrantDataChannel
	case strings.ToLower(guard.ActionDataKey):
		return guard.GrantKMS
	case strings.ToLower(guard.ActionExecute):
		if guard.ResourceType(r.Resource) == "cluster" {
			return guard.GrantCluster
		}
		return guard.GrantTask
	}
	return ""
}

// Refused adds AWS's own refusal to an explained decision: what AWS said, joined with the
// evidence at hand. AWS has the last word, so the finding comes first. A decision
// without evidence (the zero Decision) still explains the message.
func Refused(d guard.Decision, r Refusal) guard.Decision {
	f, ok := r.Explain()
	if !ok {
		return d
	}
	out := d
	out.Findings = slices.Clone(d.Findings)
	if f.Code == "SG700" {
		healthOf(d, &f)
	} else {
		join(d, &f, r)
	}
	out.Findings = slices.Insert(out.Findings, 0, f)
	return out
}

// healthOf gives TargetNotConnected the evidence that was seen.
func healthOf(d guard.Decision, f *guard.Finding) {
	seen := health(d.Request, d.Facts)
	if len(seen) == 0 {
		f.Detail = "look at the agent, the instance profile, the way to the endpoints ssm and ssmmessages, and the region"
		return
	}
	f.Detail, f.Fix = seen[0].Summary, seen[0].Fix
	if seen[0].Detail != "" {
		add(f, seen[0].Detail)
	}
}

// join brings a refusal together with what was found here about the grant AWS
// names.
func join(d guard.Decision, f *guard.Finding, r Refusal) {
	if fault, faulty := documentFault(d, r); faulty && guard.GroupOf(guard.Grant{ID: f.Grant}) == "start" {
		f.Fix = fault.Fix
		add(f, fault.Summary)
		return
	}
	for _, own := range d.Findings {
		if own.Grant == f.Grant && own.Grant != "" && own.Level >= guard.Warning && d.Of(own.Grant).Verdict.Denies() {
			f.Nearest, f.Fix = own.Nearest, own.Fix
			add(f, "the policies read here agree: "+own.Summary+" ("+string(own.Code)+")")
			return
		}
	}
	if d.Policies == nil {
		proposal(d, f, r)
		return
	}
	for _, g := range d.Grants {
		if g.ID != f.Grant || g.Resource != r.Resource {
			continue
		}
		compare(d, f, r, g)
		return
	}
}

// documentFault is DocumentFault of the request; without evidence, of the document
// that AWS names.
func documentFault(d guard.Decision, r Refusal) (guard.Finding, bool) {
	if len(d.Grants) == 0 && guard.ResourceType(r.Resource) != "document" {
		return guard.Finding{}, false
	}
	if len(d.Grants) == 0 {
		return DocumentFault(guard.Request{Document: r.Resource}, guard.Facts{})
	}
	return DocumentFault(d.Request, d.Facts)
}

// compare explains why AWS refuses what the policies read here allow.
func compare(d guard.Decision, f *guard.Finding, r Refusal, g guard.Grant) {
	q := inquiry{d: d, grant: g, about: subjectOf(g)}
	layer, known := r.Layer()
	for _, l := range guard.LayersOf(guard.Bearing(*d.Policies, g)) {
		if !known || l.Kind != layer {
			continue
		}
		for i := range l.Statements {
			if s := &l.Statements[i]; s.Denies() == r.Explicit && s.MatchesAction(g.Action) && s.MatchesResource(g.Resource, g.Context) {
				why := "allows it, as it is read here"
				if r.Explicit {
					why = q.denyWhy(s)
				} else if m, ok := q.conditionMiss(s); ok {
					why = m.why
				}
				f.Nearest = append(f.Nearest, guard.Near{At: s.At, Why: why})
			}
		}
		for i, m := range q.misses(l) {
			if i < maxNearest && len(f.Nearest) == 0 {
				f.Nearest = append(f.Nearest, guard.Near{At: m.s.At, Why: m.why})
			}
		}
	}
	switch {
	case !known && r.Policy != "":
		add(f, "that policy cannot be read from here")
	case known && (slices.Contains(d.Policies.Partial, layer) || len(f.Nearest) == 0 && layer != policy.Identity):
		add(f, "that layer cannot be read from here")
	case guard.Evaluate(*d.Policies, g).Verdict == policy.Allow:
		add(f, "the policies read here allow it: they may have changed a moment ago, or the call used other credentials")
	}
	if fix := r.ask(); fix != nil {
		fix.Grants, f.Fix = []string{g.ID}, fix
	}
}

// ask is the fix that is somebody else's to make, nil when the caller's administrator can.
func (r Refusal) ask() *guard.Fix {
	layer, _ := r.Layer()
	owner := guard.Owner(layer)
	if owner == "" {
		return nil
	}
	return &guard.Fix{Text: "ask " + owner, Ask: owner,
		Message: "Please allow " + r.User + " " + r.Action + " on " + r.Resource + ". AWS says: " + r.Message + "\n"}
}

// proposal offers the grant that AWS misses when no policy could be read.
func proposal(d guard.Decision, f *guard.Finding, r Refusal) {
	if fix := r.ask(); fix != nil {
		f.Fix = fix
		return
	}
	if r.Explicit || r.Action == "" || r.Resource == "" || f.Grant == "" {
		return
	}
	who := guard.Caller{SessionARN: r.User}.Home()
	fix := &guard.Fix{Text: "add to " + who, Grants: []string{f.Grant}}
	for _, s := range guard.Permissions([]guard.Grant{{ID: f.Grant, Action: r.Action, Resource: r.Resource}}) {
		fix.Changes = append(fix.Changes, guard.Change{Kind: guard.AddStatement, Where: who, Statement: s.String()})
	}
	f.Fix = fix
}

// add appends a clause to the detail.
func add(f *guard.Finding, clause string) {
	if clause == "" {
		return
	}
	if f.Detail != "" {
		f.Detail += "; "
	}
	f.Detail += clause
}

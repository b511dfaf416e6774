package finding

import (
	"cmp"
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

// Finding returns the code of the rule that speaks of the refusal.
func (r Refusal) Finding() guard.Code {
	switch {
	case r.Rule != "":
		return r.Rule
	case r.Code == "InvalidDocument" && strings.Contains(r.Message, "does not exist"):
		return "SG115"
	case r.Code == "InvalidDocument":
		return "SG114"
	case r.Encoded != "" && r.Action == "":
		return "SG608"
	case r.ofNode() && strings.EqualFold(r.Action, "kms:Decrypt"):
		return "SG711"
	case r.ofNode():
		return "SG712"
	case refusalCodes[r.Policy] != "":
		return refusalCodes[r.Policy]
	case r.Action == actionWebIdentity, r.Action == actionSAML:
		return "SG607"
	case r.Action == guard.ActionTerminate:
		return "SG609"
	case r.ofAccess():
		return "SG221"
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
	code := r.Finding()
	if code == "SG600" && !r.Denied() {
		return guard.Finding{}, false
	}
	f := guard.Finding{Code: code, Level: guard.Error}
	page, _ := Page(code)
	switch {
	case r.Rule != "":
		f.Summary = cmp.Or(r.Means, page.Title)
		if r.Do != "" {
			f.Fix = &guard.Fix{Text: r.Do}
		}
		if slices.Contains(agentRules, code) {
			f.Detail = "the target says: " + r.Message
		}
	case r.Code == "InvalidDocument":
		f.Summary = "AWS does not accept the document: " + strings.TrimSuffix(r.Message, ".")
	case code == "SG608":
		f.Summary = "AWS refused and encoded the reason"
		f.Fix = &guard.Fix{Text: "let someone with sts:DecodeAuthorizationMessage decode it: aws sts decode-authorization-message --encoded-message " + r.Encoded}
	case r.Action == "" && code == "SG600":
		f.Summary, f.Detail = "AWS refused the call, and does not say which action it asked IAM about", r.Message
	case r.Action == "":
		f.Summary, f.Detail = page.Title, r.Message
	default:
		r.denial(&f)
	}
	if r.PolicyARN != "" {
		f.Detail = "AWS names the policy: " + r.PolicyARN
	}
	if code == "SG609" {
		f.Detail = "the AWS CLI also says this when the session-manager plugin is missing: it then ends the session it has just started"
	}
	if code == "SG221" {
		add(&f, "just-in-time access takes ssm:StartAccessRequest on the node and ssm:GetAccessToken on the request, and no ssm:StartSession")
	}
	if (f.Grant == guard.GrantTerminate || f.Grant == guard.GrantResume) && !r.Explicit && (r.Policy == "" || r.Policy == IdentityPolicy) {
		add(&f, "if a statement compares "+guard.SessionTagID+" with ${aws:userid} already, try ${aws:userid}* in StringLike, as AWS's sample has it")
	}
	if r.Wrapped == "KMSEncryption" && f.Detail == "" {
		f.Detail = "the session had started; the plugin could not get a key to encrypt it with"
	}
	return f, true
}

// agentRules are those of messages that the target writes, and that say more than the
// rule.
var agentRules = []guard.Code{"SG709", "SG710", "SG711"}

// denial says which action was refused to whom.
func (r Refusal) denial(f *guard.Finding) {
	f.Grant, f.Action, f.Resource = r.grant(), r.Action, r.Resource
	f.Summary = "AWS refused " + r.Action + " to " + r.who() + ": " + r.Clause()
	if r.Resource == "" {
		f.Action, f.Detail = "", "the message names no resource"
	}
	if r.Action == "sts:AssumeRole" && r.Reason() == "" {
		f.Detail = "the policies of the caller have to allow it, and the trust policy of the role as well"
	}
	if r.ofNode() {
		f.Detail = "it is the role of the target that was refused, not the caller of the session"
	}
}

// who is the caller that AWS refused.
func (r Refusal) who() string {
	switch {
	case r.ofNode():
		return r.nodeRole()
	case r.User == "":
		return "the caller"
	}
	return guard.Caller{SessionARN: r.User}.Name()
}

// Clause says in a clause what AWS gives as the reason.
func (r Refusal) Clause() string {
	article := "a "
	if strings.HasPrefix(r.Policy, "identity") {
		article = "an "
	}
	switch {
	case r.Policy == "" && r.Explicit:
		return "some policy denies it"
	case r.Policy == "" && r.Owner() == OwnerTrust:
		return "the role's trust policy does not allow it"
	case r.Policy == "":
		return "it gives no reason"
	case r.Owner() == OwnerKeyPolicy && r.Explicit:
		return "the key policy denies it"
	case r.Owner() == OwnerKeyPolicy:
		return "the key policy does not allow it, whatever the caller's own policies say"
	case r.Explicit:
		return article + r.Policy + " denies it"
	}
	return "no " + r.Policy + " allows it"
}

// grant guesses the grant by action and resource.
func (r Refusal) grant() string {
	if r.Resource == "" || r.ofNode() {
		return ""
	}
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

// Pasted explains what was read of a message that somebody pasted, without evidence, in
// the order of the text.
func Pasted(all []Refusal) guard.Decision {
	var d guard.Decision
	refused := make(map[string]bool)
	for _, r := range all {
		refused[r.grant()] = true
	}
	both := refused[guard.GrantTarget] && refused[guard.GrantDocument]
	for _, r := range all {
		found := Refused(guard.Decision{}, r).Findings
		for i := range found {
			if _, faulty := documentFault(d, r); !both && !faulty {
				add(&found[i], r.another())
			}
		}
		d.Findings = append(d.Findings, found...)
	}
	return d
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
	if r.ofNode() || r.Owner() == OwnerKeyPolicy {
		// The policies of the caller do not decide it, and may lack it as well.
		proposal(f, r)
		for _, own := range d.Findings {
			if own.Grant == f.Grant && own.Grant != "" && d.Of(own.Grant).Verdict.Denies() {
				f.Nearest = own.Nearest
				add(f, "the caller's own policies do not allow it either: "+own.Summary+" ("+string(own.Code)+")")
				return
			}
		}
		return
	}
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
		proposal(f, r)
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
				near := guard.Near{At: s.At, Why: "allows it, as it is read here", Part: effectPart("Allow")}
				if r.Explicit {
					near.Why, near.Part = q.denyWhy(s), denyPart(s)
				} else if m, ok := q.conditionMiss(s); ok {
					m.s = s
					near = m.near()
				}
				f.Nearest = append(f.Nearest, near)
			}
		}
		for i, m := range q.misses(l) {
			if i < maxNearest && len(f.Nearest) == 0 {
				f.Nearest = append(f.Nearest, m.near())
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
	owner, what := "", " on "+r.Resource
	if layer, known := r.Layer(); known {
		owner = guard.Owner(layer)
	}
	if r.Resource == "" {
		what = ""
	}
	switch r.Owner() {
	case OwnerKeyPolicy:
		owner = "the administrator of the key"
		if account := guard.ArnField(r.User, 4); !r.Explicit && len(account) == 12 && strings.Trim(account, "0123456789") == "" {
			key := guard.Allow(guard.Texts{r.Action}, guard.Texts{"*"})
			what += " in the key policy, for instance by this statement, which leaves it to the IAM policies of the account: " +
				strings.Replace(key.String(), `{"Effect":"Allow",`, `{"Effect":"Allow","Principal":{"AWS":"arn:`+cmp.Or(guard.ArnField(r.User, 1), "aws")+":iam::"+account+`:root"},`, 1)
		}
	case OwnerTrust:
		owner = "whoever keeps the role's trust policy"
	}
	if owner == "" {
		return nil
	}
	return &guard.Fix{Text: "ask " + owner, Ask: owner,
		Message: "Please allow " + cmp.Or(r.User, "the caller") + " " + r.Action + what + ". AWS says: " + r.Message + "\n"}
}

// beforeSession are the actions that a session is prepared with; no grant of the session
// itself stands for them.
var beforeSession = append([]string{"ecs:DescribeTasks"}, accessActions...)

// proposal offers the grant that AWS misses when no policy could be read.
func proposal(f *guard.Finding, r Refusal) {
	if r.Action == "" || f.Fix != nil {
		return
	}
	if fix := r.ask(); fix != nil {
		f.Fix = fix
		return
	}
	if r.Explicit || r.Resource == "" || f.Grant == "" && !r.ofNode() && !slices.ContainsFunc(beforeSession, func(a string) bool { return strings.EqualFold(a, r.Action) }) {
		return
	}
	where := guard.Caller{SessionARN: r.User}.Home()
	if r.ofNode() {
		where = r.nodeRole()
	}
	fix := &guard.Fix{Text: "add to " + where}
	if r.Policy == "" {
		fix.Text = "unless a policy allows it already, add to " + where
	}
	if f.Grant != "" {
		fix.Grants = []string{f.Grant}
	}
	f.Fix = fix
	if strings.Contains(r.Resource, masked) {
		fix.Text += " a statement that allows it on the resource, whose ARN is partly hidden in the message"
		return
	}
	resource := r.Resource
	if strings.HasPrefix(r.Action, "ssmmessages:") {
		resource = "*" // the service has no resource types
	}
	for _, s := range guard.Permissions([]guard.Grant{{ID: f.Grant, Action: r.Action, Resource: resource}}) {
		fix.Changes = append(fix.Changes, guard.Change{Kind: guard.AddStatement, Where: where, Statement: s.String()})
	}
}

// masked is what the log of a CI has in the place of a value that it keeps secret.
const masked = "***"

// another says how to see the grants that a message leaves out: AWS names one resource.
func (r Refusal) another() string {
	if r.Action != guard.ActionStart || strings.Contains(r.Resource, masked) {
		return ""
	}
	region, name := guard.ArnField(r.Resource, 3), lastName(r.Resource)
	other, options := "target", "--target TARGET"
	switch kind := guard.ResourceType(r.Resource); {
	case !guard.Made(name, "-_.") || name[0] == '-' || !guard.IsRegion(region):
		return ""
	case kind == "document" && name != guard.DefaultDocument:
		options += " --document-name " + name
	case kind == "document":
	case kind == "instance" || kind == "managed-instance":
		other, options = "document", "--target "+name
	default:
		return ""
	}
	return "AWS names one resource only, and the grant on the " + other + " may be missing too: ssmguard check " + options + " --region " + region
}

func lastName(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }

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

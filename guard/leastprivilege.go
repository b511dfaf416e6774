package guard

import (
	"slices"
	"strings"

	"ssmguard/guard/policy"
)

// LeastPrivilege returns the smallest identity policy that lets the request
// through and its session be resumed, ended and encrypted: a policy document,
// indented. Target and document are granted by their exact ARNs. The session's
// actions have the form that works for users and roles alike, and OpenDataChannel
// is granted on *, for it has no resource types.
func LeastPrivilege(r Request, f Facts) string {
	return document(Needs(r, f), "StartSession", "OwnSessions", "DataChannel", "SessionKey")
}

// document is a policy document that allows some grants, with the Sids of its statements.
func document(grants []Grant, sids ...string) string {
	var b strings.Builder
	b.WriteString("{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n")
	drafts := Permissions(grants)
	for i, d := range drafts {
		if i < len(sids) {
			d.Sid = sids[i]
		}
		b.WriteString("    " + d.indented("    "))
		if i < len(drafts)-1 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
	}
	b.WriteString("  ]\n}\n")
	return b.String()
}

// Option is one document or one target, and what the policies say of it.
type Option struct {
	Name    string // as it goes into Request.Document or Request.Target
	Verdict policy.Verdict
}

// Documents evaluates, for the request's caller and region, which of some
// documents may be used. Facts are the request's own; tags of other documents
// are unknown, so one that is granted by tag comes out as Unknown.
func Documents(set policy.Set, r Request, names []string) []Option {
	var out []Option
	for _, name := range names {
		other := r.With(r.Target, name)
		out = append(out, Option{name, grantVerdict(set, other, UnknownFacts(), GrantDocument)})
	}
	return out
}

// OwnDocuments returns the documents of the account that the policies name and the
// caller may use. Whether each exists is not known.
func OwnDocuments(set policy.Set, r Request) []string {
	set.Partial = nil
	var names []string
	for i := range set.Identity {
		for _, pattern := range set.Identity[i].Resources() {
			name := DocumentName(Request{Document: pattern})
			if ResourceType(pattern) == "document" && documentNamed(name) && !reserved(name) && meantDocument(name) == "" && name != DocumentName(r) && !slices.Contains(names, name) && name != DefaultDocument {
				names = append(names, name)
			}
		}
	}
	var own []string
	for _, o := range Documents(set, r, names) {
		if o.Verdict == policy.Allow {
			own = append(own, o.Name)
		}
	}
	return own
}

// Targets evaluates which of some targets the caller may start a session on.
// Tags maps a target to its tags; a target that is not in it has unknown ones.
func Targets(set policy.Set, r Request, targets []string, tags map[string]map[string]string) []Option {
	var out []Option
	for _, target := range targets {
		other := r.With(target, r.Document)
		f := UnknownFacts()
		if known, ok := tags[target]; ok {
			f = Facts{TargetTags: known}
		}
		out = append(out, Option{target, grantVerdict(set, other, f, GrantTarget)})
	}
	return out
}

func grantVerdict(set policy.Set, r Request, f Facts, id string) policy.Verdict {
	for _, g := range Needs(r, f) {
		if g.ID == id {
			return Evaluate(set, g).Verdict
		}
	}
	return policy.Unknown
}

// SessionDocuments are the documents people start sessions with: the default
// one, "", and AWS's own.
func SessionDocuments() []string { return append([]string(nil), KnownDocuments...) }

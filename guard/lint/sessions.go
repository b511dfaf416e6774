package lint

import (
	"slices"
	"strings"

	"ssmguard/guard"
	"ssmguard/guard/policy"
)

// The ARNs of what a session is started on, and of its documents.
var (
	targetARNs   = []string{"arn:*:ec2:*:*:instance/*", "arn:*:ssm:*:*:managed-instance/*", "arn:*:ecs:*:*:task/*"}
	awsDocuments = "arn:*:ssm:*::document/AWS-*"
	ownDocuments = "arn:*:ssm:*:*:document/*"
)

// ofSessions looks at what a policy says of sessions as a whole: targets without a document,
// documents that a condition on tags closes, tags that open everything without them. Of a
// faulty policy it is not said what it lacks: that may be what the fault keeps it from.
func ofSessions(d Document, faulty bool) []guard.Finding {
	var fs []guard.Finding
	var targets, tagged *policy.Statement
	own, aws := false, false // some statement opens documents of the account, of AWS
	for i := range d.Statements {
		s := &d.Statements[i]
		if s.Denies() || !s.MatchesAction(guard.ActionStart) {
			continue
		}
		if key, opens := guard.OpensUntagged(s); opens {
			why := "holds for everything that has no " + key
			fs = append(fs, guard.Finding{Code: "SG209", Level: guard.Warning,
				Summary: "a tag condition with IfExists on * opens every target without the tag, and every document: " + why,
				Nearest: []guard.Near{{At: s.At, Why: why}}})
		}
		reaches := func(arn string) bool {
			if s.Resources() == nil {
				return true // all but something
			}
			return slices.ContainsFunc(s.Resources(), func(p string) bool { return meets(p, arn) })
		}
		byTag := slices.ContainsFunc(s.Conditions(), asksForTag)
		if slices.ContainsFunc(targetARNs, reaches) && targets == nil {
			targets = s
		}
		own = own || reaches(ownDocuments)
		aws = aws || reaches(awsDocuments) && !byTag
		if reaches(awsDocuments) && byTag && tagged == nil {
			tagged = s
		}
		for _, p := range s.Resources() {
			if name := guard.ArnField(p, guard.FieldResource); byTag && guard.ArnField(p, guard.FieldAccount) == "" && strings.HasPrefix(name, "document/") {
				fs = append(fs, at("SG101", guard.Error, s, "never allows "+guard.ActionStart+" on "+p+": AWS owns the document, which carries no tags"))
				tagged = nil
			}
		}
	}
	if d.Kind != policy.Identity {
		return fs
	}
	switch {
	case tagged != nil && !aws:
		fs = append(fs, at("SG101", guard.Warning, tagged, "opens no document of AWS's, which carry no tags: grant the documents in a statement of their own"))
	case targets != nil && !own && !aws && !faulty:
		fs = append(fs, at("SG010", guard.Note, targets, "opens targets, and no statement of this policy opens a document; no session starts unless another policy of the caller does"))
	}
	return fs
}

// asksForTag reports whether a condition holds only for what has a tag.
func asksForTag(c policy.Condition) bool {
	return guard.IsTagKey(c.Key) && !guard.Negated(c) && !strings.HasSuffix(strings.ToLower(c.Operator), "ifexists") &&
		!strings.HasPrefix(strings.ToLower(c.Operator), "forallvalues:") && !strings.EqualFold(c.Operator, "Null")
}

// at is a finding about a statement.
func at(code guard.Code, level guard.Level, s *policy.Statement, why string) guard.Finding {
	return guard.Finding{Code: code, Level: level, Summary: why, Nearest: []guard.Near{{At: s.At, Why: why}}}
}

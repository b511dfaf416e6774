package finding

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"ssmguard/guard"
	"ssmguard/guard/policy"
)

// unread says, for a judge and for the inventory, what is missing when it does not
// answer.
var unread = map[string]string{
	"iam":       "IAM's simulation gave no answer",
	"local":     "the caller's policies could not be read",
	"inventory": "the target and the document could not be looked up",
}

// hidden is the finding about a permission that the caller lacks to read evidence.
func hidden(who, permission string) (guard.Code, string) {
	switch {
	case strings.HasPrefix(permission, "iam:Simulate"), strings.HasPrefix(permission, "iam:GetContextKeys"):
		return "SG502", "IAM's simulation may not be used"
	case who == "inventory":
		return "SG503", "not everything about the target and the document can be read"
	}
	return "SG501", "the caller's policies cannot all be read"
}

// unreadable turns the error of a judge or of the inventory into findings: one
// for each permission that is missing, one for whatever else went wrong.
func unreadable(who string, err error) []guard.Finding {
	seen, rest := notVisible(err)
	var fs []guard.Finding
	for _, e := range seen {
		code, summary := hidden(who, e.Permission)
		fs = append(fs, guard.Finding{Code: code, Level: guard.Note, Action: e.Permission, Resource: cmp.Or(e.Resource, "*"), Summary: summary, Detail: e.Cause})
	}
	if rest != nil {
		fs = append(fs, guard.Finding{Code: "SG504", Level: guard.Warning, Summary: cmp.Or(unread[who], who+" gave no answer"), Detail: causes(rest)})
	}
	return fs
}

// notVisible collects every NotVisible in an error's tree, in order; rest says
// what else it holds, nil when nothing.
func notVisible(err error) (seen []*guard.NotVisible, rest error) {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		var nv *guard.NotVisible
		if errors.As(err, &nv) {
			return []*guard.NotVisible{nv}, nil
		}
		return nil, err
	}
	var others []error
	for _, e := range joined.Unwrap() {
		s, r := notVisible(e)
		seen = append(seen, s...)
		if r != nil {
			others = append(others, r)
		}
	}
	if len(others) > 0 && len(seen) == 0 {
		return nil, err // as it was worded
	}
	return seen, errors.Join(others...)
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
		text := strings.TrimPrefix(strings.Join(calls[cause], ", ")+": "+cause, ": ")
		order[i] = strings.Join(strings.Fields(text), " ")
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

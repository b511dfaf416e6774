package finding

import (
	"fmt"
	"slices"
	"strconv"

	"ssmguard/guard"
	"ssmguard/internal/safetext"
	"ssmguard/internal/spelling"
)

// DocumentFault returns what keeps the request's document from starting any
// session, whatever the policies say: it does not exist, or is of another type. The
// bool is false when nothing does, as far as is known.
func DocumentFault(r guard.Request, f guard.Facts) (guard.Finding, bool) {
	if !guard.DocumentUnusable(r, f) {
		return guard.Finding{}, false
	}
	name := guard.DocumentName(r)
	fault := guard.Finding{Code: "SG115", Level: guard.Warning, Fix: &guard.Fix{Text: "name a session document with --document-name, or none for a shell"}}
	switch sight := guard.SightOf(r, f); {
	case sight == guard.DocumentThere:
		fault.Code = "SG114"
		fault.Summary = fmt.Sprintf("%s is a document of type %s, and a session needs one of type Session", name, f.DocumentType)
		return fault, true
	case sight == guard.DocumentMisnamed:
		fault.Summary = strconv.Quote(name) + " is no document's name: there are letters, digits, -, _ and . in one"
		return fault, true
	case sight == guard.DocumentUnlisted:
		fault.Summary = name + " is none of the session documents that AWS owns"
	case sight == guard.DocumentMisspelt && !guard.AwsOwned(r, f):
		fault.Summary = "whether the document " + name + " exists is not known"
		fault.Detail = "if the account has a document of that name, give its ARN"
	case sight == guard.DocumentMisspelt:
		fault.Summary = name + " is none of the session documents that AWS owns"
	default:
		fault.Summary = fmt.Sprintf("there is no document %s in %s", name, r.Region)
		if owner := guard.ForeignOwner(r); owner != "" {
			fault.Summary += ", or account " + owner + " does not share it"
		}
	}
	known := slices.Concat(guard.KnownDocuments[1:], []string{guard.PasswordReset, guard.DefaultDocument}, f.SessionDocuments)
	if near := spelling.Nearest(name, known); near != "" {
		fault.Summary += "; did you mean " + near + "?"
		fault.Fix.Text = "use --document-name " + safetext.Word(near)
	}
	return fault, true
}

package guard

import (
	"fmt"
	"slices"

	"ssmguard/internal/spelling"
)

// DocumentFault returns what keeps the request's document from starting any
// session, whatever the policies say: it does not exist, or is of another type. The
// bool is false when nothing does, as far as is known.
func DocumentFault(r Request, f Facts) (Finding, bool) {
	if !DocumentUnusable(r, f) {
		return Finding{}, false
	}
	name := documentName(r)
	fault := Finding{Code: "SG115", Level: Warning, Fix: &Fix{Text: "name a session document with --document-name, or none for a shell"}}
	switch sight := sightOf(r, f); {
	case sight == documentThere:
		fault.Code = "SG114"
		fault.Summary = fmt.Sprintf("%s is a document of type %s, and a session needs one of type Session", name, f.DocumentType)
		return fault, true
	case sight == documentUnlisted:
		fault.Summary = name + " is none of the session documents that AWS owns"
	default:
		fault.Summary = fmt.Sprintf("there is no document %s in %s", name, r.Region)
		if owner := foreignOwner(r); owner != "" {
			fault.Summary += ", or account " + owner + " does not share it"
		}
	}
	known := slices.Concat(knownDocuments[1:], []string{passwordReset, DefaultDocument}, f.SessionDocuments)
	if near := spelling.Nearest(name, known); near != "" {
		fault.Summary += "; did you mean " + near + "?"
		fault.Fix.Text = "use --document-name " + near
	}
	return fault, true
}


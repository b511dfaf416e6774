package guard

import (
	"fmt"
	"slices"
	"strings"

	"ssmguard/internal/spelling"
)

// passwordReset is a session document of AWS's too, though no session of people:
// docs.aws.amazon.com/systems-manager/latest/userguide/fleet-manager-reset-password.html
const passwordReset = "AWS-PasswordReset"

// awsSessionDocument tells whether a name is that of a session document that AWS
// owns and everybody has.
func awsSessionDocument(name string) bool {
	return name == passwordReset || name != "" && slices.Contains(knownDocuments, name)
}

// foreignOwner returns the account of a document that is named by the ARN of
// another account's, else "".
func foreignOwner(r Request) string {
	owner := arnField(r.Document, fieldAccount)
	if owner == r.Caller.Account || r.Caller.Account == "" {
		return ""
	}
	return owner
}

// documentSight is what is known of whether the request's document exists.
type documentSight int

const (
	documentThere    documentSight = iota // read, or there in every account
	documentUnread                        // asked for, and nobody told
	documentUnasked                       // a question about policy files: nobody was asked
	documentMissing                       // the account has no such document
	documentUnlisted                      // a name of AWS's, and none of its session documents
)

// sightOf tells what is known of the request's document. What could not be read is
// not missing; a name that only AWS can give is known without being asked for.
func sightOf(r Request, f Facts) documentSight {
	name := documentName(r)
	switch {
	case r.Container != "", f.DocumentType != "", name == DefaultDocument && foreignOwner(r) == "":
		return documentThere
	case f.DocumentMissing:
		return documentMissing
	case awsSessionDocument(name):
		return documentThere
	case slices.Contains(f.Unknown, UnknownDocumentType):
		return documentUnread
	case strings.HasPrefix(strings.ToLower(name), "aws-"):
		return documentUnlisted
	}
	return documentUnasked
}

// DocumentFault returns what keeps the request's document from starting any
// session, whatever the policies say: it does not exist, or is of another type. The
// bool is false when nothing does, as far as is known.
func DocumentFault(r Request, f Facts) (Finding, bool) {
	name := documentName(r)
	fault := Finding{Code: "SG115", Level: Warning, Fix: &Fix{Text: "name a session document with --document-name, or none for a shell"}}
	switch sight := sightOf(r, f); {
	case sight == documentThere && f.DocumentType != "" && f.DocumentType != "Session":
		fault.Code = "SG114"
		fault.Summary = fmt.Sprintf("%s is a document of type %s, and a session needs one of type Session", name, f.DocumentType)
		return fault, true
	case sight == documentUnlisted:
		fault.Summary = name + " is none of the session documents that AWS owns"
	case sight != documentMissing:
		return Finding{}, false
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

// DocumentUnseen says of a document of which nothing shows that it exists why
// nothing does: "whether the document X exists was not looked at"; else "".
func DocumentUnseen(r Request, f Facts) string {
	whether := "whether the document " + documentName(r) + " exists "
	switch sightOf(r, f) {
	case documentUnread:
		return whether + "could not be looked up"
	case documentUnasked:
		return whether + "was not looked at"
	}
	return ""
}

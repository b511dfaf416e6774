package guard

import (
	"slices"
	"strings"
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

// DocumentUnusable reports whether the request's document starts no session,
// whatever the policies say: it does not exist, or is of another type.
func DocumentUnusable(r Request, f Facts) bool {
	switch sightOf(r, f) {
	case documentThere:
		return f.DocumentType != "" && f.DocumentType != "Session"
	case documentMissing, documentUnlisted:
		return true
	}
	return false
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

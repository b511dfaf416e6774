package guard

import (
	"slices"
)

// PasswordReset is a session document of AWS's too, though no session of people:
// docs.aws.amazon.com/systems-manager/latest/userguide/fleet-manager-reset-password.html
const PasswordReset = "AWS-PasswordReset"

// awsSessionDocument reports whether a name is that of a session document that AWS
// owns and everybody has.
func awsSessionDocument(name string) bool {
	return name == PasswordReset || name != "" && slices.Contains(KnownDocuments, name)
}

// ForeignOwner returns the account of a document that is named by the ARN of
// another account's, else "".
func ForeignOwner(r Request) string {
	owner := ArnField(r.Document, FieldAccount)
	if owner == r.Caller.Account || r.Caller.Account == "" {
		return ""
	}
	return owner
}

// documentSight is what is known of whether the request's document exists.
type documentSight int

const (
	DocumentThere    documentSight = iota // read, or there in every account
	documentUnread                        // looked up, and the answer could not be read
	documentUnasked                       // a question about policy files: not looked up
	documentMissing                       // the account has no such document
	DocumentUnlisted                      // a name that only AWS can give, and not one of its session documents
	DocumentMisspelt                      // not looked at, and nearly the name of a session document
	DocumentMisnamed                      // no document can have that name
)

// SightOf tells what is known of the request's document. What could not be read is
// not missing; a name that only AWS can give is known without being asked for.
func SightOf(r Request, f Facts) documentSight {
	name := DocumentName(r)
	switch {
	case r.Container != "", f.DocumentType != "", name == DefaultDocument && ForeignOwner(r) == "":
		return DocumentThere
	case !documentNamed(name):
		return DocumentMisnamed
	case f.DocumentMissing:
		return documentMissing
	case awsSessionDocument(name):
		return DocumentThere
	case meantDocument(name) != "" && r.Document == name:
		return DocumentMisspelt
	case slices.Contains(f.Unknown, UnknownDocumentType):
		return documentUnread
	case reserved(name):
		return DocumentUnlisted
	}
	return documentUnasked
}

// DocumentUnusable reports whether the request's document starts no session,
// whatever the policies say: it does not exist, or is of another type.
func DocumentUnusable(r Request, f Facts) bool {
	switch SightOf(r, f) {
	case DocumentThere:
		return f.DocumentType != "" && f.DocumentType != "Session"
	case documentMissing, DocumentUnlisted, DocumentMisspelt, DocumentMisnamed:
		return true
	}
	return false
}

// DocumentUnseen says of a document of which nothing shows that it exists why
// nothing does: "whether the document X exists was not looked at"; else "".
func DocumentUnseen(r Request, f Facts) string {
	whether := "whether the document " + DocumentName(r) + " exists "
	switch SightOf(r, f) {
	case documentUnread:
		return whether + "could not be looked up"
	case documentUnasked:
		return whether + "was not looked at"
	}
	return ""
}

// KnownDocuments are the session documents people use.
var KnownDocuments = []string{
	"", "AWS-StartSSHSession", "AWS-StartPortForwardingSession", "AWS-StartPortForwardingSessionToRemoteHost",
	"AWS-StartInteractiveCommand", "AWS-StartNonInteractiveCommand", "AWS-StartPortForwardingSessionToSocket",
}

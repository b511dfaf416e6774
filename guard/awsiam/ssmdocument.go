package awsiam

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"ssmguard/guard"
)

// sessionDocument is the type of documents that sessions are started with.
const sessionDocument = "Session"

// The session types of a session document.
const (
	sessionShell          = "Standard_Stream"
	sessionPort           = "Port"
	sessionInteractive    = "InteractiveCommands"
	sessionNonInteractive = "NonInteractiveCommands"
)

// awsSessionDocuments are the session documents of AWS's own. They are the same
// in every account, so nothing needs to be asked about them.
var awsSessionDocuments = map[string]string{
	"AWS-StartSSHSession":                        sessionPort,
	"AWS-StartPortForwardingSession":             sessionPort,
	"AWS-StartPortForwardingSessionToRemoteHost": sessionPort,
	"AWS-StartPortForwardingSessionToSocket":     sessionPort,
	"AWS-StartInteractiveCommand":                sessionInteractive,
	"AWS-StartNonInteractiveCommand":             sessionNonInteractive,
}

// ownerAWS is what ssm:DescribeDocument calls the owner of AWS's documents.
const ownerAWS = "Amazon"

// documentName is the name or ARN to ask Systems Manager about.
func documentName(r guard.Request) string {
	if r.Document == "" {
		return guard.DefaultDocument
	}
	return r.Document
}

// awsSessionType returns the session type of one of AWS's documents, "" for any other.
func awsSessionType(name string) string {
	if i := strings.LastIndex(name, "::document/"); i >= 0 {
		name = name[i+len("::document/"):]
	}
	return awsSessionDocuments[name]
}

// documentTagFacts reads the document's tags. AWS's documents carry none, and
// nobody may list those of another account's.
func (c factReader) documentTagFacts(ctx context.Context, r guard.Request) part {
	name := documentName(r)
	none := part{apply: func(f *guard.Facts) { f.DocumentTags = map[string]string{} }}
	switch {
	case r.Container != "", awsSessionType(name) != "", strings.HasPrefix(name, "AWS-"), strings.Contains(name, "::document/"):
		return none
	case strings.HasPrefix(name, "arn:"):
		return part{unknown: []string{guard.UnknownDocumentTags}}
	}
	tags, err := c.ssmTags(ctx, r.Region, "Document", name)
	switch {
	case KindOf(err) == KindNotFound:
		return none // the default document need not exist, another will be refused for that
	case err != nil:
		return part{unknown: []string{guard.UnknownDocumentTags}, err: unseen(tagsOp, name, err)}
	}
	return part{apply: func(f *guard.Facts) { f.DocumentTags = tags }}
}

// documentFacts reads the document's owner, type and the key it encrypts with.
func (c factReader) documentFacts(ctx context.Context, r guard.Request) part {
	if r.Container != "" {
		return c.clusterFacts(ctx, r)
	}
	if kind := awsSessionType(documentName(r)); kind != "" {
		p := part{apply: func(f *guard.Facts) {
			f.DocumentOwner, f.DocumentType, f.SessionType = ownerAWS, sessionDocument, kind
		}}
		return p.and(c.keyFacts(ctx, r, kind, ""))
	}
	var described, content part
	together(
		func() { described = c.describeDocument(ctx, r) },
		func() { content = c.contentFacts(ctx, r) },
	)
	p := content.and(described)
	switch {
	case described.apply == nil && content.apply != nil:
		p = content // it tells the type too, and name or ARN tell the owner: nothing is missing
	case described.apply == nil:
		p.unknown = append(p.unknown, guard.UnknownDocumentType)
	}
	var f guard.Facts
	if p.apply != nil {
		p.apply(&f)
	}
	if f.DocumentMissing {
		p = p.and(c.otherDocuments(ctx, r))
	}
	return p
}

// noDocument is what is read of a document that does not exist.
func noDocument(f *guard.Facts) { f.DocumentMissing = true }

// otherDocuments reads the names of the session documents there are, where the
// request's does not exist. Nothing turns on them, so not to know them is no error.
func (c factReader) otherDocuments(ctx context.Context, r guard.Request) part {
	docs, _ := nodeReader(c).SessionDocuments(ctx, r.Region)
	return part{apply: func(f *guard.Facts) {
		for _, d := range docs {
			f.SessionDocuments = append(f.SessionDocuments, d.Name)
		}
	}}
}

// and joins two parts; what b read wins.
func (a part) and(b part) part {
	joined := part{unknown: append(a.unknown, b.unknown...), err: errors.Join(a.err, b.err)}
	switch {
	case a.apply == nil:
		joined.apply = b.apply
	case b.apply == nil:
		joined.apply = a.apply
	default:
		joined.apply = func(f *guard.Facts) { a.apply(f); b.apply(f) }
	}
	return joined
}

func (c factReader) describeDocument(ctx context.Context, r guard.Request) part {
	const op = "ssm:DescribeDocument"
	out, err := call[struct {
		Document *struct{ Owner, DocumentType string }
	}](ctx, c.connection, r.Region, op, map[string]string{"Name": documentName(r)})
	switch {
	case KindOf(err) == KindNotFound && documentName(r) == guard.DefaultDocument:
		return part{} // contentFacts says what that means
	case KindOf(err) == KindNotFound:
		return part{apply: noDocument}
	}
	if err != nil || out.Document == nil {
		return part{err: unseen(op, documentName(r), err)}
	}
	return part{apply: func(f *guard.Facts) {
		f.DocumentOwner, f.DocumentType = out.Document.Owner, out.Document.DocumentType
	}}
}

// preferences is the part of a session document that matters here.
type preferences struct {
	SessionType string `json:"sessionType"`
	Inputs      struct {
		KMSKeyID string `json:"kmsKeyId"`
	} `json:"inputs"`
}

// contentFacts reads the document itself: its session type and key. The default
// document need not exist, and then has AWS's built-in preferences.
func (c factReader) contentFacts(ctx context.Context, r guard.Request) part {
	kind, prefs, err := c.getDocument(ctx, r.Region, documentName(r))
	switch {
	case KindOf(err) == KindNotFound && documentName(r) == guard.DefaultDocument:
		return part{apply: func(f *guard.Facts) {
			f.DocumentType, f.SessionType = sessionDocument, sessionShell
		}}
	case KindOf(err) == KindNotFound:
		return part{apply: noDocument, unknown: []string{guard.UnknownKMSKey}}
	case err != nil:
		return part{unknown: []string{guard.UnknownKMSKey}, err: unseen("ssm:GetDocument", documentName(r), err)}
	}
	p := part{apply: func(f *guard.Facts) { f.DocumentType, f.SessionType = kind, prefs.SessionType }}
	if kind != sessionDocument {
		return p
	}
	return p.and(c.keyFacts(ctx, r, prefs.SessionType, prefs.Inputs.KMSKeyID))
}

func (c factReader) getDocument(ctx context.Context, region, name string) (kind string, p preferences, err error) {
	const op = "ssm:GetDocument"
	out, err := call[struct{ Content, DocumentType string }](ctx, c.connection, region, op, map[string]string{"Name": name, "DocumentFormat": "JSON"})
	if err != nil {
		return "", p, err
	}
	if err := json.Unmarshal([]byte(out.Content), &p); err != nil {
		return "", p, &Error{Permission: op, Kind: KindUnreachable, Message: fmt.Sprintf("document %s is not JSON: %v", name, err), Err: err}
	}
	return out.DocumentType, p, nil
}

// keyFacts reads which key encrypts a session of the given type. A shell's own
// document names it; commands take it from the default document, the account's
// preferences; port sessions are not encrypted with a key.
func (c factReader) keyFacts(ctx context.Context, r guard.Request, sessionType, keyID string) part {
	switch sessionType {
	case sessionPort:
		return part{}
	case sessionInteractive, sessionNonInteractive:
		_, prefs, err := c.getDocument(ctx, r.Region, guard.DefaultDocument)
		switch {
		case KindOf(err) == KindNotFound:
			return part{}
		case err != nil:
			return part{unknown: []string{guard.UnknownKMSKey}, err: unseen("ssm:GetDocument", guard.DefaultDocument, err)}
		}
		keyID = prefs.Inputs.KMSKeyID
	}
	if keyID == "" {
		return part{}
	}
	return c.resolveKey(ctx, r, keyID)
}

// resolveKey finds the ARN of a key that is named by ARN, id or alias: IAM
// evaluates the key's ARN.
func (c factReader) resolveKey(ctx context.Context, r guard.Request, keyID string) part {
	if strings.HasPrefix(keyID, "arn:") && strings.Contains(keyID, ":key/") {
		return part{apply: func(f *guard.Facts) { f.KMSKey = keyID }}
	}
	const op = "kms:DescribeKey"
	alias := ""
	if i := strings.Index(keyID, "alias/"); i >= 0 {
		alias = keyID[i:]
	}
	p := part{apply: func(f *guard.Facts) { f.KMSAlias = alias }}
	out, err := call[struct {
		KeyMetadata *struct{ Arn string }
	}](ctx, c.connection, r.Region, op, map[string]string{"KeyId": keyID})
	if err != nil || out.KeyMetadata == nil {
		p.unknown, p.err = []string{guard.UnknownKMSKey}, unseen(op, keyID, err)
		return p
	}
	return p.and(part{apply: func(f *guard.Facts) { f.KMSKey = out.KeyMetadata.Arn }})
}

package awsiam

import (
	"context"

	"ssmguard/internal/awsapi"
)

// DecodeMessage returns the JSON behind the encoded authorization message of a
// refusal. The error is a *guard.NotVisible when the caller may not decode it.
func (c *Client) DecodeMessage(ctx context.Context, encoded string) (string, error) {
	const op = "sts:DecodeAuthorizationMessage"
	out, err := call[struct{ DecodedMessage string }](ctx, c.connection, "", op, awsapi.Form{"EncodedMessage": encoded})
	if err != nil {
		return "", unseen(op, "", err)
	}
	return out.DecodedMessage, nil
}

// SessionDocument is a document that sessions can be started with.
type SessionDocument struct {
	Name  string            `json:"name"`
	Owner string            `json:"owner"` // account id, or "Amazon"
	Tags  map[string]string `json:"tags,omitempty"`
}

// SessionDocuments lists the session documents the account can see, AWS's own
// included, at most a few hundred. The list is usable beside an error.
func (c nodeReader) SessionDocuments(ctx context.Context, region string) ([]SessionDocument, error) {
	const op = "ssm:ListDocuments"
	in := map[string]any{"Filters": []filter{{Key: "DocumentType", Values: []string{sessionDocument}}}, "MaxResults": 50}
	var docs []SessionDocument
	for range maxPages {
		out, err := call[struct {
			DocumentIdentifiers []struct {
				Name, Owner string
				Tags        []tag
			}
			NextToken string
		}](ctx, c.connection, region, op, in)
		if err != nil {
			return docs, unseen(op, "", err)
		}
		for _, d := range out.DocumentIdentifiers {
			docs = append(docs, SessionDocument{Name: d.Name, Owner: d.Owner, Tags: tagMap(d.Tags)})
		}
		if out.NextToken == "" || len(docs) >= nodeLimit {
			break
		}
		in["NextToken"] = out.NextToken
	}
	return docs, nil
}

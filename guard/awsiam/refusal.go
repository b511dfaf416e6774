package awsiam

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// DecodeMessage returns the JSON behind the encoded authorization message of a
// refusal. The error is a *guard.NotVisible when the caller may not decode it.
func (c *Client) DecodeMessage(ctx context.Context, encoded string) (string, error) {
	const op = "sts:DecodeAuthorizationMessage"
	out, err := ask(ctx, c, op, func(ctx context.Context) (*sts.DecodeAuthorizationMessageOutput, error) {
		return c.sts.DecodeAuthorizationMessage(ctx, &sts.DecodeAuthorizationMessageInput{EncodedMessage: aws.String(encoded)})
	})
	if err != nil {
		return "", unseen(op, "", err)
	}
	return aws.ToString(out.DecodedMessage), nil
}

// SessionDocument is a document that sessions can be started with.
type SessionDocument struct {
	Name  string            `json:"name"`
	Owner string            `json:"owner"` // account id, or "Amazon"
	Tags  map[string]string `json:"tags,omitempty"`
}

// SessionDocuments lists the session documents the account can see, AWS's own
// included, at most a few hundred. The list is usable beside an error.
func (c *Client) SessionDocuments(ctx context.Context, region string) ([]SessionDocument, error) {
	const op = "ssm:ListDocuments"
	in := &ssm.ListDocumentsInput{
		Filters:    []ssmtypes.DocumentKeyValuesFilter{{Key: aws.String("DocumentType"), Values: []string{string(ssmtypes.DocumentTypeSession)}}},
		MaxResults: aws.Int32(50),
	}
	var docs []SessionDocument
	for range maxPages {
		out, err := ask(ctx, c, op, func(ctx context.Context) (*ssm.ListDocumentsOutput, error) {
			return c.ssm.ListDocuments(ctx, in, ssmIn(region))
		})
		if err != nil {
			return docs, unseen(op, "", err)
		}
		for _, d := range out.DocumentIdentifiers {
			doc := SessionDocument{Name: aws.ToString(d.Name), Owner: aws.ToString(d.Owner), Tags: make(map[string]string, len(d.Tags))}
			for _, t := range d.Tags {
				doc.Tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
			}
			docs = append(docs, doc)
		}
		if in.NextToken = out.NextToken; aws.ToString(in.NextToken) == "" || len(docs) >= nodeLimit {
			break
		}
	}
	return docs, nil
}

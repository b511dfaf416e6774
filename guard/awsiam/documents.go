package awsiam

import (
	"context"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// managedPolicy returns the text of a managed policy's default version. The
// text of an AWS-managed version never changes, so it is kept on disk for long.
func (c *Client) managedPolicy(ctx context.Context, policyARN string) (string, error) {
	out, err := ask(ctx, c, "iam:GetPolicy", func(ctx context.Context) (*iam.GetPolicyOutput, error) {
		return c.iam.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: aws.String(policyARN)})
	})
	if err != nil || out.Policy == nil {
		return "", unseen("iam:GetPolicy", policyARN, err)
	}
	version := aws.ToString(out.Policy.DefaultVersionId)
	key := c.cacheKey(managedEntry, policyARN, version)
	var text string
	if awsManaged(policyARN) && c.recallSilently(key, &text) {
		return text, nil
	}
	v, err := ask(ctx, c, "iam:GetPolicyVersion", func(ctx context.Context) (*iam.GetPolicyVersionOutput, error) {
		return c.iam.GetPolicyVersion(ctx, &iam.GetPolicyVersionInput{PolicyArn: aws.String(policyARN), VersionId: aws.String(version)})
	})
	if err != nil || v.PolicyVersion == nil || v.PolicyVersion.Document == nil {
		return "", unseen("iam:GetPolicyVersion", policyARN, err)
	}
	text = decoded(*v.PolicyVersion.Document)
	if awsManaged(policyARN) {
		c.keep(key, text, managedAge)
	}
	return text, nil
}

// awsManaged reports whether a policy belongs to AWS: its account field reads "aws".
func awsManaged(policyARN string) bool {
	a, err := arn.Parse(policyARN)
	return err == nil && a.AccountID == "aws"
}

// decoded undoes IAM's RFC 3986 encoding of documents. Text that is not encoded
// stays, since the parser says best what is wrong with it.
func decoded(text string) string {
	if plain, err := url.PathUnescape(text); err == nil {
		return plain
	}
	return text
}

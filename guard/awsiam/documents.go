package awsiam

import (
	"context"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"ssmguard/internal/awsapi"
)

// firstVersion is the default version of every managed policy that was never edited.
const firstVersion = "v1"

// managedPolicy returns the text of a managed policy's default version. The
// text of an AWS-managed version never changes, so it is kept on disk for long.
func (c policyReader) managedPolicy(ctx context.Context, policyARN string) (string, error) {
	version, err := c.defaultVersion(ctx, policyARN)
	if err != nil {
		return "", err
	}
	return c.policyVersion(ctx, policyARN, version)
}

// managedPolicyAtOnce is managedPolicy for policies that are found late: it does
// not wait for the version's number to ask for the likeliest one.
func (c policyReader) managedPolicyAtOnce(ctx context.Context, policyARN string) (string, error) {
	if awsManaged(policyARN) {
		return c.managedPolicy(ctx, policyARN) // edited by AWS, all of them
	}
	var (
		version, text       string
		versionErr, textErr error
	)
	together(
		func() { version, versionErr = c.defaultVersion(ctx, policyARN) },
		func() { text, textErr = c.policyVersion(ctx, policyARN, firstVersion) },
	)
	switch {
	case versionErr != nil:
		return "", versionErr
	case version == firstVersion:
		return text, textErr
	}
	return c.policyVersion(ctx, policyARN, version)
}

func (c policyReader) defaultVersion(ctx context.Context, policyARN string) (string, error) {
	out, err := call[struct {
		Version string `xml:"Policy>DefaultVersionId"`
	}](ctx, c.connection, "", "iam:GetPolicy", awsapi.Form{"PolicyArn": policyARN})
	if err != nil || out.Version == "" {
		return "", unseen("iam:GetPolicy", policyARN, err)
	}
	return out.Version, nil
}

func (c policyReader) policyVersion(ctx context.Context, policyARN, version string) (string, error) {
	key := c.cacheKey(managedEntry, policyARN, version)
	var text string
	if awsManaged(policyARN) && c.recallSilently(key, &text) {
		return text, nil
	}
	out, err := call[struct {
		Document string `xml:"PolicyVersion>Document"`
	}](ctx, c.connection, "", "iam:GetPolicyVersion", awsapi.Form{"PolicyArn": policyARN, "VersionId": version})
	if err != nil || out.Document == "" {
		return "", unseen("iam:GetPolicyVersion", policyARN, err)
	}
	text = decoded(out.Document)
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

package policyfile

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ssmguard/guard/policy"
)

// TestWrappedPolicies: a policy is the same, whatever IAM's API or an SDK put it into.
func TestWrappedPolicies(t *testing.T) {
	const text = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ssm:StartSession", "Resource": "*", "Condition": {"StringEquals": {"aws:PrincipalTag/mail": "a+b c"}}}]}`
	quoted := func(s string) string {
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	encoded := strings.ReplaceAll(url.QueryEscape(text), "+", "%20") // as IAM does
	for name, wrapped := range map[string]string{
		"plain":                    text,
		"encoded":                  encoded,
		"encoded in small letters": "%7b" + encoded[3:] + "\n",
		"encoded as forms are":     url.QueryEscape(text),
		"encoded twice":            url.QueryEscape(url.QueryEscape(text)),
		"a JSON string":            quoted(text),
		"a JSON string, encoded":   quoted(encoded) + "\r\n",
		"an encoded JSON string":   url.QueryEscape(quoted(text)),
		"GetRolePolicy's output":   `{"RoleName":"dev","PolicyName":"p","PolicyDocument":` + quoted(encoded) + `}`,
		"GetRolePolicy's XML":      `<GetRolePolicyResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><GetRolePolicyResult><PolicyName>p</PolicyName><RoleName>dev</RoleName><PolicyDocument>` + encoded + `</PolicyDocument></GetRolePolicyResult></GetRolePolicyResponse>`,
		"GetPolicyVersion's XML":   `<?xml version="1.0"?><GetPolicyVersionResponse><GetPolicyVersionResult><PolicyVersion><Document>` + encoded + `</Document><VersionId>v1</VersionId></PolicyVersion></GetPolicyVersionResult></GetPolicyVersionResponse>`,
		"with a byte order mark":   "\ufeff" + encoded,
	} {
		path := filepath.Join(t.TempDir(), "p")
		if err := os.WriteFile(path, []byte(wrapped), 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := Read([]File{{Kind: policy.Identity, Path: path}}, Known{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(r.Set.Identity) != 1 || len(r.Set.Identity[0].Conditions()) != 1 || r.Set.Identity[0].Conditions()[0].Values[0] != "a+b c" {
			t.Errorf("%s: %+v", name, r.Set.Identity)
		}
	}
	for name, wrapped := range map[string]string{
		"broken":             "%7B%22Version%2",
		"another string":     `"hello"`,
		"several":            "<a><PolicyDocument>" + encoded + "</PolicyDocument><PolicyDocument>" + encoded + "</PolicyDocument></a>",
		"XML without":        "<GetRoleResponse><AssumeRolePolicyDocument>" + encoded + "</AssumeRolePolicyDocument></GetRoleResponse>",
		"no XML":             "<" + text,
		"strings in strings": quoted(quoted(quoted(quoted(quoted(text))))),
	} {
		path := filepath.Join(t.TempDir(), "p")
		if err := os.WriteFile(path, []byte(wrapped), 0o600); err != nil {
			t.Fatal(err)
		}
		if r, err := Read([]File{{Kind: policy.Identity, Path: path}}, Known{}); err == nil {
			t.Errorf("%s: read as %+v", name, r.Set)
		}
	}
}

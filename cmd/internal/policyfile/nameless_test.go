package policyfile

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ssmguard/guard/policy"
)

// TestNamelessPolicies: policies of a file that another program has made are read, though
// what AWS and Terraform name them by is missing, and each is named in some way.
func TestNamelessPolicies(t *testing.T) {
	const allow = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	deny := strings.Replace(allow, "Allow", "Deny", 1)
	quoted := func(policy string) string { return `"` + strings.ReplaceAll(policy, `"`, `\"`) + `"` }
	resource := func(policy string) string {
		return `{"mode":"managed","type":"aws_iam_policy","values":{"policy":` + quoted(policy) + `}}`
	}
	managed := func(policy string) string {
		return `{"PolicyVersionList":[{"IsDefaultVersion":true,"Document":` + policy + `}]}`
	}
	for _, test := range []struct {
		name, text string
		want       []string
	}{
		{"state", `{"format_version":"1.0","values":{"root_module":{"resources":[` + resource(allow) + "," + resource(deny) + `]}}}`,
			[]string{"resource 1, without an address", "resource 2, without an address"}},
		{"prior state", `{"format_version":"1.0","resource_changes":[{"address":"a.b"}],"prior_state":{"values":{"root_module":{"resources":[` + resource(deny) + `]}}}}`,
			[]string{"resource 1, without an address"}},
		{"account", `{"UserDetailList":[],"Policies":[` + managed(allow) + "," + managed(deny) + `]}`,
			[]string{"managed policy 1, without an ARN", "managed policy 2, without an ARN"}},
		{"template", `{"Resources":{"":{"Type":"AWS::IAM::ManagedPolicy","Properties":{"PolicyDocument":` + allow + `}}}}`, []string{"resource without an id"}},
	} {
		path := filepath.Join(t.TempDir(), "p.json")
		if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := File{Kind: policy.Identity, Path: path}.read(Known{})
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		var names []string
		for _, d := range got.documents {
			names = append(names, d.name)
		}
		if !slices.Equal(names, test.want) {
			t.Errorf("%s: %q, want %q", test.name, names, test.want)
		}
	}
}

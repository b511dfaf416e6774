package policyfile

import (
	"os"
	"path/filepath"
	"testing"

	"ssmguard/guard/policy"
	"ssmguard/internal/memtest"
)

// FuzzPolicyFile: policies, plans and states of Terraform, templates, and answers of the AWS
// CLI, whatever is in them: what is read has a name, and what cannot be read is named.
func FuzzPolicyFile(f *testing.F) {
	const document = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ssm:*","Resource":"*"}]}`
	const quoted = `"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}]}"`
	for _, seed := range []string{
		document, quoted, "%7B%22Statement%22%3A%5B%5D%7D", `{"Effect":"Allow","Action":"ssm:*","Resource":"*"}`,
		`{"format_version":"1.2","planned_values":{"root_module":{"resources":[{"address":"aws_iam_policy.p","mode":"managed","type":"aws_iam_policy","values":{"policy":` + quoted + `}}],` +
			`"child_modules":[{"address":"module.m","resources":[{"address":"module.m.aws_iam_role_policy.q","type":"aws_iam_role_policy","values":{"role":"dev"}}]}]}},` +
			`"resource_changes":[{"address":"aws_iam_policy.r","type":"aws_iam_policy","change":{"after_unknown":{"policy":true}}}],` +
			`"configuration":{"root_module":{"resources":[{"address":"aws_iam_policy.p","expressions":{"policy":{"references":["data.aws_iam_policy_document.d.json","local.x"]}}}]}}}`,
		`{"terraform_version":"1.9.0","version":4,"resources":[]}`,
		`{"UserDetailList":[{"UserName":"ann","Arn":"arn:aws:iam::111122223333:user/ann","UserPolicyList":[{"PolicyName":"p","PolicyDocument":` + document + `}]}],"Policies":[]}`,
		`{"RoleName":"dev","PolicyName":"p","PolicyDocument":` + document + `}`, `{"Policy":{"PolicySummary":{"Type":"SERVICE_CONTROL_POLICY"},"Content":` + quoted + `}}`,
		"Resources:\n  P:\n    Type: AWS::IAM::ManagedPolicy\n    Properties:\n      PolicyDocument:\n        Statement: [{Effect: Allow, Action: !Sub '${X}:*', Resource: !Join ['', [a, !Ref B]]}]\n",
		`{"Resources":{"R":{"Type":"AWS::IAM::Role","Properties":{"Policies":[{"PolicyName":{"Fn::Sub":"p"},"PolicyDocument":` + document + `}]}}},"Parameters":{"B":{"Default":"x"}}}`,
		"Resources: &a {P: *a}\n", "<GetRolePolicyResponse><GetRolePolicyResult><PolicyDocument>%7B%7D</PolicyDocument></GetRolePolicyResult></GetRolePolicyResponse>",
		"{", "[]", "",
	} {
		f.Add(uint8(policy.Identity), false, []byte(seed))
		f.Add(uint8(policy.SCP), true, []byte(seed))
	}
	path := filepath.Join(f.TempDir(), "p.json")
	f.Fuzz(func(t *testing.T, kind uint8, bare bool, text []byte) {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		defer memtest.Bounded(t, len(text))()
		got, err := File{Kind: policy.Kind(kind % 6), Path: path, Bare: bare}.read(Known{Parameters: map[string]string{"X": "ssm"}})
		if err != nil {
			if err.Error() == "" {
				t.Error("an error that says nothing")
			}
			return
		}
		for _, d := range got.documents {
			if d.name == "" {
				t.Errorf("a policy without a name: %+v", d)
			}
		}
		if len(got.documents)+len(got.unread)+len(got.leftOut) == 0 {
			t.Error("nothing was read, and nothing is said of it")
		}
	})
}

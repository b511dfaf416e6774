package policyfile

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"ssmguard/guard"
	"ssmguard/guard/policy"
)

func TestIntrinsicFunctions(t *testing.T) {
	tests := []struct{ yaml, want, unknown string }{
		{`!Ref AWS::Partition`, `"aws-cn"`, ""},
		{`!Ref AWS::URLSuffix`, `"amazonaws.com.cn"`, ""},
		{`!Ref "AWS::AccountId"`, `"111122223333"`, ""},
		{`!Ref AWS::NoValue`, `null`, ""},
		{`[a, !Ref AWS::NoValue, {b: !Ref AWS::NoValue}]`, `["a",{}]`, ""},
		{`2012-10-17`, `"2012-10-17"`, ""},
		{`{Bool: {"aws:MultiFactorAuthPresent": true}, n: 17, none: ~}`, `{"Bool":{"aws:MultiFactorAuthPresent":true},"n":"17","none":null}`, ""},
		{`!Sub "a-${AWS::Partition}-${!aws:username}"`, `"a-aws-cn-${aws:username}"`, ""},
		{`!Sub ["${A}/${A}/*", {A: !Ref AWS::Partition}]`, `"aws-cn/aws-cn/*"`, ""},
		{`Fn::Sub: "${Env}-${Bucket.Arn}"`, "", "Bucket.Arn Env"},
		{`!Sub "${open"`, "", "Fn::Sub"},
		{`!Join ["", [a, !Ref AWS::Partition]]`, `"aaws-cn"`, ""},
		{`!Join ["", !Ref List]`, "", "Fn::Join List"},
		{`!Select [1, !Split ["/", a/b]]`, `"b"`, ""},
		{`!Select [2, [a, b]]`, "", "Fn::Select"},
		{`!FindInMap [Names, !Ref AWS::Partition, role]`, `"cn"`, ""},
		{`!FindInMap [Names, !Ref AWS::Region, role]`, "", "AWS::Region Fn::FindInMap"},
		{`!GetAtt Role.Arn`, "", "Role.Arn"},
		{`Fn::GetAtt: [Role, Arn]`, "", "Role.Arn"},
		{`!If [IsProd, a, b]`, "", "the condition IsProd"},
		{`!ImportValue x`, "", "a value imported from another stack"},
		{`"{{resolve:ssm:/policy}}"`, "", "{{resolve:ssm:/policy}}"},
		{`!Transform {Name: AWS::Include}`, "", "Fn::Transform"},
	}
	for _, tt := range tests {
		t.Run(tt.yaml, func(t *testing.T) {
			var doc yaml.Node
			if err := yaml.Unmarshal([]byte(tt.yaml), &doc); err != nil {
				t.Fatal(err)
			}
			budget := 100
			r := &stackReader{
				in:       policyInput{Known: Known{Caller: guard.Caller{Partition: "aws-cn", Account: "111122223333"}}},
				mappings: map[string]any{"Names": map[string]any{"aws-cn": map[string]any{"role": "cn"}}},
			}
			v, unknown := r.resolve(writtenOut(doc.Content[0], &budget), stackResource{Type: "AWS::IAM::Role"})
			if diff := cmp.Diff(tt.unknown, strings.Join(unknown, " ")); diff != "" {
				t.Error(diff)
			}
			if got, err := json.Marshal(v); tt.unknown == "" && (err != nil || string(got) != tt.want) {
				t.Errorf("%s, %v; want %s", got, err, tt.want)
			}
		})
	}
}

// TestAccountOfAnotherStack: who has a permission set or an endpoint's policy says
// nothing about the account of the stack.
func TestAccountOfAnotherStack(t *testing.T) {
	r := &stackReader{in: policyInput{Known: Known{Caller: guard.Caller{Partition: "aws", Account: "111122223333"}}}}
	if _, unknown := r.resolve(map[string]any{"Ref": "AWS::AccountId"}, stackResource{Type: "AWS::SSO::PermissionSet"}); len(unknown) != 1 {
		t.Errorf("unknown: %q", unknown)
	}
}

func TestAliasesOfTemplates(t *testing.T) {
	text := "Resources:\n  a0: &a0 {Type: AWS::IAM::Role}\n"
	for i := 1; i < 20; i++ {
		text += fmt.Sprintf("  a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 9), ", "))
	}
	if isStack(policyInput{text: []byte(text)}) {
		t.Error("a template of 9 to the 19th nodes was read")
	}
}

func TestStackLayers(t *testing.T) {
	role := `{"Type":"AWS::IAM::Role","Properties":{"RoleName":"dev","Policies":[{"PolicyName":"a","PolicyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}}]}}`
	tests := []struct {
		name, text string
		kind       policy.Kind
		read       int
		partial    string
		unread     string
	}{
		{"an SCP beside a tag policy", `"A":{"Type":"AWS::Organizations::Policy","Properties":{"Type":"SERVICE_CONTROL_POLICY","Content":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}}},
			"B":{"Type":"AWS::Organizations::Policy","Properties":{"Type":"TAG_POLICY","Content":{"tags":{}}}}`, policy.SCP, 1, "", ""},
		{"a nested stack", `"A":` + role + `,"B":{"Type":"AWS::CloudFormation::Stack","Properties":{}}`, policy.Identity, 0, "[identity]", "B has a template of its own"},
		{"a loop", `"A":` + role + `,"Fn::ForEach::B":["x",["a"],{}]`, policy.Identity, 0, "[identity]", "Fn::ForEach::B is not a resource with properties"},
		{"a boundary", `"A":{"Type":"AWS::IAM::Role","Properties":{"PermissionsBoundary":"arn:aws:iam::111122223333:policy/b","Policies":[{"PolicyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}}]}}`,
			policy.Identity, 1, "[boundary]", "A has a permissions boundary"},
		{"a faulty policy", `"A":{"Type":"AWS::IAM::Policy","Properties":{"PolicyDocument":{"Statement":[{"Effect":"Perhaps","Action":"*","Resource":"*"}]}}}`, policy.Identity, 0, "[identity]", "no policy: A"},
		{"statements about other things", `"A":{"Type":"AWS::IAM::Policy","Properties":{"PolicyDocument":{"Statement":[{"Effect":"Allow","Action":"s3:*","Resource":{"Ref":"B"}}]}}}`, policy.Identity, 0, "[]", ""},
		{"an action that is not certain", `"A":{"Type":"AWS::IAM::Policy","Properties":{"PolicyDocument":{"Statement":[{"Effect":"Allow","Action":{"Ref":"B"},"Resource":"*"}]}}}`, policy.Identity, 0, "[identity]", "A, statement 1 turns on B"},
		{"all actions but some", `"A":{"Type":"AWS::IAM::Policy","Properties":{"PolicyDocument":{"Statement":[{"Effect":"Allow","NotAction":"s3:*","Resource":{"Ref":"B"}}]}}}`, policy.Identity, 0, "[identity]", "A, statement 1 turns on B"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "template.json")
			if err := os.WriteFile(path, []byte(`{"Resources":{`+tt.text+`}}`), 0o600); err != nil {
				t.Fatal(err)
			}
			r, err := Read([]File{{Kind: tt.kind, Path: path}}, Known{})
			if err != nil {
				t.Fatal(err)
			}
			read := len(r.Set.Identity)
			for _, level := range r.Set.SCP {
				read += len(level)
			}
			if tt.partial == "" {
				tt.partial = "[]"
			}
			if all := strings.Join(r.unread, "\n"); read != tt.read || fmt.Sprint(r.Set.Partial) != tt.partial || !strings.Contains(all, tt.unread) || (tt.unread == "") != (all == "") {
				t.Errorf("%d statements, unread layers %v: %q", read, r.Set.Partial, all)
			}
		})
	}
}

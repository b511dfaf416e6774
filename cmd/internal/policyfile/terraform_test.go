package policyfile

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ssmguard/guard"
	"ssmguard/guard/policy"
)

// terraformFixture writes a file in which <all>, <s3> and <trust> stand for policies
// in quotes.
func terraformFixture(t *testing.T, text string) string {
	t.Helper()
	quote := func(statement string) string {
		b, err := json.Marshal(`{"Version":"2012-10-17","Statement":[` + statement + `]}`)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	text = strings.NewReplacer(
		"<all>", quote(`{"Effect":"Allow","Action":"*","Resource":"*"}`),
		"<s3>", quote(`{"Effect":"Allow","Action":"s3:*","Resource":"*"}`),
		"<trust>", quote(`{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}`),
	).Replace(text)
	path := filepath.Join(t.TempDir(), "plan.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTerraformLayers(t *testing.T) {
	planned := func(resources string) string {
		return `{"format_version":"1.2","planned_values":{"root_module":{"resources":[` + resources + `]}}}`
	}
	scp := `{"address":"aws_organizations_policy.%s","mode":"managed","type":"aws_organizations_policy","values":{"type":"%s","content":%s}}`
	tests := []struct {
		name    string
		kind    policy.Kind
		text    string
		read    int    // statements
		partial string // layers
		unread  string
		err     string
	}{
		{"an SCP beside a tag policy", policy.SCP,
			planned(fmt.Sprintf(scp+","+scp, "a", "SERVICE_CONTROL_POLICY", "<all>", "b", "TAG_POLICY", `"{\"tags\":{}}"`)), 1, "", "", ""},
		{"two SCPs", policy.SCP, planned(fmt.Sprintf(scp+","+scp, "a", "SERVICE_CONTROL_POLICY", "<all>", "b", "SERVICE_CONTROL_POLICY", "<s3>")),
			0, "scp", "nothing says which of its policies is the scp policy: aws_organizations_policy.a, aws_organizations_policy.b", ""},
		{"an RCP", policy.RCP, planned(fmt.Sprintf(scp, "a", "RESOURCE_CONTROL_POLICY", "<trust>")), 1, "", "", ""},
		{"an endpoint policy", policy.Endpoint,
			planned(`{"address":"aws_vpc_endpoint.ssm","mode":"managed","type":"aws_vpc_endpoint","values":{"policy":<trust>}},
				{"address":"aws_iam_role_policy.dev","mode":"managed","type":"aws_iam_role_policy","values":{"policy":<all>}}`), 1, "", "", ""},
		{"a boundary", policy.Boundary,
			planned(`{"address":"aws_iam_policy.bound","mode":"managed","type":"aws_iam_policy","values":{"policy":<all>}},
				{"address":"aws_iam_role.dev","mode":"managed","type":"aws_iam_role","values":{"permissions_boundary":"arn:aws:iam::111122223333:policy/bound"}}`), 1, "", "", ""},
		{"no session policy", policy.Session, planned(`{"address":"aws_iam_role_policy.dev","mode":"managed","type":"aws_iam_role_policy","values":{"policy":<all>}}`),
			0, "", "", "no session policy in this terraform output"},
		{"a document and the policy made of it", policy.Identity,
			planned(`{"address":"aws_iam_policy.dev","mode":"managed","type":"aws_iam_policy","values":{"policy":<all>}},
				{"address":"data.aws_iam_policy_document.dev","mode":"data","type":"aws_iam_policy_document","values":{"json":<all>}}`), 1, "", "", ""},
		{"a document without statements", policy.Identity,
			planned(`{"address":"aws_iam_policy.dev","mode":"managed","type":"aws_iam_policy","values":{"policy":<all>}},
				{"address":"data.aws_iam_policy_document.base","mode":"data","type":"aws_iam_policy_document","values":{"json":"{\"Version\":\"2012-10-17\"}"}}`), 1, "", "", ""},
		{"a faulty policy", policy.Identity,
			planned(`{"address":"aws_iam_policy.dev","mode":"managed","type":"aws_iam_policy","values":{"policy":<all>}},
				{"address":"aws_iam_policy.bad","mode":"managed","type":"aws_iam_policy","values":{"policy":"{\"Statement\":1}"}}`), 0, "identity", "no policy: aws_iam_policy.bad:1:14: ", ""},
		{"another provider's role", policy.Identity,
			planned(`{"address":"aws_iam_policy.dev","mode":"managed","type":"aws_iam_policy","values":{"policy":<all>}},
				{"address":"awscc_iam_role.dev","mode":"managed","type":"awscc_iam_role","values":{}}`), 0, "identity", "awscc_iam_role.dev is of a type that is not read", ""},
		{"a document that is read again", policy.Identity,
			`{"format_version":"1.2","planned_values":{"root_module":{"resources":[{"address":"aws_iam_policy.s3","mode":"managed","type":"aws_iam_policy","values":{"policy":<s3>}}]}},
			"prior_state":{"values":{"root_module":{"resources":[{"address":"data.aws_iam_policy_document.dev","mode":"data","type":"aws_iam_policy_document","values":{"json":<all>}}]}}},
			"resource_changes":[{"address":"data.aws_iam_policy_document.dev","mode":"data","type":"aws_iam_policy_document","change":{"actions":["read"],"after":{},"after_unknown":{"json":true}}}]}`,
			0, "identity", "data.aws_iam_policy_document.dev is known only after apply", ""},
		{"a replaced policy", policy.Identity,
			`{"format_version":"1.2","planned_values":{"root_module":{"resources":[{"address":"aws_iam_role_policy.dev","mode":"managed","type":"aws_iam_role_policy","values":{"role":"dev"}}]}},
			"resource_changes":[{"address":"aws_iam_role_policy.dev","mode":"managed","type":"aws_iam_role_policy","change":{"actions":["delete","create"],"after":{"role":"dev"},"after_unknown":{"policy":true}}}]}`,
			0, "identity", "aws_iam_role_policy.dev is known only after apply", ""},
		{"a deferred change", policy.Identity,
			`{"format_version":"1.2","deferred_changes":[{"reason":"resource_config_unknown","resource_change":{"address":"aws_iam_role_policy.dev[*]","mode":"managed","type":"aws_iam_role_policy","change":{}}}]}`,
			0, "identity", "aws_iam_role_policy.dev[*] is known only after apply", ""},
		{"a plan that failed", policy.Identity,
			`{"format_version":"1.2","errored":true,"planned_values":{"root_module":{"resources":[{"address":"aws_iam_policy.dev","mode":"managed","type":"aws_iam_policy","values":{"policy":<all>}}]}}}`,
			0, "identity", "the plan ended with an error and is not whole", ""},
		{"inline policies that are not known, without a configuration", policy.Identity,
			`{"format_version":"1.2","resource_changes":[{"address":"aws_iam_role.dev","mode":"managed","type":"aws_iam_role","change":{"actions":["create"],"after":{"name":"dev"},"after_unknown":{"inline_policy":true}}}]}`,
			0, "identity", "aws_iam_role.dev is known only after apply", ""},
		{"what a plan for one target says nothing of", policy.Identity,
			`{"format_version":"1.2","planned_values":{"root_module":{"resources":[{"address":"aws_iam_policy.dev","mode":"managed","type":"aws_iam_policy","values":{"policy":<all>}}]}},
			"prior_state":{"values":{"root_module":{"resources":[{"address":"aws_iam_role_policy.old","mode":"managed","type":"aws_iam_role_policy","values":{}},
				{"address":"aws_iam_role_policy.gone","mode":"managed","type":"aws_iam_role_policy","values":{}},
				{"address":"aws_iam_role_policy.before","mode":"managed","type":"aws_iam_role_policy","values":{}}]}}},
			"resource_changes":[{"address":"aws_iam_role_policy.gone","mode":"managed","type":"aws_iam_role_policy","change":{"actions":["delete"]}},
				{"address":"aws_iam_policy.dev","previous_address":"aws_iam_role_policy.before","mode":"managed","type":"aws_iam_policy","change":{"actions":["no-op"],"after":{"policy":<all>}}}]}`,
			0, "identity", "aws_iam_role_policy.old holds no policy here", ""},
		{"a plan that refreshes only", policy.Identity,
			`{"format_version":"1.2","planned_values":{"root_module":{}},"prior_state":{"values":{"root_module":{"resources":[{"address":"aws_iam_policy.dev","mode":"managed","type":"aws_iam_policy","values":{"policy":<all>}}]}}}}`,
			1, "", "", ""},
		{"a policy that Terraform forgets and AWS keeps", policy.Identity,
			`{"format_version":"1.2","resource_changes":[{"address":"aws_iam_policy.dev","mode":"managed","type":"aws_iam_policy","change":{"actions":["forget"],"before":{"policy":<all>},"after":null}}]}`,
			1, "", "", ""},
		{"a policy that Terraform forgets for another one", policy.Identity,
			`{"format_version":"1.2","resource_changes":[{"address":"aws_iam_role_policy.dev","mode":"managed","type":"aws_iam_role_policy","change":{"actions":["create","forget"],"before":{},"after":{"policy":<all>}}}]}`,
			0, "identity", "aws_iam_role_policy.dev (forgotten) holds no policy here", ""},
		{"an element of a policy in small letters", policy.Identity,
			planned(`{"address":"aws_iam_policy.dev","mode":"managed","type":"aws_iam_policy","values":{"policy":<all>}},
				{"address":"data.aws_iam_policy_document.small","mode":"data","type":"aws_iam_policy_document","values":{"json":"{\"statement\":[]}"}}`), 0, "identity", "no policy: data.aws_iam_policy_document.small:1:2: ", ""},
		{"a policy without statements", policy.Identity,
			planned(`{"address":"aws_iam_policy.dev","mode":"managed","type":"aws_iam_policy","values":{"policy":"{}"}}`), 0, "identity", "no policy: aws_iam_policy.dev", ""},
		{"inline policies by their names", policy.Identity,
			planned(`{"address":"aws_iam_role_policy.dev","mode":"managed","type":"aws_iam_role_policy","values":{"name":"dev","policy":<all>}},
				{"address":"aws_iam_role_policies_exclusive.dev","mode":"managed","type":"aws_iam_role_policies_exclusive","values":{"policy_names":["dev","other"]}}`), 0, "identity", "aws_iam_role_policies_exclusive.dev attaches other, whose text is not in this file", ""},
		{"a group from elsewhere", policy.Identity,
			planned(`{"address":"aws_iam_group.dev","mode":"managed","type":"aws_iam_group","values":{"name":"dev"}},
				{"address":"aws_iam_user_group_membership.ann","mode":"managed","type":"aws_iam_user_group_membership","values":{"groups":["dev","admins"]}}`), 0, "identity", "aws_iam_user_group_membership.ann puts users into the group admins, whose policies are not in this file", ""},
		{"a group of the file", policy.Identity,
			planned(`{"address":"aws_iam_group.dev","mode":"managed","type":"aws_iam_group","values":{"name":"dev"}},
				{"address":"aws_iam_group_policy.dev","mode":"managed","type":"aws_iam_group_policy","values":{"group":"dev","policy":<all>}},
				{"address":"aws_iam_group_membership.dev","mode":"managed","type":"aws_iam_group_membership","values":{"group":"dev"}}`), 1, "", "", ""},
		{"a stack with roles of its own", policy.Identity,
			planned(`{"address":"aws_iam_policy.dev","mode":"managed","type":"aws_iam_policy","values":{"policy":<all>}},
				{"address":"aws_cloudformation_stack.app","mode":"managed","type":"aws_cloudformation_stack","values":{"capabilities":["CAPABILITY_NAMED_IAM"]}}`), 0, "identity", "aws_cloudformation_stack.app has a template with IAM resources, which is not read", ""},
		{"an attached policy of nobody knows where", policy.Identity,
			`{"format_version":"1.2","resource_changes":[{"address":"aws_iam_user_policy_attachment.dev","mode":"managed","type":"aws_iam_user_policy_attachment","change":{"actions":["create"],"after":{"user":"ann"},"after_unknown":{"policy_arn":true}}}]}`,
			0, "identity", "aws_iam_user_policy_attachment.dev attaches a policy that is known only after apply", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := Read([]File{{Kind: tt.kind, Path: terraformFixture(t, tt.text)}}, Known{})
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("got %v, want %s", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			set := r.Set
			read := len(set.Identity) + len(set.Boundary) + len(set.Session) + len(set.Endpoint)
			for _, level := range append(set.SCP, set.RCP...) {
				read += len(level)
			}
			if read != tt.read || strings.Trim(fmt.Sprint(set.Partial), "[]") != tt.partial || len(r.doubtful) > 0 {
				t.Errorf("%d statements, unread layers %v, doubtful %v", read, set.Partial, r.doubtful)
			}
			if all := strings.Join(r.unread, "\n"); !strings.Contains(all, tt.unread) || (tt.unread == "") != (all == "") {
				t.Errorf("unread: %q", all)
			}
		})
	}
}

// TestDoubtfulPolicies: an answer about policies of which nobody says whose they
// are holds for any of them together.
func TestDoubtfulPolicies(t *testing.T) {
	const target, document = "arn:aws:ec2:us-east-1:123456789012:instance/i-0123456789abcdef0", "arn:aws:ssm:us-east-1:123456789012:document/SSM-SessionManagerRunShell"
	pool := []string{
		`{"Effect":"Allow","Action":"ssm:*","Resource":"*"}`,
		`{"Effect":"Allow","Action":"ssm:StartSession","Resource":["` + target + `","` + document + `"]}`,
		`{"Effect":"Allow","Action":"ssm:StartSession","Resource":"` + target + `"}`,
		`{"Effect":"Allow","Action":"ssm:StartSession","Resource":"` + document + `"}`,
		`{"Effect":"Allow","Action":"s3:*","Resource":"*"}`,
		`{"Effect":"Deny","Action":"ssm:StartSession","Resource":"` + target + `"}`,
		`{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"*","Resource":"` + document + `"}`,
		`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/team":"a"}}}`,
		`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringNotEquals":{"aws:PrincipalTag/team":"a"}}}`,
	}
	documents := make([]policyText, len(pool))
	for i, statements := range pool {
		doc, err := policy.Parse(policy.Identity, fmt.Sprint(i), []byte(`{"Version":"2012-10-17","Statement":[`+statements+`]}`))
		if err != nil {
			t.Fatal(err)
		}
		documents[i] = policyText{name: fmt.Sprint(i), statements: doc.Statements}
	}
	chosen := func(bits int) (list []policyText) {
		for i := range documents {
			if bits&(1<<i) != 0 {
				list = append(list, documents[i])
			}
		}
		return list
	}
	caller := guard.Caller{
		SessionARN: "arn:aws:iam::123456789012:user/someone", Principal: "arn:aws:iam::123456789012:user/someone",
		Account: "123456789012", Partition: "aws",
		Unknown: []string{guard.UnknownPrincipalTags, guard.UnknownCredentials, guard.UnknownPrincipal},
	}
	request := guard.Request{Region: "us-east-1", Target: "i-0123456789abcdef0", Caller: caller}
	grants := guard.Needs(request, guard.Facts{})
	for i := range grants {
		grants[i].Context.SetUnknown("aws:PrincipalTag/*")
	}
	verdict := func(set policy.Set) policy.Verdict {
		d := guard.Decision{Grants: grants}
		var err error
		if d.Rulings, err = (guard.Local{Source: guard.Static(set)}).Simulate(t.Context(), caller, grants); err != nil && len(set.Partial) == 0 {
			t.Fatal(err)
		}
		return d.Verdict()
	}
	class := func(v policy.Verdict) string {
		if v.Denies() {
			return "denied"
		}
		return v.String()
	}
	var alone [512]string
	for bits := range 512 {
		var set policy.Set
		for _, d := range chosen(bits) {
			set.Identity = append(set.Identity, d.statements...)
		}
		alone[bits] = class(verdict(set))
	}
	told := make(map[string]int)
	for bits := range 512 {
		list := chosen(bits)
		if len(list) < 2 {
			continue
		}
		r := Reading{doubtful: []doubtful{{path: "a", documents: list[:1]}, {path: "b", documents: list[1:]}}}
		set, _, err := r.Settle(t.Context(), caller, grants)
		if err != nil {
			t.Fatal(err)
		}
		got := class(verdict(set))
		told[got]++
		for some := 1; some < 512; some++ {
			if some&^bits == 0 && got != policy.Unknown.String() && alone[some] != got {
				t.Fatalf("of %v: told %s, but %v alone: %s", policyNames(list), got, policyNames(chosen(some)), alone[some])
			}
		}
	}
	if diff := cmp.Diff(map[string]int{"allowed": 1, "denied": 14, "unknown": 487}, told); diff != "" {
		t.Error(diff)
	}
}

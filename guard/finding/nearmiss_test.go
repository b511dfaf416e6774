package finding

import (
	"fmt"
	"strings"
	"testing"

	"ssmguard/guard"
	"ssmguard/guard/policy"
)

func TestWild(t *testing.T) {
	tests := []struct {
		pattern, s string
		want       bool
	}{
		{"", "", true}, {"*", "", true}, {"?", "", false}, {"a*c", "abbc", true}, {"a*c", "abb", false},
		{"*a*b", "xaxxb", true}, {"i-?*", "i-", false}, {"i-?*", "i-1", true}, {"**", "a/b:c", true}, {"abc", "ab", false}, {"ab", "abc", false},
	}
	for _, tt := range tests {
		if got := policy.Wild(tt.pattern, tt.s); got != tt.want {
			t.Errorf("wild(%q, %q) = %v", tt.pattern, tt.s, got)
		}
	}
}

// TestCompareARN: what the evaluator matches differs in no field, and what
// differs in a field the evaluator does not match.
func TestCompareARN(t *testing.T) {
	var patterns, arns []string
	for _, region := range []string{"*", "us-east-1", "us-*", "eu-west-1"} {
		for _, account := range []string{"*", "", "111122223333", "444455556666"} {
			for _, name := range []string{"*", "document/*", "document/AWS-*", "document/AWS-StartSSHSession", "document/SSM-SessionManagerRunShell", "managed-instance/mi-1"} {
				patterns = append(patterns, "arn:aws:ssm:"+region+":"+account+":"+name)
			}
		}
	}
	for _, account := range []string{"", "111122223333"} {
		for _, name := range []string{"document/AWS-StartSSHSession", "document/SSM-SessionManagerRunShell", "managed-instance/mi-1"} {
			arns = append(arns, "arn:aws:ssm:us-east-1:"+account+":"+name, "arn:aws-cn:ssm:cn-north-1:"+account+":"+name)
		}
	}
	for _, pattern := range patterns {
		s, err := policy.ParseStatement(policy.Identity, "p", fmt.Appendf(nil, `{"Effect":"Allow","Action":"*","Resource":%q}`, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, arn := range arns {
			matches, diff := s.MatchesResource(arn, policy.Context{}), guard.CompareARN(pattern, arn)
			if matches != (len(diff) == 0) {
				t.Errorf("%s on %s: the evaluator says %v, the fields that differ are %v", pattern, arn, matches, diff)
			}
		}
	}
}

func TestCallerNames(t *testing.T) {
	tests := []struct {
		arn  string
		kind guard.Kind
		name string
		home string
	}{
		{"arn:aws:iam::111122223333:user/team/alice", guard.User, "user/alice", "user/alice"},
		{"arn:aws:sts::111122223333:assumed-role/dev/alice", guard.AssumedRole, "role/dev", "role/dev"},
		{"arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Dev_Ops_0123456789abcdef/alice@example.com", guard.AssumedRole, "role/AWSReservedSSO_Dev_Ops_0123456789abcdef", `permission set "Dev_Ops"`},
		{"arn:aws:sts::111122223333:federated-user/bob", guard.FederatedUser, "federated-user/bob", "federated-user/bob"},
		{"arn:aws:iam::111122223333:root", guard.Root, "root", "root"},
		{"", guard.KindUnknown, "this caller", "this caller"},
	}
	for _, tt := range tests {
		c := guard.Caller{SessionARN: tt.arn}
		if c.Kind() != tt.kind || c.Name() != tt.name || c.Home() != tt.home {
			t.Errorf("%s: %v %q %q", tt.arn, c.Kind(), c.Name(), c.Home())
		}
	}
}

// TestSlips: what is nearly right is called by what is wrong with it.
func TestSlips(t *testing.T) {
	const target, document = "arn:aws:ec2:*:*:instance/*", "arn:aws:ssm:*:111122223333:document/SSM-SessionManagerRunShell"
	for _, tt := range []struct{ action, target, document, grant, want string }{
		{"ssm:StartSesion", target, document, guard.GrantTarget, "which is no action; it is called ssm:StartSession"},
		{"ssm:StartSessions", target, document, guard.GrantDocument, "which is no action; it is called ssm:StartSession"},
		{"sso:StartSession", target, document, guard.GrantTarget, "of another service; the action is ssm:StartSession"},
		{"ssm:StartSession", "arn:aws:ec2:*:*:instances/*", document, guard.GrantTarget, "is for the type instances, which there is not; it is called instance"},
		{"ssm:StartSession", target, "arn:aws:ssm:*:*:documents/SSM-SessionManagerRunShell", guard.GrantDocument, "it is called document"},
		{"ssm:StartSession", target, "arn:aws:ssm:*:*:document:SSM-SessionManagerRunShell", guard.GrantDocument, "has a colon where a slash belongs"},
		{"ssm:StartSession", target, "arn:aws:ssm:*:*:document/SSM-SessionManagerRunShel", guard.GrantDocument, "which is nearly SSM-SessionManagerRunShell"},
		{"ssm:StartSession", "arn:aws:ec2:instance/*", document, guard.GrantTarget, "is too short for an ARN"},
		{"ssm:StartSession", "arn:aws:ec2:::instance/*", document, guard.GrantTarget, "without region, and it is in us-east-1"},
		{"ssm:StartSession", "arn:aws:ec2:*:*:instance/&{aws:username}", document, guard.GrantTarget, "which is Terraform's"},
		{"ssm:StartSession", "arn:aws:ec2:*:*:instance/$${aws:username}", document, guard.GrantTarget, "which is Terraform's"},
		{"ssm:StartSession", "arn:aws:ec2:*:*:instance/${aws:PrincipalTag/x}", document, guard.GrantTarget, "compares with ${aws:PrincipalTag/x}, which has no value here"},
		{"ssm:StartSession", "arn:aws-cn:ec2:*:*:instance/*", document, guard.GrantTarget, "in partition aws-cn, and it is in aws"},
	} {
		d := decided(t, fmt.Sprintf(`[{"Effect":"Allow","Action":%q,"Resource":[%q,%q]}]`, tt.action, tt.target, tt.document), "", nil)
		found := false
		for _, f := range d.Findings {
			for _, n := range f.Nearest {
				found = found || f.Grant == tt.grant && strings.Contains(n.Why, tt.want)
			}
		}
		if !found {
			t.Errorf("%s on %s and %s: %s", tt.action, tt.target, tt.document, listing(d.Findings))
		}
	}
	d := decided(t, `[{"Effect":"Allow","Action":["ssm:UpdateInstanceInformation","ssmmessages:CreateControlChannel"],"Resource":"*"}]`, "", nil)
	if !strings.Contains(d.Findings[0].Detail, "AmazonSSMManagedInstanceCore") {
		t.Errorf("the policy of a node: %q", d.Findings[0].Detail)
	}
}

// TestOperatorsOfMisses: a miss says what the operator of its condition makes of a key that
// is absent or has several values.
func TestOperatorsOfMisses(t *testing.T) {
	for condition, want := range map[string]string{
		`"StringEqualsIfExists":{"ssm:resourceTag/Name":"db"}`:                        "its condition ssm:resourceTag/Name = db (or absent) does not hold: the target has Name = bastion",
		`"ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"o-1/r-1/ou-1/*"}`:         "its condition aws:PrincipalOrgPaths like o-1/r-1/ou-1/* (any of its values) does not hold: the request does not carry the key",
		`"ForAllValues:StringNotEqualsIfExists":{"aws:ResourceTag/Name":["bastion"]}`: "its condition aws:ResourceTag/Name is not bastion (all of its values, or absent) does not hold: the target has Name = bastion",
	} {
		d := decided(t, `[{"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ec2:*:*:instance/*","Condition":{`+condition+`}}]`, "",
			func(r *guard.Request, f *guard.Facts) {
				r.Closed = true
				f.TargetTags = map[string]string{"Name": "bastion"}
			})
		if got := listing(d.Findings); len(d.Findings[0].Nearest) == 0 || !strings.Contains(d.Findings[0].Nearest[0].Why, want) {
			t.Errorf("%s: %+v in\n%s", condition, d.Findings[0].Nearest, got)
		}
	}
	d := decided(t, `[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}]`, "",
		func(r *guard.Request, _ *guard.Facts) { r.Caller.MFA = guard.MFAAbsent })
	if want := "aws:MultiFactorAuthPresent = false (or absent; the request has no such key"; !strings.Contains(d.Findings[0].Nearest[0].Why, want) {
		t.Errorf("%q does not say %q", d.Findings[0].Nearest[0].Why, want)
	}
}

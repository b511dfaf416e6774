package finding

import (
	"fmt"
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

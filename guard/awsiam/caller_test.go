package awsiam

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"ssmguard/guard"
)

func TestPrincipalOf(t *testing.T) {
	for _, tt := range []struct {
		arn  string
		want principal
	}{
		{"arn:aws:iam::111122223333:user/ann", principal{guard.User, "aws", "111122223333", "ann", ""}},
		{"arn:aws-cn:iam::111122223333:user/team/a/ann", principal{guard.User, "aws-cn", "111122223333", "ann", ""}},
		{devSession, principal{guard.AssumedRole, "aws", "111122223333", "dev", "ann"}},
		{"arn:aws:sts::111122223333:federated-user/bob", principal{guard.FederatedUser, "aws", "111122223333", "bob", ""}},
		{"arn:aws:iam::111122223333:root", principal{guard.Root, "aws", "111122223333", "", ""}},
		{"arn:aws:iam::111122223333:group/ops", principal{partition: "aws", account: "111122223333"}},
		{"garbage", principal{}},
	} {
		if diff := cmp.Diff(tt.want, principalOf(identity{SessionARN: tt.arn}), cmp.AllowUnexported(principal{})); diff != "" {
			t.Errorf("%s: %s", tt.arn, diff)
		}
	}
}

func TestCandidates(t *testing.T) {
	sso := func(arn string) principal { return principalOf(identity{SessionARN: arn}) }
	got := sso("arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Dev_0123456789abcdef/ann@example.com").candidates("eu-west-1")
	if want := "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Dev_0123456789abcdef"; got[0] != want {
		t.Errorf("first %s, want %s", got[0], want)
	}
	if want := "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Dev_0123456789abcdef"; got[1] != want {
		t.Errorf("second %s, want %s: in us-east-1 the path names no region", got[1], want)
	}
	if len(got) != len(homeRegions) {
		t.Errorf("%d candidates, want %d: the request's region is one of them", len(got), len(homeRegions))
	}
	cn := sso("arn:aws-cn:sts::111122223333:assumed-role/AWSReservedSSO_Dev_0123456789abcdef/ann").candidates("cn-north-1")
	if diff := cmp.Diff([]string{"arn:aws-cn:iam::111122223333:role/aws-reserved/sso.amazonaws.com/cn-north-1/AWSReservedSSO_Dev_0123456789abcdef"}, cn); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"arn:aws:iam::111122223333:role/dev"}, sso(devSession).candidates("eu-west-1")); diff != "" {
		t.Error(diff)
	}
}

func TestOriginOf(t *testing.T) {
	role := func(source, session string) identity {
		return identity{SessionARN: "arn:aws:sts::111122223333:assumed-role/dev/" + session, Source: source, Temporary: true}
	}
	const root, user, federated = "arn:aws:iam::111122223333:root", "arn:aws:iam::111122223333:user/ann", "arn:aws:sts::111122223333:federated-user/ann"
	for _, tt := range []struct {
		name string
		id   identity
		want origin
	}{
		{"user", identity{SessionARN: user}, origin{}},
		{"GetSessionToken", identity{SessionARN: user, Temporary: true}, origin{}},
		{"root", identity{SessionARN: root}, origin{}},
		{"AssumeRoot", identity{SessionARN: root, Temporary: true}, origin{sessionPolicy: true}},
		{"federated user", identity{SessionARN: federated, Temporary: true}, unknownOrigin},
		{"EC2", role("EC2RoleProvider", "i-0123456789abcdef0"), origin{}},
		{"another program in EC2's place", role("EC2RoleProvider", "ann"), unknownOrigin},
		{"a session that looks like EC2's", role("EnvConfigCredentials", "i-0123456789abcdef0"), unknownOrigin},
		{"ECS", role("CredentialsEndpointProvider", "0123456789abcdef0123456789abcdef"), origin{}},
		{"EKS Pod Identity", role("CredentialsEndpointProvider", "eks-prod-web-0123"), unknownOrigin},
		{"profile with role_arn", role("AssumeRoleProvider", "ann"), origin{sessionTags: true}},
		{"web identity", role("WebIdentityCredentials", "ann"), origin{sessionTags: true}},
		{"SSO", role("SSOProvider", "ann@example.com"), unknownOrigin},
		{"somebody's AssumeRole", role("EnvConfigCredentials", "ann"), unknownOrigin},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := originOf(tt.id); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

// TestMFAFromIAM: only credentials of GetSessionToken tell by IAM's answer whether
// MFA was used.
func TestMFAFromIAM(t *testing.T) {
	failed := func(code string) error { return &Error{Permission: "iam:GetUser", Kind: KindOfCode(code), Code: code} }
	for _, tt := range []struct {
		source string
		err    error
		want   guard.MFA
	}{
		{"EnvConfigCredentials", nil, guard.MFATrue},
		{"SharedConfigCredentials", nil, guard.MFATrue},
		{"EnvConfigCredentials", failed("InvalidClientTokenId"), guard.MFAFalse},
		{"EnvConfigCredentials", failed("AccessDenied"), guard.MFAUnknown},
		{"EnvConfigCredentials", failed("ExpiredToken"), guard.MFAUnknown},
		{"EnvConfigCredentials", failed("OptInRequired"), guard.MFAUnknown},
		{"EnvConfigCredentials", failed("Throttling"), guard.MFAUnknown},
		{"CredentialsEndpointProvider", nil, guard.MFAUnknown},
		{"LoginProvider", nil, guard.MFAUnknown},
		{"ProcessProvider", nil, guard.MFAUnknown},
		{"ProcessProvider", failed("InvalidClientTokenId"), guard.MFAFalse},
	} {
		if got := mfaFromIAM(identity{Source: tt.source}, tt.err); got != tt.want {
			t.Errorf("%s, %v: %v, want %v", tt.source, tt.err, got, tt.want)
		}
	}
}

package guard

import (
	"slices"
	"testing"
	"time"

	"ssmguard/guard/policy"
)

// roleRequest is a shell that the session of a role asks for.
var roleRequest = Request{
	Caller: Caller{SessionARN: "arn:aws:sts::111122223333:assumed-role/dev/alice", Principal: "arn:aws:iam::111122223333:role/dev",
		Account: "111122223333", UserID: "AROAEXAMPLEROLE000001:alice", Partition: "aws"},
	Region: "us-east-1", Target: "i-0123456789abcdef0",
}

// The callers there are.
var (
	keyUser = Caller{SessionARN: "arn:aws:iam::111122223333:user/team/alice", Principal: "arn:aws:iam::111122223333:user/team/alice",
		Account: "111122223333", UserID: "AIDAEXAMPLEALICE00001", MFA: MFAAbsent, Tags: map[string]string{"Team": "web"}}
	keyRole = Caller{SessionARN: "arn:aws:sts::111122223333:assumed-role/dev/alice", Principal: "arn:aws:iam::111122223333:role/team/dev",
		Account: "111122223333", UserID: "AROAEXAMPLEROLE000001:alice", Unknown: []string{UnknownSessionTags}}
	keyFederated = Caller{SessionARN: "arn:aws:sts::111122223333:federated-user/bob", Account: "111122223333", UserID: "111122223333:bob",
		Unknown: []string{UnknownPrincipalTags, UnknownSessionTags}}
	keyRoot  = Caller{SessionARN: "arn:aws:iam::111122223333:root", Account: "111122223333", UserID: "111122223333", Unknown: []string{UnknownSessionTags}}
	keyBlank = Caller{}
)

// keyOf looks a key up in one grant's context.
func keyOf(t *testing.T, r Request, f Facts, grant, key string) ([]string, policy.KeyState) {
	t.Helper()
	for _, g := range Needs(r, f) {
		if g.ID == grant {
			values, _, state := g.Context.Lookup(key)
			return values, state
		}
	}
	t.Fatalf("no grant %s", grant)
	return nil, 0
}

// TestPrincipalKeys is IAM's table of what is in the context for each kind of
// principal: docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html.
func TestPrincipalKeys(t *testing.T) {
	const absent, known, unknown = policy.KeyAbsent, policy.KeyKnown, policy.KeyUnknown
	temporary, withMFA, without := keyUser, keyUser, keyUser
	temporary.MFA, withMFA.MFA, without.MFA = MFAUnknown, MFATrue, MFAFalse
	pathless := keyRole
	pathless.Principal = ""
	tagless := keyUser
	tagless.Unknown = []string{UnknownPrincipalTags}
	ec2 := keyRole
	ec2.Unknown, ec2.Tags = nil, map[string]string{"Team": "web"}
	tests := []struct {
		name   string
		caller Caller
		key    string
		state  policy.KeyState
		value  string
	}{
		{"user", keyUser, "aws:userid", known, "AIDAEXAMPLEALICE00001"},
		{"user", keyUser, "aws:username", known, "alice"},
		{"user", keyUser, "aws:PrincipalType", known, "User"},
		{"user", keyUser, "aws:PrincipalArn", known, "arn:aws:iam::111122223333:user/team/alice"},
		{"user", keyUser, "aws:PrincipalAccount", known, "111122223333"},
		{"user", keyUser, "aws:PrincipalTag/team", known, "web"},
		{"user", keyUser, "aws:PrincipalTag/other", absent, ""},
		{"user", keyUser, "aws:FederatedProvider", absent, ""},
		{"user without readable tags", tagless, "aws:PrincipalTag/team", unknown, ""},
		{"long-term keys", keyUser, "aws:MultiFactorAuthPresent", absent, ""},
		{"long-term keys", keyUser, "aws:MultiFactorAuthAge", absent, ""},
		{"long-term keys", keyUser, "aws:TokenIssueTime", absent, ""},
		{"long-term keys", keyUser, "aws:SourceIdentity", absent, ""},
		{"GetSessionToken", temporary, "aws:MultiFactorAuthPresent", unknown, ""},
		{"GetSessionToken", temporary, "aws:MultiFactorAuthAge", unknown, ""},
		{"GetSessionToken", temporary, "aws:TokenIssueTime", unknown, ""},
		{"GetSessionToken", temporary, "aws:FederatedProvider", absent, ""},
		{"GetSessionToken with MFA", withMFA, "aws:MultiFactorAuthPresent", known, "true"},
		{"GetSessionToken with MFA", withMFA, "aws:MultiFactorAuthAge", unknown, ""},
		{"GetSessionToken without MFA", without, "aws:MultiFactorAuthPresent", known, "false"},
		{"GetSessionToken without MFA", without, "aws:MultiFactorAuthAge", absent, ""},

		{"role", keyRole, "aws:userid", known, "AROAEXAMPLEROLE000001:alice"},
		{"role", keyRole, "aws:username", absent, ""},
		{"role", keyRole, "aws:PrincipalType", known, "AssumedRole"},
		{"role", keyRole, "aws:PrincipalArn", known, "arn:aws:iam::111122223333:role/team/dev"},
		{"role", keyRole, "aws:PrincipalTag/team", unknown, ""},
		{"role", keyRole, "aws:MultiFactorAuthPresent", unknown, ""},
		{"role", keyRole, "aws:FederatedProvider", unknown, ""},
		{"role", keyRole, "aws:SourceIdentity", unknown, ""},
		{"role whose path is not known", pathless, "aws:PrincipalArn", unknown, ""},
		{"role that takes no session tags", ec2, "aws:PrincipalTag/team", known, "web"},
		{"role that takes no session tags", ec2, "aws:PrincipalTag/other", absent, ""},

		{"federated user", keyFederated, "aws:userid", known, "111122223333:bob"},
		{"federated user", keyFederated, "aws:username", absent, ""},
		{"federated user", keyFederated, "aws:PrincipalType", known, "FederatedUser"},
		{"federated user", keyFederated, "aws:PrincipalArn", known, "arn:aws:sts::111122223333:federated-user/bob"},
		{"federated user", keyFederated, "aws:PrincipalTag/team", unknown, ""},

		{"root", keyRoot, "aws:userid", known, "111122223333"},
		{"root", keyRoot, "aws:username", absent, ""},
		{"root", keyRoot, "aws:PrincipalType", known, "Account"},
		{"root", keyRoot, "aws:PrincipalArn", known, "arn:aws:iam::111122223333:root"},
		{"root", keyRoot, "aws:PrincipalTag/team", absent, ""},

		{"nobody known", keyBlank, "aws:userid", unknown, ""},
		{"nobody known", keyBlank, "aws:username", unknown, ""},
		{"nobody known", keyBlank, "aws:PrincipalType", unknown, ""},
		{"nobody known", keyBlank, "aws:PrincipalArn", unknown, ""},
		{"nobody known", keyBlank, "aws:PrincipalAccount", unknown, ""},
	}
	for _, tt := range tests {
		r := Request{Caller: tt.caller, Region: "us-east-1", Target: "i-0123456789abcdef0"}
		values, state := keyOf(t, r, Facts{}, GrantTarget, tt.key)
		if state != tt.state || state == known && !slices.Equal(values, []string{tt.value}) {
			t.Errorf("%s: %s is %v %q, want %v %q", tt.name, tt.key, state, values, tt.state, tt.value)
		}
	}
}

// TestForeignKeys: keys that a role's session may bring along are unknown; keys of
// other services and of calls made by services are never in a request of ours.
func TestForeignKeys(t *testing.T) {
	for _, caller := range []Caller{keyUser, keyRole, keyFederated, keyRoot, keyBlank} {
		r := Request{Caller: caller, Region: "us-east-1", Target: "i-0123456789abcdef0"}
		for _, key := range []string{
			"s3:prefix", "ec2:InstanceType", "iam:PassedToService", "kms:ViaService", "organizations:PolicyType", "logs:x", "ecs:cluster",
			"ssm:Overwrite", "ssmmessages:x", "aws:CalledVia", "aws:CalledViaFirst", "aws:CalledViaLast", "aws:PrincipalServiceName",
			"aws:PrincipalServiceNamesList", "aws:SourceArn", "aws:SourceAccount", "aws:SourceOrgID", "aws:SourceOrgPaths",
			"aws:RequestTag/Name", "aws:TagKeys", "ssm:resourceTag/aws:ssmmessages:target-id",
		} {
			if _, state := keyOf(t, r, Facts{}, GrantTarget, key); state != policy.KeyAbsent {
				t.Errorf("%s: %s is %v", caller.Name(), key, state)
			}
		}
		for _, key := range []string{"aws:SourceIp", "aws:SourceVpce", "aws:PrincipalOrgID", "aws:ResourceOrgID", "aws:UserAgent", "aws:SomethingNew"} {
			if _, state := keyOf(t, r, Facts{}, GrantTarget, key); state != policy.KeyUnknown {
				t.Errorf("%s: %s is %v", caller.Name(), key, state)
			}
		}
		own := policy.KeyAbsent
		if k := caller.Kind(); k == AssumedRole || k == KindUnknown {
			own = policy.KeyUnknown
		}
		for _, key := range []string{"ec2:SourceInstanceARN", "ec2:RoleDelivery", "ecs:SourceTaskArn", "lambda:SourceFunctionArn"} {
			if _, state := keyOf(t, r, Facts{}, GrantTarget, key); state != own {
				t.Errorf("%s: %s is %v, want %v", caller.Name(), key, state, own)
			}
		}
	}
}

// TestCallKeys is what every direct call over HTTPS carries, and what the table of
// the service authorization reference gives each resource.
func TestCallKeys(t *testing.T) {
	const absent, known, unknown = policy.KeyAbsent, policy.KeyKnown, policy.KeyUnknown
	at := time.Date(2026, 11, 21, 12, 0, 0, 0, time.FixedZone("", 3600))
	read := Facts{At: at, DocumentType: "Session", DocumentTags: map[string]string{"Team": "web"}, TargetTags: map[string]string{"Name": "db"},
		KMSKey: "arn:aws:kms:us-east-1:444455556666:key/k", KMSAlias: "alias/s"}
	tests := []struct {
		document string
		facts    Facts
		grant    string
		key      string
		state    policy.KeyState
		value    string
	}{
		{"", read, GrantTarget, "aws:SecureTransport", known, "true"},
		{"", read, GrantTarget, "aws:ViaAWSService", known, "false"},
		{"", read, GrantTarget, "aws:PrincipalIsAWSService", known, "false"},
		{"", read, GrantTarget, "aws:CurrentTime", known, "2026-11-21T11:00:00Z"},
		{"", read, GrantTarget, "aws:EpochTime", known, "1795258800"},
		{"", Facts{}, GrantTarget, "aws:CurrentTime", unknown, ""},
		{"", Facts{}, GrantTarget, "aws:EpochTime", unknown, ""},

		{"", read, GrantTarget, "ssm:AccessRequestId", unknown, ""},
		{"", read, GrantTarget, "ssm:SessionDocumentAccessCheck", unknown, ""},
		{"", read, GrantTarget, "ssm:NodeAccountId", unknown, ""},
		{"", read, GrantDocument, "ssm:NodeOrgId", unknown, ""},
		{"", read, GrantTerminate, "ssm:NodeOrgId", absent, ""},
		{"", read, GrantTarget, "ssm:DocumentType", absent, ""},
		{"", read, GrantTarget, "ssm:DocumentCategories", absent, ""},
		{"", read, GrantTarget, "aws:ResourceAccount", known, "111122223333"},
		{"", read, GrantTarget, "ssm:resourceTag/Team", absent, ""},

		{"", read, GrantDocument, "ssm:AccessRequestId", unknown, ""},
		{"", read, GrantDocument, "ssm:DocumentType", known, "Session"},
		{"", Facts{}, GrantDocument, "ssm:DocumentType", known, "Session"},
		{"", UnknownFacts(), GrantDocument, "ssm:DocumentType", known, "Session"},
		{"AWS-StartSSHSession", UnknownFacts(), GrantDocument, "ssm:DocumentType", known, "Session"},
		{"Custom", Facts{}, GrantDocument, "ssm:DocumentType", known, "Session"},
		{"Custom", UnknownFacts(), GrantDocument, "ssm:DocumentType", unknown, ""},
		{"", read, GrantDocument, "ssm:DocumentCategories", unknown, ""},
		{"", read, GrantDocument, "ssm:resourceTag/Name", absent, ""},
		{"", read, GrantDocument, "aws:ResourceTag/team", known, "web"},
		{"AWS-StartSSHSession", read, GrantDocument, "aws:ResourceTag/team", absent, ""},
		{"AWS-StartSSHSession", UnknownFacts(), GrantDocument, "aws:ResourceTag/team", absent, ""},
		{"arn:aws:ssm:us-east-1:444455556666:document/Shared", UnknownFacts(), GrantDocument, "aws:ResourceTag/team", unknown, ""},
		{"arn:aws:ssm:us-east-1:444455556666:document/Shared", read, GrantDocument, "aws:ResourceAccount", known, "444455556666"},

		{"", read, GrantDocument, "ssm:SessionDocumentAccessCheck", unknown, ""},
		{"", read, GrantTerminate, "ssm:SessionDocumentAccessCheck", absent, ""},
		{"", read, GrantTerminate, "ssm:AccessRequestId", absent, ""},
		{"", read, GrantTerminate, "aws:ResourceTag/Name", absent, ""},
		{"", read, GrantDataChannel, "ssm:resourceTag/Name", absent, ""},
		{"", read, GrantDataChannel, "aws:ResourceTag/Name", absent, ""},
		{"", read, GrantDataChannel, "aws:ResourceAccount", unknown, ""},
		{"", read, GrantKMS, "kms:ViaService", absent, ""},
		{"", read, GrantKMS, "kms:RequestAlias", known, "alias/s"},
		{"", read, GrantKMS, "kms:CallerAccount", known, "111122223333"},
		{"", read, GrantKMS, "kms:EncryptionContext:aws:ssm:TargetId", known, "i-0123456789abcdef0"},
		{"", read, GrantKMS, "kms:EncryptionContext:aws:ssm:SessionId", unknown, ""},
		{"", read, GrantKMS, "aws:ResourceAccount", known, "444455556666"},
		{"", read, GrantKMS, "aws:ResourceTag/Name", unknown, ""},
	}
	for _, tt := range tests {
		r := Request{Caller: keyRole, Region: "us-east-1", Target: "i-0123456789abcdef0", Document: tt.document}
		values, state := keyOf(t, r, tt.facts, tt.grant, tt.key)
		if state != tt.state || state == known && !slices.Equal(values, []string{tt.value}) {
			t.Errorf("%q %s: %s is %v %q, want %v %q", tt.document, tt.grant, tt.key, state, values, tt.state, tt.value)
		}
	}
}

// TestSessionTagOfOddNames: AWS leaves the tags off a session whose names hold
// characters that tags cannot.
func TestSessionTagOfOddNames(t *testing.T) {
	for name, want := range map[string]policy.KeyState{
		"alice": policy.KeyKnown, "a.b@c+d=e_f-g": policy.KeyKnown, "Zoë": policy.KeyKnown, "a,b": policy.KeyUnknown, "a;b": policy.KeyUnknown,
	} {
		r := Request{Caller: keyRole, Region: "us-east-1", Target: "i-0123456789abcdef0"}
		r.Caller.UserID = "AROAEXAMPLEROLE000001:" + name
		if _, state := keyOf(t, r, Facts{}, GrantTerminate, SessionTagID); state != want {
			t.Errorf("%s: %v, want %v", name, state, want)
		}
	}
}

// TestSomebodysID: everybody has an id, and one that nobody gave is nobody's, in a
// closed world, too. The session's tag holds the same one.
func TestSomebodysID(t *testing.T) {
	for _, arn := range []string{"arn:aws:iam::111122223333:user/alice", "arn:aws:sts::111122223333:assumed-role/dev/alice"} {
		for _, closed := range []bool{false, true} {
			r := Request{Caller: Caller{SessionARN: arn, Account: "111122223333"}, Region: "us-east-1", Target: "i-0123456789abcdef0", Closed: closed}
			if values, state := keyOf(t, r, Facts{}, GrantTarget, "aws:userid"); state != policy.KeyUnknown {
				t.Errorf("%s: an id that was not read is %v %q", arn, state, values)
			}
			for text, want := range map[string]policy.Verdict{
				`"Null":{"aws:userid":"false"}`:                         policy.Allow,
				`"StringLike":{"` + SessionTagID + `":"${aws:userid}"}`: policy.Allow,
				`"StringLike":{"aws:userid":"AROAEXAMPLE:*"}`:           policy.Unknown,
			} {
				doc, err := policy.Parse(policy.Identity, "p", []byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{`+text+`}}}`))
				if err != nil {
					t.Fatal(err)
				}
				if got := grantVerdict(policy.Set{Identity: doc.Statements}, r, Facts{}, GrantTerminate); got != want {
					t.Errorf("%s, closed %v: %s gives %v, want %v", arn, closed, text, got, want)
				}
			}
			r.Caller.UserID = "AIDAEXAMPLEREAL000001"
			if values, _ := keyOf(t, r, Facts{}, GrantTarget, "aws:userid"); !slices.Equal(values, []string{"AIDAEXAMPLEREAL000001"}) {
				t.Errorf("%s: %q, not the id given", arn, values)
			}
		}
	}
}

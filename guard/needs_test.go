package guard

import (
	"slices"
	"testing"
	"testing/quick"

	"github.com/google/go-cmp/cmp"

	"ssmguard/guard/policy"
)

func TestResources(t *testing.T) {
	tests := []struct {
		name                     string
		region, target, document string
		facts                    Facts
		targetARN, documentARN   string
	}{
		{"shell", "us-east-1", "i-0123456789abcdef0", "", Facts{},
			"arn:aws:ec2:us-east-1:111122223333:instance/i-0123456789abcdef0", "arn:aws:ssm:us-east-1:111122223333:document/SSM-SessionManagerRunShell"},
		{"the default document by name", "us-east-1", "i-0123456789abcdef0", "SSM-SessionManagerRunShell", Facts{},
			"arn:aws:ec2:us-east-1:111122223333:instance/i-0123456789abcdef0", "arn:aws:ssm:us-east-1:111122223333:document/SSM-SessionManagerRunShell"},
		{"AWS owns it", "us-east-1", "mi-0123456789abcdef0", "AWS-StartSSHSession", Facts{},
			"arn:aws:ssm:us-east-1:111122223333:managed-instance/mi-0123456789abcdef0", "arn:aws:ssm:us-east-1::document/AWS-StartSSHSession"},
		{"a task, underscores in the cluster's name", "us-east-1", "ecs:my_big_cluster_0123456789abcdef0123456789abcdef_0123456789abcdef0123456789abcdef-1234567890", "Own-Shell", Facts{},
			"arn:aws:ecs:us-east-1:111122223333:task/my_big_cluster/0123456789abcdef0123456789abcdef", "arn:aws:ssm:us-east-1:111122223333:document/Own-Shell"},
		{"a document of another account", "us-east-1", "i-0123456789abcdef0", "arn:aws:ssm:us-east-1:444455556666:document/Shared", Facts{},
			"arn:aws:ec2:us-east-1:111122223333:instance/i-0123456789abcdef0", "arn:aws:ssm:us-east-1:444455556666:document/Shared"},
		{"China", "cn-north-1", "i-0123456789abcdef0", "AWS-StartSSHSession", Facts{},
			"arn:aws-cn:ec2:cn-north-1:111122223333:instance/i-0123456789abcdef0", "arn:aws-cn:ssm:cn-north-1::document/AWS-StartSSHSession"},
		{"GovCloud", "us-gov-west-1", "i-0123456789abcdef0", "", Facts{},
			"arn:aws-us-gov:ec2:us-gov-west-1:111122223333:instance/i-0123456789abcdef0", "arn:aws-us-gov:ssm:us-gov-west-1:111122223333:document/SSM-SessionManagerRunShell"},
		{"isolated regions", "us-isob-east-1", "i-0123456789abcdef0", "", Facts{},
			"arn:aws-iso-b:ec2:us-isob-east-1:111122223333:instance/i-0123456789abcdef0", "arn:aws-iso-b:ssm:us-isob-east-1:111122223333:document/SSM-SessionManagerRunShell"},
		{"secret regions", "us-iso-east-1", "i-0123456789abcdef0", "", Facts{},
			"arn:aws-iso:ec2:us-iso-east-1:111122223333:instance/i-0123456789abcdef0", "arn:aws-iso:ssm:us-iso-east-1:111122223333:document/SSM-SessionManagerRunShell"},
		{"AWS's document by ARN", "us-east-1", "i-0123456789abcdef0", "arn:aws:ssm:us-east-1::document/AWS-StartSSHSession", Facts{},
			"arn:aws:ec2:us-east-1:111122223333:instance/i-0123456789abcdef0", "arn:aws:ssm:us-east-1::document/AWS-StartSSHSession"},
		{"reserved names", "us-east-1", "i-0123456789abcdef0", "AWSFleetManager-Shell", Facts{},
			"arn:aws:ec2:us-east-1:111122223333:instance/i-0123456789abcdef0", "arn:aws:ssm:us-east-1::document/AWSFleetManager-Shell"},
		{"a name that is the account's own, like AWS's or not", "us-east-1", "i-0123456789abcdef0", "AWS-Like", Facts{DocumentOwner: "111122223333"},
			"arn:aws:ec2:us-east-1:111122223333:instance/i-0123456789abcdef0", "arn:aws:ssm:us-east-1:111122223333:document/AWS-Like"},
		{"what was read of the owner wins over the name", "us-east-1", "i-0123456789abcdef0", "Odd-Name", Facts{DocumentOwner: "Amazon"},
			"arn:aws:ec2:us-east-1:111122223333:instance/i-0123456789abcdef0", "arn:aws:ssm:us-east-1::document/Odd-Name"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := Request{Caller: Caller{Account: "111122223333"}, Region: tt.region, Target: tt.target, Document: tt.document}
			gs := Needs(r, tt.facts)
			if gs[0].ID != GrantTarget || gs[0].Resource != tt.targetARN {
				t.Errorf("%s on %s, want %s", gs[0].ID, gs[0].Resource, tt.targetARN)
			}
			if gs[1].ID != GrantDocument || gs[1].Resource != tt.documentARN {
				t.Errorf("%s on %s, want %s", gs[1].ID, gs[1].Resource, tt.documentARN)
			}
		})
	}
}

// TestNeedsPure: the same input gives the same grants in the same order, the
// required ones first and always the same two.
func TestNeedsPure(t *testing.T) {
	property := func(c Caller, region, target, document, session, key string, tags map[string]string, unknown []string, closed bool) bool {
		r := Request{Caller: c, Region: region, Target: target, Document: document, SessionID: session, Closed: closed}
		f := Facts{TargetTags: tags, DocumentTags: tags, KMSKey: key, Unknown: unknown}
		a, b := Needs(r, f), Needs(r, f)
		if len(a) != len(b) || len(a) < 2 || a[0].Advisory || a[1].Advisory {
			return false
		}
		for i := range a {
			if a[i].ID != b[i].ID || a[i].Resource != b[i].Resource || a[i].Action != b[i].Action || !a[i].Context.Equal(b[i].Context) {
				return false
			}
			if i > 1 && !a[i].Advisory {
				return false
			}
		}
		return true
	}
	if err := quick.Check(property, &quick.Config{MaxCount: 200}); err != nil {
		t.Error(err)
	}
}

// TestKeys is what is known of the condition keys of each grant.
func TestKeys(t *testing.T) {
	const absent, known, unknown = policy.KeyAbsent, policy.KeyKnown, policy.KeyUnknown
	user := Caller{SessionARN: "arn:aws:iam::111122223333:user/team/alice", Account: "111122223333", UserID: "AIDAEXAMPLEALICE00001", MFA: MFAAbsent, Tags: map[string]string{"Team": "web"}}
	role := roleRequest.Caller
	role.Unknown = []string{UnknownSessionTags}
	tagged := Facts{TargetTags: map[string]string{"Name": "db", "name2": "x"}, DocumentTags: map[string]string{"Team": "web"}}
	dark := UnknownFacts()
	tests := []struct {
		caller   Caller
		document string
		facts    Facts
		grant    string
		key      string
		state    policy.KeyState
		value    string
	}{
		{user, "", tagged, GrantTarget, "ssm:ResourceTag/name", known, "db"},
		{user, "", tagged, GrantTarget, "aws:ResourceTag/Name", known, "db"},
		{user, "", tagged, GrantTarget, "ssm:resourceTag/Other", absent, ""},
		{user, "", dark, GrantTarget, "ssm:resourceTag/Name", unknown, ""},
		{user, "", dark, GrantTarget, SessionTagID, absent, ""},
		{user, "", tagged, GrantDocument, "ssm:resourceTag/Name", absent, ""},
		{user, "", tagged, GrantDocument, "ssm:resourceTag/Team", known, "web"},
		{user, "", dark, GrantDocument, "ssm:resourceTag/Team", unknown, ""},
		{user, "AWS-StartSSHSession", dark, GrantDocument, "ssm:resourceTag/Team", absent, ""},
		{user, "AWS-StartSSHSession", dark, GrantDocument, "aws:ResourceAccount", unknown, ""},
		{user, "", tagged, GrantDocument, "aws:ResourceAccount", known, "111122223333"},
		{user, "", tagged, GrantDocument, "ssm:SessionDocumentAccessCheck", unknown, ""},
		{user, "", tagged, GrantTerminate, SessionTagID, known, "AIDAEXAMPLEALICE00001"},
		{user, "", tagged, GrantTerminate, sessionTagTarget, known, "i-0123456789abcdef0"},
		{user, "", tagged, GrantTerminate, "ssm:resourceTag/Name", absent, ""},
		{user, "", tagged, GrantTarget, "aws:username", known, "alice"},
		{user, "", tagged, GrantTarget, "aws:PrincipalType", known, "User"},
		{user, "", tagged, GrantTarget, "aws:PrincipalTag/Team", known, "web"},
		{user, "", tagged, GrantTarget, "aws:MultiFactorAuthPresent", absent, ""},
		{user, "", tagged, GrantTarget, "aws:SourceIp", unknown, ""},
		{user, "", tagged, GrantTarget, "aws:CalledViaFirst", absent, ""},
		{user, "", tagged, GrantTarget, "aws:RequestedRegion", known, "us-east-1"},
		{user, "", tagged, GrantTarget, "ec2:InstanceType", absent, ""},
		{user, "", tagged, GrantTarget, "saml:sub", absent, ""},
		{role, "", tagged, GrantTarget, "saml:sub", unknown, ""},
		{role, "", tagged, GrantTarget, "aws:username", absent, ""},
		{role, "", tagged, GrantTarget, "aws:PrincipalArn", known, "arn:aws:iam::111122223333:role/dev"},
		{role, "", tagged, GrantTarget, "aws:PrincipalTag/Team", unknown, ""},
		{role, "", tagged, GrantTarget, "aws:MultiFactorAuthPresent", unknown, ""},
		{role, "", tagged, GrantTarget, "ec2:SourceInstanceARN", unknown, ""},
	}
	for _, tt := range tests {
		r := Request{Caller: tt.caller, Region: "us-east-1", Target: "i-0123456789abcdef0", Document: tt.document}
		for _, g := range Needs(r, tt.facts) {
			if g.ID != tt.grant {
				continue
			}
			values, _, state := g.Context.Lookup(tt.key)
			if state != tt.state || state == known && !slices.Equal(values, []string{tt.value}) {
				t.Errorf("%s %s %s: %v %q, want %v %q", tt.caller.Name(), tt.grant, tt.key, state, values, tt.state, tt.value)
			}
		}
	}
}

// TestClosed: in a closed world no key is unknown but the one that no policy file
// can tell of, and what the user states wins.
func TestClosed(t *testing.T) {
	r := roleRequest
	r.Closed = true
	r.Context = map[string][]string{"aws:SourceIp": {"198.51.100.7"}, "aws:RequestedRegion": {"eu-west-1"}, "aws:TagKeys": {"a", "b"}}
	for _, g := range Needs(r, Facts{Unknown: UnknownFacts().Unknown, KMSKey: "arn:aws:kms:us-east-1:111122223333:key/k"}) {
		for _, key := range []string{"aws:SourceVpce", "saml:sub", "ssm:resourceTag/Name", "aws:CurrentTime"} {
			if _, _, state := g.Context.Lookup(key); state == policy.KeyUnknown {
				t.Errorf("%s: %s is unknown", g.ID, key)
			}
		}
		for key, want := range r.Context {
			values, multi, state := g.Context.Lookup(key)
			if diff := cmp.Diff(want, values); diff != "" || state != policy.KeyKnown || multi != (len(want) > 1) {
				t.Errorf("%s: %s is %q", g.ID, key, values)
			}
		}
	}
}

// TestAccessCheck: in the calls that start a session the key is absent or true, of
// an account as of policy files; other calls do not have it.
func TestAccessCheck(t *testing.T) {
	const key = "ssm:SessionDocumentAccessCheck"
	for _, closed := range []bool{false, true} {
		r := roleRequest
		r.Closed = closed
		for _, g := range Needs(r, Facts{KMSKey: "arn:aws:kms:us-east-1:111122223333:key/k"}) {
			want, wantState := []string{"true"}, policy.KeyUnknown
			if g.Action != ActionStart {
				want, wantState = nil, policy.KeyAbsent
			}
			values, few := g.Context.Possible(key)
			if _, _, state := g.Context.Lookup(key); state != wantState || !few || !slices.Equal(values, want) {
				t.Errorf("closed %v, %s: %v %q", closed, g.ID, state, values)
			}
		}
		r.Context = map[string][]string{key: {"false"}}
		if values, _, _ := Needs(r, Facts{})[0].Context.Lookup(key); !slices.Equal(values, []string{"false"}) {
			t.Errorf("closed %v: what the user states is %q", closed, values)
		}
	}
}

func TestTagsThatDifferByCase(t *testing.T) {
	f := Facts{TargetTags: map[string]string{"Name": "a", "NAME": "b"}}
	c := Needs(roleRequest, f)[0].Context
	if _, _, state := c.Lookup("ssm:resourceTag/name"); state != policy.KeyUnknown {
		t.Errorf("two tags that differ by case only are %v", state)
	}
}

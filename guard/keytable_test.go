package guard

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"ssmguard/guard/policy"
)

// TestAWSKeys: the table names every condition key of AWS's list. A key that is new
// there fails until somebody has looked up who carries it.
func TestAWSKeys(t *testing.T) {
	text, err := os.ReadFile("testdata/condition-keys.txt")
	if err != nil {
		t.Fatal(err)
	}
	variable := regexp.MustCompile(`\$\{\w+\}$|tag-key$`)
	rows := make(map[string]bool)
	for _, row := range keyTable {
		rows[strings.ToLower(row.key)] = true
	}
	globals, own := 0, 0
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "#") {
			continue
		}
		action, key, ok := strings.Cut(line, " ")
		if !ok {
			globals++
			if !rows[strings.ToLower(variable.ReplaceAllString(line, "*"))] {
				t.Errorf("%s is on AWS's list and not in keyTable", line)
			}
			continue
		}
		own++
		if _, foreign := ForeignKey(action, key); foreign {
			t.Errorf("%s has %s, which ownKeys lacks", action, key)
		}
	}
	if globals < 50 || own < 20 {
		t.Errorf("only %d global keys and %d others were read", globals, own)
	}
}

// TestKeyTable: every row has a sign for every kind of caller, a source and its date.
func TestKeyTable(t *testing.T) {
	dated := regexp.MustCompile(`^20\d\d-\d\d-\d\d$`)
	seen := make(map[string]bool)
	for _, row := range keyTable {
		if len(row.who) != anybody+1 || strings.Trim(row.who, "-=+f?") != "" {
			t.Errorf("%s: %q", row.key, row.who)
		}
		if row.source == nil || row.source.title == "" || !dated.MatchString(row.source.date) {
			t.Errorf("%s: no source with its date", row.key)
		}
		if seen[strings.ToLower(row.key)] {
			t.Errorf("%s stands there twice", row.key)
		}
		seen[strings.ToLower(row.key)] = true
	}
}

// TestKeysOfCallers: an IAM user with long-term keys has no property of a role's
// session, and nobody who calls by himself comes through AWS's MCP servers.
func TestKeysOfCallers(t *testing.T) {
	temporary, somebody := keyUser, keyUser
	temporary.MFA, somebody.MFA, somebody.Unknown = MFAUnknown, MFAUnknown, []string{UnknownCredentials}
	const absent, unknown = policy.KeyAbsent, policy.KeyUnknown
	for _, tt := range []struct {
		key  string
		want [5]policy.KeyState // long-term keys, GetSessionToken, either of the two, a role's session, root
	}{
		{"aws:AssumedRoot", [5]policy.KeyState{absent, absent, absent, absent, unknown}},
		{"aws:SignInSessionArn", [5]policy.KeyState{absent, unknown, unknown, unknown, unknown}},
		{"aws:ChatbotSourceArn", [5]policy.KeyState{absent, absent, absent, unknown, absent}},
		{"aws:Ec2InstanceSourceVpc", [5]policy.KeyState{absent, absent, absent, unknown, absent}},
		{"aws:Ec2InstanceSourcePrivateIPv4", [5]policy.KeyState{absent, absent, absent, unknown, absent}},
		{"aws:ViaCustomerDomain", [5]policy.KeyState{absent, absent, absent, unknown, unknown}},
		{"aws:TokenIssueTime", [5]policy.KeyState{absent, unknown, unknown, unknown, unknown}},
		{"aws:VpceOrgID", [5]policy.KeyState{unknown, unknown, unknown, unknown, unknown}},
		{"aws:SourceVpcArn", [5]policy.KeyState{unknown, unknown, unknown, unknown, unknown}},
		{"aws:CalledViaAWSMCP", [5]policy.KeyState{absent, absent, absent, absent, absent}},
		{"identitystore:UserId", [5]policy.KeyState{absent, absent, absent, unknown, absent}},
		{"token.actions.githubusercontent.com:sub", [5]policy.KeyState{absent, absent, absent, unknown, absent}},
		{"saml:aud", [5]policy.KeyState{absent, absent, absent, unknown, absent}},
		{"dynamodb:LeadingKeys", [5]policy.KeyState{absent, absent, absent, absent, absent}},
		{"ssm:SessionOwner", [5]policy.KeyState{absent, absent, absent, absent, absent}},
	} {
		for i, caller := range []Caller{keyUser, temporary, somebody, keyRole, keyRoot} {
			r := Request{Caller: caller, Region: "us-east-1", Target: "i-0123456789abcdef0"}
			if _, state := keyOf(t, r, Facts{}, GrantTarget, tt.key); state != tt.want[i] {
				t.Errorf("%s, column %d: %s is %v, want %v", caller.Name(), i, tt.key, state, tt.want[i])
			}
		}
	}
	for _, caller := range []Caller{keyUser, temporary, keyRole, keyFederated, keyRoot, keyBlank} {
		for _, grant := range Needs(Request{Caller: caller, Region: "us-east-1", Target: "i-0123456789abcdef0"}, UnknownFacts()) {
			for _, key := range []string{"aws:ViaAWSMCPService", "aws:IsMcpServiceAction"} {
				if values, ok := grant.Context.Possible(key); !ok || len(values) != 1 || values[0] != "false" {
					t.Errorf("%s, %s: %s may be %q", caller.Name(), grant.ID, key, values)
				}
			}
		}
	}
}

func TestForeignKey(t *testing.T) {
	for _, tt := range []struct {
		action, key, meant string
		foreign            bool
	}{
		{ActionStart, "ec2:ResourceTag/Env", "ssm:resourceTag/Env", true},
		{ActionStart, "ecs:resourceTag/a/B", "ssm:resourceTag/a/B", true},
		{ActionExecute, "ssm:resourceTag/Env", "ecs:ResourceTag/Env", true},
		{ActionDataKey, "ssm:resourceTag/Env", "aws:ResourceTag/Env", true},
		{ActionStart, "ssm:SessionOwner", "", true},
		{ActionTerminate, "ssm:SessionOwner", SessionTagID, true},
		{ActionTerminate, "ssm:resourceTag/Env", "", true},
		{ActionStart, "iam:PassedToService", "", true},
		{ActionStart, "SSM:ResourceTag/Env", "", false},
		{ActionStart, "aws:ResourceTag/Env", "", false},
		{ActionStart, "ec2:SourceInstanceARN", "", false},
		{ActionStart, "accounts.google.com:aud", "", false},
		{ActionStart, "saml:aud", "", false},
		{ActionStart, "no key", "", false},
	} {
		if meant, foreign := ForeignKey(tt.action, tt.key); meant != tt.meant || foreign != tt.foreign {
			t.Errorf("%s on %s: %q %v", tt.key, tt.action, meant, foreign)
		}
	}
}

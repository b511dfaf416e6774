package check

import (
	"slices"
	"strings"
	"testing"

	"ssmguard/cmd/internal/policyfile"
	"ssmguard/guard"
	"ssmguard/guard/policy"
)

const (
	devSession = "arn:aws:sts::111122223333:assumed-role/dev/alice"
	devRole    = "arn:aws:iam::111122223333:role/dev"
	devUser    = "arn:aws:iam::111122223333:user/alice"
	everything = `{"Effect":"Allow","Action":"*","Resource":"*"}`
)

// stated asks about policies in files, as `check --policy` does. A policy that denies
// is beside one that allows everything.
func stated(t *testing.T, o fileOptions, document string, layers map[policy.Kind]string) guard.Decision {
	t.Helper()
	var reading policyfile.Reading
	for kind, text := range layers {
		if strings.Contains(text, `"Deny"`) {
			text += "," + everything
		}
		doc, err := policy.Parse(kind, kind.String()+".json", []byte(`{"Version":"2012-10-17","Statement":[`+text+`]}`))
		if err != nil {
			t.Fatal(err)
		}
		reading.Add(kind, doc.Statements)
	}
	d, err := o.decide(t.Context(), reading, guard.Request{Region: "us-east-1", Target: "i-0123456789abcdef0", Document: document})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestOpenWorld: of what nobody stated, what every such request has is known, and the
// rest is not absent.
func TestOpenWorld(t *testing.T) {
	const (
		allowed, implicit, explicit, unknown = policy.Allow, policy.ImplicitDeny, policy.ExplicitDeny, policy.Unknown
		port                                 = "AWS-StartPortForwardingSession"
	)
	allowIf := func(condition string) string {
		return `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{` + condition + `}}`
	}
	denyIf := func(condition string) string {
		return `{"Effect":"Deny","Action":"*","Resource":"*","Condition":{` + condition + `}}`
	}
	tests := []struct {
		principal, document, text string
		context                   string // KEY=VALUE, with blanks between
		want                      policy.Verdict
		key                       string // that the verdict turns on
	}{
		{devSession, "", denyIf(`"DateGreaterThan":{"aws:CurrentTime":"2024-01-01T00:00:00Z"}`), "", explicit, ""},
		{devSession, "", denyIf(`"DateGreaterThan":{"aws:EpochTime":"1704067200"}`), "", explicit, ""},
		{devSession, "", allowIf(`"DateLessThan":{"aws:CurrentTime":"2099-01-01T00:00:00Z"}`), "", allowed, ""},
		{devSession, "", denyIf(`"StringNotEquals":{"aws:RequestedRegion":"us-east-1"}`), "", allowed, ""},
		{devSession, "", denyIf(`"Bool":{"aws:MultiFactorAuthPresent":"false"}`), "", unknown, "aws:MultiFactorAuthPresent"},
		{devSession, "", denyIf(`"Bool":{"aws:MultiFactorAuthPresent":"false"}`), "aws:MultiFactorAuthPresent=true", allowed, ""},
		{devUser, "", denyIf(`"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}`), "", unknown, "aws:MultiFactorAuthPresent"},
		{devSession, "", denyIf(`"IpAddress":{"aws:SourceIp":"0.0.0.0/0"}`), "", unknown, "aws:SourceIp"},
		{devSession, "", denyIf(`"NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"}`), "", unknown, "aws:SourceIp"},
		{devSession, "", denyIf(`"NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"}`), "aws:SourceIp=198.51.100.7", explicit, ""},
		{devSession, "", denyIf(`"StringNotEquals":{"aws:SourceVpce":"vpce-1"}`), "", unknown, "aws:SourceVpce"},
		{devSession, "", denyIf(`"StringNotLike":{"aws:UserAgent":"console*"}`), "", unknown, "aws:UserAgent"},
		{devSession, "", `{"Effect":"Deny","Action":"*","Resource":"arn:aws:ssm:*:*:document/*","Condition":{"StringEquals":{"ssm:DocumentType":"Session"}}}`, "", explicit, ""},
		{devSession, "", allowIf(`"StringEquals":{"ssm:DocumentType":"Session"}`) + `,{"Effect":"Allow","Action":"*","Resource":"arn:aws:ec2:*:*:instance/*"}`, "", allowed, ""},
		{devSession, "", allowIf(`"Bool":{"ssm:SessionDocumentAccessCheck":"true"}`), "", unknown, "ssm:SessionDocumentAccessCheck"},
		{devSession, "", allowIf(`"BoolIfExists":{"ssm:SessionDocumentAccessCheck":"true"}`), "", allowed, ""},
		{devSession, "", allowIf(`"StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"}`), "", unknown, "aws:PrincipalOrgID"},
		{devSession, "", allowIf(`"StringEquals":{"ssm:resourceTag/Team":"${aws:PrincipalTag/Team}"}`), "", unknown, "aws:PrincipalTag/Team"},
		{devSession, "", denyIf(`"Null":{"aws:TokenIssueTime":"true"}`), "", allowed, ""},
		{devUser, "", denyIf(`"Null":{"aws:TokenIssueTime":"true"}`), "", unknown, "aws:TokenIssueTime"},
		{devSession, "", denyIf(`"StringNotLike":{"aws:userid":"AROAEXAMPLEADMIN00001:*"}`), "", unknown, "aws:userid"},
		{devSession, "", denyIf(`"Bool":{"aws:ViaAWSMCPService":"true"}`), "", allowed, ""},
		{devUser, "", denyIf(`"StringEquals":{"aws:CalledViaAWSMCP":"aws-mcp.amazonaws.com"}`), "", allowed, ""},
		{devUser, "", allowIf(`"Bool":{"aws:IsMcpServiceAction":"true"}`), "", implicit, ""},
		{devSession, "", denyIf(`"BoolIfExists":{"aws:ViaAWSMCPService":"false"}`), "", explicit, ""},
		{devSession, "", allowIf(`"StringEquals":{"ec2:ResourceTag/Env":"dev"}`), "", implicit, ""},
		{devSession, "", allowIf(`"StringEquals":{"glue:Owner":"me"}`), "", implicit, ""},
		{devSession, "", denyIf(`"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/team/*"}`), "", unknown, "aws:PrincipalArn"},
		{devRole, "", denyIf(`"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/team/*"}`), "", explicit, ""},

		// Nobody named a principal, so nothing is known of somebody but the kind.
		{"", "", allowIf(`"StringEquals":{"aws:username":"someone"}`), "", unknown, "aws:username"},
		{"", "", denyIf(`"StringNotEquals":{"aws:PrincipalAccount":"111122223333"}`), "", unknown, "aws:PrincipalAccount"},
		{"", "", allowIf(`"StringEquals":{"aws:ResourceAccount":"${aws:PrincipalAccount}"}`), "", allowed, ""},
		{"", "", allowIf(`"StringEquals":{"aws:PrincipalType":"User"}`), "", allowed, ""},

		// A document of AWS's is in no organization, whatever is said of the rest.
		{devSession, port, denyIf(`"StringNotEqualsIfExists":{"aws:ResourceOrgID":"o-a1b2c3d4e5"}`), "", explicit, ""},
		{devSession, port, denyIf(`"StringNotEqualsIfExists":{"aws:ResourceOrgID":"o-a1b2c3d4e5"}`), "aws:ResourceOrgID=o-a1b2c3d4e5", explicit, ""},
		{devSession, port, denyIf(`"StringNotEqualsIfExists":{"aws:ResourceOrgID":"o-a1b2c3d4e5"}`), "aws:ResourceOrgID=o-a1b2c3d4e5 document:aws:ResourceOrgID=o-a1b2c3d4e5", allowed, ""},
		{devSession, "", denyIf(`"StringNotEqualsIfExists":{"aws:ResourceOrgID":"o-a1b2c3d4e5"}`), "", unknown, "aws:ResourceOrgID"},
		{devSession, "", denyIf(`"StringNotEqualsIfExists":{"aws:ResourceOrgID":"o-a1b2c3d4e5"}`), "aws:ResourceOrgID=o-a1b2c3d4e5", allowed, ""},
		{devSession, "", denyIf(`"StringNotEqualsIfExists":{"aws:ResourceOrgID":"o-a1b2c3d4e5"}`), "target:aws:ResourceOrgID=o-a1b2c3d4e5", unknown, "aws:ResourceOrgID"},
		{devSession, port, allowIf(`"StringEquals":{"aws:ResourceTag/Team":"web"}`), "aws:ResourceTag/Team=web", implicit, ""},
	}
	for _, tt := range tests {
		o := fileOptions{Principal: tt.principal}
		for _, stated := range strings.Fields(tt.context) {
			key, value, _ := strings.Cut(stated, "=")
			if o.Context == nil {
				o.Context = make(map[string][]string)
			}
			o.Context[key] = []string{value}
		}
		d := stated(t, o, tt.document, map[policy.Kind]string{policy.Identity: tt.text})
		if got := d.Verdict(); got != tt.want {
			t.Errorf("%s %s %s\n%s gives %v, want %v", tt.principal, tt.document, tt.context, tt.text, got, tt.want)
			continue
		}
		if tt.want != unknown {
			continue
		}
		told := slices.ContainsFunc(d.Findings, func(f guard.Finding) bool {
			return f.Code == "SG505" && strings.Contains(f.Summary, tt.key) && strings.Contains(f.Detail, "--context ")
		})
		fixed := slices.ContainsFunc(d.Findings, func(f guard.Finding) bool {
			return f.Level == guard.Error || f.Fix != nil && f.Grant == guard.GrantTarget
		})
		if !told || fixed {
			t.Errorf("%s turns on %s: %+v", tt.text, tt.key, d.Findings)
		}
	}
}

// TestTagsOfFiles: the tags that are given are all there are, and none given are not known.
func TestTagsOfFiles(t *testing.T) {
	const bastion = `{"Effect":"Allow","Action":"*","Resource":"arn:aws:ec2:*:*:instance/*","Condition":{"StringEquals":{"ssm:resourceTag/Name":"bastion"}}},
		{"Effect":"Allow","Action":"*","Resource":"arn:aws:ssm:*:*:document/*","Condition":{"Null":{"aws:ResourceTag/Secret":"true"}}}`
	var given, other, untagged, closed fileOptions
	given.TargetTags, given.Untagged.Document = map[string]string{"Name": "bastion"}, true
	other.TargetTags, other.Untagged.Document = map[string]string{"Team": "web"}, true
	untagged.Untagged.Target, untagged.Untagged.Document = true, true
	closed.Closed = true
	halfGiven := fileOptions{TargetTags: map[string]string{"Name": "bastion"}}
	for name, tt := range map[string]struct {
		o        fileOptions
		document string
		want     policy.Verdict
	}{
		"given":                        {given, "", policy.Allow},
		"another":                      {other, "", policy.ImplicitDeny},
		"none":                         {untagged, "", policy.ImplicitDeny},
		"not stated":                   {fileOptions{}, "", policy.Unknown},
		"closed":                       {closed, "", policy.ImplicitDeny},
		"not stated of the document":   {halfGiven, "", policy.Unknown},
		"AWS's document has none ever": {halfGiven, "AWS-StartSSHSession", policy.Allow},
	} {
		d := stated(t, tt.o, tt.document, map[policy.Kind]string{policy.Identity: bastion})
		if got := d.Verdict(); got != tt.want {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
		if name == "not stated" && !slices.ContainsFunc(d.Findings, func(f guard.Finding) bool {
			return strings.Contains(f.Detail, "--target-tag Name=bastion (or --target-untagged)")
		}) {
			t.Errorf("%s: nothing says what to state: %+v", name, d.Findings)
		}
	}
}

// TestSomebodysAccount: without a principal the caller is in the account that the
// policies name, and where they name several, nobody knows in which.
func TestSomebodysAccount(t *testing.T) {
	allow := func(account string) string {
		return `{"Effect":"Allow","Action":"ssm:StartSession","Resource":["arn:aws:ec2:*:` + account + `:instance/*","arn:aws:ssm:*:` + account + `:document/*"]}`
	}
	for name, tt := range map[string]struct {
		principal, text string
		want            policy.Verdict
	}{
		"one":                {"", allow("111122223333"), policy.Allow},
		"two that agree":     {"", allow("111122223333") + "," + allow("444455556666"), policy.Allow},
		"two that do not":    {"", allow("111122223333") + `,{"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ec2:*:444455556666:instance/*"}`, policy.Unknown},
		"stated":             {"arn:aws:iam::444455556666:user/alice", allow("111122223333"), policy.ImplicitDeny},
		"of other actions":   {"", everything + `,{"Effect":"Allow","Action":"sts:AssumeRole","Resource":["arn:aws:iam::111122223333:role/a","arn:aws:iam::444455556666:role/a"]}`, policy.Allow},
		"any, denied in one": {"", everything + `,{"Effect":"Deny","Action":"ssm:*","Resource":"arn:aws:ec2:*:444455556666:instance/*"}`, policy.ExplicitDeny},
	} {
		d := stated(t, fileOptions{Principal: tt.principal}, "", map[policy.Kind]string{policy.Identity: tt.text})
		if got := d.Verdict(); got != tt.want {
			t.Errorf("%s: %v, want %v: %+v", name, got, tt.want, d.Findings)
		}
	}
}

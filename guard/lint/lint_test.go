package lint

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"ssmguard/guard"
	"ssmguard/guard/finding"
	"ssmguard/guard/policy"
)

const (
	instances = `"Resource":"arn:aws:ec2:*:*:instance/*"`
	all       = `"Resource":"*"`
	document  = `,{"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ssm:*:*:document/*"}`
)

func allow(action, rest string) string {
	return `{"Effect":"Allow","Action":` + action + `,` + rest + `}`
}
func deny(action, rest string) string {
	return `{"Effect":"Deny","Action":` + action + `,` + rest + `}`
}
func when(condition string) string { return all + `,"Condition":{` + condition + `}` }

// cases are statements, each with what is found in it: the code, a blank, and a part of what is
// said; "" for nothing.
var cases = []struct{ name, statements, want string }{
	{"a misspelt action", allow(`"ssm:StartSesion"`, all), "SG001 ssm:StartSesion is no action; did you mean ssm:StartSession?"},
	{"an action of another service", allow(`"ssm:OpenDataChannel"`, all), "SG001 did you mean ssmmessages:OpenDataChannel?"},
	{"a misspelt service", allow(`"ssmmesages:OpenDataChannel"`, all), "SG001 no service has the prefix ssmmesages; did you mean ssmmessages:OpenDataChannel?"},
	{"a pattern for no action", allow(`"ssm:Strat*"`, all), "SG001 ssm:Strat* is no action; did you mean ssm:Start*?"},
	{"NotAction", `{"Effect":"Deny","NotAction":["ssm:*","kms:GenerateDataKy"],"Resource":"*"}`, "SG001 did you mean kms:GenerateDataKey?"},
	{"a service that is not known", allow(`"aesop:*"`, all), "SG001 no service has the prefix aesop"},
	{"a service's own document", allow(`"ssm:StartSession"`, `"Resource":["arn:aws:ec2:*:*:instance/*","arn:aws:ssm:*::document/AWSQuickSetupType-A"]`), ""},
	{"an action in other case", allow(`"SSM:startsession"`, all), ""},
	{"everything", allow(`"*"`, all), ""},
	{"an action of a service that is not listed", allow(`"s3:GetObjekt"`, all), ""},

	{"the plural", allow(`"ssm:StartSession"`, when(`"StringEquals":{"aws:ResourceTags/Team":"web"}`)), "SG002 did you mean aws:ResourceTag/Team?"},
	{"a misspelt global key", allow(`"ssm:StartSession"`, when(`"Bool":{"aws:MultifactorAuthPresnt":"true"}`)), "SG002 did you mean aws:MultiFactorAuthPresent?"},
	{"a key of no service", allow(`"ssm:StartSession"`, when(`"StringEquals":{"sm:resourceTag/Name":"a"}`)), "SG002 no service has the prefix sm"},
	{"a key without a service", allow(`"ssm:StartSession"`, when(`"StringEquals":{"SourceIp":"a"}`)), "SG002 names no service"},
	{"what people write for another key", allow(`"ssm:StartSession"`, when(`"StringEquals":{"ssm:UserName":"a"}`)), "SG002 did you mean aws:username?"},
	{"a variable of no key", allow(`"ssm:TerminateSession"`, `"Resource":"arn:aws:ssm:*:*:session/${aws:usrname}-*"`), "SG002 ${aws:usrname}: aws:usrname is no condition key of AWS's; did you mean aws:username?"},
	{"keys in other case", allow(`"ssm:StartSession"`, when(`"StringEquals":{"SSM:RESOURCETAG/Name":"a","AWS:principalTAG/x":"b"}`)) + document, ""},
	{"an identity provider's key", allow(`"ssm:*"`, when(`"StringEquals":{"token.actions.githubusercontent.com:sub":"a"}`)), ""},
	{"a key of a role's session", allow(`"ssm:StartSession"`, when(`"ArnLike":{"ec2:SourceInstanceArn":"arn:aws:ec2:*:*:instance/*"}`)), ""},

	{"a tag of a session", allow(`["ssm:ResumeSession","ssm:TerminateSession"]`, when(`"StringEquals":{"ssm:resourceTag/Team":"web"}`)), "SG003 never allows ssm:ResumeSession and ssm:TerminateSession: ssm:resourceTag/Team = web cannot hold"},
	{"the tag that only sessions have", allow(`"ssm:StartSession"`, instances+`,"Condition":{"StringLike":{"ssm:resourceTag/aws:ssmmessages:session-id":"a"}}`) + document, "SG003 only sessions carry this tag"},
	{"a list that carries no tags", allow(`["ssm:StartSession","ssm:DescribeSessions"]`, when(`"StringEquals":{"ssm:resourceTag/Team":"web"}`)) + document, "SG003 never allows ssm:DescribeSessions"},
	{"a wildcard that covers some that carry it", allow(`"ssm:*"`, when(`"StringEquals":{"ssm:resourceTag/Team":"web"}`)) + document, ""},
	{"EC2's tag", allow(`"ssm:StartSession"`, instances+`,"Condition":{"StringEquals":{"ec2:ResourceTag/Env":"dev"}}`) + document, "SG003 no request for it carries the key; ssm:resourceTag/Env is meant"},
	{"a number for a boolean", allow(`"ssm:StartSession"`, when(`"Bool":{"aws:MultiFactorAuthPresent":"yes"}`)), "SG003 the key never has such a value"},
	{"two that exclude each other", allow(`"ssm:StartSession"`, when(`"StringEquals":{"aws:PrincipalTag/a":"1"},"StringLike":{"aws:PrincipalTag/a":"2*"}`)), "SG003 cannot hold at the same time"},
	{"a wildcard that is none", allow(`"ssm:StartSession"`, instances+`,"Condition":{"StringEquals":{"aws:ResourceTag/Name":"bastion-*"}}`) + document, "SG003 StringLike takes them for wildcards"},
	{"the ARN of a role's session", allow(`"ssm:StartSession"`, when(`"ArnLike":{"aws:PrincipalArn":"arn:aws:sts::111122223333:assumed-role/dev/*"}`)), "SG003 it is the ARN of the role"},
	{"a private address", allow(`"ssm:StartSession"`, when(`"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}`)), "SG003 aws:VpcSourceIp"},
	{"a public address", allow(`"ssm:StartSession"`, when(`"IpAddress":{"aws:SourceIp":["203.0.113.0/24","0.0.0.0/0"]}`)), ""},
	{"a misspelt region", allow(`"ssm:StartSession"`, when(`"StringEquals":{"aws:RequestedRegion":"us-esat-1"}`)), "SG003 did you mean us-east-1?"},
	{"conditions that hold", allow(`"ssm:StartSession"`, when(`"StringEquals":{"aws:PrincipalTag/a":"1"},"Bool":{"aws:MultiFactorAuthPresent":"true"}`)), ""},
	{"an action of another service beside", allow(`["s3:GetObject","ssm:DescribeSessions"]`, when(`"StringEquals":{"ssm:resourceTag/Team":"web"}`)), "SG003 never allows ssm:DescribeSessions"},

	{"instances of ssm", allow(`"ssm:StartSession"`, `"Resource":"arn:aws:ssm:*:*:instance/*"`), "SG004 ssm has no instance, which is a resource of ec2"},
	{"a misspelt type", allow(`"ssm:StartSession"`, `"Resource":["arn:aws:ec2:*:*:instance/*","arn:aws:ssm:*::documents/AWS-StartSSHSession"]`), "SG004 ssm has no resource of the type documents; did you mean document?"},
	{"a colon", allow(`"ssm:StartSession"`, `"Resource":["arn:aws:ec2:*:*:instance/*","arn:aws:ssm:*:*:document:SSM-SessionManagerRunShell"]`), "SG004 a slash belongs behind document"},
	{"another region's partition", allow(`"ssm:StartSession"`, `"Resource":["arn:aws:ec2:cn-north-1:111122223333:instance/*","arn:aws:ssm:*:*:document/*"]`), "SG004 is in the partition aws-cn"},
	{"a region that is none", allow(`"ssm:StartSession"`, `"Resource":["arn:aws:ec2:eu-wset-1:111122223333:instance/*","arn:aws:ssm:*:*:document/*"]`), "SG004 did you mean eu-west-1?"},
	{"an account that is none", allow(`"ssm:StartSession"`, `"Resource":["arn:aws:ec2:*:11112222333:instance/*","arn:aws:ssm:*:*:document/*"]`), "SG004 which has 12 digits"},
	{"nothing that the action is for", allow(`["ssm:StartSession","kms:GenerateDataKey"]`, `"Resource":["arn:aws:ec2:*:*:instance/*","arn:aws:ssm:*:*:document/*"]`), "SG004 allows kms:GenerateDataKey on nothing: the statement names none of what it is for, key"},
	{"nothing that an action is for", allow(`"ssm:StartSession"`, `"Resource":["arn:aws:ec2:*:*:instance/*","arn:aws:ssm:*:*:document/*","arn:aws:ssm:*:*:parameter/a"]`), "SG004 arn:aws:ssm:*:*:parameter/a matches nothing: no action of the statement"},
	{"a Deny on nothing", deny(`"ssm:StartSession"`, `"Resource":"arn:aws:ssm:*:*:instance/*"`), "SG004 ssm has no instance"},
	{"AWS's document with an account", allow(`"ssm:StartSession"`, `"Resource":["arn:aws:ec2:*:*:instance/*","arn:aws:ssm:*:111122223333:document/AWS-StartSSHSession"]`), "SG102 AWS owns the document"},
	{"an own document without account", allow(`"ssm:StartSession"`, `"Resource":["arn:aws:ec2:*:*:instance/*","arn:aws:ssm:*::document/SSM-SessionManagerRunShell"]`), "SG103 belongs to an account"},
	{"the id of the caller", allow(`"ssm:TerminateSession"`, `"Resource":"arn:aws:ssm:*:*:session/${aws:userid}-*"`), "SG302 session ids begin with the name"},
	{"the name of the caller", allow(`"ssm:TerminateSession"`, `"Resource":"arn:aws:ssm:*:*:session/${aws:username}-*"`), ""},
	{"Terraform's braces", allow(`"ssm:TerminateSession"`, `"Resource":"arn:aws:ssm:*:*:session/&{aws:username}-*"`), "SG304 is Terraform's"},
	{"a short ARN", allow(`"ssm:StartSession"`, `"Resource":["arn:aws:ec2:*","arn:aws:ssm:*"]`), ""},
	{"tasks", allow(`["ssm:StartSession","ecs:ExecuteCommand"]`, `"Resource":["arn:aws:ecs:eu-west-1:111122223333:task/web/*","arn:aws:ecs:eu-west-1:111122223333:cluster/web","arn:aws:ssm:*:*:document/*"]`), ""},
	{"a channel on sessions", allow(`"ssmmessages:OpenDataChannel"`, `"Resource":"arn:aws:ssm:*:*:session/*"`), ""},

	{"a list on resources", allow(`["ssm:StartSession","ssm:DescribeSessions"]`, `"Resource":["arn:aws:ec2:*:*:instance/*","arn:aws:ssm:*:*:document/*"]`), "SG005 allows ssm:DescribeSessions on nothing"},
	{"a list of another service", allow(`"ec2:DescribeInstances"`, instances), "SG005 allows ec2:DescribeInstances on nothing"},
	{"a list on everything", allow(`"ec2:DescribeInstances"`, all), ""},

	{"a guard by EC2's tag", deny(`"ssm:StartSession"`, when(`"StringEquals":{"ec2:ResourceTag/Env":"prod"}`)), "SG006 never denies ssm:StartSession: ec2:ResourceTag/Env = prod cannot hold"},
	{"a guard that guards", deny(`"ssm:StartSession"`, when(`"StringEquals":{"ssm:resourceTag/Env":"prod"}`)), ""},

	{"a guard for MFA", deny(`"*"`, when(`"Bool":{"aws:MultiFactorAuthPresent":"false"}`)), "SG009 BoolIfExists denies them"},
	{"a guard for MFA that holds", deny(`"*"`, when(`"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}`)), ""},

	{"no document", allow(`"ssm:StartSession"`, instances), "SG010 opens targets"},
	{"a document in another statement", allow(`"ssm:StartSession"`, instances) + document, ""},

	{"what excludes nothing", allow(`"ssm:StartSession"`, instances+`,"Condition":{"StringNotEquals":{"ec2:ResourceTag/Env":"prod"}}`) + document, "SG011 restricts nothing"},
	{"ForAllValues", allow(`"ssm:StartSession"`, when(`"ForAllValues:StringEquals":{"aws:CalledVia":"a"}`)), "SG011 add Null aws:CalledVia false"},
	{"ForAllValues of what is there", allow(`"ssm:StartSession"`, when(`"ForAllValues:StringEquals":{"aws:CalledVia":"a"},"Null":{"aws:CalledVia":"false"}`)), ""},

	{"a tag on everything", allow(`"ssm:StartSession"`, when(`"StringEquals":{"ssm:resourceTag/Name":"bastion"}`)), "SG101 opens no document of AWS's"},
	{"a tag on AWS's document", allow(`"ssm:StartSession"`, `"Resource":["arn:aws:ec2:*:*:instance/*","arn:aws:ssm:*::document/AWS-StartSSHSession"],"Condition":{"StringEquals":{"ssm:resourceTag/Name":"bastion"}}`), "SG101 AWS owns the document"},
	{"a tag, and documents", allow(`"ssm:StartSession"`, when(`"StringEquals":{"ssm:resourceTag/Name":"bastion"}`)) + document, ""},
	{"IfExists", allow(`"ssm:StartSession"`, when(`"StringEqualsIfExists":{"ssm:resourceTag/Name":"bastion"}`)), "SG209 opens every target without the tag"},
}

// TestFindings: each statement is found to be what it is, and no more is said of it.
func TestFindings(t *testing.T) {
	found := map[guard.Code]bool{"SG007": true, finding.Unexpected: true, finding.Refuted: true, finding.NotDecided: true} // of what is no policy, of matrices and of claims
	for _, tt := range cases {
		got := findings(t, tt.name, `{"Version":"2012-10-17","Statement":[`+tt.statements+`]}`)
		for _, f := range got {
			found[f.Code] = true
			if page, ok := finding.Page(f.Code); !ok || page.Title == "" {
				t.Errorf("%s: %s has no page", tt.name, f.Code)
			}
			if strings.HasSuffix(f.Summary, ".") || strings.Contains(f.Summary, "\n") || len(f.Nearest) == 0 {
				t.Errorf("%s: %+v", tt.name, f)
			}
		}
		code, text, _ := strings.Cut(tt.want, " ")
		switch {
		case tt.want == "" && len(got) > 0, tt.want != "" && len(got) != 1:
			t.Errorf("%s: %s", tt.name, listing(got))
		case tt.want != "" && (string(got[0].Code) != code || !strings.Contains(got[0].Summary, text)):
			t.Errorf("%s: %s, want %s", tt.name, listing(got), tt.want)
		}
	}
	for _, f := range findings(t, "warning", `{"Statement":[{"Effect":"Allow","Action":"ssm:TerminateSession","Resource":"arn:aws:ssm:*:*:session/${aws:username}-*"}]}`) {
		found[f.Code] = true
	}
	for _, r := range finding.Pages() {
		if strings.HasPrefix(string(r.Code), "SG0") && !found[r.Code] {
			t.Errorf("%s has no case", r.Code)
		}
	}
}

// TestPageExamples: each page of the family shows a policy in which its own rule finds
// something, and one in which it finds nothing.
func TestPageExamples(t *testing.T) {
	whole := func(text string) string {
		if strings.HasPrefix(text, `{"Effect"`) {
			return `{"Version":"2012-10-17","Statement":[` + text + `]}`
		}
		return text
	}
	for _, r := range finding.Pages() {
		if !strings.HasPrefix(string(r.Code), "SG0") || r.Code == "SG007" || r.Code == finding.Unexpected || r.Code == finding.Refuted || r.Code == finding.NotDecided {
			continue
		}
		is := func(f guard.Finding) bool { return f.Code == r.Code }
		if got := findings(t, string(r.Code), whole(r.Example.Before)); !slices.ContainsFunc(got, is) {
			t.Errorf("%s before: %s", r.Code, listing(got))
		}
		if got := findings(t, string(r.Code), whole(r.Example.After)); slices.ContainsFunc(got, is) {
			t.Errorf("%s after: %s", r.Code, listing(got))
		}
	}
}

func findings(t *testing.T, name, text string) []guard.Finding {
	t.Helper()
	doc, err := policy.Parse(policy.Identity, "policy.json", []byte(text))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return Findings(Document{Kind: policy.Identity, Source: "policy.json", Statements: doc.Statements, Warnings: doc.Warnings})
}

func listing(fs []guard.Finding) string {
	var b strings.Builder
	for _, f := range fs {
		fmt.Fprintf(&b, "\n  %s %s %s", f.Code, f.Level, f.Summary)
	}
	return b.String()
}

// TestOverlap: two patterns overlap exactly if some short text matches both.
func TestOverlap(t *testing.T) {
	var texts, patterns []string
	for _, list := range []struct {
		letters string
		to      *[]string
	}{{"ab", &texts}, {"ab*?", &patterns}} {
		all := []string{""}
		for range 4 {
			var next []string
			for _, s := range all[:] {
				for _, c := range list.letters {
					next = append(next, s+string(c))
				}
			}
			all = append(all, next...)
		}
		slices.Sort(all)
		*list.to = slices.Compact(all)
	}
	matched := make(map[string]map[string]bool)
	for _, p := range patterns {
		matched[p] = make(map[string]bool)
		for _, s := range texts {
			if policy.Wild(p, s) {
				matched[p][s] = true
			}
		}
	}
	for i, a := range patterns {
		for _, b := range patterns[i%7:] {
			if len(a)+len(b) > 4 {
				continue // a text that both match may be longer than those that are tried
			}
			want := false
			for s := range matched[a] {
				want = want || matched[b][s]
			}
			if got := overlap(a, b); got != want {
				t.Errorf("overlap(%q, %q) = %v", a, b, got)
			}
			if overlap(a, b) != overlap(b, a) {
				t.Errorf("overlap(%q, %q) is not symmetric", a, b)
			}
		}
	}
}

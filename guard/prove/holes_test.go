package prove

import (
	"testing"

	"ssmguard/guard"
)

// What policies can tell apart by ways that are easily forgotten. Each of these claims is
// wrong, so that it must not be proven.
func TestHoles(t *testing.T) {
	const shell = guard.DefaultDocument
	ofDev := guard.Request{Caller: dev()}
	anyone := func(document string) guard.Request { return guard.Request{Caller: nobody(), Document: document} }
	documents := `{"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ssm:*:*:document/*"}`
	instances := `{"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ec2:*:*:instance/*"}`
	when := func(resource, condition string) string {
		return `{"Effect":"Allow","Action":"ssm:StartSession","Resource":"` + resource + `","Condition":{` + condition + `}}`
	}
	unless := func(condition string) string {
		return `{"Effect":"Deny","Action":"*","Resource":"*","Condition":{` + condition + `}}`
	}
	for _, tc := range []struct {
		name   string
		policy string
		in     Range
	}{
		{"a wildcard across colons", documents + `,{"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ec2:*:instance/i-0a*"}`, Range{Request: anyone(shell)}},
		{"a wildcard across most colons", documents + `,{"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ec2:us-*:instance/i-0a?b*"}`, Range{Request: anyone(shell)}},
		{"a region in the midst", documents + `,{"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:*:ec2:eu-west-3:*"}`, Range{Request: anyone(shell)}},
		{"the account of a document in the midst", instances + `,{"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ssm:*:99998888777?:*"}`, Range{Request: anyone("")}},
		{"the default of a variable", instances + `,{"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ssm:*:*:document/Corp-${aws:PrincipalTag/team, 'Apple'}"}` +
			"," + unless(`"Null":{"aws:PrincipalTag/team":"false"}`), Range{Request: anyone("")}},
		{"two variables in one name", instances + `,{"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ssm:*:*:document/${aws:PrincipalTag/a}-${aws:PrincipalTag/b}"}` +
			"," + unless(`"StringNotEquals":{"aws:PrincipalTag/a":"one"}`) + "," + unless(`"StringNotEquals":{"aws:PrincipalTag/b":"two"}`), Range{Request: anyone("")}},
		{"a variable that is known", instances + `,{"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ssm:*:*:document/${aws:username}-shell"}`, Range{Request: ofDev}},
		{"a variable that is stated", instances + `,{"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ssm:*:*:document/Corp-${aws:PrincipalTag/team}"}`,
			Range{Request: guard.Request{Caller: nobody(), Context: map[string][]string{"aws:PrincipalTag/team": {"ocean"}}}}},
		{"a variable with the value of another", instances + `,{"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ssm:*:*:document/Corp-${aws:PrincipalTag/team}"}` +
			"," + unless(`"StringNotEquals":{"aws:PrincipalTag/team":"x-${aws:PrincipalTag/dept}"}`) + "," + unless(`"StringNotEquals":{"aws:PrincipalTag/dept":"deep"}`), Range{Request: anyone("")}},
		{"a region that a tag names", when("*", `"StringEquals":{"aws:RequestedRegion":"${aws:PrincipalTag/home}"}`) + "," + unless(`"StringNotEquals":{"aws:PrincipalTag/home":"eu-west-3"}`), Range{Request: anyone(shell)}},
		{"a region in a name", instances + `,{"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ssm:*:*:document/${AWS:requestedregion}-shell"}`, Range{Request: anyone("eu-west-3-shell")}},
		{"an account that a tag names", instances + "," + when("arn:aws:ssm:*:*:document/*", `"StringEquals":{"aws:ResourceAccount":"${aws:PrincipalTag/home}"}`) +
			"," + unless(`"StringNotEquals":{"aws:PrincipalTag/home":"999988887777"}`), Range{Request: anyone("")}},
		{"an account that a tag has to name", instances + "," + when("arn:aws:ssm:*:*:document/*", `"StringEquals":{"aws:PrincipalTag/home":"${aws:ResourceAccount}"}`) +
			"," + unless(`"StringNotEquals":{"aws:PrincipalTag/home":"999988887777"}`), Range{Request: anyone("")}},
		{"other values than those that no target has", documents + "," + when("arn:aws:ec2:*:*:instance/*", `"Null":{"ssm:resourceTag/Team":"false"}`),
			Range{Request: anyone(shell), Without: map[string][]string{"Team": {"a", "b", "c"}}}},
		{"other values like those that no target has", documents + "," + when("arn:aws:ec2:*:*:instance/*", `"StringLike":{"ssm:resourceTag/Team":"w?b"}`),
			Range{Request: anyone(shell), Without: map[string][]string{"team": {"wab", "web"}}}},
		{"an id of the old form", documents + `,{"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ec2:*:*:instance/i-????????"}`, Range{Request: anyone(shell)}},
		{"for all values of an absent key", when("*", `"ForAllValues:StringEquals":{"ssm:resourceTag/Name":"a"}`) + "," + unless(`"Null":{"ssm:resourceTag/Name":"false"}`), Range{Request: anyone(shell)}},
		{"lists", when("*", `"ForAllValues:StringEquals":{"aws:CalledVia":["a","b"]},"ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"o-a/*"}`) + "," +
			unless(`"ForAnyValue:StringEquals":{"aws:PrincipalOrgPaths":"o-a/b"}`), Range{Request: anyone(shell)}},
		{"touching ranges", when("*", `"IpAddress":{"aws:SourceIp":["10.0.0.0/9","10.128.0.0/9"]}`) + "," + unless(`"NotIpAddress":{"aws:SourceIp":"10.127.255.255/32"}`), Range{Request: anyone(shell)}},
		{"one number", when("*", `"NumericGreaterThan":{"aws:MultiFactorAuthAge":"10"},"NumericLessThan":{"aws:MultiFactorAuthAge":"12"}`), Range{Request: anyone(shell)}},
		{"one moment", when("*", `"DateGreaterThan":{"aws:CurrentTime":"2030-01-01T00:00:00Z"},"DateLessThan":{"aws:CurrentTime":"2030-01-01T00:00:02Z"}`), Range{Request: anyone(shell)}},
		{"tags in either case", documents + "," + when("arn:aws:ec2:*:*:instance/*", `"StringEquals":{"ssm:ResourceTag/NAME":"a"}`) + "," + unless(`"StringNotEqualsIfExists":{"aws:resourcetag/name":"A"}`) + "," +
			`{"Effect":"Allow","Action":"ssm:startsession","Resource":"arn:aws:ec2:*:*:instance/*","Condition":{"StringEqualsIgnoreCase":{"aws:ResourceTag/name":"a"}}}`, Range{Request: anyone(shell)}},
		{"one value for the tags of target and document", when("*", `"StringEquals":{"ssm:resourceTag/Name":"${aws:PrincipalTag/team}"}`) +
			`,{"Effect":"Deny","Action":"*","Resource":"arn:aws:ssm:*:*:document/*","Condition":{"StringLike":{"ssm:resourceTag/Name":["a*","b*","c*","d*","e*","f*","n*"]}}}`, Range{Request: anyone(shell)}},
		{"other actions", `{"Effect":"Allow","NotAction":"iam:*","NotResource":"arn:aws:s3:::*"}`, Range{}},
	} {
		in := tc.in
		in.Facts = guard.UnknownFacts()
		if in.Request.Caller.Account == "" {
			in.Request.Caller = nobody()
		}
		if r := Denied(parse(t, tc.policy), in); r.Counter == nil {
			t.Errorf("%s: proven %t, open %q", tc.name, r.Proven, r.Open)
		}
	}
}

// The same of two sets of policies.
func TestHolesBetween(t *testing.T) {
	end := func(condition string) string {
		return `{"Effect":"Allow","Action":"ssm:TerminateSession","Resource":"*","Condition":{` + condition + `}}`
	}
	for _, tc := range []struct{ name, old, new string }{
		{"the target of a session", end(`"StringNotEquals":{"ssm:resourceTag/aws:ssmmessages:target-id":"i-00000000000000007"}`), end(`"Null":{"ssm:resourceTag/aws:ssmmessages:target-id":"false"}`)},
		{"the kind of target of a session", end(`"StringLike":{"ssm:resourceTag/aws:ssmmessages:target-id":"i-*"}`), end(`"StringLike":{"ssm:resourceTag/aws:ssmmessages:target-id":"*"}`)},
		{"the sessions of others", `{"Effect":"Allow","Action":"ssm:TerminateSession","Resource":"arn:aws:ssm:*:*:session/${aws:username}-*"}`, `{"Effect":"Allow","Action":"ssm:TerminateSession","Resource":"arn:aws:ssm:*:*:session/*"}`},
		{"others' by the tag", end(`"StringLike":{"ssm:resourceTag/aws:ssmmessages:session-id":"${aws:userid}"}`), end(`"StringLike":{"ssm:resourceTag/aws:ssmmessages:session-id":"*"}`)},
		{"sessions of one other", `{"Effect":"Allow","Action":"ssm:ResumeSession","Resource":"arn:aws:ssm:*:*:session/${aws:username}-*"}`, `{"Effect":"Allow","Action":"ssm:ResumeSession","Resource":["arn:aws:ssm:*:*:session/${aws:username}-*","arn:aws:ssm:*:*:session/alice-*"]}`},
		{"some of one's own sessions", `{"Effect":"Allow","Action":"ssm:TerminateSession","Resource":"arn:aws:ssm:*:*:session/dev-0*"}`, `{"Effect":"Allow","Action":"ssm:TerminateSession","Resource":"arn:aws:ssm:*:*:session/dev-*"}`},
		{"the id of one's own sessions", `{"Effect":"Allow","Action":"ssm:GetDocument","Resource":"*"}`, end(`"StringLike":{"ssm:resourceTag/aws:ssmmessages:session-id":"AIDAX*"}`)},
		{"a tag by both keys and a variable", `{"Effect":"Allow","Action":"ssm:GetDocument","Resource":"*"}`,
			`{"Effect":"Allow","Action":"ssm:StartSession","Resource":"*","Condition":{"StringNotLike":{"ssm:resourceTag/Team":"?"},"StringEquals":{"aws:ResourceTag/Team":"${aws:PrincipalTag/team}"}}}`},
		{"sessions of a user of one name", `{"Effect":"Allow","Action":"ssm:GetDocument","Resource":"*"}`,
			`{"Effect":"Allow","Action":"ssm:ResumeSession","Resource":"arn:aws:ssm:*:*:session/${aws:username}-*","Condition":{"StringLike":{"aws:username":["alix","dev"]}}}`},
		{"sessions of a user whose name begins with another's", `{"Effect":"Allow","Action":"ssm:ResumeSession","Resource":"arn:aws:ssm:*:*:session/${aws:username}-?????????????????"}`,
			`{"Effect":"Allow","Action":"ssm:ResumeSession","Resource":"arn:aws:ssm:*:*:session/${aws:username}-*"}`},
	} {
		for _, caller := range []guard.Caller{dev(), nobody()} {
			r := NoMore(parse(t, tc.old), parse(t, tc.new), Range{Request: guard.Request{Caller: caller}, Facts: guard.UnknownFacts()})
			if r.Counter == nil {
				t.Errorf("%s, %q: proven %t, open %q", tc.name, caller.Unknown, r.Proven, r.Open)
			}
		}
	}
}

package guardtest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"ssmguard/guard/policy"
)

// Dimension is a condition key with the values that requests of an account may have for it:
// nil for an absent key.
type Dimension struct {
	Key    string
	Values [][]string
}

func each(values ...string) (all [][]string) {
	all = [][]string{nil}
	for _, v := range values {
		all = append(all, []string{v})
	}
	return all
}

// Dimensions are the keys of requests that the policies of a SmallAccount tell apart.
var Dimensions = []Dimension{
	{"aws:PrincipalTag/team", each("a", "b", "B", "ab", "z")},
	{"aws:PrincipalTag/level", each("1", "2", "2.5", "3", "x")},
	{"aws:SourceIp", each("10.0.0.1", "10.1.0.0", "10.1.255.255", "10.2.0.0", "192.0.2.1", "2001:db8::1")},
	{"aws:MultiFactorAuthPresent", each("true", "false")},
	{"aws:CurrentTime", [][]string{{"2026-01-01T00:00:00Z"}, {"2026-06-30T23:59:59Z"}, {"2026-07-01T00:00:00Z"}, {"2026-07-01T00:00:01Z"}}},
	{"aws:PrincipalOrgPaths", [][]string{nil, {"a"}, {"b"}, {"a", "b"}, {"a", "b", "c"}}},
	{"aws:PrincipalOrgID", each("o-a", "o-b")},
	{"aws:SourceVpce", each("vpce-1", "vpce-2")},
	{"aws:UserAgent", each("a", "Ab", "z")},
}

// accountConditions are those of statements.
var accountConditions = []string{
	`"StringEquals":{"ssm:resourceTag/Name":"a"}`, `"StringLike":{"aws:ResourceTag/Name":"a*"}`, `"StringNotEquals":{"ssm:resourceTag/name":["a","z"]}`,
	`"StringEqualsIfExists":{"ssm:resourceTag/Name":"b"}`, `"Null":{"ssm:resourceTag/Name":"false"}`, `"Null":{"aws:ResourceTag/Name":"true"}`,
	`"StringEqualsIgnoreCase":{"aws:resourcetag/NAME":"A"}`, `"ForAllValues:StringEquals":{"ssm:resourceTag/Name":["a","b"]}`, `"ForAnyValue:StringNotEquals":{"ssm:resourceTag/Name":"a"}`,
	`"StringEquals":{"aws:ResourceTag/Team":"${aws:PrincipalTag/team}"}`, `"StringNotEquals":{"ssm:resourceTag/Team":"${aws:PrincipalTag/team, 'z'}"}`, `"StringLike":{"ssm:resourceTag/Name":"${aws:PrincipalTag/team}*"}`,
	`"StringNotLikeIfExists":{"ssm:resourceTag/Team":"?"}`, `"ForAnyValue:StringEquals":{"ssm:resourceTag/Name":["a","ab"]}`,
	`"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}`, `"NotIpAddress":{"aws:SourceIp":["10.1.0.0/16","2001:db8::/32"]}`, `"NotIpAddressIfExists":{"aws:SourceIp":"10.1.0.0/16"}`, `"IpAddress":{"aws:SourceIp":["10.0.0.0/16","10.1.0.0"]}`,
	`"Bool":{"aws:MultiFactorAuthPresent":"true"}`, `"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}`, `"Null":{"aws:MultiFactorAuthPresent":"true"}`,
	`"StringEquals":{"aws:PrincipalTag/team":"a"}`, `"StringNotLike":{"aws:PrincipalTag/team":"?"}`, `"StringNotEqualsIgnoreCase":{"aws:PrincipalTag/Team":"b"}`, `"Null":{"aws:PrincipalTag/team":"false"}`,
	`"NumericLessThan":{"aws:PrincipalTag/level":"3"}`, `"NumericGreaterThanEquals":{"aws:PrincipalTag/level":"2"}`, `"NumericNotEquals":{"aws:PrincipalTag/level":["1","3"]}`,
	`"DateLessThan":{"aws:CurrentTime":"2026-07-01T00:00:00Z"}`, `"DateGreaterThanEquals":{"aws:CurrentTime":"2026-07-01T00:00:00Z"}`, `"DateNotEquals":{"aws:CurrentTime":"2026-07-01T00:00:00Z"}`,
	`"ForAllValues:StringEquals":{"aws:PrincipalOrgPaths":["a","b"]}`, `"ForAnyValue:StringEquals":{"aws:PrincipalOrgPaths":"b"}`, `"ForAllValues:StringNotLike":{"aws:PrincipalOrgPaths":"c*"}`, `"Null":{"aws:PrincipalOrgPaths":"true"}`,
	`"StringEquals":{"aws:PrincipalOrgID":"o-a"}`, `"StringNotEqualsIfExists":{"aws:PrincipalOrgID":"o-a"}`, `"StringNotEquals":{"aws:SourceVpce":"vpce-1"}`,
	`"StringLike":{"aws:username":"a*"}`, `"StringNotEquals":{"aws:username":"dev"}`, `"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/*"}`, `"ArnNotEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:user/dev"}`,
	`"StringLike":{"aws:PrincipalArn":"*:role/*"}`, `"StringEquals":{"aws:UserAgent":"${aws:PrincipalTag/team}"}`, `"StringLike":{"aws:UserAgent":"a*"}`,
	`"StringEquals":{"aws:RequestedRegion":"eu-west-1"}`, `"StringNotLike":{"aws:RequestedRegion":"us-*"}`, `"StringEquals":{"aws:ResourceAccount":"${aws:PrincipalAccount}"}`, `"StringNotEquals":{"aws:ResourceAccount":"999988887777"}`,
	`"StringLike":{"ssm:resourceTag/aws:ssmmessages:session-id":"${aws:userid}"}`, `"StringLike":{"ssm:resourceTag/aws:ssmmessages:target-id":"i-*"}`,
}

var accountPatterns = []string{
	"*", "*", "arn:aws:ec2:*:*:instance/*", "arn:aws:ec2:*:*:instance/i-a*", "arn:aws:ec2:eu-west-1:111122223333:instance/i-bbbbbbbbbbbbbbbbb", "arn:aws:ec2:*:*:*/?-?aaaaaaaaaaaaaaaa",
	"arn:aws:ssm:*:*:document/*", "arn:aws:ssm:*::document/AWS-*", "arn:aws:ssm:*:*:document/Corp-?", "arn:aws:ssm:*:*:document/SSM-SessionManagerRunShell", "arn:aws:ssm:us-*:*:*", "arn:aws:ssm:*:document/Corp-*",
	"arn:aws:ssm:*:999988887777:document/Corp-B", "arn:aws:ssm:*:*:managed-instance/*", "arn:aws:ec2:*:*:instance/i-${aws:PrincipalTag/team}*", "arn:aws:ssm:*:*:document/Corp-${aws:PrincipalTag/team, 'A'}",
	"arn:aws:ssm:*:*:document/${aws:username}-shell", "arn:aws:ssm:*:*:session/${aws:username}-*", "arn:aws:ssm:*:*:session/a*",
}

// SmallAccount is an account whose policies have a few conditions, on which proofs can be
// compared with asking everything.
type SmallAccount struct {
	Dice
	Texts      map[string]string // of each policy, by its name
	conditions []string
}

// NewSmallAccount returns an account with so few conditions as fit.
func NewSmallAccount(d Dice, fit func(conditions string) bool) SmallAccount {
	a := SmallAccount{Dice: d, Texts: make(map[string]string)}
	for len(a.conditions) < 6 {
		if with := append(slices.Clone(a.conditions), d.one(accountConditions...)); fit(strings.Join(with, ",")) {
			a.conditions = with
		}
	}
	return a
}

// policy returns a policy of some statements.
func (a SmallAccount) policy(name string, kind policy.Kind, allows, denies int) []policy.Statement {
	var statements []string
	for i := range allows + denies {
		effect := "Allow"
		if i >= allows {
			effect = "Deny"
		}
		element, action := "Resource", `"Action":"ssm:StartSession"`
		switch a.IntN(8) {
		case 0:
			action = `"NotAction":["iam:*","ssm:TerminateSession"]`
		case 1, 2:
			action = `"Action":"ssm:*"`
		case 3:
			action = `"Action":["ssm:ResumeSession","ssm:terminatesession"]`
		}
		if a.IntN(4) == 0 {
			element = "NotResource"
		}
		var resources []string
		for range 1 + a.IntN(2) {
			resources = append(resources, strconv.Quote(a.one(accountPatterns...)))
		}
		var when []string
		seen := make(map[string]bool)
		for range a.IntN(3) {
			c := a.one(a.conditions...)
			if operator, _, _ := strings.Cut(c, ":{"); !seen[operator] {
				seen[operator] = true
				when = append(when, c)
			}
		}
		who := ""
		if kind == policy.Endpoint {
			who = a.one([]string{`"Principal":"*",`, `"Principal":{"AWS":"arn:aws:iam::111122223333:user/dev"},`, `"NotPrincipal":{"AWS":"arn:aws:iam::111122223333:user/alice"},`}...)
			if effect == "Allow" {
				who = `"Principal":"*",`
			}
		}
		statements = append(statements, fmt.Sprintf(`{%s"Effect":%q,%s,%q:[%s],"Condition":{%s}}`, who, effect, action, element, strings.Join(resources, ","), strings.Join(when, ",")))
	}
	text := `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",\n") + `]}`
	d, err := policy.Parse(kind, name, []byte(text))
	if err != nil {
		panic(err.Error() + text) // the pieces are part of the test
	}
	a.Texts[name] = text
	return d.Statements
}

// Sets returns the policies of the principals: those that are in a group have its, too.
func (a SmallAccount) Sets() (sets []policy.Set) {
	groups := [][]policy.Statement{a.policy("group 1", policy.Identity, 1, a.IntN(2)), a.policy("group 2", policy.Identity, 1+a.IntN(2), 0)}
	var levels [][]policy.Statement
	for level := range a.IntN(3) {
		full, err := policy.Parse(policy.SCP, "FullAWSAccess", []byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`))
		if err != nil {
			panic(err)
		}
		levels = append(levels, slices.Concat(full.Statements, a.policy(fmt.Sprint("scp ", level), policy.SCP, 0, 1)))
	}
	for n := range 2 {
		set := policy.Set{SCP: levels, Identity: a.policy(fmt.Sprint("inline ", n), policy.Identity, 1+a.IntN(2), a.IntN(2))}
		for _, group := range groups {
			if a.IntN(2) == 0 {
				set.Identity = slices.Concat(set.Identity, group)
			}
		}
		if a.IntN(4) == 0 {
			set.Boundary = a.policy(fmt.Sprint("boundary ", n), policy.Boundary, 2, a.IntN(2))
		}
		if a.IntN(5) == 0 {
			set.Session = a.policy(fmt.Sprint("session ", n), policy.Session, 2, 0)
		}
		if a.IntN(5) == 0 {
			set.Endpoint = a.policy(fmt.Sprint("endpoint ", n), policy.Endpoint, 2, a.IntN(2))
		}
		sets = append(sets, set)
	}
	return sets
}

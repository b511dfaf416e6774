package finding

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"testing"

	"ssmguard/guard"
	"ssmguard/guard/policy"
)

func hasCode(d guard.Decision, code guard.Code) bool {
	return slices.ContainsFunc(d.Findings, func(f guard.Finding) bool { return f.Code == code })
}

// TestOpensTooMuch: IfExists on a tag is remarked on where it opens what has no
// tag, and nowhere else.
func TestOpensTooMuch(t *testing.T) {
	const rest = `,{"Effect":"Allow","Action":"ssm:*","Resource":["arn:aws:ec2:*:*:instance/*","arn:aws:ssm:*:*:document/*"]}]`
	for _, tt := range []struct {
		name, statement string
		want            bool
	}{
		{"a tag on everything", `{"Effect":"Allow","Action":"ssm:*","Resource":"*","Condition":{"StringEqualsIfExists":{"ssm:resourceTag/Name":"bastion"}}}`, true},
		{"global spelling, like", `{"Effect":"Allow","Action":"ssm:*","Resource":"*","Condition":{"StringLikeIfExists":{"aws:ResourceTag/Name":"b*"}}}`, true},
		{"no tag", `{"Effect":"Allow","Action":"ssm:*","Resource":"*","Condition":{"BoolIfExists":{"ssm:SessionDocumentAccessCheck":"true"}}}`, false},
		{"without IfExists", `{"Effect":"Allow","Action":"ssm:*","Resource":"*","Condition":{"StringEquals":{"ssm:resourceTag/Name":"bastion"}}}`, false},
		{"negated", `{"Effect":"Allow","Action":"ssm:*","Resource":"*","Condition":{"StringNotEqualsIfExists":{"ssm:resourceTag/Name":"bastion"}}}`, false},
		{"targets only", `{"Effect":"Allow","Action":"ssm:*","Resource":"arn:aws:ec2:*:*:instance/*","Condition":{"StringEqualsIfExists":{"ssm:resourceTag/Name":"bastion"}}}`, false},
		{"a Deny", `{"Effect":"Deny","Action":"ssm:*","Resource":"*","Condition":{"StringEqualsIfExists":{"ssm:resourceTag/Name":"bastion"}}}`, false},
		{"another action", `{"Effect":"Allow","Action":"ssm:SendCommand","Resource":"*","Condition":{"StringEqualsIfExists":{"ssm:resourceTag/Name":"bastion"}}}`, false},
	} {
		if got := hasCode(decided(t, "["+tt.statement+rest, "", nil), "SG209"); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// TestDenyIsNoNearMiss: what a Deny says of other things does not come near.
func TestDenyIsNoNearMiss(t *testing.T) {
	d := decided(t, `[{"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ec2:*:*:instance/*"},
		{"Effect":"Deny","Action":"ssm:StartSession","Resource":"arn:aws:ssm:*:*:document/Other"}]`, "", nil)
	for _, f := range d.Findings {
		for _, n := range f.Nearest {
			if n.At.Index == 1 {
				t.Errorf("%s: %v: %s", f.Code, n.At, n.Why)
			}
		}
	}
}

// TestTellingConditionFirst: of several conditions that do not hold, the one with
// a rule of its own is named, whichever comes first.
func TestTellingConditionFirst(t *testing.T) {
	const tag, other = `"StringEquals":{"ssm:resourceTag/Name":"bastion"}`, `"StringLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/ops"}`
	for _, conditions := range []string{tag + "," + other, other + "," + tag} {
		d := decided(t, `[{"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ec2:*:*:instance/*"},
			{"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ssm:*:*:document/*","Condition":{`+conditions+`}}]`, "",
			func(r *guard.Request, _ *guard.Facts) { r.Document = "AWS-StartSSHSession" })
		if !hasCode(d, "SG101") {
			t.Errorf("%s: %s", conditions, listing(d.Findings))
		}
	}
}

// TestConditionText: every operator reads as people say it.
func TestConditionText(t *testing.T) {
	for _, tt := range []struct{ operator, want string }{
		{"StringEquals", "k = v or w"}, {"StringEqualsIgnoreCase", "k = v or w (in any case)"}, {"ForAnyValue:StringLikeIfExists", "k = v or w (any of its values, or absent)"}, {"ArnLike", "k = v or w"},
		{"ArnEquals", "k = v or w"}, {"Bool", "k = v or w"}, {"NumericEquals", "k = v or w"}, {"DateEquals", "k = v or w"}, {"BinaryEquals", "k BinaryEquals v or w"},
		{"StringNotEquals", "k is not v or w"}, {"StringNotEqualsIgnoreCase", "k is not v or w (in any case)"}, {"ForAllValues:StringNotLike", "k is not v or w (all of its values)"},
		{"ArnNotEquals", "k is not v or w"}, {"ArnNotLike", "k is not v or w"}, {"NumericNotEquals", "k is not v or w"}, {"DateNotEquals", "k is not v or w"},
		{"IpAddress", "k in v or w"}, {"NotIpAddress", "k not in v or w"},
		{"NumericLessThan", "k < v or w"}, {"NumericLessThanEquals", "k <= v or w"}, {"NumericGreaterThan", "k > v or w"}, {"NumericGreaterThanEqualsIfExists", "k >= v or w (or absent)"},
		{"foranyvalue:stringequalsignorecase", "k = v or w (in any case, any of its values)"}, {"ForAllValues:BinaryEqualsIfExists", "k BinaryEquals v or w (all of its values, or absent)"},
		{"DateLessThan", "k before v or w"}, {"DateLessThanEquals", "k until v or w"}, {"DateGreaterThan", "k after v or w"}, {"DateGreaterThanEquals", "k from v or w"},
	} {
		if got := guard.ConditionText(policy.Condition{Operator: tt.operator, Key: "k", Values: []string{"v", "w"}}); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.operator, got, tt.want)
		}
	}
	for value, want := range map[string]string{"true": "k is absent", "TRUE": "k is absent", "false": "k is present"} {
		if got := guard.ConditionText(policy.Condition{Operator: "Null", Key: "k", Values: []string{value}}); got != want {
			t.Errorf("Null %s: %q, want %q", value, got, want)
		}
	}
}

// halfInventory is an inventory of which one read failed.
type halfInventory struct{ read guard.Facts }

func (h halfInventory) Facts(context.Context, guard.Request) (guard.Facts, error) {
	return h.read, &guard.NotVisible{Permission: "ssm:ListTagsForResource"}
}

// TestHalfReadFacts: what was read of the target stays known when the document's
// tags could not be; without a word on what is missing nothing is.
func TestHalfReadFacts(t *testing.T) {
	for _, tt := range []struct {
		unknown []string
		state   policy.KeyState
	}{
		{[]string{guard.UnknownDocumentTags}, policy.KeyKnown},
		{nil, policy.KeyUnknown},
	} {
		f := guard.Facts{TargetTags: map[string]string{"Name": "bastion"}, Unknown: tt.unknown}
		d, err := checked(t.Context(), (&guard.Guard{Inventory: halfInventory{f}}), devRequest)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, state := d.Grants[0].Context.Lookup("ssm:resourceTag/Name"); state != tt.state {
			t.Errorf("unknown %q: the target's tag is %v", tt.unknown, state)
		}
		if _, _, state := d.Grants[1].Context.Lookup("ssm:resourceTag/Name"); state != policy.KeyUnknown {
			t.Errorf("unknown %q: the document's tag is %v", tt.unknown, state)
		}
		if !strings.Contains(listing(d.Findings), "SG503") {
			t.Errorf("unknown %q: %s", tt.unknown, listing(d.Findings))
		}
	}
}

// TestKeysOfOtherActions: a condition on a key that the action does not have never
// holds, and the key that was meant is named.
func TestKeysOfOtherActions(t *testing.T) {
	const rest = `,{"Effect":"Allow","Action":"ssm:*","Resource":"arn:aws:ssm:*:*:document/*"}]`
	for _, tt := range []struct {
		name, statement string
		code            guard.Code
		why             string // part of what is said of the statement; "" for nothing
	}{
		{"EC2's tag", `{"Effect":"Allow","Action":"ssm:*","Resource":"arn:aws:ec2:*:*:instance/*","Condition":{"StringEquals":{"ec2:ResourceTag/Env":"dev"}}}`,
			"SG206", "cannot hold here: ssm:StartSession has no such key; ssm:resourceTag/Env is meant"},
		{"a filter", `{"Effect":"Allow","Action":"ssm:*","Resource":"arn:aws:ec2:*:*:instance/*","Condition":{"StringEquals":{"ssm:SessionOwner":"me"}}}`,
			"SG206", "cannot hold here: ssm:StartSession has no such key"},
		{"the action's own", `{"Effect":"Allow","Action":"ssm:*","Resource":"arn:aws:ec2:*:*:instance/*","Condition":{"StringEquals":{"ssm:AccessRequestId":"oi-1"}}}`, "", ""},
		{"a Deny", `{"Effect":"Allow","Action":"ssm:*","Resource":"arn:aws:ec2:*:*:instance/*"},
			{"Effect":"Deny","Action":"ssm:*","Resource":"*","Condition":{"StringEquals":{"ec2:ResourceTag/Env":"prod"}}}`,
			"SG112", "denies it if ec2:ResourceTag/Env = prod; ssm:StartSession has no such key; ssm:resourceTag/Env is meant"},
		{"a Deny that holds", `{"Effect":"Allow","Action":"ssm:*","Resource":"arn:aws:ec2:*:*:instance/*"},
			{"Effect":"Deny","Action":"ssm:*","Resource":"*","Condition":{"StringNotEquals":{"ec2:ResourceTag/Env":"dev"}}}`, "SG210", "(the request has no such key"},
	} {
		d := decided(t, "["+tt.statement+rest, "", nil)
		told := slices.ContainsFunc(d.Findings, func(f guard.Finding) bool {
			return (tt.code == "" || f.Code == tt.code) && slices.ContainsFunc(f.Nearest, func(n guard.Near) bool {
				return strings.Contains(n.Why, cmp.Or(tt.why, "has no such key"))
			})
		})
		if told != (tt.why != "") {
			t.Errorf("%s: %+v", tt.name, d.Findings)
		}
	}
}

package finding

import (
	"strings"
	"testing"

	"ssmguard/guard"
	"ssmguard/guard/policy"
)

// What a login depends on and nobody can know is never held against it.
func TestLoginNeeds(t *testing.T) {
	const app = "arn:aws:rds-db:eu-west-1:111122223333:dbuser:cluster-ABC/app"
	r := guard.Request{Caller: guard.Caller{SessionARN: "arn:aws:iam::111122223333:user/alice", Principal: "arn:aws:iam::111122223333:user/alice", Account: "111122223333"}, Region: "eu-west-1"}
	statement := func(effect, resource, condition string) string {
		return `{"Effect":"` + effect + `","Action":"rds-db:connect","Resource":"` + resource + `"` + condition + `}`
	}
	for _, test := range []struct {
		statements []string
		want       policy.Verdict
	}{
		{[]string{statement("Allow", app, "")}, policy.Allow},
		{[]string{statement("Allow", "arn:aws:rds-db:*:*:dbuser:*/${aws:username}", "")}, policy.ImplicitDeny},
		{[]string{statement("Allow", "*", ""), statement("Deny", app, "")}, policy.ExplicitDeny},
		{[]string{statement("Allow", "*", `,"Condition":{"StringEquals":{"aws:RequestedRegion":"eu-west-1"}}`)}, policy.Allow},
		{[]string{statement("Allow", "*", `,"Condition":{"StringEquals":{"aws:ResourceTag/Team":"db"}}`)}, policy.Unknown},
		{[]string{statement("Allow", "*", `,"Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}`)}, policy.Unknown},
		{[]string{statement("Allow", "*", `,"Condition":{"Bool":{"aws:SecureTransport":"true"}}`)}, policy.Unknown},
	} {
		doc, err := policy.Parse(policy.Identity, "p", []byte(`{"Version":"2012-10-17","Statement":[`+strings.Join(test.statements, ",")+`]}`))
		if err != nil {
			t.Fatal(err)
		}
		rulings := guard.Judge(policy.Set{Identity: doc.Statements}, "local", LoginNeeds(r, "rds-db:connect", app))
		if len(rulings) != 1 || rulings[0].Answer.Verdict != test.want || !rulings[0].Grant.Advisory {
			t.Errorf("%s: %+v, want %v", test.statements, rulings, test.want)
		}
	}
}

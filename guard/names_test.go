package guard

import (
	"testing"

	"ssmguard/guard/policy"
)

// TestLiteral: what goes into a policy means that one resource and no other.
func TestLiteral(t *testing.T) {
	for _, arn := range []string{
		"arn:aws:ecs:us-east-1:111122223333:task/*/*", "arn:aws:ssm:us-east-1:111122223333:document/X${aws:username}",
		"arn:aws:ssm:us-east-1:111122223333:document/X?", "arn:aws:ec2:us-east-1:111122223333:instance/i-0123456789abcdef0",
	} {
		doc, err := policy.Parse(policy.Identity, "p", []byte(`{"Version":"2012-10-17","Statement":[`+Allow(Texts{"ssm:*"}, Texts{Literal(arn)}).String()+`]}`))
		if err != nil {
			t.Fatal(err)
		}
		var c policy.Context
		c.Set("aws:username", "alice")
		for name, want := range map[string]bool{arn: true, "arn:aws:ecs:us-east-1:111122223333:task/a/b": false,
			"arn:aws:ssm:us-east-1:111122223333:document/Xalice": false, "arn:aws:ssm:us-east-1:111122223333:document/XY": false} {
			if got := doc.Statements[0].MatchesResource(name, c); got != want {
				t.Errorf("%s as %s covers %s: %v", arn, Literal(arn), name, got)
			}
		}
	}
}

package awsiam

import (
	"testing"

	"ssmguard/guard/policy"
	"ssmguard/internal/sandbox/world"
)

// TestOrganizationForbids: what an organization forbids that nobody may look into is told as a
// denial where AWS refuses everything alike, and as nothing where a key that nobody sees spares
// the caller.
func TestOrganizationForbids(t *testing.T) {
	deny := func(action, condition string) string {
		return `{"Effect":"Deny",` + action + `,"Resource":"*","Condition":{` + condition + `}}`
	}
	const most, sessions = `"NotAction":["iam:*","sts:*","organizations:*"]`, `"Action":"ssm:StartSession"` // global services are spared mostly
	const elsewhere, office = `"StringNotEquals":{"aws:RequestedRegion":"us-east-1"}`, `"NotIpAddressIfExists":{"aws:SourceIp":"198.51.100.0/24"}`
	for name, tt := range map[string]struct {
		scp      string
		inOffice bool
		want     policy.Verdict
	}{
		"the region":        {deny(most, elsewhere), false, policy.ExplicitDeny},
		"the whole service": {deny(`"Action":"ssm:*"`, `"StringLike":{"aws:PrincipalArn":"*"}`), false, policy.ExplicitDeny},
		"the region but from the office, from home": {deny(most, elsewhere+","+office), false, policy.ExplicitDeny},
		"the region but from the office, there":     {deny(most, elsewhere+","+office), true, policy.Unknown},
		"sessions but from the office, there":       {deny(sessions, elsewhere+","+office), true, policy.Unknown},
		"all but from the office, there":            {deny(most, office), true, policy.Unknown},
		"all but from the office, from home":        {deny(most, office), false, policy.ExplicitDeny},
	} {
		t.Run(name, func(t *testing.T) {
			w := world.World{Account: testAccount, Region: testRegion, Nodes: []world.Node{{ID: bastion, Ping: "Online"}}}
			mc := matrixCallers[0]
			login := mc.login
			login.Name = "it"
			mc.place(&w, []world.Policy{inline("p", allowStart), inline("read", statement(`{"Effect":"Allow","Action":["iam:SimulatePrincipalPolicy","ssm:DescribeInstanceInformation"],"Resource":"*"}`))}, "")
			organization(tt.scp)(&w, &login)
			w.Context = map[string]string{"aws:SourceIp": "203.0.113.9"}
			if tt.inOffice {
				fromOffice(&w, &login)
			}
			w.Logins = []world.Login{login}
			c, _ := serve(t, w, Options{})
			if got := check(t, c, bastion, "").Verdict(); got != tt.want {
				t.Errorf("%v, want %v", got, tt.want)
			}
			if refused := KindOf(startSession(t.Context(), c, bastion, "")) == KindDenied; refused != (tt.want == policy.ExplicitDeny) {
				t.Errorf("the account refuses: %t", refused)
			}
		})
	}
}

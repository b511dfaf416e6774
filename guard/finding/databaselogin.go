package finding

import (
	"strconv"

	"ssmguard/guard"
)

// LoginNeeds returns the grants of a login to a database with an IAM token: the
// action on each of the resources, which the database asks IAM about when the
// token is used, not when it is made. They are advisory. Of the call that the
// database makes, only the caller and the Region are known.
func LoginNeeds(r guard.Request, action string, resources ...string) []guard.Grant {
	var gs []guard.Grant
	for i, arn := range resources {
		gs = append(gs, guard.Grant{
			ID: "login/" + strconv.Itoa(i), Action: action, Resource: arn, Advisory: true, Why: "to log in with an IAM token",
			Context: guard.KeysFor(guard.Need{Keys: loginKeys}, r, guard.Facts{}),
		})
	}
	return gs
}

func loginKeys(k *guard.Keyring, _ guard.Request, _ guard.Facts) {
	k.Unknown(guard.TagGlobal+"*", "rds-db:*", "elasticache:*", "aws:ResourceAccount", "aws:SecureTransport", "aws:ViaAWSService", "aws:CalledVia*")
}

package guard

import "strconv"

// LoginNeeds returns the grants of a login to a database with an IAM token: the
// action on each of the resources, which the database asks IAM about when the
// token is used, not when it is made. They are advisory. Of the call that the
// database makes, only the caller and the Region are known.
func LoginNeeds(r Request, action string, resources ...string) []Grant {
	var gs []Grant
	for i, arn := range resources {
		gs = append(gs, Grant{
			ID: "login/" + strconv.Itoa(i), Action: action, Resource: arn, Advisory: true, Why: "to log in with an IAM token",
			Context: keysFor(need{keys: loginKeys}, r, Facts{}),
		})
	}
	return gs
}

func loginKeys(k *keyring, _ Request, _ Facts) {
	k.unknown(tagGlobal+"*", "rds-db:*", "elasticache:*", "aws:ResourceAccount", "aws:SecureTransport", "aws:ViaAWSService", "aws:CalledVia*")
}

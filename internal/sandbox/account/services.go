package account

import "ssmguard/internal/sandbox/world"

// services is everything the account can do.
func services() Services {
	return Services{
		"sts": stsOperations, "iam": iamOperations, "ec2": ec2Operations, "ssm": ssmOperations,
		"kms": kmsOperations, "ecs": ecsOperations, "organizations": organizationsOperations,
		"rds": rdsOperations, "elasticache": elastiCacheOperations,
	}
}

// New opens an account. It keeps its own copy of the world; an unparsable policy or a
// name that leads nowhere is an error.
func New(w world.World, o Options) (*Server, error) {
	w, err := settled(w)
	if err != nil {
		return nil, err
	}
	return openWith(w, o, services())
}

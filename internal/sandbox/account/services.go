package account

import (
	"maps"

	"ssmguard/internal/sandbox/api"
	"ssmguard/internal/sandbox/databases"
	"ssmguard/internal/sandbox/network"
	"ssmguard/internal/sandbox/world"
)

// services are the operations of the account.
func services() api.Services {
	return api.Services{
		"sts": stsOperations, "iam": iamOperations, "ec2": both(ec2Operations, network.Operations), "ssm": ssmOperations,
		"kms": kmsOperations, "ecs": ecsOperations, "organizations": organizationsOperations,
		"rds": databases.RDSOperations, "elasticache": databases.ElastiCacheOperations,
	}
}

// both joins the operations of a service that two rooms answer.
func both(a, b map[string]api.Handler) map[string]api.Handler {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

// New opens an account. It keeps its own copy of the world; an unparsable policy or an
// unknown name is an error.
func New(w world.World, o api.Options) (*api.Server, error) {
	w, err := databases.Complete(w)
	if err != nil {
		return nil, err
	}
	return api.Open(w, o, services())
}

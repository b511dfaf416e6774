package awsdb

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"

	"ssmguard/internal/awsapi"
)

// Network is where a database is in the network of its account, as far as its description
// tells; see FindGroups and FindSubnets for the rest.
type Network struct {
	VPC     string   // "" where only the security groups tell it
	Groups  []string // ids of its security groups
	Subnets []string // ids
	IPv6    bool     // has addresses of IPv6, too

	SubnetGroup string // the name of what has the subnets, where they are not told
	Member      string // the cache cluster that tells for its replication group
}

// isDual reports whether a network type, as RDS and ElastiCache write it, has both families.
func isDual(networkType string) bool {
	return slices.Contains([]string{"DUAL", "dual_stack"}, networkType)
}

// FindGroups asks for the security groups of a replication group, which are those of its
// clusters. It returns the permission that is needed, if the call fails.
func (e *Endpoint) FindGroups(ctx context.Context, cfg aws.Config) (permission string, err error) {
	n := &e.Network
	if n.Member == "" || len(n.Groups) > 0 {
		return "", nil
	}
	found, _, err := cacheClusters(awsapi.ElastiCache(cfg)).page(ctx, n.Member, "")
	if err != nil {
		return "elasticache:DescribeCacheClusters", failed(err)
	}
	for _, member := range found {
		n.Groups, n.SubnetGroup = member.Network.Groups, member.Network.SubnetGroup
	}
	return "", nil
}

// FindSubnets asks for the subnets of a subnet group. It returns the permission that is
// needed, if the call fails.
func (e *Endpoint) FindSubnets(ctx context.Context, cfg aws.Config) (permission string, err error) {
	n := &e.Network
	if n.SubnetGroup == "" || len(n.Subnets) > 0 {
		return "", nil
	}
	api, service, operation, parameter := awsapi.RDS(cfg), "rds", "DescribeDBSubnetGroups", "DBSubnetGroupName"
	if e.isCache() {
		api, service, operation, parameter = awsapi.ElastiCache(cfg), "elasticache", "DescribeCacheSubnetGroups", "CacheSubnetGroupName"
	}
	out, err := awsapi.Call[subnetGroups](ctx, api, "", operation, awsapi.Form{parameter: n.SubnetGroup})
	if err != nil {
		return service + ":" + operation, failed(err)
	}
	for _, g := range slices.Concat(out.DB, out.Cache) {
		n.VPC, n.Subnets = g.VPC, g.Subnets
	}
	return "", nil
}

func (e *Endpoint) isCache() bool {
	return slices.Contains([]string{kindGroup, kindServerless, kindCache}, e.Kind)
}

// Permission is that of the call which tells where an endpoint's database is, as IAM names it.
func (e *Endpoint) Permission() string { return describing[e.Kind] }

// describing are the calls that tell of each kind.
var describing = map[string]string{
	kindCluster: "rds:DescribeDBClusters", kindInstance: "rds:DescribeDBInstances", kindProxy: "rds:DescribeDBProxies",
	kindGroup: "elasticache:DescribeCacheClusters", kindServerless: "elasticache:DescribeServerlessCaches", kindCache: "elasticache:DescribeCacheClusters",
}

// Listens returns the ports on which the database listens at its endpoints, as far as they
// are known.
func (e *Endpoint) Listens() []int {
	if e.Port == 0 || e.Serverless() { // its reader has another one
		return nil
	}
	return []int{e.Port}
}

// The answers about subnet groups, as far as they are read.
type (
	subnetGroups struct {
		DB    []subnetGroup `xml:"DBSubnetGroups>DBSubnetGroup"`
		Cache []subnetGroup `xml:"CacheSubnetGroups>CacheSubnetGroup"`
	}
	subnetGroup struct {
		VPC     string   `xml:"VpcId"`
		Subnets []string `xml:"Subnets>Subnet>SubnetIdentifier"`
	}
)

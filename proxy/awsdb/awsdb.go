// Package awsdb looks up where a database of the account listens, and makes the
// tokens that stand in for its passwords. It is the only user of the RDS and
// ElastiCache APIs.
package awsdb

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/rds/auth"
	"github.com/aws/aws-sdk-go-v2/service/elasticache"
	cachetypes "github.com/aws/aws-sdk-go-v2/service/elasticache/types"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	rdstypes "github.com/aws/aws-sdk-go-v2/service/rds/types"
)

// Endpoint is where a database listens, and what it says of itself.
type Endpoint struct {
	Host     string
	Port     int
	Engine   string // "postgres", "aurora-mysql", "redis" ...
	Database string // the first one's name, "" when there is none
	User     string // the master user's name, "" for a cache
	IAMAuth  bool   // takes tokens for passwords
}

// NotFoundError is a name that no database has.
type NotFoundError struct{ Kind, Name string }

// Error names the kind and the name.
func (e *NotFoundError) Error() string {
	return fmt.Sprintf("no %s %q in this account and region", e.Kind, e.Name)
}

// RDS finds a DB cluster or instance by its identifier or by one of its
// endpoints; an endpoint that is given is kept, so that a cluster's reader stays
// a reader. Errors are *NotFoundError or the SDK's.
func RDS(ctx context.Context, cfg aws.Config, name string) (Endpoint, error) {
	api := rds.NewFromConfig(cfg)
	id, _, isEndpoint := strings.Cut(name, ".")
	e, err := cluster(ctx, api, id)
	if missing[*rdstypes.DBClusterNotFoundFault](err) || err == nil && e.Host == "" {
		e, err = instance(ctx, api, id)
	}
	if missing[*rdstypes.DBInstanceNotFoundFault](err) || err == nil && e.Host == "" {
		return Endpoint{}, &NotFoundError{"DB cluster or instance", name}
	}
	if err == nil && isEndpoint {
		e.Host = name
	}
	return e, err
}

func missing[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}

func cluster(ctx context.Context, api *rds.Client, id string) (Endpoint, error) {
	out, err := api.DescribeDBClusters(ctx, &rds.DescribeDBClustersInput{DBClusterIdentifier: &id})
	if err != nil || len(out.DBClusters) == 0 {
		return Endpoint{}, err
	}
	c := out.DBClusters[0]
	return Endpoint{
		Host: aws.ToString(c.Endpoint), Port: int(aws.ToInt32(c.Port)), Engine: aws.ToString(c.Engine),
		Database: aws.ToString(c.DatabaseName), User: aws.ToString(c.MasterUsername), IAMAuth: aws.ToBool(c.IAMDatabaseAuthenticationEnabled),
	}, nil
}

func instance(ctx context.Context, api *rds.Client, id string) (Endpoint, error) {
	out, err := api.DescribeDBInstances(ctx, &rds.DescribeDBInstancesInput{DBInstanceIdentifier: &id})
	if err != nil || len(out.DBInstances) == 0 || out.DBInstances[0].Endpoint == nil {
		return Endpoint{}, err
	}
	i := out.DBInstances[0]
	return Endpoint{
		Host: aws.ToString(i.Endpoint.Address), Port: int(aws.ToInt32(i.Endpoint.Port)), Engine: aws.ToString(i.Engine),
		Database: aws.ToString(i.DBName), User: aws.ToString(i.MasterUsername), IAMAuth: aws.ToBool(i.IAMDatabaseAuthenticationEnabled),
	}, nil
}

// ElastiCache finds a replication group, a serverless cache or a cluster by its
// identifier, in this order. Errors are *NotFoundError or the SDK's.
func ElastiCache(ctx context.Context, cfg aws.Config, name string) (Endpoint, error) {
	api := elasticache.NewFromConfig(cfg)
	for _, look := range []func(context.Context, *elasticache.Client, string) (Endpoint, error){replicationGroup, serverless, cacheCluster} {
		e, err := look(ctx, api, name)
		switch {
		case missing[*cachetypes.ReplicationGroupNotFoundFault](err), missing[*cachetypes.ServerlessCacheNotFoundFault](err),
			missing[*cachetypes.CacheClusterNotFoundFault](err), err == nil && e.Host == "":
		default:
			return e, err
		}
	}
	return Endpoint{}, &NotFoundError{"cache", name}
}

func replicationGroup(ctx context.Context, api *elasticache.Client, id string) (Endpoint, error) {
	out, err := api.DescribeReplicationGroups(ctx, &elasticache.DescribeReplicationGroupsInput{ReplicationGroupId: &id})
	if err != nil || len(out.ReplicationGroups) == 0 {
		return Endpoint{}, err
	}
	g := out.ReplicationGroups[0]
	e := g.ConfigurationEndpoint // of a group with shards
	if e == nil && len(g.NodeGroups) > 0 {
		e = g.NodeGroups[0].PrimaryEndpoint
	}
	return cacheEndpoint(e, aws.ToString(g.Engine)), nil
}

func serverless(ctx context.Context, api *elasticache.Client, id string) (Endpoint, error) {
	out, err := api.DescribeServerlessCaches(ctx, &elasticache.DescribeServerlessCachesInput{ServerlessCacheName: &id})
	if err != nil || len(out.ServerlessCaches) == 0 {
		return Endpoint{}, err
	}
	return cacheEndpoint(out.ServerlessCaches[0].Endpoint, aws.ToString(out.ServerlessCaches[0].Engine)), nil
}

func cacheCluster(ctx context.Context, api *elasticache.Client, id string) (Endpoint, error) {
	out, err := api.DescribeCacheClusters(ctx, &elasticache.DescribeCacheClustersInput{CacheClusterId: &id, ShowCacheNodeInfo: aws.Bool(true)})
	if err != nil || len(out.CacheClusters) == 0 {
		return Endpoint{}, err
	}
	c := out.CacheClusters[0]
	e := c.ConfigurationEndpoint // of memcached
	if e == nil && len(c.CacheNodes) > 0 {
		e = c.CacheNodes[0].Endpoint
	}
	return cacheEndpoint(e, aws.ToString(c.Engine)), nil
}

func cacheEndpoint(e *cachetypes.Endpoint, engine string) Endpoint {
	if e == nil {
		return Endpoint{}
	}
	return Endpoint{Host: aws.ToString(e.Address), Port: int(aws.ToInt32(e.Port)), Engine: engine}
}

// Token makes a password for a database user who authenticates with IAM: it
// holds for 15 minutes and for the database at host and port, by their real
// names. Nothing is sent.
func Token(ctx context.Context, cfg aws.Config, host string, port int, user string) (string, error) {
	return auth.BuildAuthToken(ctx, net.JoinHostPort(host, strconv.Itoa(port)), cfg.Region, user, cfg.Credentials)
}

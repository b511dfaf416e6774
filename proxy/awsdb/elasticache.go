package awsdb

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticache"
	"github.com/aws/aws-sdk-go-v2/service/elasticache/types"
)

// ElastiCache finds a replication group, a serverless cache or a cluster by its
// identifier, in this order, or by one of their endpoints. With reader, the
// endpoint for reading is taken. Errors are *NotFoundError, *NoEndpointError or
// *CallError.
func ElastiCache(ctx context.Context, cfg aws.Config, name string, reader bool) (Endpoint, error) {
	sources := cacheSources(cfg)
	find := byName
	host, _, isAddress := SplitAddress(name)
	if isAddress {
		find, name = byAddress, host // the names of caches cannot be told from their endpoints
	} else {
		host = ""
	}
	e, err := find(ctx, sources, cfg.Region, name)
	if err != nil {
		return Endpoint{}, err
	}
	return e.at(host, reader)
}

func cacheSources(cfg aws.Config) []source {
	api := elasticache.NewFromConfig(cfg)
	return []source{replicationGroups(api), serverlessCaches(api), cacheClusters(api)}
}

// Caches lists the caches, as far as they may be listed.
func Caches(ctx context.Context, cfg aws.Config) []Endpoint {
	return everything(ctx, cacheSources(cfg))
}

func addressOf(e *types.Endpoint) address {
	if e == nil {
		return address{}
	}
	return address{aws.ToString(e.Address), int(aws.ToInt32(e.Port))}
}

func replicationGroups(api *elasticache.Client) source {
	return source{kindGroup, func(ctx context.Context, id string, from *string) ([]entry, *string, error) {
		out, err := api.DescribeReplicationGroups(ctx, &elasticache.DescribeReplicationGroupsInput{ReplicationGroupId: named(id), Marker: from})
		if err != nil {
			return nil, nil, err
		}
		var all []entry
		for _, g := range out.ReplicationGroups {
			e := entry{Endpoint: Endpoint{
				Kind: kindGroup, Name: aws.ToString(g.ReplicationGroupId), Engine: aws.ToString(g.Engine),
				TLS: aws.ToBool(g.TransitEncryptionEnabled), Status: aws.ToString(g.Status), ARN: aws.ToString(g.ARN),
			}}
			main := addressOf(g.ConfigurationEndpoint) // of a group with shards
			if main.host != "" {
				e.Shards = len(g.NodeGroups)
			} else if len(g.NodeGroups) > 0 {
				main, e.reader = addressOf(g.NodeGroups[0].PrimaryEndpoint), addressOf(g.NodeGroups[0].ReaderEndpoint)
			}
			e.Host, e.Port = main.host, main.port
			for _, n := range g.NodeGroups {
				for _, m := range n.NodeGroupMembers {
					e.more = append(e.more, addressOf(m.ReadEndpoint))
				}
			}
			all = append(all, e)
		}
		return all, out.Marker, nil
	}}
}

func serverlessCaches(api *elasticache.Client) source {
	return source{kindServerless, func(ctx context.Context, id string, from *string) ([]entry, *string, error) {
		out, err := api.DescribeServerlessCaches(ctx, &elasticache.DescribeServerlessCachesInput{ServerlessCacheName: named(id), NextToken: from})
		if err != nil {
			return nil, nil, err
		}
		var all []entry
		for _, s := range out.ServerlessCaches {
			main := addressOf(s.Endpoint)
			all = append(all, entry{Endpoint: Endpoint{
				Kind: kindServerless, Name: aws.ToString(s.ServerlessCacheName), Host: main.host, Port: main.port, Engine: aws.ToString(s.Engine),
				TLS: true, Status: aws.ToString(s.Status), ARN: aws.ToString(s.ARN),
			}, reader: addressOf(s.ReaderEndpoint)})
		}
		return all, out.NextToken, nil
	}}
}

func cacheClusters(api *elasticache.Client) source {
	return source{kindCache, func(ctx context.Context, id string, from *string) ([]entry, *string, error) {
		out, err := api.DescribeCacheClusters(ctx, &elasticache.DescribeCacheClustersInput{CacheClusterId: named(id), ShowCacheNodeInfo: aws.Bool(true), Marker: from})
		if err != nil {
			return nil, nil, err
		}
		var all []entry
		for _, c := range out.CacheClusters {
			e := entry{Endpoint: Endpoint{
				Kind: kindCache, Name: aws.ToString(c.CacheClusterId), Engine: aws.ToString(c.Engine),
				TLS: aws.ToBool(c.TransitEncryptionEnabled), Status: aws.ToString(c.CacheClusterStatus), ARN: aws.ToString(c.ARN),
			}}
			main := addressOf(c.ConfigurationEndpoint) // of memcached
			for _, n := range c.CacheNodes {
				e.more = append(e.more, addressOf(n.Endpoint))
			}
			if main.host == "" && len(e.more) > 0 {
				main = e.more[0]
			}
			e.Host, e.Port = main.host, main.port
			all = append(all, e)
		}
		return all, out.Marker, nil
	}}
}

package awsdb

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"

	"ssmguard/internal/awsapi"
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
	api := awsapi.ElastiCache(cfg)
	return []source{replicationGroups(api), serverlessCaches(api), cacheClusters(api)}
}

// Caches lists the caches, as far as they may be listed.
func Caches(ctx context.Context, cfg aws.Config) []Endpoint {
	return everything(ctx, cacheSources(cfg))
}

// The answers of ElastiCache, as far as they are read.
type (
	groups struct {
		Marker string
		Groups []struct {
			ID                       string `xml:"ReplicationGroupId"`
			Engine, Status, ARN      string
			TransitEncryptionEnabled bool
			NetworkType              string
			Clusters                 []string     `xml:"MemberClusters>ClusterId"`
			ConfigurationEndpoint    wireEndpoint // of a group with shards
			NodeGroups               []struct {
				PrimaryEndpoint, ReaderEndpoint wireEndpoint
				Members                         []wireEndpoint `xml:"NodeGroupMembers>NodeGroupMember>ReadEndpoint"`
			} `xml:"NodeGroups>NodeGroup"`
		} `xml:"ReplicationGroups>ReplicationGroup"`
	}
	serverless struct {
		NextToken string
		Caches    []struct {
			ServerlessCacheName, Engine, Status, ARN string
			Endpoint, ReaderEndpoint                 wireEndpoint
			NetworkType                              string
			Groups                                   []string `xml:"SecurityGroupIds>SecurityGroupId"`
			Subnets                                  []string `xml:"SubnetIds>SubnetId"`
		} `xml:"ServerlessCaches>member"`
	}
	caches struct {
		Marker string
		Caches []struct {
			ID                              string `xml:"CacheClusterId"`
			Engine, CacheClusterStatus, ARN string
			TransitEncryptionEnabled        bool
			NetworkType                     string
			Groups                          []string       `xml:"SecurityGroups>member>SecurityGroupId"`
			SubnetGroup                     string         `xml:"CacheSubnetGroupName"`
			ConfigurationEndpoint           wireEndpoint   // of memcached
			Nodes                           []wireEndpoint `xml:"CacheNodes>CacheNode>Endpoint"`
		} `xml:"CacheClusters>CacheCluster"`
	}
)

func replicationGroups(api *awsapi.API) source {
	return source{kindGroup, func(ctx context.Context, id, from string) (all []entry, next string, err error) {
		out, err := awsapi.Call[groups](ctx, api, "", "DescribeReplicationGroups", awsapi.Form{"ReplicationGroupId": id, "Marker": from})
		if err != nil {
			return nil, "", err
		}
		for _, g := range out.Groups {
			e := entry{Endpoint: Endpoint{
				Kind: kindGroup, Name: g.ID, Engine: g.Engine, TLS: g.TransitEncryptionEnabled, Status: g.Status, ARN: g.ARN,
				Network: Network{IPv6: isDual(g.NetworkType)},
			}}
			if len(g.Clusters) > 0 {
				e.Network.Member = g.Clusters[0]
			}
			main := g.ConfigurationEndpoint
			if main.Address != "" {
				e.Shards = len(g.NodeGroups)
			} else if len(g.NodeGroups) > 0 {
				main, e.reader = g.NodeGroups[0].PrimaryEndpoint, g.NodeGroups[0].ReaderEndpoint.address()
			}
			e.Host, e.Port = main.Address, main.Port
			for _, n := range g.NodeGroups {
				for _, m := range n.Members {
					e.more = append(e.more, m.address())
				}
			}
			all = append(all, e)
		}
		return all, out.Marker, nil
	}}
}

func serverlessCaches(api *awsapi.API) source {
	return source{kindServerless, func(ctx context.Context, id, from string) (all []entry, next string, err error) {
		out, err := awsapi.Call[serverless](ctx, api, "", "DescribeServerlessCaches", awsapi.Form{"ServerlessCacheName": id, "NextToken": from})
		if err != nil {
			return nil, "", err
		}
		for _, s := range out.Caches {
			all = append(all, entry{Endpoint: Endpoint{
				Kind: kindServerless, Name: s.ServerlessCacheName, Host: s.Endpoint.Address, Port: s.Endpoint.Port, Engine: s.Engine,
				TLS: true, Status: s.Status, ARN: s.ARN, Network: Network{Groups: s.Groups, Subnets: s.Subnets, IPv6: isDual(s.NetworkType)},
			}, reader: s.ReaderEndpoint.address()})
		}
		return all, out.NextToken, nil
	}}
}

func cacheClusters(api *awsapi.API) source {
	return source{kindCache, func(ctx context.Context, id, from string) (all []entry, next string, err error) {
		out, err := awsapi.Call[caches](ctx, api, "", "DescribeCacheClusters", awsapi.Form{"CacheClusterId": id, "ShowCacheNodeInfo": "true", "Marker": from})
		if err != nil {
			return nil, "", err
		}
		for _, c := range out.Caches {
			e := entry{Endpoint: Endpoint{
				Kind: kindCache, Name: c.ID, Engine: c.Engine, TLS: c.TransitEncryptionEnabled, Status: c.CacheClusterStatus, ARN: c.ARN,
				Network: Network{Groups: c.Groups, SubnetGroup: c.SubnetGroup, IPv6: isDual(c.NetworkType)},
			}}
			for _, n := range c.Nodes {
				e.more = append(e.more, n.address())
			}
			main := c.ConfigurationEndpoint
			if main.Address == "" && len(c.Nodes) > 0 {
				main = c.Nodes[0]
			}
			e.Host, e.Port = main.Address, main.Port
			all = append(all, e)
		}
		return all, out.Marker, nil
	}}
}

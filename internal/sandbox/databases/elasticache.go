package databases

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"ssmguard/internal/sandbox/api"
	"ssmguard/internal/sandbox/world"
)

// ElastiCacheOperations are the operations of ElastiCache.
var ElastiCacheOperations = map[string]api.Handler{
	"DescribeReplicationGroups": describeReplicationGroups,
	"DescribeCacheClusters":     describeCacheClusters,
	"DescribeServerlessCaches":  describeServerlessCaches,
	"DescribeCacheSubnetGroups": describeCacheSubnetGroups,
}

func storedCache(k world.Cache) stored { return stored{k.Name, k.Region, k.Tags} }

func cacheNodes(k world.Cache) int { return max(k.Nodes, 1) }

// cacheVersion is the engine's.
func cacheVersion(k world.Cache) string {
	return api.OrElse(k.Version, map[string]string{"valkey": "8.0.1", "redis": "7.1.0", "memcached": "1.6.22"}[k.Engine])
}

// cachePort is the cache's port, by default the engine's; 0 for an engine that
// ElastiCache does not have.
func cachePort(k world.Cache) int {
	if k.Port != 0 {
		return k.Port
	}
	return map[string]int{"valkey": 6379, "redis": 6379, "memcached": 11211}[k.Engine]
}

const cachesTooMany = "Invalid value for max records. Must be between 20 and 100"

// The describe calls of ElastiCache; see the service authorization reference for the
// resources.
var (
	replicationGroups = catalog[world.Cache]{
		stored: storedCache, action: "elasticache:DescribeReplicationGroups", kind: "replicationgroup", name: "ReplicationGroupId", label: "ReplicationGroupId",
		size: "MaxRecords", token: "Marker", standard: 100, tooMany: cachesTooMany,
		missing: api.Refusal{Code: "ReplicationGroupNotFoundFault", Message: "ReplicationGroup %s not found.", Status: http.StatusNotFound},
	}
	cacheClusters = catalog[world.Cache]{
		stored: storedCache, action: "elasticache:DescribeCacheClusters", kind: "cluster", name: "CacheClusterId", label: "CacheClusterId",
		size: "MaxRecords", token: "Marker", standard: 100, tooMany: cachesTooMany,
		missing: api.Refusal{Code: "CacheClusterNotFound", Message: "CacheCluster not found: %s", Status: http.StatusNotFound},
	}
	serverlessCaches = catalog[world.Cache]{
		stored: storedCache, action: "elasticache:DescribeServerlessCaches", kind: "serverlesscache", name: "ServerlessCacheName", label: "ServerlessCacheName",
		size: "MaxResults", token: "NextToken", standard: 50, tooMany: cachesTooMany,
		missing: api.Refusal{Code: "ServerlessCacheNotFoundFault", Message: "ServerlessCache %s not found.", Status: http.StatusNotFound},
	}
)

// caches are those of a kind.
func caches(c *api.Request, kind string) []world.Cache {
	return slices.DeleteFunc(slices.Clone(c.World.Caches), func(k world.Cache) bool { return k.Kind != kind })
}

// shard is one shard of a group: its endpoints and the names of its nodes.
type shard struct {
	primary, reader EndpointXML
	nodes           []string
}

// cacheShards are those of a group. With cluster mode they have no endpoints of their own.
func cacheShards(w world.World, k world.Cache) []shard {
	var all []shard
	for i := range max(k.Shards, 1) {
		var s shard
		for n := range cacheNodes(k) {
			name := fmt.Sprintf("%s-%03d", k.Name, n+1)
			if k.Shards > 0 {
				name = fmt.Sprintf("%s-%04d-%03d", k.Name, i+1, n+1)
			}
			s.nodes = append(s.nodes, name)
		}
		switch {
		case k.Shards > 0:
		case k.TLS:
			s.primary, s.reader = cacheHost(w, k, "master."+k.Name+".%s"), cacheHost(w, k, "replica."+k.Name+".%s")
		default:
			s.primary, s.reader = cacheHost(w, k, k.Name+".%s.ng.0001"), cacheHost(w, k, k.Name+"-ro.%s.ng.0001")
		}
		all = append(all, s)
	}
	return all
}

// cacheNode is the endpoint of one node of a group or cluster.
func cacheNode(w world.World, k world.Cache, name, number string) EndpointXML {
	if k.TLS && k.Kind == world.CacheGroup {
		return cacheHost(w, k, name+"."+k.Name+".%s")
	}
	return cacheHost(w, k, name+".%s."+number)
}

// configurationEndpoint is the endpoint through which clients discover nodes: of a
// group in cluster mode, and of a memcached cluster.
func configurationEndpoint(w world.World, k world.Cache) EndpointXML {
	switch {
	case k.Kind == world.CacheCluster && k.Engine == "memcached":
		return cacheHost(w, k, k.Name+".%s.cfg")
	case k.Kind == world.CacheGroup && k.Shards > 0 && k.TLS:
		return cacheHost(w, k, "clustercfg."+k.Name+".%s")
	case k.Kind == world.CacheGroup && k.Shards > 0:
		return cacheHost(w, k, k.Name+".%s.clustercfg")
	}
	return EndpointXML{}
}

// serverlessEndpoints are the writer's and the reader's endpoint of a serverless cache,
// which differ in their ports.
func serverlessEndpoints(w world.World, k world.Cache) (writer, reader EndpointXML) {
	writer = cacheHost(w, k, k.Name+"-%s.serverless")
	reader = writer
	reader.Port++
	return writer, reader
}

// cacheHost is an address of a cache; the account's own part takes the place of %s.
func cacheHost(w world.World, k world.Cache, form string) EndpointXML {
	if k.Status == creating {
		return EndpointXML{}
	}
	region := api.OrElse(k.Region, w.Region)
	front := strings.Replace(form, "%s", madeUpHost(w, "elasticache", region, 6), 1)
	return EndpointXML{front + "." + ShortRegion(region) + ".cache." + domain(w), cachePort(k)}
}

// ShortRegion is a Region as the addresses of caches abbreviate it: apne1.
func ShortRegion(region string) string {
	var b strings.Builder
	for _, word := range strings.Split(region, "-") {
		switch word {
		case "northeast", "southeast", "northwest", "southwest":
			b.WriteString(word[:1] + word[5:6])
		case "north", "south", "east", "west", "central", "gov":
			b.WriteString(word[:1])
		default:
			b.WriteString(word)
		}
	}
	return b.String()
}

// CacheAddresses returns HOST:PORT of every endpoint of a cache.
func CacheAddresses(w world.World, k world.Cache) []string {
	all := []EndpointXML{configurationEndpoint(w, k)}
	switch k.Kind {
	case world.CacheServerless:
		writer, reader := serverlessEndpoints(w, k)
		all = append(all, writer, reader)
	case world.CacheGroup:
		for _, s := range cacheShards(w, k) {
			all = append(all, s.primary, s.reader)
			for _, n := range s.nodes {
				all = append(all, cacheNode(w, k, n, "0001"))
			}
		}
	default:
		for n := range cacheNodes(k) {
			all = append(all, cacheNode(w, k, k.Name, fmt.Sprintf("%04d", n+1)))
		}
	}
	return addresses(all...)
}

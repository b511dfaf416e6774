package configs

import (
	"regexp"
	"sync"
)

// WorldRDS is what RDS holds, by identifier. Endpoints are made up as RDS makes them.
type WorldRDS struct {
	Clusters  map[string]WorldDatabase `yaml:"clusters"`
	Instances map[string]WorldDatabase `yaml:"instances"`
	Proxies   map[string]WorldDatabase `yaml:"proxies"`
}

// WorldDatabase is a DB cluster, a DB instance or a proxy. The service behind
// its endpoints is as in `services`; one the sandbox plays greets with the
// endpoint's name unless it has a greeting.
type WorldDatabase struct {
	WorldService `yaml:",inline"`
	Region       string            `yaml:"region"`
	Engine       string            `yaml:"engine"`   // aurora-postgresql, mysql ...; of a proxy POSTGRESQL, MYSQL or SQLSERVER
	Version      string            `yaml:"version"`  // of the engine
	Port         int               `yaml:"port"`     // the engine's own when left out
	Database     string            `yaml:"database"` // the first one
	User         string            `yaml:"user"`     // the master user
	IAMAuth      bool              `yaml:"iam_auth"`
	Status       string            `yaml:"status"`  // available when left out; an instance that is creating has no endpoint
	Cluster      string            `yaml:"cluster"` // of an instance: the cluster it belongs to, which gives it its engine
	Custom       []string          `yaml:"custom"`  // of a cluster: names of custom endpoints
	Tags         map[string]string `yaml:"tags"`
}

// WorldElastiCache is what ElastiCache holds, by identifier.
type WorldElastiCache struct {
	Groups     map[string]WorldCache `yaml:"groups"` // replication groups
	Clusters   map[string]WorldCache `yaml:"clusters"`
	Serverless map[string]WorldCache `yaml:"serverless"`
}

// WorldCache is a replication group, a cluster or a serverless cache; the
// service behind its endpoints is as that of a WorldDatabase.
type WorldCache struct {
	WorldService `yaml:",inline"`
	Region       string            `yaml:"region"`
	Engine       string            `yaml:"engine"` // valkey, redis, memcached
	Version      string            `yaml:"version"`
	Port         int               `yaml:"port"`   // the engine's own when left out
	Status       string            `yaml:"status"` // available when left out; what is creating has no endpoint
	Shards       int               `yaml:"shards"` // of a group with cluster mode
	Nodes        int               `yaml:"nodes"`  // per shard, or of a cluster
	TLS          bool              `yaml:"tls"`    // encrypts in transit; serverless caches always do
	Tags         map[string]string `yaml:"tags"`
}

// The engines, as the RDS and ElastiCache APIs name them.
var (
	clusterEngines  = []string{"aurora-mysql", "aurora-postgresql", "mysql", "postgres"}
	instanceEngines = []string{
		"aurora-mysql", "aurora-postgresql", "db2-ae", "db2-se", "mariadb", "mysql", "oracle-ee", "oracle-ee-cdb", "oracle-se2", "oracle-se2-cdb",
		"postgres", "sqlserver-ee", "sqlserver-ex", "sqlserver-se", "sqlserver-web",
	}
	proxyEngines = []string{"MYSQL", "POSTGRESQL", "SQLSERVER"}
	cacheEngines = []string{"memcached", "redis", "valkey"}
)

var identifierForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z](-?[a-z0-9])*$`) })

func (v *worldFaults) checkDatabases(w *World) {
	for _, kind := range []struct {
		key     string
		all     map[string]WorldDatabase
		engines []string
	}{
		{"clusters", w.RDS.Clusters, clusterEngines}, {"instances", w.RDS.Instances, instanceEngines}, {"proxies", w.RDS.Proxies, proxyEngines},
	} {
		for name, d := range kind.all {
			v.identifier(name, "rds", kind.key, name)
			v.port(d.Port, "rds", kind.key, name, "port")
			v.address(d.WorldService, "rds", kind.key, name)
			if _, ok := w.RDS.Clusters[d.Cluster]; d.Cluster != "" && !ok {
				v.add(v.at("rds", kind.key, name, "cluster"), "no cluster %q%s", d.Cluster, suggest(d.Cluster, w.RDS.Clusters))
			}
			if d.Cluster == "" {
				v.oneOf("engine", d.Engine, kind.engines, "rds", kind.key, name, "engine")
			}
		}
	}
}

func (v *worldFaults) checkCaches(w *World) {
	for key, all := range map[string]map[string]WorldCache{
		"groups": w.ElastiCache.Groups, "clusters": w.ElastiCache.Clusters, "serverless": w.ElastiCache.Serverless,
	} {
		for name, k := range all {
			v.identifier(name, "elasticache", key, name)
			v.port(k.Port, "elasticache", key, name, "port")
			v.address(k.WorldService, "elasticache", key, name)
			v.oneOf("engine", k.Engine, cacheEngines, "elasticache", key, name, "engine")
			if k.Shards < 0 || k.Shards > 500 || k.Nodes < 0 || k.Nodes > 40 {
				v.add(v.at("elasticache", key, name), "%d shards of %d nodes are none of ElastiCache's", k.Shards, k.Nodes)
			}
		}
	}
}

func (v *worldFaults) identifier(name string, steps ...any) {
	if !identifierForm().MatchString(name) {
		v.add(v.at(steps...), "identifier %q is not of letters in lower case, digits and single hyphens", name)
	}
}

func (v *worldFaults) port(port int, steps ...any) {
	if port < 0 || port > 65535 {
		v.add(v.at(steps...), "port is %d, give 1 to 65535", port)
	}
}

package world

import (
	"regexp"
	"slices"
	"sync"
)

// The engines, as the RDS and ElastiCache APIs name them.
var (
	clusterEngines  = []string{"aurora-mysql", "aurora-postgresql", "docdb", "mysql", "neptune", "postgres"}
	instanceEngines = []string{
		"aurora-mysql", "aurora-postgresql", "db2-ae", "db2-se", "docdb", "mariadb", "mysql", "neptune", "oracle-ee", "oracle-ee-cdb", "oracle-se2", "oracle-se2-cdb",
		"postgres", "sqlserver-ee", "sqlserver-ex", "sqlserver-se", "sqlserver-web",
	}
	proxyEngines = []string{"MYSQL", "POSTGRESQL", "SQLSERVER"}
	cacheEngines = []string{"memcached", "redis", "valkey"}
)

var identifierForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z](-?[a-z0-9])*$`) })

// Where a file has the databases and caches of a kind.
var (
	databaseKeys = map[string]string{DBCluster: "clusters", DBInstance: "instances", DBProxy: "proxies"}
	cacheKeys    = map[string]string{CacheGroup: "groups", CacheCluster: "clusters", CacheServerless: "serverless"}
)

func (v *check) checkDatabases(w *World) {
	engines := map[string][]string{DBCluster: clusterEngines, DBInstance: instanceEngines, DBProxy: proxyEngines}
	var clusters []string
	for _, d := range w.Databases {
		if d.Kind == DBCluster {
			clusters = append(clusters, d.Name)
		}
	}
	for _, d := range w.Databases {
		key := databaseKeys[d.Kind]
		v.identifier(d.Name, "rds", key, d.Name)
		v.port(d.Port, "rds", key, d.Name, "port")
		v.address(d.Service, "rds", key, d.Name)
		if d.Cluster != "" && !slices.Contains(clusters, d.Cluster) {
			v.add(v.at("rds", key, d.Name, "cluster"), "no cluster %q%s", d.Cluster, suggest(d.Cluster, clusters))
		}
		if d.Cluster == "" {
			v.oneOf("engine", d.Engine, engines[d.Kind], "rds", key, d.Name, "engine")
		}
	}
}

func (v *check) checkCaches(w *World) {
	for _, k := range w.Caches {
		key := cacheKeys[k.Kind]
		v.identifier(k.Name, "elasticache", key, k.Name)
		v.port(k.Port, "elasticache", key, k.Name, "port")
		v.address(k.Service, "elasticache", key, k.Name)
		v.oneOf("engine", k.Engine, cacheEngines, "elasticache", key, k.Name, "engine")
		if k.Shards < 0 || k.Shards > 500 || k.Nodes < 0 || k.Nodes > 40 {
			v.add(v.at("elasticache", key, k.Name), "%d shards of %d nodes are none of ElastiCache's", k.Shards, k.Nodes)
		}
	}
}

func (v *check) identifier(name string, steps ...any) {
	if !identifierForm().MatchString(name) {
		v.add(v.at(steps...), "identifier %q is not of letters in lower case, digits and single hyphens", name)
	}
}

func (v *check) port(port int, steps ...any) {
	if port < 0 || port > 65535 {
		v.add(v.at(steps...), "port is %d, give 1 to 65535", port)
	}
}

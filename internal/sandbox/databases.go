package sandbox

import (
	"cmp"
	"fmt"
	"net"

	"ssmguard/configs"
	"ssmguard/internal/sandbox/account"
	"ssmguard/internal/sandbox/world"
)

// accountDatabases fills in what RDS and ElastiCache hold.
func accountDatabases(w configs.World, out *world.World) {
	for _, kind := range []struct {
		name string
		all  map[string]configs.WorldDatabase
	}{{world.DBCluster, w.RDS.Clusters}, {world.DBInstance, w.RDS.Instances}, {world.DBProxy, w.RDS.Proxies}} {
		for name, d := range inOrder(kind.all) {
			out.Databases = append(out.Databases, world.Database{
				Kind: kind.name, Name: name, Region: d.Region, Engine: d.Engine, Version: d.Version, Port: d.Port, Database: d.Database, User: d.User,
				IAMAuth: d.IAMAuth, Status: d.Status, Cluster: d.Cluster, Custom: d.Custom, Tags: d.Tags,
			})
		}
	}
	for _, kind := range []struct {
		name string
		all  map[string]configs.WorldCache
	}{{world.CacheGroup, w.ElastiCache.Groups}, {world.CacheCluster, w.ElastiCache.Clusters}, {world.CacheServerless, w.ElastiCache.Serverless}} {
		for name, k := range inOrder(kind.all) {
			out.Caches = append(out.Caches, world.Cache{
				Kind: kind.name, Name: name, Region: k.Region, Engine: k.Engine, Version: k.Version, Port: k.Port,
				Status: k.Status, Shards: k.Shards, Nodes: k.Nodes, TLS: k.TLS, Tags: k.Tags,
			})
		}
	}
}

// databaseServices are the services behind the endpoints of databases and
// caches, by HOST:PORT.
func databaseServices(w configs.World) map[string]configs.WorldService {
	all, held := make(map[string]configs.WorldService), accountWorld(w)
	add := func(s configs.WorldService, addresses []string) {
		for _, at := range addresses {
			s := s
			s.Greeting = cmp.Or(s.Greeting, at+" of the sandbox")
			all[at] = s
		}
	}
	for _, d := range held.Databases {
		kinds := map[string]map[string]configs.WorldDatabase{
			world.DBCluster: w.RDS.Clusters, world.DBInstance: w.RDS.Instances, world.DBProxy: w.RDS.Proxies,
		}
		add(kinds[d.Kind][d.Name].WorldService, account.DatabaseAddresses(held, d))
	}
	for _, k := range held.Caches {
		kinds := map[string]map[string]configs.WorldCache{
			world.CacheGroup: w.ElastiCache.Groups, world.CacheCluster: w.ElastiCache.Clusters, world.CacheServerless: w.ElastiCache.Serverless,
		}
		add(kinds[k.Kind][k.Name].WorldService, account.CacheAddresses(held, k))
	}
	return all
}

// openServices opens the services behind the instances: those that the world
// names, and those of its databases.
func (s *Sandbox) openServices() error {
	all := databaseServices(s.World)
	for name, service := range s.World.Services {
		all[name] = service
	}
	for name, service := range inOrder(all) {
		if service.Address != "" {
			s.services[name] = service.Address
			continue
		}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return fmt.Errorf("cannot play %s: %v", name, err)
		}
		s.played = append(s.played, &playedService{l, service.Greeting})
		s.services[name] = l.Addr().String()
	}
	return nil
}

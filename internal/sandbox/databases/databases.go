package databases

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"ssmguard/internal/sandbox/api"
	"ssmguard/internal/sandbox/world"
)

const (
	available  = "available"
	creating   = "creating"
	hostedZone = "Z0123456789EXAMPLE"
)

// engines are the standard port and a version of what RDS runs, by the first
// part of the engine's name, as in the RDS user guide.
var engines = []struct {
	prefix  string
	port    int
	version string
}{
	{"aurora-postgresql", 5432, "16.4"},
	{"aurora-mysql", 3306, "8.0.mysql_aurora.3.08.0"},
	{"postgres", 5432, "16.4"},
	{"POSTGRESQL", 5432, ""},
	{"mysql", 3306, "8.0.40"},
	{"MYSQL", 3306, ""},
	{"mariadb", 3306, "10.11.9"},
	{"sqlserver", 1433, "15.00.4415.2.v1"},
	{"SQLSERVER", 1433, ""},
	{"oracle", 1521, "19.0.0.0.ru-2024-07.rur-2024-07.r1"},
	{"db2", 50000, "11.5.9.0.sb00000000.r1"},
	{"docdb", 27017, "5.0.0"},
	{"neptune", 8182, "1.3.2.1"},
}

// Complete returns a copy of a world with the defaults of its databases filled in and
// their names resolved.
func Complete(w world.World) (world.World, error) {
	w.Databases = slices.Clone(w.Databases)
	key := func(region, name string) string { return api.OrElse(region, w.Region) + " " + name }
	clusters := make(map[string]world.Database)
	for i := range w.Databases {
		d := &w.Databases[i]
		completeDatabase(d)
		if d.Kind == world.DBCluster {
			clusters[key(d.Region, d.Name)] = *d
		}
	}
	for i := range w.Databases {
		d := &w.Databases[i]
		if d.Kind == world.DBInstance && d.Cluster != "" {
			c, ok := clusters[key(d.Region, d.Cluster)]
			if !ok {
				return w, fmt.Errorf("DB instance %s: no DB cluster %q", d.Name, d.Cluster)
			}
			d.Engine, d.Version, d.Port = c.Engine, c.Version, c.Port
			d.User, d.Database, d.IAMAuth, d.Place = c.User, c.Database, c.IAMAuth, c.Place
		}
		if !identifier(d.Name) || d.Port == 0 {
			return w, fmt.Errorf("database %q: give a name of letters, digits and hyphens, and an engine that RDS has, not %q", d.Name, d.Engine)
		}
	}
	for _, c := range w.Caches {
		if !identifier(c.Name) || cachePort(c) == 0 || cacheVersion(c) == "" {
			return w, fmt.Errorf("cache %q: give a name of letters, digits and hyphens, and an engine that ElastiCache has, not %q", c.Name, c.Engine)
		}
	}
	return w, nil
}

// completeDatabase fills in the engine's port and version; for an engine that RDS does
// not have the port stays 0.
func completeDatabase(d *world.Database) {
	for _, e := range engines {
		if strings.HasPrefix(d.Engine, e.prefix) {
			d.Port, d.Version = cmp.Or(d.Port, e.port), api.OrElse(d.Version, e.version)
			return
		}
	}
}

func regional(s *api.Server, region, name string) string {
	return api.OrElse(region, s.World.Region) + " " + name
}

// clusterMembers are the names of a cluster's instances.
func clusterMembers(c *api.Request, cluster world.Database) []string {
	var all []string
	for _, d := range databases(c, world.DBInstance) {
		if d.Cluster == cluster.Name && regional(c.Server, d.Region, "") == regional(c.Server, cluster.Region, "") {
			all = append(all, d.Name)
		}
	}
	return all
}

// DatabaseAddresses returns HOST:PORT of every endpoint of a database: of a
// cluster the writer's, the reader's and the custom ones.
func DatabaseAddresses(w world.World, d world.Database) []string {
	if d.Cluster != "" {
		at := slices.IndexFunc(w.Databases, func(c world.Database) bool {
			return c.Kind == world.DBCluster && c.Name == d.Cluster && api.OrElse(c.Region, w.Region) == api.OrElse(d.Region, w.Region)
		})
		if at >= 0 {
			d.Engine, d.Port = w.Databases[at].Engine, w.Databases[at].Port
		}
	}
	completeDatabase(&d)
	return addresses(databaseEndpoints(w, d)...)
}

// databaseEndpoints are those of a database, in the order of DatabaseAddresses.
func databaseEndpoints(w world.World, d world.Database) []EndpointXML {
	region := api.OrElse(d.Region, w.Region)
	label := "rds"
	if d.Engine == "docdb" || d.Engine == "neptune" { // they have domains of their own
		label = d.Engine
	}
	suffix := "c" + madeUpHost(w, "rds", region, 11) + "." + region + "." + label + "." + domain(w)
	host := func(name, infix string) EndpointXML { return EndpointXML{name + "." + infix + suffix, d.Port} }
	switch {
	case d.Kind == world.DBCluster:
		all := []EndpointXML{host(d.Name, "cluster-"), host(d.Name, "cluster-ro-")}
		for _, custom := range d.Custom {
			all = append(all, host(custom, "cluster-custom-"))
		}
		return all
	case d.Status == creating:
		return nil
	case d.Kind == world.DBProxy:
		return []EndpointXML{host(d.Name, "proxy-")}
	}
	return []EndpointXML{host(d.Name, "")}
}

// domain is the domain of the partition's services.
func domain(w world.World) string {
	if w.Partition == "aws-cn" {
		return "amazonaws.com.cn"
	}
	return "amazonaws.com"
}

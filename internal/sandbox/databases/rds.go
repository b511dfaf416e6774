package databases

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"ssmguard/internal/sandbox/api"
	"ssmguard/internal/sandbox/world"
)

// RDSOperations are the operations of RDS.
var RDSOperations = map[string]api.Handler{
	"DescribeDBInstances": describeDBInstances,
	"DescribeDBClusters":  describeDBClusters,
	"DescribeDBProxies":   describeDBProxies,

	"DescribeDBSubnetGroups": describeDBSubnetGroups,
}

func storedDatabase(d world.Database) stored { return stored{d.Name, d.Region, d.Tags} }

const rdsTooMany = "Invalid value %s for MaxRecords. Must be between 20 and 100"

// The describe calls of RDS; see the service authorization reference for the resources.
var (
	dbInstances = catalog[world.Database]{
		stored: storedDatabase, action: "rds:DescribeDBInstances", kind: "db", tagKey: "rds:db-tag/", name: "DBInstanceIdentifier", label: "Filter: db-instance-id",
		size: "MaxRecords", token: "Marker", standard: 100, tooMany: rdsTooMany,
		missing: api.Refusal{Code: "DBInstanceNotFound", Message: "DBInstance %s not found.", Status: http.StatusNotFound},
	}
	dbClusters = catalog[world.Database]{
		stored: storedDatabase, action: "rds:DescribeDBClusters", kind: "cluster", tagKey: "rds:cluster-tag/", name: "DBClusterIdentifier", label: "Filter: db-cluster-id",
		size: "MaxRecords", token: "Marker", standard: 100, tooMany: rdsTooMany,
		missing: api.Refusal{Code: "DBClusterNotFoundFault", Message: "DBCluster %s not found.", Status: http.StatusNotFound},
	}
	dbProxies = catalog[world.Database]{
		stored: storedDatabase, action: "rds:DescribeDBProxies", kind: "db-proxy", id: ProxyID, name: "DBProxyName", label: "DBProxyName",
		size: "MaxRecords", token: "Marker", standard: 100, tooMany: rdsTooMany,
		missing: api.Refusal{Code: "DBProxyNotFoundFault", Message: "DBProxy %s not found.", Status: http.StatusNotFound},
	}
)

// databases are those of a kind.
func databases(c *api.Request, kind string) []world.Database {
	return slices.DeleteFunc(slices.Clone(c.World.Databases), func(d world.Database) bool { return d.Kind != kind })
}

// rdsFilters are the supported filters, by name.
var rdsFilters = map[string]func(world.Database) string{
	"db-instance-id": func(d world.Database) string { return d.Name },
	"db-cluster-id":  func(d world.Database) string { return d.Cluster },
	"engine":         func(d world.Database) string { return d.Engine },
}

// filtered reads the filters of a call.
func filtered(c *api.Request) func(world.Database) (bool, error) {
	type rule struct {
		name   string
		values []string
	}
	var rules []rule
	for i, name := range c.List("Filters.Filter.%d.Name") {
		rules = append(rules, rule{name, c.List(fmt.Sprintf("Filters.Filter.%d.Values.Value.", i+1) + "%d")})
	}
	return func(d world.Database) (bool, error) {
		for _, r := range rules {
			read := rdsFilters[r.name]
			if read == nil {
				return false, api.Refuse("InvalidParameterValue", "Unrecognized filter name: %s", r.name)
			}
			value := read(d)
			if r.name == "db-cluster-id" && d.Kind == world.DBCluster {
				value = d.Name
			}
			if !slices.Contains(r.values, value) {
				return false, nil
			}
		}
		return true, nil
	}
}

type dbEndpointXML struct {
	EndpointXML
	HostedZoneID string `xml:"HostedZoneId"`
}

// dbInstanceXML is written with all the members that AWS's answer has.
type dbInstanceXML struct {
	DBInstanceIdentifier             string
	DBInstanceClass                  string
	Engine                           string
	DBInstanceStatus                 string
	MasterUsername                   string
	DBName                           string         `xml:",omitempty"`
	Endpoint                         *dbEndpointXML `xml:",omitempty"`
	AllocatedStorage                 int
	InstanceCreateTime               string `xml:",omitempty"`
	BackupRetentionPeriod            int
	DBSecurityGroups                 struct{}
	VpcSecurityGroups                membershipsXML
	DBSubnetGroup                    *dbSubnetGroupXML `xml:",omitempty"`
	DBParameterGroups                struct{}
	AvailabilityZone                 string
	PendingModifiedValues            struct{}
	MultiAZ                          bool
	EngineVersion                    string
	AutoMinorVersionUpgrade          bool
	ReadReplicaDBInstanceIdentifiers struct{}
	PubliclyAccessible               bool
	StorageType                      string
	DBInstancePort                   int    `xml:"DbInstancePort"`
	DBClusterIdentifier              string `xml:",omitempty"`
	StorageEncrypted                 bool
	DBIResourceID                    string `xml:"DbiResourceId"`
	CACertificateIdentifier          string
	CopyTagsToSnapshot               bool
	DBInstanceArn                    string
	IAMDatabaseAuthenticationEnabled bool
	DeletionProtection               bool
	TagList                          struct{ Tag []dbTagXML }
}

// DBInstancesAnswer is the answer of DescribeDBInstances.
type DBInstancesAnswer struct {
	DBInstances struct{ DBInstance []dbInstanceXML }
	Marker      string `xml:",omitempty"`
}

func describeDBInstances(c *api.Request) (any, error) {
	part, marker, err := dbInstances.answer(c, databases(c, world.DBInstance), filtered(c))
	if err != nil {
		return nil, err
	}
	a := DBInstancesAnswer{Marker: marker}
	for _, d := range part {
		x := dbInstanceXML{
			DBInstanceIdentifier: d.Name, DBInstanceClass: "db.t4g.medium", Engine: d.Engine, EngineVersion: d.Version, DBInstanceStatus: api.OrElse(d.Status, available),
			MasterUsername: d.User, DBName: d.Database, AllocatedStorage: 20, BackupRetentionPeriod: 7, AvailabilityZone: c.Region + "a",
			AutoMinorVersionUpgrade: true, StorageType: "gp3", DBClusterIdentifier: d.Cluster, StorageEncrypted: true,
			DBIResourceID: api.MadeUpID("db-", "rds"+d.Name), CACertificateIdentifier: "rds-ca-rsa2048-g1",
			DBInstanceArn: c.ARN("rds", c.Region, "db:"+d.Name), IAMDatabaseAuthenticationEnabled: d.IAMAuth,
			VpcSecurityGroups: memberships(d.Place), DBSubnetGroup: dbSubnetGroup(c, d.Place, d.Name),
		}
		if d.Cluster != "" {
			x.StorageType = "aurora"
		}
		x.TagList.Tag = tagList(d.Tags)
		if e := databaseEndpoints(c.World, d); len(e) > 0 {
			x.Endpoint, x.InstanceCreateTime = &dbEndpointXML{e[0], hostedZone}, api.Opened
		}
		a.DBInstances.DBInstance = append(a.DBInstances.DBInstance, x)
	}
	return a, nil
}

// DBMemberXML is one instance of a DB cluster.
type DBMemberXML struct {
	DBInstanceIdentifier          string
	IsClusterWriter               bool
	DBClusterParameterGroupStatus string
	PromotionTier                 int
}

// dbClusterXML is written with all the members that AWS's answer has.
type dbClusterXML struct {
	AllocatedStorage      int
	AvailabilityZones     struct{ AvailabilityZone []string }
	BackupRetentionPeriod int
	DatabaseName          string `xml:",omitempty"`
	DBClusterIdentifier   string
	Status                string
	Endpoint              string
	ReaderEndpoint        string
	CustomEndpoints       struct {
		Member []string `xml:"member"`
	}
	MultiAZ                          bool
	Engine                           string
	EngineVersion                    string
	Port                             int
	MasterUsername                   string
	ReadReplicaIdentifiers           struct{}
	DBClusterMembers                 struct{ DBClusterMember []DBMemberXML }
	VpcSecurityGroups                membershipsXML
	DBSubnetGroup                    string `xml:",omitempty"` // its name alone
	HostedZoneID                     string `xml:"HostedZoneId"`
	StorageEncrypted                 bool
	DBClusterResourceID              string `xml:"DbClusterResourceId"`
	DBClusterArn                     string
	AssociatedRoles                  struct{}
	IAMDatabaseAuthenticationEnabled bool
	ClusterCreateTime                string
	EngineMode                       string
	DeletionProtection               bool
	HTTPEndpointEnabled              bool `xml:"HttpEndpointEnabled"`
	TagList                          struct{ Tag []dbTagXML }
}

// DBClustersAnswer is the answer of DescribeDBClusters.
type DBClustersAnswer struct {
	DBClusters struct{ DBCluster []dbClusterXML }
	Marker     string `xml:",omitempty"`
}

func describeDBClusters(c *api.Request) (any, error) {
	part, marker, err := dbClusters.answer(c, databases(c, world.DBCluster), filtered(c))
	if err != nil {
		return nil, err
	}
	a := DBClustersAnswer{Marker: marker}
	for _, d := range part {
		e := databaseEndpoints(c.World, d)
		x := dbClusterXML{
			AllocatedStorage: 1, BackupRetentionPeriod: 7, DatabaseName: d.Database, DBClusterIdentifier: d.Name, Status: api.OrElse(d.Status, available),
			Endpoint: e[0].Address, ReaderEndpoint: e[1].Address, Engine: d.Engine, EngineVersion: d.Version, Port: d.Port, MasterUsername: d.User,
			HostedZoneID: hostedZone, StorageEncrypted: true, DBClusterResourceID: api.MadeUpID("cluster-", "rds"+d.Name),
			DBClusterArn: c.ARN("rds", c.Region, "cluster:"+d.Name), IAMDatabaseAuthenticationEnabled: d.IAMAuth,
			ClusterCreateTime: api.Opened, EngineMode: "provisioned", VpcSecurityGroups: memberships(d.Place),
		}
		if g := dbSubnetGroup(c, d.Place, d.Name); g != nil {
			x.DBSubnetGroup = g.Name
		}
		x.AvailabilityZones.AvailabilityZone = []string{c.Region + "a", c.Region + "c"}
		for _, custom := range e[2:] {
			x.CustomEndpoints.Member = append(x.CustomEndpoints.Member, custom.Address)
		}
		for _, m := range clusterMembers(c, d) {
			x.DBClusterMembers.DBClusterMember = append(x.DBClusterMembers.DBClusterMember, DBMemberXML{m, len(x.DBClusterMembers.DBClusterMember) == 0, "in-sync", 1})
		}
		x.TagList.Tag = tagList(d.Tags)
		a.DBClusters.DBCluster = append(a.DBClusters.DBCluster, x)
	}
	return a, nil
}

// ProxyID is the id of a proxy, in ARNs in place of its name.
func ProxyID(d world.Database) string { return strings.ToLower(api.MadeUpID("prx-", d.Name)) }

type dbProxyXML struct {
	DBProxyName         string
	DBProxyArn          string
	Status              string
	EngineFamily        string
	VpcID               string   `xml:"VpcId,omitempty"`
	VpcSecurityGroupIDs []string `xml:"VpcSecurityGroupIds>member"`
	VpcSubnetIDs        []string `xml:"VpcSubnetIds>member"`
	Auth                struct{}
	RoleArn             string
	Endpoint            string `xml:",omitempty"`
	RequireTLS          bool
	IdleClientTimeout   int
	DebugLogging        bool
	CreatedDate         string
	UpdatedDate         string
}

// DBProxiesAnswer is the answer of DescribeDBProxies.
type DBProxiesAnswer struct {
	DBProxies struct {
		Member []dbProxyXML `xml:"member"`
	}
	Marker string `xml:",omitempty"`
}

func describeDBProxies(c *api.Request) (any, error) {
	part, marker, err := dbProxies.answer(c, databases(c, world.DBProxy), every[world.Database])
	if err != nil {
		return nil, err
	}
	a := DBProxiesAnswer{Marker: marker}
	for _, d := range part {
		x := dbProxyXML{
			DBProxyName: d.Name, DBProxyArn: c.ARN("rds", c.Region, "db-proxy:"+ProxyID(d)), Status: api.OrElse(d.Status, available),
			EngineFamily: d.Engine, RoleArn: c.IAMARN("role/" + d.Name), RequireTLS: true, IdleClientTimeout: 1800, CreatedDate: api.Opened, UpdatedDate: api.Opened,
			VpcID: vpcOf(c, d.Place), VpcSecurityGroupIDs: d.Groups, VpcSubnetIDs: d.Subnets,
		}
		if e := databaseEndpoints(c.World, d); len(e) > 0 {
			x.Endpoint = e[0].Address
		}
		a.DBProxies.Member = append(a.DBProxies.Member, x)
	}
	return a, nil
}

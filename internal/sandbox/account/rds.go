package account

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"ssmguard/internal/sandbox/world"
)

var rdsOperations = map[string]handler{
	"DescribeDBInstances": describeDBInstances,
	"DescribeDBClusters":  describeDBClusters,
	"DescribeDBProxies":   describeDBProxies,
}

func storedDatabase(d world.Database) stored { return stored{d.Name, d.Region, d.Tags} }

const rdsTooMany = "Invalid value %s for MaxRecords. Must be between 20 and 100"

// What the describe calls of RDS need and answer; see the service authorization
// reference for the resources.
var (
	dbInstances = catalog[world.Database]{
		stored: storedDatabase, action: "rds:DescribeDBInstances", kind: "db", tagKey: "rds:db-tag/", name: "DBInstanceIdentifier", label: "Filter: db-instance-id",
		size: "MaxRecords", token: "Marker", standard: 100, tooMany: rdsTooMany,
		missing: fault{Code: "DBInstanceNotFound", Message: "DBInstance %s not found.", Status: http.StatusNotFound},
	}
	dbClusters = catalog[world.Database]{
		stored: storedDatabase, action: "rds:DescribeDBClusters", kind: "cluster", tagKey: "rds:cluster-tag/", name: "DBClusterIdentifier", label: "Filter: db-cluster-id",
		size: "MaxRecords", token: "Marker", standard: 100, tooMany: rdsTooMany,
		missing: fault{Code: "DBClusterNotFoundFault", Message: "DBCluster %s not found.", Status: http.StatusNotFound},
	}
	dbProxies = catalog[world.Database]{
		stored: storedDatabase, action: "rds:DescribeDBProxies", kind: "db-proxy", id: proxyID, name: "DBProxyName", label: "DBProxyName",
		size: "MaxRecords", token: "Marker", standard: 100, tooMany: rdsTooMany,
		missing: fault{Code: "DBProxyNotFoundFault", Message: "DBProxy %s not found.", Status: http.StatusNotFound},
	}
)

// databases are those of a kind.
func (c *call) databases(kind string) []world.Database {
	return slices.DeleteFunc(slices.Clone(c.world.Databases), func(d world.Database) bool { return d.Kind != kind })
}

// rdsFilters are the filters that are understood, by name.
var rdsFilters = map[string]func(world.Database) string{
	"db-instance-id": func(d world.Database) string { return d.Name },
	"db-cluster-id":  func(d world.Database) string { return d.Cluster },
	"engine":         func(d world.Database) string { return d.Engine },
}

// filtered reads the filters of a call.
func (c *call) filtered() func(world.Database) (bool, error) {
	type rule struct {
		name   string
		values []string
	}
	var rules []rule
	for i, name := range c.list("Filters.Filter.%d.Name") {
		rules = append(rules, rule{name, c.list(fmt.Sprintf("Filters.Filter.%d.Values.Value.", i+1) + "%d")})
	}
	return func(d world.Database) (bool, error) {
		for _, r := range rules {
			read := rdsFilters[r.name]
			if read == nil {
				return false, refuse("InvalidParameterValue", "Unrecognized filter name: %s", r.name)
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
	endpointXML
	HostedZoneID string `xml:"HostedZoneId"`
}

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
	VpcSecurityGroups                struct{}
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

type dbInstancesAnswer struct {
	DBInstances struct{ DBInstance []dbInstanceXML }
	Marker      string `xml:",omitempty"`
}

func describeDBInstances(c *call) (any, error) {
	part, marker, err := dbInstances.answer(c, c.databases(world.DBInstance), c.filtered())
	if err != nil {
		return nil, err
	}
	a := dbInstancesAnswer{Marker: marker}
	for _, d := range part {
		x := dbInstanceXML{
			DBInstanceIdentifier: d.Name, DBInstanceClass: "db.t4g.medium", Engine: d.Engine, EngineVersion: d.Version, DBInstanceStatus: orElse(d.Status, available),
			MasterUsername: d.User, DBName: d.Database, AllocatedStorage: 20, BackupRetentionPeriod: 7, AvailabilityZone: c.region + "a",
			AutoMinorVersionUpgrade: true, StorageType: "gp3", DBClusterIdentifier: d.Cluster, StorageEncrypted: true,
			DBIResourceID: madeUpID("db-", "rds"+d.Name), CACertificateIdentifier: "rds-ca-rsa2048-g1",
			DBInstanceArn: c.arn("rds", c.region, "db:"+d.Name), IAMDatabaseAuthenticationEnabled: d.IAMAuth,
		}
		if d.Cluster != "" {
			x.StorageType = "aurora"
		}
		x.TagList.Tag = tagList(d.Tags)
		if e := databaseEndpoints(c.world, d); len(e) > 0 {
			x.Endpoint, x.InstanceCreateTime = &dbEndpointXML{e[0], hostedZone}, opened
		}
		a.DBInstances.DBInstance = append(a.DBInstances.DBInstance, x)
	}
	return a, nil
}

type dbMemberXML struct {
	DBInstanceIdentifier          string
	IsClusterWriter               bool
	DBClusterParameterGroupStatus string
	PromotionTier                 int
}

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
	DBClusterMembers                 struct{ DBClusterMember []dbMemberXML }
	VpcSecurityGroups                struct{}
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

type dbClustersAnswer struct {
	DBClusters struct{ DBCluster []dbClusterXML }
	Marker     string `xml:",omitempty"`
}

func describeDBClusters(c *call) (any, error) {
	part, marker, err := dbClusters.answer(c, c.databases(world.DBCluster), c.filtered())
	if err != nil {
		return nil, err
	}
	a := dbClustersAnswer{Marker: marker}
	for _, d := range part {
		e := databaseEndpoints(c.world, d)
		x := dbClusterXML{
			AllocatedStorage: 1, BackupRetentionPeriod: 7, DatabaseName: d.Database, DBClusterIdentifier: d.Name, Status: orElse(d.Status, available),
			Endpoint: e[0].Address, ReaderEndpoint: e[1].Address, Engine: d.Engine, EngineVersion: d.Version, Port: d.Port, MasterUsername: d.User,
			HostedZoneID: hostedZone, StorageEncrypted: true, DBClusterResourceID: madeUpID("cluster-", "rds"+d.Name),
			DBClusterArn: c.arn("rds", c.region, "cluster:"+d.Name), IAMDatabaseAuthenticationEnabled: d.IAMAuth,
			ClusterCreateTime: opened, EngineMode: "provisioned",
		}
		x.AvailabilityZones.AvailabilityZone = []string{c.region + "a", c.region + "c"}
		for _, custom := range e[2:] {
			x.CustomEndpoints.Member = append(x.CustomEndpoints.Member, custom.Address)
		}
		for _, m := range c.clusterMembers(d) {
			x.DBClusterMembers.DBClusterMember = append(x.DBClusterMembers.DBClusterMember, dbMemberXML{m, len(x.DBClusterMembers.DBClusterMember) == 0, "in-sync", 1})
		}
		x.TagList.Tag = tagList(d.Tags)
		a.DBClusters.DBCluster = append(a.DBClusters.DBCluster, x)
	}
	return a, nil
}

// proxyID is what a proxy has in ARNs in place of its name.
func proxyID(d world.Database) string { return strings.ToLower(madeUpID("prx-", d.Name)) }

type dbProxyXML struct {
	DBProxyName         string
	DBProxyArn          string
	Status              string
	EngineFamily        string
	VpcSecurityGroupIDs struct{} `xml:"VpcSecurityGroupIds"`
	VpcSubnetIDs        struct{} `xml:"VpcSubnetIds"`
	Auth                struct{}
	RoleArn             string
	Endpoint            string `xml:",omitempty"`
	RequireTLS          bool
	IdleClientTimeout   int
	DebugLogging        bool
	CreatedDate         string
	UpdatedDate         string
}

type dbProxiesAnswer struct {
	DBProxies struct {
		Member []dbProxyXML `xml:"member"`
	}
	Marker string `xml:",omitempty"`
}

func describeDBProxies(c *call) (any, error) {
	part, marker, err := dbProxies.answer(c, c.databases(world.DBProxy), every[world.Database])
	if err != nil {
		return nil, err
	}
	a := dbProxiesAnswer{Marker: marker}
	for _, d := range part {
		x := dbProxyXML{
			DBProxyName: d.Name, DBProxyArn: c.arn("rds", c.region, "db-proxy:"+proxyID(d)), Status: orElse(d.Status, available),
			EngineFamily: d.Engine, RoleArn: c.iamARN("role/" + d.Name), RequireTLS: true, IdleClientTimeout: 1800, CreatedDate: opened, UpdatedDate: opened,
		}
		if e := databaseEndpoints(c.world, d); len(e) > 0 {
			x.Endpoint = e[0].Address
		}
		a.DBProxies.Member = append(a.DBProxies.Member, x)
	}
	return a, nil
}

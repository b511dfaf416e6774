package account

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ssmguard/internal/sandbox/api"
	"ssmguard/internal/sandbox/databases"
	"ssmguard/internal/sandbox/world"
)

// withDatabases is a world with one user of these policies, in us-east-1.
func withDatabases(documents ...string) world.World {
	w := userWith(documents...)
	w.Databases = []world.Database{
		{Kind: world.DBCluster, Name: "orders", Engine: "aurora-postgresql", Database: "shop", User: "root", IAMAuth: true, Custom: []string{"reports"}, Tags: map[string]string{"Team": "db"}},
		{Kind: world.DBInstance, Name: "orders-1", Cluster: "orders"},
		{Kind: world.DBInstance, Name: "orders-2", Cluster: "orders"},
		{Kind: world.DBInstance, Name: "legacy", Engine: "mysql", User: "admin", Tags: map[string]string{"Team": "db"}},
		{Kind: world.DBInstance, Name: "new", Engine: "postgres", Status: "creating"},
		{Kind: world.DBInstance, Name: "far", Engine: "postgres", Region: "eu-west-1"},
		{Kind: world.DBProxy, Name: "pool", Engine: "POSTGRESQL"},
	}
	return w
}

func TestDescribeDBInstances(t *testing.T) {
	w := withDatabases(allow("rds:*", "*"))
	_, c := open(t, w, api.Options{})
	var a databases.DBInstancesAnswer
	if f := c.ask(&a, "rds", "DescribeDBInstances"); f.Code != "" {
		t.Fatal(f)
	}
	type brief struct {
		Name, Engine, Status, Host, Cluster, User string
		Port                                      int
		IAM                                       bool
	}
	var got []brief
	for _, i := range a.DBInstances.DBInstance {
		b := brief{i.DBInstanceIdentifier, i.Engine, i.DBInstanceStatus, "", i.DBClusterIdentifier, i.MasterUsername, 0, i.IAMDatabaseAuthenticationEnabled}
		if i.Endpoint != nil {
			b.Host, b.Port = i.Endpoint.Address, i.Endpoint.Port
		}
		got = append(got, b)
	}
	own := "." + strings.SplitN(databases.DatabaseAddresses(w, world.Database{Kind: world.DBInstance, Name: "x", Engine: "mysql"})[0], ".", 3)[1] + ".us-east-1.rds.amazonaws.com"
	want := []brief{
		{"orders-1", "aurora-postgresql", "available", "orders-1" + own, "orders", "root", 5432, true},
		{"orders-2", "aurora-postgresql", "available", "orders-2" + own, "orders", "root", 5432, true},
		{"legacy", "mysql", "available", "legacy" + own, "", "admin", 3306, false},
		{"new", "postgres", "creating", "", "", "", 0, false},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDescribeDBClusters(t *testing.T) {
	w := withDatabases(allow("rds:*", "*"))
	_, c := open(t, w, api.Options{})
	for _, name := range []string{"orders", "ORDERS", "arn:aws:rds:us-east-1:111122223333:cluster:orders"} {
		var a databases.DBClustersAnswer
		if f := c.ask(&a, "rds", "DescribeDBClusters", "DBClusterIdentifier", name); f.Code != "" || len(a.DBClusters.DBCluster) != 1 {
			t.Fatalf("%s: %v, %d", name, f, len(a.DBClusters.DBCluster))
		}
		x := a.DBClusters.DBCluster[0]
		got := []string{x.Endpoint, x.ReaderEndpoint}
		got = append(got, x.CustomEndpoints.Member...)
		for i := range got {
			got[i] += ":5432"
		}
		if diff := cmp.Diff(databases.DatabaseAddresses(w, w.Databases[0]), got); diff != "" || len(got) != 3 || !strings.HasPrefix(got[1], "orders.cluster-ro-") || !strings.HasPrefix(got[2], "reports.cluster-custom-") {
			t.Errorf("%s: %v %s", name, got, diff)
		}
		want := []databases.DBMemberXML{{DBInstanceIdentifier: "orders-1", IsClusterWriter: true, DBClusterParameterGroupStatus: "in-sync", PromotionTier: 1}, {DBInstanceIdentifier: "orders-2", DBClusterParameterGroupStatus: "in-sync", PromotionTier: 1}}
		if diff := cmp.Diff(want, x.DBClusterMembers.DBClusterMember); diff != "" {
			t.Error(diff)
		}
	}
}

func TestDescribeDBProxies(t *testing.T) {
	_, c := open(t, withDatabases(allow("rds:*", "*")), api.Options{})
	var a databases.DBProxiesAnswer
	if f := c.ask(&a, "rds", "DescribeDBProxies", "DBProxyName", "pool"); f.Code != "" || len(a.DBProxies.Member) != 1 {
		t.Fatal(f)
	}
	if x := a.DBProxies.Member[0]; !strings.HasPrefix(x.Endpoint, "pool.proxy-") || x.EngineFamily != "POSTGRESQL" || !x.RequireTLS {
		t.Errorf("%+v", x)
	}
}

// Unknown names and malformed input have RDS's own codes, with their status.
func TestRDSFaults(t *testing.T) {
	_, c := open(t, withDatabases(allow("rds:*", "*")), api.Options{})
	for _, test := range []struct {
		action string
		pairs  []string
		want   failure
	}{
		{"DescribeDBInstances", []string{"DBInstanceIdentifier", "gone"}, failure{404, "DBInstanceNotFound", "DBInstance gone not found."}},
		{"DescribeDBInstances", []string{"DBInstanceIdentifier", "far"}, failure{404, "DBInstanceNotFound", "DBInstance far not found."}},
		{"DescribeDBClusters", []string{"DBClusterIdentifier", "legacy"}, failure{404, "DBClusterNotFoundFault", "DBCluster legacy not found."}},
		{"DescribeDBProxies", []string{"DBProxyName", "orders"}, failure{404, "DBProxyNotFoundFault", "DBProxy orders not found."}},
		{"DescribeDBInstances", []string{"MaxRecords", "5"}, failure{400, "InvalidParameterValue", "Invalid value 5 for MaxRecords. Must be between 20 and 100"}},
		{"DescribeDBInstances", []string{"Filters.Filter.1.Name", "colour", "Filters.Filter.1.Values.Value.1", "red"}, failure{400, "InvalidParameterValue", "Unrecognized filter name: colour"}},
		{"DescribeDBInstances", []string{"Marker", "stray"}, failure{400, "InvalidParameterValue", "The parameter Marker is not valid: stray"}},
		{"StopDBInstance", nil, failure{400, "InvalidAction", "Could not find operation StopDBInstance of service rds"}},
	} {
		if diff := cmp.Diff(test.want, c.ask(nil, "rds", test.action, test.pairs...)); diff != "" {
			t.Errorf("%s %v: %s", test.action, test.pairs, diff)
		}
	}
	if f := c.ask(nil, "rds", "DescribeDBInstances", "DBInstanceIdentifier", "not_a_name"); f.Status != 400 || f.Code != "InvalidParameterValue" || !strings.HasPrefix(f.Message, "The parameter Filter: db-instance-id is not a valid identifier. ") {
		t.Error(f)
	}
}

func TestRDSFilters(t *testing.T) {
	_, c := open(t, withDatabases(allow("rds:*", "*")), api.Options{})
	for _, test := range []struct{ name, value, want string }{
		{"db-cluster-id", "orders", "orders-1 orders-2"}, {"engine", "mysql", "legacy"}, {"db-instance-id", "new", "new"}, {"engine", "oracle-ee", ""},
	} {
		var a databases.DBInstancesAnswer
		f := c.ask(&a, "rds", "DescribeDBInstances", "Filters.Filter.1.Name", test.name, "Filters.Filter.1.Values.Value.1", test.value)
		var got []string
		for _, i := range a.DBInstances.DBInstance {
			got = append(got, i.DBInstanceIdentifier)
		}
		if f.Code != "" || strings.Join(got, " ") != test.want {
			t.Errorf("%s=%s: %v, %v", test.name, test.value, got, f)
		}
	}
}

func TestRDSPages(t *testing.T) {
	w := userWith(allow("rds:*", "*"))
	for i := range 130 {
		w.Databases = append(w.Databases, world.Database{Kind: world.DBInstance, Name: fmt.Sprintf("db-%d", i), Engine: "postgres"})
	}
	_, c := open(t, w, api.Options{})
	for size, want := range map[string][]int{"": {100, 30}, "60": {60, 60, 10}} {
		var sizes []int
		seen := make(map[string]bool)
		for marker := ""; ; {
			var pairs []string
			if marker != "" {
				pairs = append(pairs, "Marker", marker)
			}
			if size != "" {
				pairs = append(pairs, "MaxRecords", size)
			}
			var a databases.DBInstancesAnswer
			if f := c.ask(&a, "rds", "DescribeDBInstances", pairs...); f.Code != "" {
				t.Fatal(f)
			}
			sizes = append(sizes, len(a.DBInstances.DBInstance))
			for _, i := range a.DBInstances.DBInstance {
				seen[i.DBInstanceIdentifier] = true
			}
			if marker = a.Marker; marker == "" {
				break
			}
		}
		if !slices.Equal(sizes, want) || len(seen) != 130 {
			t.Errorf("pages of %q: %v, %d seen", size, sizes, len(seen))
		}
	}
}

// A call about one name is authorized on its ARN, with its tags; one about all
// on the ARN that ends in *.
func TestRDSAuthorization(t *testing.T) {
	const base = "arn:aws:rds:us-east-1:111122223333:"
	tagged := strings.Replace(allow("rds:DescribeDBInstances", "*"), `"Resource":"*"`, `"Resource":"*","Condition":{"StringEquals":{"rds:db-tag/Team":"db"}}`, 1)
	refused := func(action, resource string) failure {
		return failure{403, "AccessDenied", "User: " + aliceARN + " is not authorized to perform: rds:" + action + " on resource: " + base + resource + " because no identity-based policy allows the rds:" + action + " action"}
	}
	for _, test := range []struct {
		policy, action string
		pairs          []string
		want           failure
	}{
		{allow("s3:*", "*"), "DescribeDBInstances", nil, refused("DescribeDBInstances", "db:*")},
		{allow("s3:*", "*"), "DescribeDBInstances", []string{"DBInstanceIdentifier", "legacy"}, refused("DescribeDBInstances", "db:legacy")},
		{allow("s3:*", "*"), "DescribeDBClusters", nil, refused("DescribeDBClusters", "cluster:*")},
		{allow("s3:*", "*"), "DescribeDBClusters", []string{"DBClusterIdentifier", "gone"}, refused("DescribeDBClusters", "cluster:gone")},
		{allow("s3:*", "*"), "DescribeDBProxies", nil, refused("DescribeDBProxies", "db-proxy:*")},
		{allow("s3:*", "*"), "DescribeDBProxies", []string{"DBProxyName", "gone"}, refused("DescribeDBProxies", "db-proxy:*")},
		{allow("s3:*", "*"), "DescribeDBProxies", []string{"DBProxyName", "pool"}, refused("DescribeDBProxies", "db-proxy:"+databases.ProxyID(world.Database{Name: "pool"}))},
		{allow("rds:Describe*", base+"db:legacy"), "DescribeDBInstances", []string{"DBInstanceIdentifier", "legacy"}, failure{}},
		{allow("rds:Describe*", base+"db:legacy"), "DescribeDBInstances", nil, refused("DescribeDBInstances", "db:*")},
		{allow("rds:Describe*", base+"db:*"), "DescribeDBInstances", nil, failure{}},
		{tagged, "DescribeDBInstances", []string{"DBInstanceIdentifier", "legacy"}, failure{}},
		{tagged, "DescribeDBInstances", []string{"DBInstanceIdentifier", "new"}, refused("DescribeDBInstances", "db:new")},
		{tagged, "DescribeDBInstances", nil, refused("DescribeDBInstances", "db:*")},
	} {
		_, c := open(t, withDatabases(test.policy), api.Options{})
		if diff := cmp.Diff(test.want, c.ask(nil, "rds", test.action, test.pairs...)); diff != "" {
			t.Errorf("%s %v with %s: %s", test.action, test.pairs, test.policy, diff)
		}
	}
}

// A world with impossible databases is an error.
func TestDatabasesOfWorld(t *testing.T) {
	for want, d := range map[string]world.Database{
		`DB instance x: no DB cluster "y"`: {Kind: world.DBInstance, Name: "x", Cluster: "y"},
		`not "dbase"`:                      {Kind: world.DBInstance, Name: "x", Engine: "dbase"},
		`database "X_1"`:                   {Kind: world.DBInstance, Name: "X_1", Engine: "mysql"},
	} {
		w := userWith()
		w.Databases = []world.Database{d}
		if _, err := New(w, api.Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %s, got %v", want, err)
		}
	}
}

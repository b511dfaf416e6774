package account

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ssmguard/internal/sandbox/api"
	"ssmguard/internal/sandbox/databases"
	"ssmguard/internal/sandbox/world"
)

func withCaches(documents ...string) world.World {
	w := userWith(documents...)
	w.Caches = []world.Cache{
		{Kind: world.CacheGroup, Name: "sessions", Engine: "valkey", Nodes: 2, TLS: true, Tags: map[string]string{"Team": "db"}},
		{Kind: world.CacheGroup, Name: "plain", Engine: "redis"},
		{Kind: world.CacheGroup, Name: "wide", Engine: "valkey", Shards: 2, Nodes: 2, TLS: true},
		{Kind: world.CacheGroup, Name: "new", Engine: "valkey", Status: "creating"},
		{Kind: world.CacheCluster, Name: "pages", Engine: "memcached", Nodes: 2},
		{Kind: world.CacheCluster, Name: "single", Engine: "redis", Port: 6390},
		{Kind: world.CacheServerless, Name: "carts", Engine: "valkey"},
	}
	return w
}

func at(e *databases.EndpointXML) string {
	if e == nil {
		return ""
	}
	return e.At()
}

// Every address has the form that ElastiCache documents for its kind, and is
// among those that the world says there are.
func TestCacheEndpoints(t *testing.T) {
	w := withCaches(allow("elasticache:*", "*"))
	_, c := open(t, w, api.Options{})
	got := make(map[string]string)
	var groups databases.ReplicationGroupsAnswer
	if f := c.ask(&groups, "elasticache", "DescribeReplicationGroups"); f.Code != "" {
		t.Fatal(f)
	}
	for _, g := range groups.ReplicationGroups.ReplicationGroup {
		got[g.ReplicationGroupID+" configuration"] = at(g.ConfigurationEndpoint)
		if g.NodeGroups == nil {
			continue
		}
		for _, n := range g.NodeGroups.NodeGroup {
			got[g.ReplicationGroupID+" "+n.NodeGroupID] = at(n.PrimaryEndpoint) + " " + at(n.ReaderEndpoint)
			for _, m := range n.NodeGroupMembers.NodeGroupMember {
				got[m.CacheClusterID] = m.CurrentRole + " " + at(m.ReadEndpoint)
			}
		}
	}
	var clusters databases.CacheClustersAnswer
	if f := c.ask(&clusters, "elasticache", "DescribeCacheClusters", "ShowCacheNodeInfo", "true"); f.Code != "" {
		t.Fatal(f)
	}
	for _, k := range clusters.CacheClusters.CacheCluster {
		if k.ConfigurationEndpoint != nil {
			got[k.CacheClusterID+" configuration"] = at(k.ConfigurationEndpoint)
		}
		if k.CacheNodes == nil {
			continue
		}
		for _, n := range k.CacheNodes.CacheNode {
			got["node "+k.CacheClusterID+" "+n.CacheNodeID] = strings.TrimSpace(k.ReplicationGroupID + " " + at(n.Endpoint))
		}
	}
	var serverless databases.ServerlessCachesAnswer
	if f := c.ask(&serverless, "elasticache", "DescribeServerlessCaches"); f.Code != "" || len(serverless.ServerlessCaches.Member) != 1 {
		t.Fatal(f)
	}
	got["carts"] = at(serverless.ServerlessCaches.Member[0].Endpoint) + " " + at(serverless.ServerlessCaches.Member[0].ReaderEndpoint)

	own := strings.Split(databases.CacheAddresses(w, w.Caches[0])[0], ".")[2]
	for k, v := range got {
		got[k] = strings.ReplaceAll(strings.ReplaceAll(v, own, "abc123"), ".cache.amazonaws.com", "")
	}
	want := map[string]string{
		"sessions configuration": "", "plain configuration": "", "new configuration": "",
		"wide configuration": "clustercfg.wide.abc123.use1:6379", "wide 0001": " ", "wide 0002": " ",
		"wide-0001-001": " ", "wide-0001-002": " ", "wide-0002-001": " ", "wide-0002-002": " ",
		"sessions 0001": "master.sessions.abc123.use1:6379 replica.sessions.abc123.use1:6379",
		"sessions-001":  "primary sessions-001.sessions.abc123.use1:6379",
		"sessions-002":  "replica sessions-002.sessions.abc123.use1:6379",
		"plain 0001":    "plain.abc123.ng.0001.use1:6379 plain-ro.abc123.ng.0001.use1:6379",
		"plain-001":     "primary plain-001.abc123.0001.use1:6379",

		"pages configuration": "pages.abc123.cfg.use1:11211",
		"node pages 0001":     "pages.abc123.0001.use1:11211", "node pages 0002": "pages.abc123.0002.use1:11211",
		"node single 0001":        "single.abc123.0001.use1:6390",
		"node sessions-001 0001":  "sessions sessions-001.sessions.abc123.use1:6379",
		"node sessions-002 0001":  "sessions sessions-002.sessions.abc123.use1:6379",
		"node plain-001 0001":     "plain plain-001.abc123.0001.use1:6379",
		"node wide-0001-001 0001": "wide wide-0001-001.wide.abc123.use1:6379",
		"node wide-0001-002 0001": "wide wide-0001-002.wide.abc123.use1:6379",
		"node wide-0002-001 0001": "wide wide-0002-001.wide.abc123.use1:6379",
		"node wide-0002-002 0001": "wide wide-0002-002.wide.abc123.use1:6379",
		"carts":                   "carts-abc123.serverless.use1:6379 carts-abc123.serverless.use1:6380",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, k := range w.Caches {
		for _, address := range databases.CacheAddresses(w, k) {
			if !strings.Contains(address, own) {
				t.Errorf("%s has address %s", k.Name, address)
			}
		}
	}
	if all := databases.CacheAddresses(w, w.Caches[3]); len(all) != 0 {
		t.Errorf("a cache that is being created has %v", all)
	}
}

// Nodes are told only when asked for, and members of groups may be left out.
func TestDescribeCacheClustersOptions(t *testing.T) {
	_, c := open(t, withCaches(allow("elasticache:*", "*")), api.Options{})
	var plain, alone databases.CacheClustersAnswer
	if f := c.ask(&plain, "elasticache", "DescribeCacheClusters", "CacheClusterId", "Pages"); f.Code != "" || len(plain.CacheClusters.CacheCluster) != 1 {
		t.Fatal(f)
	}
	if k := plain.CacheClusters.CacheCluster[0]; k.CacheNodes != nil || k.NumCacheNodes != 2 {
		t.Errorf("%+v", k)
	}
	if f := c.ask(&alone, "elasticache", "DescribeCacheClusters", "ShowCacheClustersNotInReplicationGroups", "true"); f.Code != "" || len(alone.CacheClusters.CacheCluster) != 2 {
		t.Errorf("%d, %v", len(alone.CacheClusters.CacheCluster), f)
	}
}

func TestElastiCacheFaults(t *testing.T) {
	_, c := open(t, withCaches(allow("elasticache:*", "*")), api.Options{})
	for _, test := range []struct {
		action string
		pairs  []string
		want   failure
	}{
		{"DescribeReplicationGroups", []string{"ReplicationGroupId", "gone"}, failure{404, "ReplicationGroupNotFoundFault", "ReplicationGroup gone not found."}},
		{"DescribeCacheClusters", []string{"CacheClusterId", "gone"}, failure{404, "CacheClusterNotFound", "CacheCluster not found: gone"}},
		{"DescribeServerlessCaches", []string{"ServerlessCacheName", "gone"}, failure{404, "ServerlessCacheNotFoundFault", "ServerlessCache gone not found."}},
		{"DescribeServerlessCaches", []string{"MaxResults", "1"}, failure{400, "InvalidParameterValue", "Invalid value for max records. Must be between 20 and 100"}},
	} {
		if diff := cmp.Diff(test.want, c.ask(nil, "elasticache", test.action, test.pairs...)); diff != "" {
			t.Errorf("%s %v: %s", test.action, test.pairs, diff)
		}
	}
}

func TestElastiCacheAuthorization(t *testing.T) {
	const base = "arn:aws:elasticache:us-east-1:111122223333:"
	for _, test := range []struct{ action, key, name, kind string }{
		{"DescribeReplicationGroups", "ReplicationGroupId", "sessions", "replicationgroup"},
		{"DescribeCacheClusters", "CacheClusterId", "pages", "cluster"},
		{"DescribeServerlessCaches", "ServerlessCacheName", "carts", "serverlesscache"},
	} {
		refused := func(resource string) failure {
			return failure{403, "AccessDenied", "User: " + aliceARN + " is not authorized to perform: elasticache:" + test.action + " on resource: " + base + test.kind + ":" + resource + " because no identity-based policy allows the elasticache:" + test.action + " action"}
		}
		_, c := open(t, withCaches(), api.Options{})
		if diff := cmp.Diff(refused("*"), c.ask(nil, "elasticache", test.action)); diff != "" {
			t.Error(diff)
		}
		_, c = open(t, withCaches(allow("elasticache:*", base+test.kind+":"+test.name)), api.Options{})
		if f := c.ask(nil, "elasticache", test.action, test.key, test.name); f.Code != "" {
			t.Error(f)
		}
		if diff := cmp.Diff(refused("other"), c.ask(nil, "elasticache", test.action, test.key, "other")); diff != "" {
			t.Error(diff)
		}
	}
	tagged := strings.Replace(allow("elasticache:*", "*"), `"Resource":"*"`, `"Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/Team":"db"}}`, 1)
	_, c := open(t, withCaches(tagged), api.Options{})
	if f := c.ask(nil, "elasticache", "DescribeReplicationGroups", "ReplicationGroupId", "sessions"); f.Code != "" {
		t.Error(f)
	}
	if f := c.ask(nil, "elasticache", "DescribeReplicationGroups", "ReplicationGroupId", "plain"); f.Code != "AccessDenied" {
		t.Error(f)
	}
}

func TestShortRegion(t *testing.T) {
	for region, want := range map[string]string{
		"us-east-1": "use1", "ap-northeast-1": "apne1", "ap-southeast-2": "apse2", "eu-central-1": "euc1", "us-gov-west-1": "usgw1", "cn-northwest-1": "cnnw1", "sa-east-1": "sae1",
	} {
		if got := databases.ShortRegion(region); got != want {
			t.Errorf("%s: %s, want %s", region, got, want)
		}
	}
}

// A world with impossible caches is an error.
func TestCachesOfWorld(t *testing.T) {
	for _, k := range []world.Cache{{Kind: world.CacheGroup, Name: "x", Engine: "cash", Port: 1}, {Kind: world.CacheGroup, Name: "X", Engine: "redis"}} {
		w := userWith()
		w.Caches = []world.Cache{k}
		if _, err := New(w, api.Options{}); err == nil || !strings.Contains(err.Error(), "cache ") {
			t.Errorf("%+v: %v", k, err)
		}
	}
}

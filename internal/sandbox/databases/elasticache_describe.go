package databases

import (
	"fmt"

	"ssmguard/internal/sandbox/api"
	"ssmguard/internal/sandbox/world"
)

type nodeGroupMemberXML struct {
	CacheClusterID            string       `xml:"CacheClusterId"`
	CacheNodeID               string       `xml:"CacheNodeId"`
	ReadEndpoint              *EndpointXML `xml:",omitempty"`
	PreferredAvailabilityZone string
	CurrentRole               string `xml:",omitempty"`
}

type nodeGroupXML struct {
	NodeGroupID      string `xml:"NodeGroupId"`
	Status           string
	PrimaryEndpoint  *EndpointXML `xml:",omitempty"`
	ReaderEndpoint   *EndpointXML `xml:",omitempty"`
	Slots            string       `xml:",omitempty"`
	NodeGroupMembers struct{ NodeGroupMember []nodeGroupMemberXML }
}

// replicationGroupXML is written with all the members that AWS's answer has.
type replicationGroupXML struct {
	ReplicationGroupID       string `xml:"ReplicationGroupId"`
	Description              string
	Status                   string
	PendingModifiedValues    struct{}
	MemberClusters           memberClustersXML
	NodeGroups               *nodeGroupsXML `xml:",omitempty"`
	AutomaticFailover        string
	MultiAZ                  string
	ConfigurationEndpoint    *EndpointXML `xml:",omitempty"`
	SnapshotRetentionLimit   int
	SnapshotWindow           string
	ClusterEnabled           bool
	CacheNodeType            string
	AuthTokenEnabled         bool
	TransitEncryptionEnabled bool
	AtRestEncryptionEnabled  bool
	ARN                      string
	TransitEncryptionMode    string `xml:",omitempty"`
	ClusterMode              string
	Engine                   string
}

type nodeGroupsXML struct{ NodeGroup []nodeGroupXML }

type memberClustersXML struct {
	ClusterID []string `xml:"ClusterId"`
}

// ReplicationGroupsAnswer is the answer of DescribeReplicationGroups.
type ReplicationGroupsAnswer struct {
	ReplicationGroups struct{ ReplicationGroup []replicationGroupXML }
	Marker            string `xml:",omitempty"`
}

func describeReplicationGroups(c *api.Request) (any, error) {
	part, marker, err := replicationGroups.answer(c, caches(c, world.CacheGroup), every[world.Cache])
	if err != nil {
		return nil, err
	}
	a := ReplicationGroupsAnswer{Marker: marker}
	for _, k := range part {
		a.ReplicationGroups.ReplicationGroup = append(a.ReplicationGroups.ReplicationGroup, replicationGroup(c, k))
	}
	return a, nil
}

func replicationGroup(c *api.Request, k world.Cache) replicationGroupXML {
	x := replicationGroupXML{
		ReplicationGroupID: k.Name, Description: k.Name, Status: api.OrElse(k.Status, available), AutomaticFailover: "disabled", MultiAZ: "disabled",
		ConfigurationEndpoint: configurationEndpoint(c.World, k).shown(), SnapshotWindow: "18:00-19:00", ClusterEnabled: k.Shards > 0, CacheNodeType: "cache.t4g.micro",
		TransitEncryptionEnabled: k.TLS, AtRestEncryptionEnabled: true, ARN: c.ARN("elasticache", c.Region, "replicationgroup:"+k.Name),
		ClusterMode: "disabled", Engine: k.Engine,
	}
	if k.Shards > 0 {
		x.ClusterMode = "enabled"
	}
	if k.TLS {
		x.TransitEncryptionMode = "required"
	}
	shards := cacheShards(c.World, k)
	for _, s := range shards {
		x.MemberClusters.ClusterID = append(x.MemberClusters.ClusterID, s.nodes...)
	}
	if k.Status == creating {
		return x
	}
	x.NodeGroups = &nodeGroupsXML{}
	for i, s := range shards {
		g := nodeGroupXML{NodeGroupID: fmt.Sprintf("%04d", i+1), Status: available, PrimaryEndpoint: s.primary.shown(), ReaderEndpoint: s.reader.shown()}
		if k.Shards > 0 {
			g.Slots = fmt.Sprintf("%d-%d", i*16384/k.Shards, (i+1)*16384/k.Shards-1)
		}
		for n, name := range s.nodes {
			m := nodeGroupMemberXML{CacheClusterID: name, CacheNodeID: "0001", PreferredAvailabilityZone: c.Region + "a"}
			if k.Shards == 0 { // in cluster mode the engine assigns the roles
				m.ReadEndpoint, m.CurrentRole = cacheNode(c.World, k, name, "0001").shown(), "replica"
			}
			if k.Shards == 0 && n == 0 {
				m.CurrentRole = "primary"
			}
			g.NodeGroupMembers.NodeGroupMember = append(g.NodeGroupMembers.NodeGroupMember, m)
		}
		x.NodeGroups.NodeGroup = append(x.NodeGroups.NodeGroup, g)
	}
	return x
}

type cacheNodeXML struct {
	CacheNodeID              string `xml:"CacheNodeId"`
	CacheNodeStatus          string
	CacheNodeCreateTime      string
	Endpoint                 *EndpointXML `xml:",omitempty"`
	ParameterGroupStatus     string
	CustomerAvailabilityZone string
}

type cacheNodesXML struct{ CacheNode []cacheNodeXML }

// cacheClusterXML is written with all the members that AWS's answer has.
type cacheClusterXML struct {
	CacheClusterID            string       `xml:"CacheClusterId"`
	ConfigurationEndpoint     *EndpointXML `xml:",omitempty"`
	CacheNodeType             string
	Engine                    string
	EngineVersion             string
	CacheClusterStatus        string
	NumCacheNodes             int
	PreferredAvailabilityZone string
	CacheClusterCreateTime    string
	PendingModifiedValues     struct{}
	CacheSecurityGroups       struct{}
	CacheNodes                *cacheNodesXML `xml:",omitempty"`
	AutoMinorVersionUpgrade   bool
	CacheSubnetGroupName      string               `xml:",omitempty"`
	SecurityGroups            []cacheMembershipXML `xml:"SecurityGroups>member"`
	ReplicationGroupID        string               `xml:"ReplicationGroupId,omitempty"`
	SnapshotRetentionLimit    int
	AuthTokenEnabled          bool
	TransitEncryptionEnabled  bool
	AtRestEncryptionEnabled   bool
	ARN                       string
}

// CacheClustersAnswer is the answer of DescribeCacheClusters.
type CacheClustersAnswer struct {
	CacheClusters struct{ CacheCluster []cacheClusterXML }
	Marker        string `xml:",omitempty"`
}

// describeCacheClusters lists the nodes of groups too: each is a cluster of one.
func describeCacheClusters(c *api.Request) (any, error) {
	groups := make(map[string]world.Cache) // by the name of their nodes
	all := caches(c, world.CacheCluster)
	for _, g := range caches(c, world.CacheGroup) {
		for _, s := range cacheShards(c.World, g) {
			for _, name := range s.nodes {
				node := g
				node.Name, node.Nodes = name, 1
				groups[regional(c.Server, g.Region, name)] = g
				all = append(all, node)
			}
		}
	}
	alone := c.Form.Get("ShowCacheClustersNotInReplicationGroups") == "true"
	part, marker, err := cacheClusters.answer(c, all, func(k world.Cache) (bool, error) { return !alone || k.Kind == world.CacheCluster, nil })
	if err != nil {
		return nil, err
	}
	a := CacheClustersAnswer{Marker: marker}
	for _, k := range part {
		x := cacheClusterXML{
			CacheClusterID: k.Name, CacheNodeType: "cache.t4g.micro", Engine: k.Engine, EngineVersion: cacheVersion(k), CacheClusterStatus: api.OrElse(k.Status, available),
			NumCacheNodes: cacheNodes(k), PreferredAvailabilityZone: c.Region + "a", CacheClusterCreateTime: api.Opened, AutoMinorVersionUpgrade: true,
			TransitEncryptionEnabled: k.TLS, AtRestEncryptionEnabled: k.Kind == world.CacheGroup, ARN: c.ARN("elasticache", c.Region, "cluster:"+k.Name),
			SecurityGroups: cacheMemberships(k.Place),
		}
		g, inGroup := groups[regional(c.Server, k.Region, k.Name)]
		if len(k.Subnets) > 0 {
			x.CacheSubnetGroupName = subnetGroupName(api.OrElse(g.Name, k.Name))
		}
		if inGroup {
			x.ReplicationGroupID = g.Name
		} else {
			g = k
			x.ConfigurationEndpoint = configurationEndpoint(c.World, k).shown()
		}
		if c.Form.Get("ShowCacheNodeInfo") == "true" && k.Status != creating {
			x.CacheNodes = &cacheNodesXML{nodesOf(c, g, k)}
		}
		a.CacheClusters.CacheCluster = append(a.CacheClusters.CacheCluster, x)
	}
	return a, nil
}

func nodesOf(c *api.Request, g, k world.Cache) []cacheNodeXML {
	var all []cacheNodeXML
	for n := range cacheNodes(k) {
		id := fmt.Sprintf("%04d", n+1)
		all = append(all, cacheNodeXML{id, available, api.Opened, cacheNode(c.World, g, k.Name, id).shown(), "in-sync", c.Region + "a"})
	}
	return all
}

type serverlessCacheXML struct {
	ServerlessCacheName    string
	Description            string
	CreateTime             string
	Status                 string
	Engine                 string
	MajorEngineVersion     string
	FullEngineVersion      string
	SecurityGroupIDs       []string     `xml:"SecurityGroupIds>SecurityGroupId"`
	Endpoint               *EndpointXML `xml:",omitempty"`
	ReaderEndpoint         *EndpointXML `xml:",omitempty"`
	ARN                    string
	SubnetIDs              []string `xml:"SubnetIds>SubnetId"`
	SnapshotRetentionLimit int
	DailySnapshotTime      string
}

// ServerlessCachesAnswer is the answer of DescribeServerlessCaches.
type ServerlessCachesAnswer struct {
	ServerlessCaches struct {
		Member []serverlessCacheXML `xml:"member"`
	}
	NextToken string `xml:",omitempty"`
}

func describeServerlessCaches(c *api.Request) (any, error) {
	part, next, err := serverlessCaches.answer(c, caches(c, world.CacheServerless), every[world.Cache])
	if err != nil {
		return nil, err
	}
	a := ServerlessCachesAnswer{NextToken: next}
	for _, k := range part {
		writer, reader := serverlessEndpoints(c.World, k)
		a.ServerlessCaches.Member = append(a.ServerlessCaches.Member, serverlessCacheXML{
			ServerlessCacheName: k.Name, Description: k.Name, CreateTime: api.Opened, Status: api.OrElse(k.Status, available), Engine: k.Engine,
			MajorEngineVersion: cacheVersion(k)[:1], FullEngineVersion: cacheVersion(k), Endpoint: writer.shown(), ReaderEndpoint: reader.shown(),
			ARN: c.ARN("elasticache", c.Region, "serverlesscache:"+k.Name), DailySnapshotTime: "18:00",
			SecurityGroupIDs: k.Groups, SubnetIDs: k.Subnets,
		})
	}
	return a, nil
}

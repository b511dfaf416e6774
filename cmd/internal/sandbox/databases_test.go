package sandbox

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticache"
	cachetypes "github.com/aws/aws-sdk-go-v2/service/elasticache/types"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	rdstypes "github.com/aws/aws-sdk-go-v2/service/rds/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"ssmguard/cmd/internal/exit"
	"ssmguard/internal/sandbox/sandboxtest"
	"ssmguard/internal/sandbox/world"
)

// The SDK understands what RDS and ElastiCache answer, page by page.
func TestSDKReadsDatabases(t *testing.T) {
	w, err := world.Load("databases")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 30 {
		w.Databases = append(w.Databases, world.Database{Kind: world.DBInstance, Name: fmt.Sprintf("many-%02d", i), Engine: "mysql"})
	}
	s := sandboxtest.ServedWorld(t, w)
	c, ctx := sdk(t, s, "alice"), t.Context()
	databases := rds.NewFromConfig(c)

	cluster, err := databases.DescribeDBClusters(ctx, &rds.DescribeDBClustersInput{DBClusterIdentifier: aws.String("orders")})
	if err != nil || len(cluster.DBClusters) != 1 {
		t.Fatalf("DescribeDBClusters: %v", err)
	}
	o := cluster.DBClusters[0]
	if aws.ToInt32(o.Port) != 5432 || !strings.HasPrefix(aws.ToString(o.ReaderEndpoint), "orders.cluster-ro-") || !aws.ToBool(o.IAMDatabaseAuthenticationEnabled) ||
		len(o.DBClusterMembers) != 2 || !aws.ToBool(o.DBClusterMembers[0].IsClusterWriter) || len(o.CustomEndpoints) != 1 || o.ClusterCreateTime == nil {
		t.Errorf("%+v", o)
	}
	names, pages := 0, 0
	for p := rds.NewDescribeDBInstancesPaginator(databases, &rds.DescribeDBInstancesInput{MaxRecords: aws.Int32(20)}); p.HasMorePages(); pages++ {
		page, err := p.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		names += len(page.DBInstances)
	}
	if names != 35 || pages != 2 {
		t.Errorf("%d instances on %d pages", names, pages)
	}
	proxies, err := databases.DescribeDBProxies(ctx, nil)
	if err != nil || len(proxies.DBProxies) != 1 || aws.ToString(proxies.DBProxies[0].EngineFamily) != "POSTGRESQL" {
		t.Errorf("DescribeDBProxies: %+v, %v", proxies, err)
	}

	caches := elasticache.NewFromConfig(c)
	groups, err := caches.DescribeReplicationGroups(ctx, nil)
	if err != nil || len(groups.ReplicationGroups) != 2 {
		t.Fatalf("DescribeReplicationGroups: %v", err)
	}
	if g := groups.ReplicationGroups[0]; !aws.ToBool(g.TransitEncryptionEnabled) || aws.ToInt32(g.NodeGroups[0].PrimaryEndpoint.Port) != 6379 ||
		cmp.Diff([]string{"sessions-001", "sessions-002"}, g.MemberClusters) != "" {
		t.Errorf("%+v", g)
	}
	nodes, err := caches.DescribeCacheClusters(ctx, &elasticache.DescribeCacheClustersInput{CacheClusterId: aws.String("pages"), ShowCacheNodeInfo: aws.Bool(true)})
	if err != nil || len(nodes.CacheClusters) != 1 || len(nodes.CacheClusters[0].CacheNodes) != 2 || nodes.CacheClusters[0].ConfigurationEndpoint == nil {
		t.Errorf("DescribeCacheClusters: %+v, %v", nodes, err)
	}
	serverless, err := caches.DescribeServerlessCaches(ctx, nil)
	if err != nil || len(serverless.ServerlessCaches) != 1 || aws.ToInt32(serverless.ServerlessCaches[0].ReaderEndpoint.Port) != 6380 {
		t.Errorf("DescribeServerlessCaches: %+v, %v", serverless, err)
	}
}

// Absences are the SDK's typed errors, and a refusal is AWS's AccessDenied.
func TestSDKReadsDatabaseFaults(t *testing.T) {
	s := sandboxtest.Served(t, "databases")
	c, ctx, gone := sdk(t, s, "alice"), t.Context(), aws.String("gone")
	databases, caches := rds.NewFromConfig(c), elasticache.NewFromConfig(c)
	_, noCluster := databases.DescribeDBClusters(ctx, &rds.DescribeDBClustersInput{DBClusterIdentifier: gone})
	_, noInstance := databases.DescribeDBInstances(ctx, &rds.DescribeDBInstancesInput{DBInstanceIdentifier: gone})
	_, noProxy := databases.DescribeDBProxies(ctx, &rds.DescribeDBProxiesInput{DBProxyName: gone})
	_, noGroup := caches.DescribeReplicationGroups(ctx, &elasticache.DescribeReplicationGroupsInput{ReplicationGroupId: gone})
	_, noServerless := caches.DescribeServerlessCaches(ctx, &elasticache.DescribeServerlessCachesInput{ServerlessCacheName: gone})
	_, noNode := caches.DescribeCacheClusters(ctx, &elasticache.DescribeCacheClustersInput{CacheClusterId: gone})
	if !exit.As[*rdstypes.DBClusterNotFoundFault](noCluster) || !exit.As[*rdstypes.DBInstanceNotFoundFault](noInstance) || !exit.As[*rdstypes.DBProxyNotFoundFault](noProxy) ||
		!exit.As[*cachetypes.ReplicationGroupNotFoundFault](noGroup) || !exit.As[*cachetypes.ServerlessCacheNotFoundFault](noServerless) || !exit.As[*cachetypes.CacheClusterNotFoundFault](noNode) {
		t.Errorf("%v\n%v\n%v\n%v\n%v\n%v", noCluster, noInstance, noProxy, noGroup, noServerless, noNode)
	}
	_, err := rds.NewFromConfig(sdk(t, s, "carol")).DescribeDBInstances(ctx, nil)
	var fault smithy.APIError
	want := "User: arn:aws:iam::111122223333:user/carol is not authorized to perform: rds:DescribeDBInstances on resource: arn:aws:rds:eu-west-1:111122223333:db:* because no identity-based policy allows the rds:DescribeDBInstances action"
	if !errors.As(err, &fault) || fault.ErrorCode() != "AccessDenied" || fault.ErrorMessage() != want {
		t.Errorf("got %v", err)
	}
}

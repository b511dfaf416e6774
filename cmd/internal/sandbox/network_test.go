package sandbox

import (
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/elasticache"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"ssmguard/internal/sandbox/sandboxtest"
)

// The SDK understands what EC2, RDS and ElastiCache answer about networks.
func TestSDKReadsNetworks(t *testing.T) {
	s := sandboxtest.Served(t, "bastions")
	c, ctx := sdk(t, s, "alice"), t.Context()
	network := ec2.NewFromConfig(c)

	groups, err := network.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{GroupIds: []string{"sg-0d01", "sg-0ba0"}})
	if err != nil || len(groups.SecurityGroups) != 2 {
		t.Fatalf("DescribeSecurityGroups: %+v, %v", groups, err)
	}
	type rule struct {
		protocol, group, cidr, list string
		from, to                    int32
	}
	var got []rule
	for i, g := range groups.SecurityGroups {
		permissions := g.IpPermissions
		if i == 1 { // the group of the bastion has the rule that every group begins with
			permissions = g.IpPermissionsEgress
		}
		for _, p := range permissions {
			r := rule{protocol: aws.ToString(p.IpProtocol), from: aws.ToInt32(p.FromPort), to: aws.ToInt32(p.ToPort)}
			for _, pair := range p.UserIdGroupPairs {
				r.group = aws.ToString(pair.GroupId)
			}
			for _, block := range p.IpRanges {
				r.cidr = aws.ToString(block.CidrIp)
			}
			for _, list := range p.PrefixListIds {
				r.list = aws.ToString(list.PrefixListId)
			}
			got = append(got, r)
		}
	}
	want := []rule{{"tcp", "sg-0a00", "", "", 5432, 5432}, {"tcp", "sg-0ba0", "", "", 22, 22}, {"tcp", "", "", "pl-0a", 5432, 5432}, {"-1", "", "0.0.0.0/0", "", 0, 0}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(rule{})); diff != "" || aws.ToString(groups.SecurityGroups[0].VpcId) != "vpc-0a" {
		t.Error(diff)
	}
	subnets, err := network.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{SubnetIds: []string{"subnet-0a05"}})
	if err != nil || aws.ToString(subnets.Subnets[0].CidrBlock) != "10.0.5.0/24" {
		t.Errorf("DescribeSubnets: %+v, %v", subnets, err)
	}
	entries, err := network.GetManagedPrefixListEntries(ctx, &ec2.GetManagedPrefixListEntriesInput{PrefixListId: aws.String("pl-0a")})
	if err != nil || len(entries.Entries) != 1 || aws.ToString(entries.Entries[0].Cidr) != "192.168.0.0/16" {
		t.Errorf("GetManagedPrefixListEntries: %+v, %v", entries, err)
	}
	instance := func() string {
		out, err := network.DescribeInstances(ctx, &ec2.DescribeInstancesInput{InstanceIds: []string{"i-00000000000000ba2"}})
		if err != nil {
			t.Fatal(err)
		}
		i := out.Reservations[0].Instances[0]
		if aws.ToString(i.VpcId) != "vpc-0a" || aws.ToString(i.SecurityGroups[0].GroupId) != "sg-0ba2" || aws.ToInt32(i.NetworkInterfaces[0].Attachment.DeviceIndex) != 0 {
			t.Errorf("%+v", i)
		}
		return string(i.State.Name)
	}
	var states []string
	states = append(states, instance())
	started, err := network.StartInstances(ctx, &ec2.StartInstancesInput{InstanceIds: []string{"i-00000000000000ba2"}})
	if err != nil || len(started.StartingInstances) != 1 {
		t.Fatalf("StartInstances: %v", err)
	}
	states = append(states, string(started.StartingInstances[0].PreviousState.Name), string(started.StartingInstances[0].CurrentState.Name), instance(), instance())
	if diff := cmp.Diff([]string{"stopped", "stopped", "pending", "pending", "running"}, states); diff != "" {
		t.Error(diff)
	}
	_, err = network.StartInstances(ctx, &ec2.StartInstancesInput{InstanceIds: []string{"i-00000000000000a00"}})
	if api := (smithy.APIError)(nil); !errors.As(err, &api) || api.ErrorCode() != "UnauthorizedOperation" {
		t.Errorf("an instance without the tag: %v", err)
	}

	cluster, err := rds.NewFromConfig(c).DescribeDBClusters(ctx, &rds.DescribeDBClustersInput{DBClusterIdentifier: aws.String("lonely")})
	if err != nil || aws.ToString(cluster.DBClusters[0].VpcSecurityGroups[0].VpcSecurityGroupId) != "sg-0b00" {
		t.Fatalf("DescribeDBClusters: %v", err)
	}
	group, err := rds.NewFromConfig(c).DescribeDBSubnetGroups(ctx, &rds.DescribeDBSubnetGroupsInput{DBSubnetGroupName: cluster.DBClusters[0].DBSubnetGroup})
	if err != nil || aws.ToString(group.DBSubnetGroups[0].VpcId) != "vpc-0b" || aws.ToString(group.DBSubnetGroups[0].Subnets[0].SubnetIdentifier) != "subnet-0b01" {
		t.Errorf("DescribeDBSubnetGroups: %+v, %v", group, err)
	}
	database, err := rds.NewFromConfig(c).DescribeDBInstances(ctx, &rds.DescribeDBInstancesInput{DBInstanceIdentifier: aws.String("orders")})
	if err != nil || aws.ToString(database.DBInstances[0].DBSubnetGroup.VpcId) != "vpc-0a" || len(database.DBInstances[0].DBSubnetGroup.Subnets) != 2 {
		t.Errorf("DescribeDBInstances: %v", err)
	}
	cache, err := elasticache.NewFromConfig(c).DescribeCacheClusters(ctx, &elasticache.DescribeCacheClustersInput{CacheClusterId: aws.String("sessions-001")})
	if err != nil || aws.ToString(cache.CacheClusters[0].SecurityGroups[0].SecurityGroupId) != "sg-0d02" {
		t.Fatalf("DescribeCacheClusters: %v", err)
	}
	cacheGroup, err := elasticache.NewFromConfig(c).DescribeCacheSubnetGroups(ctx, &elasticache.DescribeCacheSubnetGroupsInput{CacheSubnetGroupName: cache.CacheClusters[0].CacheSubnetGroupName})
	if err != nil || aws.ToString(cacheGroup.CacheSubnetGroups[0].VpcId) != "vpc-0a" {
		t.Errorf("DescribeCacheSubnetGroups: %+v, %v", cacheGroup, err)
	}

	bob := ec2.NewFromConfig(sdk(t, s, "bob"))
	_, err = bob.DescribeSecurityGroups(ctx, nil)
	if api := (smithy.APIError)(nil); !errors.As(err, &api) || api.ErrorCode() != "UnauthorizedOperation" {
		t.Errorf("bob: %v", err)
	}
}

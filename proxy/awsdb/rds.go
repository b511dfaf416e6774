package awsdb

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"ssmguard/internal/awsapi"
)

// RDS finds a DB cluster, instance or proxy by its identifier or by one of its
// endpoints; a given endpoint is kept, so that a cluster's reader stays a reader. With
// reader, a cluster's reader endpoint is taken. Errors are *NotFoundError,
// *NoEndpointError or *CallError.
func RDS(ctx context.Context, cfg aws.Config, name string, reader bool) (Endpoint, error) {
	host, _, isAddress := SplitAddress(name)
	if isAddress {
		cfg = inRegionOf(cfg, host)
	}
	api := awsapi.RDS(cfg)
	clusters, instances, proxies := clusters(api), instances(api), proxies(api)
	var e entry
	var err error
	switch id, domain, _ := strings.Cut(host, "."); {
	case !isAddress:
		host = ""
		e, err = byName(ctx, []source{clusters, instances, proxies}, cfg.Region, name)
	case regionIn(host) == "":
		err = &NotFoundError{Name: host, Region: cfg.Region, Kinds: []string{"endpoint of RDS"}}
	case strings.HasPrefix(domain, "endpoint.proxy-"): // a further endpoint of a proxy, without the proxy's name
		err = &NotFoundError{Name: host, Region: cfg.Region, Kinds: []string{kindProxy}}
	case strings.HasPrefix(domain, "cluster-custom-"): // its name is not the cluster's
		e, err = byAddress(ctx, []source{clusters}, cfg.Region, host)
	case strings.HasPrefix(domain, "cluster-"):
		e, err = byName(ctx, []source{clusters}, cfg.Region, id)
	case strings.HasPrefix(domain, "proxy-"):
		e, err = byName(ctx, []source{proxies}, cfg.Region, id)
	default:
		e, err = byName(ctx, []source{instances}, cfg.Region, id)
	}
	if err != nil {
		return Endpoint{}, err
	}
	return e.at(host, reader)
}

// Databases lists the DB clusters, instances and proxies, as far as they may be listed.
func Databases(ctx context.Context, cfg aws.Config) []Endpoint {
	api := awsapi.RDS(cfg)
	return everything(ctx, []source{clusters(api), instances(api), proxies(api)})
}

// inRegionOf returns the configuration for the Region that is part of an RDS
// endpoint's name, or cfg for another name.
func inRegionOf(cfg aws.Config, host string) aws.Config {
	if region := regionIn(host); region != "" {
		cfg = cfg.Copy()
		cfg.Region = region
	}
	return cfg
}

// IsRDS reports whether a host has a name as RDS, DocumentDB and Neptune give it.
func IsRDS(host string) bool { return regionIn(canonical(host)) != "" }

// regionIn is the Region in the name of an endpoint of RDS, DocumentDB or Neptune, which
// one API lists; "" for another name. It is before the service's label, in China after it.
func regionIn(host string) string {
	for _, label := range []string{".rds.", ".docdb.", ".neptune."} {
		front, back, found := strings.Cut(host, label)
		if found && strings.HasPrefix(back, "amazonaws.com") {
			return front[strings.LastIndexByte(front, '.')+1:]
		}
		if region, domain, _ := strings.Cut(back, "."); strings.HasPrefix(domain, "amazonaws.com") {
			return region
		}
	}
	return ""
}

// The answers of RDS, as far as they are read.
type (
	dbClusters struct {
		Marker   string
		Clusters []struct {
			DBClusterIdentifier, DBClusterArn              string
			Endpoint, ReaderEndpoint, Engine, DatabaseName string
			MasterUsername, Status                         string
			CustomEndpoints                                []string `xml:"CustomEndpoints>member"`
			Port                                           int
			ResourceID                                     string   `xml:"DbClusterResourceId"`
			Groups                                         []string `xml:"VpcSecurityGroups>VpcSecurityGroupMembership>VpcSecurityGroupId"`
			SubnetGroup                                    string   `xml:"DBSubnetGroup"`
			NetworkType                                    string
			IAMAuth                                        bool `xml:"IAMDatabaseAuthenticationEnabled"`
		} `xml:"DBClusters>DBCluster"`
	}
	dbInstances struct {
		Marker    string
		Instances []struct {
			DBInstanceIdentifier, DBInstanceArn, DBClusterIdentifier string
			Engine, DBName, MasterUsername, DBInstanceStatus         string
			ResourceID                                               string `xml:"DbiResourceId"`
			Endpoint                                                 wireEndpoint
			Groups                                                   []string `xml:"VpcSecurityGroups>VpcSecurityGroupMembership>VpcSecurityGroupId"`
			VPC                                                      string   `xml:"DBSubnetGroup>VpcId"`
			Subnets                                                  []string `xml:"DBSubnetGroup>Subnets>Subnet>SubnetIdentifier"`
			NetworkType                                              string
			IAMAuth                                                  bool `xml:"IAMDatabaseAuthenticationEnabled"`
		} `xml:"DBInstances>DBInstance"`
	}
	dbProxies struct {
		Marker  string
		Proxies []struct {
			DBProxyName, DBProxyArn, Endpoint, EngineFamily, Status, DefaultAuthScheme string
			IAMAuth                                                                    []string `xml:"Auth>member>IAMAuth"`
			VPC                                                                        string   `xml:"VpcId"`
			Groups                                                                     []string `xml:"VpcSecurityGroupIds>member"`
			Subnets                                                                    []string `xml:"VpcSubnetIds>member"`
			EndpointNetworkType                                                        string
		} `xml:"DBProxies>member"`
	}
	// wireEndpoint is a host and a port as RDS and ElastiCache write them.
	wireEndpoint struct {
		Address string
		Port    int
	}
)

func (e wireEndpoint) address() address { return address{e.Address, e.Port} }

func clusters(api *awsapi.API) source {
	return source{kindCluster, func(ctx context.Context, id, from string) (all []entry, next string, err error) {
		out, err := awsapi.Call[dbClusters](ctx, api, "", "DescribeDBClusters", awsapi.Form{"DBClusterIdentifier": id, "Marker": from})
		if err != nil {
			return nil, "", err
		}
		for _, c := range out.Clusters {
			e := entry{Endpoint: Endpoint{
				Kind: kindCluster, Name: c.DBClusterIdentifier, Host: c.Endpoint, Port: c.Port, Engine: c.Engine, Database: c.DatabaseName,
				User: c.MasterUsername, IAMAuth: c.IAMAuth, Status: c.Status, ARN: c.DBClusterArn, ID: c.ResourceID,
				Network: Network{Groups: c.Groups, SubnetGroup: c.SubnetGroup, IPv6: isDual(c.NetworkType)},
			}, reader: address{c.ReaderEndpoint, c.Port}}
			for _, custom := range c.CustomEndpoints {
				e.more = append(e.more, address{custom, c.Port})
			}
			all = append(all, e)
		}
		return all, out.Marker, nil
	}}
}

func instances(api *awsapi.API) source {
	return source{kindInstance, func(ctx context.Context, id, from string) (all []entry, next string, err error) {
		out, err := awsapi.Call[dbInstances](ctx, api, "", "DescribeDBInstances", awsapi.Form{"DBInstanceIdentifier": id, "Marker": from})
		if err != nil {
			return nil, "", err
		}
		for _, i := range out.Instances {
			e := entry{Endpoint: Endpoint{
				Kind: kindInstance, Name: i.DBInstanceIdentifier, Host: i.Endpoint.Address, Port: i.Endpoint.Port, Engine: i.Engine, Database: i.DBName,
				User: i.MasterUsername, IAMAuth: i.IAMAuth, Status: i.DBInstanceStatus, ARN: i.DBInstanceArn,
				Network: Network{VPC: i.VPC, Groups: i.Groups, Subnets: i.Subnets, IPv6: isDual(i.NetworkType)},
			}}
			if i.DBClusterIdentifier == "" {
				e.ID = i.ResourceID
			}
			all = append(all, e)
		}
		return all, out.Marker, nil
	}}
}

// proxyPorts are the ports of proxies, which have no others, by engine family.
var proxyPorts = map[string]int{"MYSQL": 3306, "POSTGRESQL": 5432, "SQLSERVER": 1433}

func proxies(api *awsapi.API) source {
	return source{kindProxy, func(ctx context.Context, id, from string) (all []entry, next string, err error) {
		out, err := awsapi.Call[dbProxies](ctx, api, "", "DescribeDBProxies", awsapi.Form{"DBProxyName": id, "Marker": from})
		if err != nil {
			return nil, "", err
		}
		for _, p := range out.Proxies {
			all = append(all, entry{Endpoint: Endpoint{
				Kind: kindProxy, Name: p.DBProxyName, Host: p.Endpoint, Port: proxyPorts[p.EngineFamily], Engine: strings.ToLower(p.EngineFamily),
				Status: p.Status, ARN: p.DBProxyArn, ID: p.DBProxyArn[strings.LastIndexByte(p.DBProxyArn, ':')+1:],
				IAMAuth: p.DefaultAuthScheme == "IAM_AUTH" || slices.Contains(p.IAMAuth, "REQUIRED") || slices.Contains(p.IAMAuth, "ENABLED"),
				Network: Network{VPC: p.VPC, Groups: p.Groups, Subnets: p.Subnets, IPv6: isDual(p.EndpointNetworkType)},
			}})
		}
		return all, out.Marker, nil
	}}
}

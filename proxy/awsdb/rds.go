package awsdb

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
)

// RDS finds a DB cluster, instance or proxy by its identifier or by one of its
// endpoints; an endpoint that is given is kept, so that a cluster's reader stays
// a reader. With reader, a cluster's reader endpoint is taken. Errors are
// *NotFoundError, *NoEndpointError or *CallError.
func RDS(ctx context.Context, cfg aws.Config, name string, reader bool) (Endpoint, error) {
	host, _, isAddress := SplitAddress(name)
	if isAddress {
		cfg = inRegionOf(cfg, host)
	}
	api := rds.NewFromConfig(cfg)
	clusters, instances, proxies := clusters(api), instances(api), proxies(api)
	var e entry
	var err error
	switch id, domain, _ := strings.Cut(host, "."); {
	case !isAddress:
		host = ""
		e, err = byName(ctx, []source{clusters, instances, proxies}, cfg.Region, name)
	case regionIn(host) == "":
		err = &NotFoundError{Name: host, Region: cfg.Region, Kinds: []string{"endpoint of RDS"}}
	case strings.HasPrefix(domain, "endpoint.proxy-"): // one more of a proxy, whose name is not in it
		err = &NotFoundError{Name: host, Region: cfg.Region, Kinds: []string{kindProxy}}
	case strings.HasPrefix(domain, "cluster-custom-"): // named apart from its cluster
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
	api := rds.NewFromConfig(cfg)
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

// regionIn is the Region in the name of an RDS endpoint, "" for another name. It
// stands in front of "rds", in China behind it.
func regionIn(host string) string {
	front, back, _ := strings.Cut(host, ".rds.")
	if strings.HasPrefix(back, "amazonaws.com") {
		return front[strings.LastIndexByte(front, '.')+1:]
	}
	if region, domain, _ := strings.Cut(back, "."); strings.HasPrefix(domain, "amazonaws.com") {
		return region
	}
	return ""
}

// named is an identifier as an input has it, nil for all.
func named(id string) *string {
	if id == "" {
		return nil
	}
	return &id
}

func clusters(api *rds.Client) source {
	return source{kindCluster, func(ctx context.Context, id string, from *string) ([]entry, *string, error) {
		out, err := api.DescribeDBClusters(ctx, &rds.DescribeDBClustersInput{DBClusterIdentifier: named(id), Marker: from})
		if err != nil {
			return nil, nil, err
		}
		var all []entry
		for _, c := range out.DBClusters {
			port := int(aws.ToInt32(c.Port))
			e := entry{Endpoint: Endpoint{
				Kind: kindCluster, Name: aws.ToString(c.DBClusterIdentifier), Host: aws.ToString(c.Endpoint), Port: port,
				Engine: aws.ToString(c.Engine), Database: aws.ToString(c.DatabaseName), User: aws.ToString(c.MasterUsername),
				IAMAuth: aws.ToBool(c.IAMDatabaseAuthenticationEnabled), Status: aws.ToString(c.Status),
				ARN: aws.ToString(c.DBClusterArn), ID: aws.ToString(c.DbClusterResourceId),
			}, reader: address{aws.ToString(c.ReaderEndpoint), port}}
			for _, custom := range c.CustomEndpoints {
				e.more = append(e.more, address{custom, port})
			}
			all = append(all, e)
		}
		return all, out.Marker, nil
	}}
}

func instances(api *rds.Client) source {
	return source{kindInstance, func(ctx context.Context, id string, from *string) ([]entry, *string, error) {
		out, err := api.DescribeDBInstances(ctx, &rds.DescribeDBInstancesInput{DBInstanceIdentifier: named(id), Marker: from})
		if err != nil {
			return nil, nil, err
		}
		var all []entry
		for _, i := range out.DBInstances {
			e := entry{Endpoint: Endpoint{
				Kind: kindInstance, Name: aws.ToString(i.DBInstanceIdentifier), Engine: aws.ToString(i.Engine), Database: aws.ToString(i.DBName),
				User: aws.ToString(i.MasterUsername), IAMAuth: aws.ToBool(i.IAMDatabaseAuthenticationEnabled), Status: aws.ToString(i.DBInstanceStatus),
				ARN: aws.ToString(i.DBInstanceArn),
			}}
			if aws.ToString(i.DBClusterIdentifier) == "" {
				e.ID = aws.ToString(i.DbiResourceId)
			}
			if i.Endpoint != nil {
				e.Host, e.Port = aws.ToString(i.Endpoint.Address), int(aws.ToInt32(i.Endpoint.Port))
			}
			all = append(all, e)
		}
		return all, out.Marker, nil
	}}
}

// proxyPorts are the ports of proxies, which have no others, by engine family.
var proxyPorts = map[string]int{"MYSQL": 3306, "POSTGRESQL": 5432, "SQLSERVER": 1433}

func proxies(api *rds.Client) source {
	return source{kindProxy, func(ctx context.Context, id string, from *string) ([]entry, *string, error) {
		out, err := api.DescribeDBProxies(ctx, &rds.DescribeDBProxiesInput{DBProxyName: named(id), Marker: from})
		if err != nil {
			return nil, nil, err
		}
		var all []entry
		for _, p := range out.DBProxies {
			family := aws.ToString(p.EngineFamily)
			e := entry{Endpoint: Endpoint{
				Kind: kindProxy, Name: aws.ToString(p.DBProxyName), Host: aws.ToString(p.Endpoint), Port: proxyPorts[family],
				Engine: strings.ToLower(family), Status: string(p.Status), ARN: aws.ToString(p.DBProxyArn),
			}}
			e.ID = e.ARN[strings.LastIndexByte(e.ARN, ':')+1:]
			for _, a := range p.Auth {
				e.IAMAuth = e.IAMAuth || a.IAMAuth == "REQUIRED" || a.IAMAuth == "ENABLED"
			}
			e.IAMAuth = e.IAMAuth || aws.ToString(p.DefaultAuthScheme) == "IAM_AUTH"
			all = append(all, e)
		}
		return all, out.Marker, nil
	}}
}

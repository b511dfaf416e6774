package databases

import (
	"net"
	"net/http"
	"slices"

	"ssmguard/internal/sandbox/api"
	"ssmguard/internal/sandbox/world"
)

// membershipsXML are the security groups of a DB instance or DB cluster.
type membershipsXML struct {
	Membership []membershipXML `xml:"VpcSecurityGroupMembership"`
}

type membershipXML struct {
	ID     string `xml:"VpcSecurityGroupId"`
	Status string
}

func memberships(p world.Place) (x membershipsXML) {
	for _, id := range p.Groups {
		x.Membership = append(x.Membership, membershipXML{id, "active"})
	}
	return x
}

type zoneXML struct{ Name string }

type subnetXML struct {
	ID     string  `xml:"SubnetIdentifier"`
	Zone   zoneXML `xml:"SubnetAvailabilityZone"`
	Status string  `xml:"SubnetStatus,omitempty"` // of RDS
}

type dbSubnetGroupXML struct {
	Name        string                       `xml:"DBSubnetGroupName"`
	Description string                       `xml:"DBSubnetGroupDescription"`
	VPC         string                       `xml:"VpcId"`
	Status      string                       `xml:"SubnetGroupStatus"`
	Subnets     struct{ Subnet []subnetXML } `xml:"Subnets"`
}

// subnetGroupName is the name of a database's or cache's subnet group: each has one of its own.
func subnetGroupName(name string) string { return name + "-subnets" }

func vpcOf(c *api.Request, p world.Place) string {
	for _, id := range p.Subnets {
		if s := c.World.Subnets.Named(id); s != nil {
			return s.VPC
		}
	}
	return ""
}

func subnetsOf(c *api.Request, p world.Place, status string) (all []subnetXML) {
	for _, id := range p.Subnets {
		all = append(all, subnetXML{id, zoneXML{c.Region + "a"}, status})
	}
	return all
}

// dbSubnetGroup is the subnet group of a database, nil for one that the world puts nowhere.
func dbSubnetGroup(c *api.Request, p world.Place, name string) *dbSubnetGroupXML {
	if len(p.Subnets) == 0 {
		return nil
	}
	g := &dbSubnetGroupXML{Name: subnetGroupName(name), Description: name, VPC: vpcOf(c, p), Status: "Complete"}
	g.Subnets.Subnet = subnetsOf(c, p, "Active")
	return g
}

// DBSubnetGroupsAnswer is the answer of DescribeDBSubnetGroups.
type DBSubnetGroupsAnswer struct {
	DBSubnetGroups struct{ DBSubnetGroup []dbSubnetGroupXML }
	Marker         string `xml:",omitempty"`
}

// group is a subnet group, with the database or cache that is in it.
type group struct {
	of, region string
	place      world.Place
}

func storedGroup(g group) stored { return stored{name: subnetGroupName(g.of), region: g.region} }

// The describe calls of subnet groups; see the service authorization reference for the
// resources.
var (
	dbSubnetGroups = catalog[group]{
		stored: storedGroup, action: "rds:DescribeDBSubnetGroups", kind: "subgrp", name: "DBSubnetGroupName", label: "DBSubnetGroupName",
		size: "MaxRecords", token: "Marker", standard: 100, tooMany: rdsTooMany,
		missing: api.Refusal{Code: "DBSubnetGroupNotFoundFault", Message: "DB subnet group '%s' does not exist.", Status: http.StatusNotFound},
	}
	cacheSubnetGroups = catalog[group]{
		stored: storedGroup, action: "elasticache:DescribeCacheSubnetGroups", kind: "subnetgroup", name: "CacheSubnetGroupName", label: "CacheSubnetGroupName",
		size: "MaxRecords", token: "Marker", standard: 100, tooMany: cachesTooMany,
		missing: api.Refusal{Code: "CacheSubnetGroupNotFoundFault", Message: "Cache Subnet Group %s does not exist.", Status: http.StatusBadRequest},
	}
)

func describeDBSubnetGroups(c *api.Request) (any, error) {
	var all []group
	for _, d := range c.World.Databases {
		if d.Kind != world.DBProxy && d.Cluster == "" && len(d.Subnets) > 0 {
			all = append(all, group{d.Name, d.Region, d.Place})
		}
	}
	part, marker, err := dbSubnetGroups.answer(c, all, every[group])
	if err != nil {
		return nil, err
	}
	a := DBSubnetGroupsAnswer{Marker: marker}
	for _, g := range part {
		a.DBSubnetGroups.DBSubnetGroup = append(a.DBSubnetGroups.DBSubnetGroup, *dbSubnetGroup(c, g.place, g.of))
	}
	return a, nil
}

type cacheSubnetGroupXML struct {
	Name        string                       `xml:"CacheSubnetGroupName"`
	Description string                       `xml:"CacheSubnetGroupDescription"`
	VPC         string                       `xml:"VpcId"`
	Subnets     struct{ Subnet []subnetXML } `xml:"Subnets"`
}

// CacheSubnetGroupsAnswer is the answer of DescribeCacheSubnetGroups.
type CacheSubnetGroupsAnswer struct {
	CacheSubnetGroups struct{ CacheSubnetGroup []cacheSubnetGroupXML }
	Marker            string `xml:",omitempty"`
}

func describeCacheSubnetGroups(c *api.Request) (any, error) {
	var all []group
	for _, k := range c.World.Caches {
		if k.Kind != world.CacheServerless && len(k.Subnets) > 0 {
			all = append(all, group{k.Name, k.Region, k.Place})
		}
	}
	part, marker, err := cacheSubnetGroups.answer(c, all, every[group])
	if err != nil {
		return nil, err
	}
	a := CacheSubnetGroupsAnswer{Marker: marker}
	for _, g := range part {
		x := cacheSubnetGroupXML{Name: subnetGroupName(g.of), Description: g.of, VPC: vpcOf(c, g.place)}
		x.Subnets.Subnet = subnetsOf(c, g.place, "")
		a.CacheSubnetGroups.CacheSubnetGroup = append(a.CacheSubnetGroups.CacheSubnetGroup, x)
	}
	return a, nil
}

// cacheMembershipXML is a security group as a cache has it.
type cacheMembershipXML struct {
	ID     string `xml:"SecurityGroupId"`
	Status string
}

func cacheMemberships(p world.Place) (all []cacheMembershipXML) {
	for _, id := range p.Groups {
		all = append(all, cacheMembershipXML{id, "active"})
	}
	return all
}

// At returns where a database or a cache is that has an endpoint with a host, and whether
// there is one.
func At(w world.World, host string) (world.Place, bool) {
	if whole, err := Complete(w); err == nil {
		w = whole
	}
	for _, d := range w.Databases {
		if slices.ContainsFunc(DatabaseAddresses(w, d), isHost(host)) {
			return d.Place, true
		}
	}
	for _, k := range w.Caches {
		if slices.ContainsFunc(CacheAddresses(w, k), isHost(host)) {
			return k.Place, true
		}
	}
	return world.Place{}, false
}

func isHost(host string) func(string) bool {
	return func(address string) bool {
		h, _, err := net.SplitHostPort(address)
		return err == nil && h == host
	}
}

package network

import (
	"slices"
	"strings"

	"ssmguard/internal/sandbox/api"
	"ssmguard/internal/sandbox/world"
)

// Operations are the operations of EC2 about networks.
var Operations = map[string]api.Handler{
	"DescribeSecurityGroups":      describeSecurityGroups,
	"DescribeSubnets":             describeSubnets,
	"GetManagedPrefixListEntries": prefixListEntries,
}

type groupPair struct {
	UserID string `xml:"userId"`
	ID     string `xml:"groupId"`
}

type ipRange struct {
	CIDR string `xml:"cidrIp"`
}

type ipv6Range struct {
	CIDR string `xml:"cidrIpv6"`
}

type listID struct {
	ID string `xml:"prefixListId"`
}

// permission is a rule; one about all protocols has no ports.
type permission struct {
	Protocol string      `xml:"ipProtocol"`
	From     *int        `xml:"fromPort"`
	To       *int        `xml:"toPort"`
	Groups   []groupPair `xml:"groups>item"`
	Ranges   []ipRange   `xml:"ipRanges>item"`
	IPv6     []ipv6Range `xml:"ipv6Ranges>item"`
	Lists    []listID    `xml:"prefixListIds>item"`
}

type securityGroup struct {
	OwnerID     string       `xml:"ownerId"`
	ID          string       `xml:"groupId"`
	Name        string       `xml:"groupName"`
	Description string       `xml:"groupDescription"`
	VPC         string       `xml:"vpcId"`
	Ingress     []permission `xml:"ipPermissions>item"`
	Egress      []permission `xml:"ipPermissionsEgress>item"`
}

type securityGroupsAnswer struct {
	RequestID string          `xml:"requestId"`
	Groups    []securityGroup `xml:"securityGroupInfo>item"`
	NextToken string          `xml:"nextToken,omitempty"`
}

// permissions writes rules as EC2 does.
func permissions(c *api.Request, rules []world.GroupRule) (all []permission) {
	for _, r := range rules {
		p := permission{Protocol: api.OrElse(r.Protocol, "tcp")}
		if p.Protocol != world.AnyProtocol {
			from, to := r.Port, r.LastPort()
			p.From, p.To = &from, &to
		}
		for _, id := range r.Groups {
			p.Groups = append(p.Groups, groupPair{c.World.Account, id})
		}
		for _, block := range r.CIDRs {
			if strings.Contains(block, ":") {
				p.IPv6 = append(p.IPv6, ipv6Range{block})
			} else {
				p.Ranges = append(p.Ranges, ipRange{block})
			}
		}
		for _, id := range r.Lists {
			p.Lists = append(p.Lists, listID{id})
		}
		all = append(all, p)
	}
	return all
}

// chosen are the things that a describe call is about: those with its ids, or all, that its
// filters let through. missing is the error for an id that is not there, which is %s in it.
func chosen[T any](c *api.Request, all []T, key string, id func(T) string, fields map[string]func(T) string, missing api.Refusal) ([]T, error) {
	if ids := c.List(key + ".%d"); len(ids) > 0 {
		var named []T
		for _, wanted := range ids {
			at := slices.IndexFunc(all, func(t T) bool { return id(t) == wanted })
			if at < 0 {
				missing.Message = strings.ReplaceAll(missing.Message, "%s", wanted)
				return nil, &missing
			}
			named = append(named, all[at])
		}
		all = named
	}
	filters, err := c.Filters()
	if err != nil {
		return nil, err
	}
	all = slices.Clone(all)
	for _, f := range filters {
		read := fields[f.Name]
		if read == nil {
			return nil, api.Refuse("InvalidParameterValue", "The filter '%s' is invalid", f.Name)
		}
		all = slices.DeleteFunc(all, func(t T) bool { return !f.Matches(read(t)) })
	}
	return all, nil
}

// page returns the page of a call.
func page[T any](c *api.Request, all []T) (part []T, next string, err error) {
	part, next, ok := api.Page(all, c.Form.Get("NextToken"), api.PageSize(c.Number("MaxResults"), 1000, 1000))
	if !ok {
		return nil, "", api.Refuse("InvalidNextToken", "The token '%s' is invalid", c.Form.Get("NextToken"))
	}
	return part, next, nil
}

var groupFields = map[string]func(world.SecurityGroup) string{
	"group-id":   func(g world.SecurityGroup) string { return g.ID },
	"group-name": func(g world.SecurityGroup) string { return g.Name },
	"vpc-id":     func(g world.SecurityGroup) string { return g.VPC },
}

// describeSecurityGroups has no resource-level permissions. See
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSecurityGroups.html
func describeSecurityGroups(c *api.Request) (any, error) {
	if err := c.Authorize("ec2:DescribeSecurityGroups", api.Anything); err != nil {
		return nil, err
	}
	all, err := chosen(c, here(c, c.World.SecurityGroups), "GroupId", func(g world.SecurityGroup) string { return g.ID }, groupFields,
		api.Refusal{Code: "InvalidGroup.NotFound", Message: "The security group '%s' does not exist"})
	if err != nil {
		return nil, err
	}
	part, next, err := page(c, all)
	if err != nil {
		return nil, err
	}
	a := securityGroupsAnswer{RequestID: c.ID, NextToken: next}
	for _, g := range part {
		a.Groups = append(a.Groups, securityGroup{c.World.Account, g.ID, g.Name, g.Name, g.VPC, permissions(c, g.Ingress), permissions(c, g.Egress)})
	}
	return a, nil
}

// here are the things of a world's network that are in the region of a call: a world has one
// network, in its home region.
func here[T any](c *api.Request, all []T) []T {
	if c.Region != c.World.Region {
		return nil
	}
	return all
}

type ipv6Association struct {
	CIDR  string `xml:"ipv6CidrBlock"`
	State string `xml:"ipv6CidrBlockState>state"`
}

type subnet struct {
	ID    string            `xml:"subnetId"`
	State string            `xml:"state"`
	VPC   string            `xml:"vpcId"`
	CIDR  string            `xml:"cidrBlock"`
	IPv6  []ipv6Association `xml:"ipv6CidrBlockAssociationSet>item"`
	Zone  string            `xml:"availabilityZone"`
}

type subnetsAnswer struct {
	RequestID string   `xml:"requestId"`
	Subnets   []subnet `xml:"subnetSet>item"`
	NextToken string   `xml:"nextToken,omitempty"`
}

var subnetFields = map[string]func(world.Subnet) string{
	"subnet-id": func(s world.Subnet) string { return s.ID },
	"vpc-id":    func(s world.Subnet) string { return s.VPC },
}

func describeSubnets(c *api.Request) (any, error) {
	if err := c.Authorize("ec2:DescribeSubnets", api.Anything); err != nil {
		return nil, err
	}
	all, err := chosen(c, here(c, c.World.Subnets), "SubnetId", func(s world.Subnet) string { return s.ID }, subnetFields,
		api.Refusal{Code: "InvalidSubnetID.NotFound", Message: "The subnet ID '%s' does not exist"})
	if err != nil {
		return nil, err
	}
	part, next, err := page(c, all)
	if err != nil {
		return nil, err
	}
	a := subnetsAnswer{RequestID: c.ID, NextToken: next}
	for _, s := range part {
		x := subnet{ID: s.ID, State: "available", VPC: s.VPC, CIDR: s.CIDR, Zone: c.Region + "a"}
		if s.IPv6 != "" {
			x.IPv6 = []ipv6Association{{s.IPv6, "associated"}}
		}
		a.Subnets = append(a.Subnets, x)
	}
	return a, nil
}

type prefixListEntry struct {
	CIDR string `xml:"cidr"`
}

type entriesAnswer struct {
	RequestID string            `xml:"requestId"`
	Entries   []prefixListEntry `xml:"entrySet>item"`
	NextToken string            `xml:"nextToken,omitempty"`
}

// prefixListEntries is authorized on the prefix list. See
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_GetManagedPrefixListEntries.html
func prefixListEntries(c *api.Request) (any, error) {
	id := c.Form.Get("PrefixListId")
	if err := c.Authorize("ec2:GetManagedPrefixListEntries", api.Object{ARN: c.ARN("ec2", c.Region, "prefix-list/"+id)}); err != nil {
		return nil, err
	}
	var list *world.PrefixList
	if c.Region == c.World.Region {
		list = c.World.PrefixLists.Named(id)
	}
	if list == nil {
		return nil, api.Refuse("InvalidPrefixListID.NotFound", "The prefix list ID '%s' does not exist", id)
	}
	part, next, err := page(c, list.CIDRs)
	if err != nil {
		return nil, err
	}
	a := entriesAnswer{RequestID: c.ID, NextToken: next}
	for _, block := range part {
		a.Entries = append(a.Entries, prefixListEntry{block})
	}
	return a, nil
}

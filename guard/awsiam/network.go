package awsiam

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"ssmguard/guard/route"
	"ssmguard/internal/awsapi"
)

// The calls of EC2 about networks, as IAM names them.
const (
	GroupsPermission   = "ec2:DescribeSecurityGroups"
	SubnetsPermission  = "ec2:DescribeSubnets"
	ListPermission     = "ec2:GetManagedPrefixListEntries"
	InstancePermission = "ec2:DescribeInstances"
	StartPermission    = "ec2:StartInstances"
)

// The answers of EC2 about networks, as far as they are read.
type (
	securityGroups struct {
		NextToken string          `xml:"nextToken"`
		Groups    []securityGroup `xml:"securityGroupInfo>item"`
	}
	securityGroup struct {
		ID      string         `xml:"groupId"`
		Name    string         `xml:"groupName"`
		VPC     string         `xml:"vpcId"`
		Ingress []ipPermission `xml:"ipPermissions>item"`
		Egress  []ipPermission `xml:"ipPermissionsEgress>item"`
	}
	ipPermission struct {
		Protocol string         `xml:"ipProtocol"`
		From     int            `xml:"fromPort"`
		To       int            `xml:"toPort"`
		Groups   []string       `xml:"groups>item>groupId"`
		IPv4     []netip.Prefix `xml:"ipRanges>item>cidrIp"`
		IPv6     []netip.Prefix `xml:"ipv6Ranges>item>cidrIpv6"`
		Lists    []string       `xml:"prefixListIds>item>prefixListId"`
	}
	subnets struct {
		NextToken string `xml:"nextToken"`
		Subnets   []struct {
			IPv4 netip.Prefix   `xml:"cidrBlock"`
			IPv6 []netip.Prefix `xml:"ipv6CidrBlockAssociationSet>item>ipv6CidrBlock"`
		} `xml:"subnetSet>item"`
	}
	listEntries struct {
		NextToken string         `xml:"nextToken"`
		Entries   []netip.Prefix `xml:"entrySet>item>cidr"`
	}
	// networkInterface is an interface of an instance; sessions of an instance go out by
	// its primary one, whose index is 0.
	networkInterface struct {
		Index   int          `xml:"attachment>deviceIndex"`
		Private netip.Addr   `xml:"privateIpAddress"`
		IPv6    []netip.Addr `xml:"ipv6AddressesSet>item>ipv6Address"`
		Groups  []string     `xml:"groupSet>item>groupId"`
		VPC     string       `xml:"vpcId"`
	}
)

// rules returns the rules of permissions.
func rules(all []ipPermission) (out []route.Rule) {
	for _, p := range all {
		out = append(out, route.Rule{Protocol: p.Protocol, From: p.From, To: p.To, Prefixes: slices.Concat(p.IPv4, p.IPv6), References: p.Groups, Lists: p.Lists})
	}
	return out
}

// end returns the instance as an end of a way. One without a VPC in EC2's answer has none.
func (i instance) end() route.End {
	e := route.End{ID: i.ID, Name: tagMap(i.Tags)["Name"]}
	for _, n := range i.Interfaces {
		if n.Index != 0 {
			continue
		}
		e.VPC, e.Groups, e.IPv6 = n.VPC, n.Groups, len(n.IPv6) > 0
		e.Addresses = slices.DeleteFunc(append([]netip.Addr{n.Private}, n.IPv6...), func(a netip.Addr) bool { return !a.IsValid() })
	}
	return e
}

// End returns an instance as the end of a way; ok is false if there is no such instance.
func (c nodeReader) End(ctx context.Context, region, id string) (e route.End, ok bool, err error) {
	out, err := call[instances](ctx, c.connection, region, InstancePermission, awsapi.Form{"InstanceId.1": id})
	if KindOf(err) == KindNotFound || err == nil && len(out.Instances) == 0 {
		return route.End{ID: id}, false, nil
	}
	if err != nil {
		return route.End{ID: id}, false, err
	}
	return out.Instances[0].end(), true, nil
}

// Placed is a node with its place in the network.
type Placed struct {
	Node
	End route.End
}

// NodesIn lists the instances of a VPC, with what Systems Manager says of their agents; that
// is missing, Ping is "", if it does not tell, and the error says why.
func (c nodeReader) NodesIn(ctx context.Context, region, vpc string) (placed []Placed, err error) {
	var managed []Node
	var ec2Err, ssmErr error
	together(
		func() { placed, ec2Err = c.placedIn(ctx, region, vpc) },
		func() { managed, ssmErr = c.ssmNodes(ctx, region, query{}) },
	)
	if ec2Err != nil {
		return nil, ec2Err
	}
	for i := range placed {
		for _, m := range managed {
			if m.ID == placed[i].ID {
				placed[i].Ping = m.Ping
			}
		}
	}
	slices.SortFunc(placed, func(a, b Placed) int { return compareNodes(a.Node, b.Node) })
	return placed, ssmErr
}

func (c nodeReader) placedIn(ctx context.Context, region, vpc string) (placed []Placed, err error) {
	err = c.eachInstance(ctx, region, filter{"vpc-id", []string{vpc}}, func(i instance) {
		placed = append(placed, Placed{i.node(), i.end()})
	})
	return placed, err
}

// SecurityGroups reads security groups by their ids.
func (c nodeReader) SecurityGroups(ctx context.Context, region string, ids []string) (map[string]route.Group, error) {
	all := make(map[string]route.Group)
	form := numbered("GroupId", ids)
	for range maxPages {
		out, err := call[securityGroups](ctx, c.connection, region, GroupsPermission, form)
		if err != nil {
			return all, err
		}
		for _, g := range out.Groups {
			all[g.ID] = route.Group{ID: g.ID, Name: g.Name, VPC: g.VPC, Ingress: rules(g.Ingress), Egress: rules(g.Egress)}
		}
		if out.NextToken == "" {
			break
		}
		form["NextToken"] = out.NextToken
	}
	return all, nil
}

// Networks reads the networks of subnets by their ids.
func (c nodeReader) Networks(ctx context.Context, region string, ids []string) (all []netip.Prefix, err error) {
	out, err := call[subnets](ctx, c.connection, region, SubnetsPermission, numbered("SubnetId", ids))
	if err != nil {
		return nil, err
	}
	for _, s := range out.Subnets {
		if s.IPv4.IsValid() {
			all = append(all, s.IPv4)
		}
		all = append(all, s.IPv6...)
	}
	return all, nil
}

// PrefixList reads the entries of a prefix list.
func (c nodeReader) PrefixList(ctx context.Context, region, id string) (all []netip.Prefix, err error) {
	form := awsapi.Form{"PrefixListId": id}
	for range maxPages {
		out, err := call[listEntries](ctx, c.connection, region, ListPermission, form)
		if err != nil {
			return nil, err
		}
		all = append(all, out.Entries...)
		if out.NextToken == "" {
			break
		}
		form["NextToken"] = out.NextToken
	}
	return all, nil
}

// State returns the state of an instance, "" if there is none, and what Systems Manager says
// of its agent.
func (c nodeReader) State(ctx context.Context, region, id string) (state, ping string, err error) {
	out, err := call[instances](ctx, c.connection, region, InstancePermission, awsapi.Form{"InstanceId.1": id})
	if KindOf(err) == KindNotFound || err == nil && len(out.Instances) == 0 {
		return "", "", nil
	}
	if err != nil {
		return "", "", err
	}
	known, err := call[registrations](ctx, c.connection, region, "ssm:DescribeInstanceInformation",
		map[string]any{"Filters": []filter{{Key: "InstanceIds", Values: []string{id}}}})
	if err == nil {
		for _, i := range known.InstanceInformationList {
			if i.ID == id {
				ping = i.PingStatus
			}
		}
	}
	if KindOf(err) == KindNotFound {
		err = nil // it has not registered yet
	}
	return out.Instances[0].State, ping, err
}

// StartInstance starts a stopped instance. It is the only call of this package that changes
// anything, and is made only for a user who has asked for it.
func (c nodeReader) StartInstance(ctx context.Context, region, id string) error {
	_, err := call[struct{}](ctx, c.connection, region, StartPermission, awsapi.Form{"InstanceId.1": id})
	return err
}

// numbered is a list as the query protocols have it.
func numbered(name string, values []string) awsapi.Form {
	form := awsapi.Form{}
	for i, v := range values {
		form[fmt.Sprintf("%s.%d", name, i+1)] = v
	}
	return form
}

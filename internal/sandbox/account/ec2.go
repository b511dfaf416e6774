package account

import (
	"regexp"
	"slices"
	"strings"
	"sync"

	"ssmguard/internal/sandbox/api"
	"ssmguard/internal/sandbox/world"
)

var ec2Operations = map[string]api.Handler{
	"DescribeInstances": describeInstances,
	"DescribeTags":      describeTags,
	"DescribeRegions":   describeRegions,
	"StartInstances":    startInstances,
}

type ec2Tag struct {
	Key   string `xml:"key"`
	Value string `xml:"value"`
}

type ec2Profile struct {
	Arn string `xml:"arn"`
	ID  string `xml:"id"`
}

type ec2State struct {
	Code int    `xml:"code"`
	Name string `xml:"name"`
}

type ec2Instance struct {
	InstanceID       string         `xml:"instanceId"`
	ImageID          string         `xml:"imageId"`
	State            ec2State       `xml:"instanceState"`
	PrivateDNSName   string         `xml:"privateDnsName"`
	PrivateIPAddress string         `xml:"privateIpAddress,omitempty"`
	InstanceType     string         `xml:"instanceType"`
	Zone             string         `xml:"placement>availabilityZone"`
	Platform         string         `xml:"platform,omitempty"`
	Profile          *ec2Profile    `xml:"iamInstanceProfile,omitempty"`
	Tags             []ec2Tag       `xml:"tagSet>item"`
	SubnetID         string         `xml:"subnetId,omitempty"`
	VPC              string         `xml:"vpcId,omitempty"`
	Groups           []ec2Group     `xml:"groupSet>item"`
	Interfaces       []ec2Interface `xml:"networkInterfaceSet>item"`
}

type ec2Group struct {
	ID   string `xml:"groupId"`
	Name string `xml:"groupName"`
}

// ec2Interface is the one network interface of an instance that is in a subnet.
type ec2Interface struct {
	SubnetID  string     `xml:"subnetId"`
	VPC       string     `xml:"vpcId"`
	PrivateIP string     `xml:"privateIpAddress"`
	IPv6      []string   `xml:"ipv6AddressesSet>item>ipv6Address"`
	Groups    []ec2Group `xml:"groupSet>item"`
	Index     int        `xml:"attachment>deviceIndex"`
}

type ec2Reservation struct {
	ReservationID string        `xml:"reservationId"`
	OwnerID       string        `xml:"ownerId"`
	Instances     []ec2Instance `xml:"instancesSet>item"`
}

type describeInstancesAnswer struct {
	RequestID    string           `xml:"requestId"`
	Reservations []ec2Reservation `xml:"reservationSet>item"`
	NextToken    string           `xml:"nextToken,omitempty"`
}

var stateCodes = map[string]int{"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}

var instanceIDForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^i-([0-9a-f]{8}|[0-9a-f]{17})$`) })

// instances are the EC2 instances of the account in the region of the call.
func instances(c *api.Request) []world.Node {
	return slices.DeleteFunc(slices.Clone(c.World.Nodes), func(n world.Node) bool {
		return !strings.HasPrefix(n.ID, "i-") || !holds(c, n)
	})
}

// holds reports whether a node belongs to the account and the region of the call.
func holds(c *api.Request, n world.Node) bool {
	return api.OrElse(n.Account, c.World.Account) == c.World.Account && api.OrElse(n.Region, c.World.Region) == c.Region
}

func describeInstances(c *api.Request) (any, error) {
	if err := c.Authorize("ec2:DescribeInstances", api.Anything); err != nil {
		return nil, err
	}
	all := instances(c)
	if ids := c.List("InstanceId.%d"); len(ids) > 0 {
		for _, id := range ids {
			if !instanceIDForm().MatchString(id) {
				return nil, api.Refuse("InvalidInstanceID.Malformed", "Invalid id: %q", id)
			}
			if !slices.ContainsFunc(all, func(n world.Node) bool { return n.ID == id }) {
				return nil, api.Refuse("InvalidInstanceID.NotFound", "The instance ID '%s' does not exist", id)
			}
		}
		all = slices.DeleteFunc(all, func(n world.Node) bool { return !slices.Contains(ids, n.ID) })
	}
	filters, err := c.Filters()
	if err != nil {
		return nil, err
	}
	for _, f := range filters {
		if f.Name == "vpc-id" {
			all = slices.DeleteFunc(all, func(n world.Node) bool { return !f.Matches(vpcOf(c.World, n)) })
			continue
		}
		if !knownFilter(f) {
			return nil, api.Refuse("InvalidParameterValue", "The filter '%s' is invalid", f.Name)
		}
		all = slices.DeleteFunc(all, func(n world.Node) bool { return !holdsFilter(f, n) })
	}
	part, next, ok := api.Page(all, c.Form.Get("NextToken"), api.PageSize(c.Number("MaxResults"), 1000, 1000))
	if !ok {
		return nil, api.Refuse("InvalidNextToken", "The token '%s' is invalid", c.Form.Get("NextToken"))
	}
	a := describeInstancesAnswer{RequestID: c.ID, NextToken: next}
	for _, n := range part {
		a.Reservations = append(a.Reservations, ec2Reservation{"r-" + strings.TrimPrefix(n.ID, "i-"), c.World.Account, []ec2Instance{instance(c, n)}})
		settle(c, n.ID)
	}
	return a, nil
}

func instance(c *api.Request, n world.Node) ec2Instance {
	state := api.OrElse(n.State, "running")
	x := ec2Instance{
		InstanceID: n.ID, ImageID: "ami-0123456789abcdef0", State: ec2State{stateCodes[state], state}, InstanceType: "t3.micro",
		PrivateDNSName: privateDNS(n, c.Region), PrivateIPAddress: n.PrivateIP, Zone: c.Region + "a",
	}
	if strings.EqualFold(n.Platform, "windows") {
		x.Platform = "windows"
	}
	if subnet := c.World.Subnets.Named(n.Subnet); subnet != nil {
		x.SubnetID, x.VPC, x.Groups = subnet.ID, subnet.VPC, groupsOf(c, n)
		i := ec2Interface{SubnetID: subnet.ID, VPC: subnet.VPC, PrivateIP: n.PrivateIP, Groups: x.Groups}
		if n.IPv6 != "" {
			i.IPv6 = []string{n.IPv6}
		}
		x.Interfaces = []ec2Interface{i}
	}
	if n.Profile != "" {
		x.Profile = &ec2Profile{c.IAMARN("instance-profile/" + n.Profile), api.MadeUpID("AIPA", n.Profile)}
	}
	for _, k := range api.SortedKeys(n.Tags) {
		x.Tags = append(x.Tags, ec2Tag{k, n.Tags[k]})
	}
	return x
}

// groupsOf are the security groups of a node.
func groupsOf(c *api.Request, n world.Node) (all []ec2Group) {
	for _, id := range n.Groups {
		name := ""
		if g := c.World.SecurityGroups.Named(id); g != nil {
			name = g.Name
		}
		all = append(all, ec2Group{id, name})
	}
	return all
}

// vpcOf is the VPC of a node, "" if the world does not say.
func vpcOf(w world.World, n world.Node) string {
	if subnet := w.Subnets.Named(n.Subnet); subnet != nil {
		return subnet.VPC
	}
	return ""
}

// privateDNS is the node's name within its VPC.
func privateDNS(n world.Node, region string) string {
	if n.PrivateDNS != "" || n.PrivateIP == "" {
		return n.PrivateDNS
	}
	return "ip-" + strings.ReplaceAll(n.PrivateIP, ".", "-") + "." + region + ".compute.internal"
}

var instanceFilters = map[string]func(world.Node) string{
	"instance-id":         func(n world.Node) string { return n.ID },
	"private-ip-address":  func(n world.Node) string { return n.PrivateIP },
	"private-dns-name":    func(n world.Node) string { return privateDNS(n, n.Region) },
	"instance-state-name": func(n world.Node) string { return api.OrElse(n.State, "running") },
}

func knownFilter(f api.Filter) bool {
	return instanceFilters[f.Name] != nil || f.Name == "tag-key" || strings.HasPrefix(f.Name, "tag:")
}

func holdsFilter(f api.Filter, n world.Node) bool {
	if key, ok := strings.CutPrefix(f.Name, "tag:"); ok {
		value, has := n.Tags[key]
		return has && f.Matches(value)
	}
	if f.Name == "tag-key" {
		return slices.ContainsFunc(api.SortedKeys(n.Tags), f.Matches)
	}
	return f.Matches(instanceFilters[f.Name](n))
}

type ec2TagDescription struct {
	ResourceID   string `xml:"resourceId"`
	ResourceType string `xml:"resourceType"`
	Key          string `xml:"key"`
	Value        string `xml:"value"`
}

type describeTagsAnswer struct {
	RequestID string              `xml:"requestId"`
	Tags      []ec2TagDescription `xml:"tagSet>item"`
	NextToken string              `xml:"nextToken,omitempty"`
}

var tagFilters = map[string]func(ec2TagDescription) string{
	"resource-id":   func(t ec2TagDescription) string { return t.ResourceID },
	"resource-type": func(t ec2TagDescription) string { return t.ResourceType },
	"key":           func(t ec2TagDescription) string { return t.Key },
	"value":         func(t ec2TagDescription) string { return t.Value },
}

func describeTags(c *api.Request) (any, error) {
	if err := c.Authorize("ec2:DescribeTags", api.Anything); err != nil {
		return nil, err
	}
	var all []ec2TagDescription
	for _, n := range instances(c) {
		for _, k := range api.SortedKeys(n.Tags) {
			all = append(all, ec2TagDescription{n.ID, "instance", k, n.Tags[k]})
		}
	}
	filters, err := c.Filters()
	if err != nil {
		return nil, err
	}
	for _, f := range filters {
		read := tagFilters[f.Name]
		if read == nil {
			return nil, api.Refuse("InvalidParameterValue", "The filter '%s' is invalid", f.Name)
		}
		all = slices.DeleteFunc(all, func(t ec2TagDescription) bool { return !f.Matches(read(t)) })
	}
	part, next, ok := api.Page(all, c.Form.Get("NextToken"), api.PageSize(c.Number("MaxResults"), 1000, 1000))
	if !ok {
		return nil, api.Refuse("InvalidNextToken", "The token '%s' is invalid", c.Form.Get("NextToken"))
	}
	return describeTagsAnswer{c.ID, part, next}, nil
}

type ec2Region struct {
	Name     string `xml:"regionName"`
	Endpoint string `xml:"regionEndpoint"`
	OptIn    string `xml:"optInStatus"`
}

type describeRegionsAnswer struct {
	RequestID string      `xml:"requestId"`
	Regions   []ec2Region `xml:"regionInfo>item"`
}

// regionsUsed are the regions in which the account has anything.
func regionsUsed(c *api.Request) []string {
	used := map[string]bool{c.World.Region: true, c.Region: true}
	for _, n := range c.World.Nodes {
		used[api.OrElse(n.Region, c.World.Region)] = true
	}
	return api.SortedKeys(used)
}

func describeRegions(c *api.Request) (any, error) {
	if err := c.Authorize("ec2:DescribeRegions", api.Anything); err != nil {
		return nil, err
	}
	a := describeRegionsAnswer{RequestID: c.ID}
	for _, r := range regionsUsed(c) {
		a.Regions = append(a.Regions, ec2Region{r, "ec2." + r + ".amazonaws.com", "opt-in-not-required"})
	}
	return a, nil
}

type ec2StateChange struct {
	InstanceID string   `xml:"instanceId"`
	Current    ec2State `xml:"currentState"`
	Previous   ec2State `xml:"previousState"`
}

type startInstancesAnswer struct {
	RequestID string           `xml:"requestId"`
	Changes   []ec2StateChange `xml:"instancesSet>item"`
}

// startInstances starts stopped instances: they are pending until they are looked at again,
// and their agents are connected then. See
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_StartInstances.html
func startInstances(c *api.Request) (any, error) {
	ids := c.List("InstanceId.%d")
	if len(ids) == 0 {
		return nil, api.Refuse("MissingParameter", "The request must contain the parameter InstanceId")
	}
	var nodes []*world.Node
	for _, id := range ids {
		if !instanceIDForm().MatchString(id) {
			return nil, api.Refuse("InvalidInstanceID.Malformed", "Invalid id: %q", id)
		}
		arn := c.ARN("ec2", c.Region, "instance/"+id)
		n := node(c, id)
		on := api.Object{ARN: arn}
		if n != nil {
			on = api.Tagged(arn, n.Tags, "ec2:ResourceTag/")
		}
		if err := c.Authorize("ec2:StartInstances", on); err != nil {
			return nil, err
		}
		if n == nil {
			return nil, api.Refuse("InvalidInstanceID.NotFound", "The instance ID '%s' does not exist", id)
		}
		nodes = append(nodes, n)
	}
	a := startInstancesAnswer{RequestID: c.ID}
	for _, n := range nodes {
		before := api.OrElse(n.State, "running")
		switch before {
		case "stopped":
			n.State, n.Starting = "pending", true
		case "running", "pending":
		default:
			return nil, api.Refuse("IncorrectInstanceState", "The instance '%s' is not in a state from which it can be started.", n.ID)
		}
		now := api.OrElse(n.State, "running")
		a.Changes = append(a.Changes, ec2StateChange{n.ID, ec2State{stateCodes[now], now}, ec2State{stateCodes[before], before}})
	}
	return a, nil
}

// settle lets time pass for an instance that was started: it runs, and its agent connects.
func settle(c *api.Request, id string) {
	if n := node(c, id); n != nil && n.Starting {
		n.State, n.Ping, n.Starting = "running", pingOnline, false
	}
}

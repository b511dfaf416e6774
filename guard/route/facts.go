package route

import (
	"net/netip"
	"slices"
)

// Facts are what is known of a way from a target to a database. What is not known is empty, or
// not in its map; Way.Needs names it if the outcome turns on it.
type Facts struct {
	From, To End
	Port     int
	Listens  []int // the ports on which the database's engine listens; empty: not known
	Groups   map[string]Group
	// Lists has the entries of the prefix lists that were read, by id.
	Lists map[string][]netip.Prefix
}

// End is one end of the way.
type End struct {
	ID     string   // of the instance or the database
	Name   string   // for people, "" if it has none
	VPC    string   // "" is not known
	Groups []string // ids of the security groups of its network interface
	// Addresses are those from which it sends, or on which it listens. Empty: not known, and
	// then Subnets are the networks of its subnets, if they are known.
	Addresses []netip.Addr
	Subnets   []netip.Prefix
	IPv6      bool // it has addresses of IPv6 beside those of IPv4
}

// Group is a security group. See
// https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html
type Group struct {
	ID, Name, VPC   string
	Ingress, Egress []Rule
}

// Rule is a rule of a security group, which only ever allows.
type Rule struct {
	Protocol   string // "tcp", "udp" ..., a number, or "-1" for all
	From, To   int    // ports
	Prefixes   []netip.Prefix
	References []string // ids of security groups whose members are meant
	Lists      []string // ids of prefix lists
}

// Need names a fact that an answer turns on. Kind is one of the constants below.
type Need struct {
	Kind NeedKind
	ID   string // of the group or the list, "" for an end
}

// NeedKind is the kind of a fact.
type NeedKind string

// The kinds of facts that may not be known.
const (
	NeedFrom     NeedKind = "target"         // the target's VPC and groups
	NeedTo       NeedKind = "database"       // the database's groups
	NeedGroup    NeedKind = "security group" // its rules
	NeedList     NeedKind = "prefix list"    // its entries
	NeedAddress  NeedKind = "address"        // the target's
	NeedSubnets  NeedKind = "subnets"        // of the database
	NeedHost     NeedKind = "host"           // which of the addresses in its subnets the database has
	NeedOtherVPC NeedKind = "peering"        // the ends are in two VPCs
)

// family is IPv4 or IPv6.
type family int

const (
	v4 family = 4
	v6 family = 6
)

func familyOf(a netip.Addr) family {
	if a.Unmap().Is4() {
		return v4
	}
	return v6
}

// covers reports whether a rule is about TCP on a port.
func (r Rule) covers(port int) bool {
	return r.tcp() && (r.Protocol == allProtocols || r.From <= port && port <= r.To)
}

// allProtocols is the protocol of a rule about all traffic, which has no ports.
const allProtocols = "-1"

func (r Rule) tcp() bool { return slices.Contains([]string{allProtocols, "tcp", "6"}, r.Protocol) }

// Equal reports whether two rules say the same.
func (r Rule) Equal(o Rule) bool {
	return r.Protocol == o.Protocol && r.From == o.From && r.To == o.To &&
		slices.Equal(r.Prefixes, o.Prefixes) && slices.Equal(r.References, o.References) && slices.Equal(r.Lists, o.Lists)
}

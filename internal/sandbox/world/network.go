package world

import (
	"net/netip"
	"slices"
	"strings"
)

// Network is what a world has of Amazon VPC. In a world without security groups everything
// reaches everything.
type Network struct {
	Subnets        List[Subnet, Subnet]               `yaml:"subnets"`
	SecurityGroups List[SecurityGroup, SecurityGroup] `yaml:"security_groups"`
	PrefixLists    List[PrefixList, PrefixList]       `yaml:"prefix_lists"`
}

// Subnet is a part of a VPC's network.
type Subnet struct {
	ID   string `yaml:"-"` // subnet-...
	VPC  string `yaml:"vpc"`
	CIDR string `yaml:"cidr"`
	IPv6 string `yaml:"ipv6"` // a CIDR block; "" for none
}

// SecurityGroup is a security group.
type SecurityGroup struct {
	ID      string      `yaml:"-"` // sg-...
	Name    string      `yaml:"name"`
	VPC     string      `yaml:"vpc"`
	Ingress []GroupRule `yaml:"ingress"`
	Egress  []GroupRule `yaml:"egress"` // that of a new group when missing: everything may leave
}

// GroupRule is a rule of a security group.
type GroupRule struct {
	Protocol string   `yaml:"protocol"` // "tcp" when empty; "-1" is all
	Port     int      `yaml:"port"`
	ToPort   int      `yaml:"to_port"` // the last port of a range; Port when 0
	CIDRs    []string `yaml:"cidrs"`
	Groups   []string `yaml:"security_groups"`
	Lists    []string `yaml:"prefix_lists"`
}

// AnyProtocol is the protocol of a rule about all traffic.
const AnyProtocol = "-1"

// LastPort is the last port of the rule's range.
func (r GroupRule) LastPort() int { return max(r.Port, r.ToPort) }

// PrefixList is a managed prefix list.
type PrefixList struct {
	ID    string   `yaml:"-"` // pl-...
	Name  string   `yaml:"name"`
	CIDRs []string `yaml:"cidrs"`
}

// Place is where a database or a cache is in the network.
type Place struct {
	Groups  []string `yaml:"security_groups"`
	Subnets []string `yaml:"subnets"`
	IP      string   `yaml:"ip"` // the address that its name has now
}

func (s Subnet) called(id string) Subnet               { s.ID = id; return s }
func (g SecurityGroup) called(id string) SecurityGroup { g.ID = id; return g }
func (l PrefixList) called(id string) PrefixList       { l.ID = id; return l }

func (s Subnet) label() string        { return s.ID }
func (g SecurityGroup) label() string { return g.ID }
func (l PrefixList) label() string    { return l.ID }

// complete gives groups without egress rules that of a new group. See
// https://docs.aws.amazon.com/vpc/latest/userguide/default-security-group.html
func (n *Network) complete() {
	for i := range n.SecurityGroups {
		if g := &n.SecurityGroups[i]; g.Egress == nil {
			g.Egress = []GroupRule{{Protocol: AnyProtocol, CIDRs: []string{"0.0.0.0/0"}}}
		}
	}
}

func (v *check) checkNetwork(w *World) {
	for _, s := range w.Subnets {
		v.form(s.ID, "subnet-", "subnets", s.ID)
		v.form(s.VPC, "vpc-", "subnets", s.ID, "vpc")
		v.cidr(s.CIDR, "subnets", s.ID, "cidr")
		if s.IPv6 != "" {
			v.cidr(s.IPv6, "subnets", s.ID, "ipv6")
		}
	}
	for _, l := range w.PrefixLists {
		v.form(l.ID, "pl-", "prefix_lists", l.ID)
		for i, c := range l.CIDRs {
			v.cidr(c, "prefix_lists", l.ID, "cidrs", i)
		}
	}
	for _, g := range w.SecurityGroups {
		v.form(g.ID, "sg-", "security_groups", g.ID)
		v.form(g.VPC, "vpc-", "security_groups", g.ID, "vpc")
		for i, r := range g.Ingress {
			v.rule(w, r, "security_groups", g.ID, "ingress", i)
		}
		for i, r := range g.Egress {
			v.rule(w, r, "security_groups", g.ID, "egress", i)
		}
	}
	for i, n := range w.Nodes {
		v.place(w, n.Groups, "instances", i, "security_groups")
		if n.Subnet != "" {
			v.known(n.Subnet, w.Subnets.names(), "subnet", "instances", i, "subnet")
		}
	}
	for _, d := range w.Databases {
		v.placed(w, d.Place, "rds", databaseKeys[d.Kind], d.Name)
	}
	for _, k := range w.Caches {
		v.placed(w, k.Place, "elasticache", cacheKeys[k.Kind], k.Name)
	}
}

func (v *check) rule(w *World, r GroupRule, at ...any) {
	v.port(r.Port, at...)
	v.port(r.ToPort, at...)
	for _, c := range r.CIDRs {
		v.cidr(c, at...)
	}
	for _, id := range r.Lists {
		v.known(id, w.PrefixLists.names(), "prefix list", at...)
	}
	for _, id := range r.Groups { // one of a peered VPC may be in no file
		v.form(id, "sg-", at...)
	}
}

// placed checks where a database is.
func (v *check) placed(w *World, p Place, at ...any) {
	v.place(w, p.Groups, append(at, "security_groups")...)
	for _, id := range p.Subnets {
		v.known(id, w.Subnets.names(), "subnet", append(at, "subnets")...)
	}
	if _, err := netip.ParseAddr(p.IP); p.IP != "" && err != nil {
		v.add(v.at(append(at, "ip")...), "ip %q is no address", p.IP)
	}
}

func (v *check) place(w *World, groups []string, at ...any) {
	for _, id := range groups {
		v.known(id, w.SecurityGroups.names(), "security group", at...)
	}
}

func (v *check) known(id string, all []string, what string, at ...any) {
	if !slices.Contains(all, id) {
		v.add(v.at(at...), "no %s %q%s", what, id, suggest(id, all))
	}
}

func (v *check) form(id, prefix string, at ...any) {
	digits, ok := strings.CutPrefix(id, prefix)
	if !ok || digits == "" || strings.Trim(digits, "0123456789abcdef") != "" {
		v.add(v.at(at...), "%q is not %s and hexadecimal digits", id, prefix)
	}
}

func (v *check) cidr(text string, at ...any) {
	if p, err := netip.ParsePrefix(text); err != nil || p != p.Masked() {
		v.add(v.at(at...), "%q is no CIDR block", text)
	}
}

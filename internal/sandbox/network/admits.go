package network

import (
	"net/netip"
	"slices"

	"ssmguard/internal/sandbox/world"
)

// Admits reports whether security groups let a connection of a node reach a port of what is
// at a place. They do where the world says nothing of one of both ends, and connections to
// another VPC get nowhere: a world has no peering. Network ACLs and route tables are those of
// a new VPC, which let everything through. See
// https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html
func Admits(w world.World, n world.Node, p world.Place, port int) bool {
	if len(n.Groups) == 0 || len(p.Groups) == 0 {
		return true
	}
	far := w.SecurityGroups.Named(p.Groups[0])
	near := w.SecurityGroups.Named(n.Groups[0])
	if far == nil || near == nil || far.VPC != near.VPC {
		return false
	}
	leaves := slices.ContainsFunc(n.Groups, func(id string) bool {
		g := w.SecurityGroups.Named(id)
		return g != nil && slices.ContainsFunc(g.Egress, func(r world.GroupRule) bool { return allows(w, r, port, p.Groups, []string{p.IP}) })
	})
	enters := slices.ContainsFunc(p.Groups, func(id string) bool {
		g := w.SecurityGroups.Named(id)
		return g != nil && slices.ContainsFunc(g.Ingress, func(r world.GroupRule) bool { return allows(w, r, port, n.Groups, []string{n.PrivateIP}) })
	})
	return leaves && enters
}

// allows reports whether a rule allows TCP on a port with a peer that has groups and addresses.
func allows(w world.World, r world.GroupRule, port int, groups, addresses []string) bool {
	switch r.Protocol {
	case world.AnyProtocol:
	case "", "tcp", "6":
		if port < r.Port || port > r.LastPort() {
			return false
		}
	default:
		return false
	}
	for _, id := range r.Groups {
		if slices.Contains(groups, id) {
			return true
		}
	}
	blocks := slices.Clone(r.CIDRs)
	for _, id := range r.Lists {
		if l := w.PrefixLists.Named(id); l != nil {
			blocks = append(blocks, l.CIDRs...)
		}
	}
	for _, text := range blocks {
		block, err := netip.ParsePrefix(text)
		if err != nil {
			continue
		}
		for _, a := range addresses {
			if ip, err := netip.ParseAddr(a); err == nil && block.Contains(ip) || a == "" && block.Bits() == 0 && block.Addr().Is4() {
				return true
			}
		}
	}
	return false
}

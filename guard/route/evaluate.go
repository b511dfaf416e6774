package route

import (
	"net/netip"
	"slices"
)

// Verdict is what is known of a way.
type Verdict int

// The verdicts. The zero one is Unknown.
const (
	Unknown Verdict = iota
	Open
	Blocked
)

// String names the verdict.
func (v Verdict) String() string { return [...]string{"unknown", "open", "blocked"}[v] }

// Side is the end whose security groups decide.
type Side int

// The sides: what leaves the target, what reaches the database.
const (
	Egress Side = iota
	Ingress
)

// String names the side as AWS does.
func (s Side) String() string { return [...]string{"egress", "ingress"}[s] }

// Way is the answer to Facts.
type Way struct {
	Verdict Verdict
	// WrongPort is set if the database does not listen on the port, whatever its groups say.
	WrongPort bool
	Sides     [2]Answer // by Side
	Needs     []Need    // facts on which an unknown verdict turns, or whether Repair is enough
	// Repair has the rules that are missing, one a side. It is empty if the way is not blocked,
	// or if no rule would open it.
	Repair []Addition
	// Proven reports whether the way is open with Repair. It is not if something else is not
	// known.
	Proven bool
}

// Answer is what the groups of one side say.
type Answer struct {
	Verdict Verdict
	By      Place // the rule that lets the connection through
	Near    *Near // of a blocked side: the rule that comes closest; nil if there is none
}

// Place is a rule and the group that has it.
type Place struct {
	Group string
	Rule  Rule
}

// Near is a rule that would let the connection through if it did not miss it in one thing.
type Near struct {
	Place
	Why Miss
}

// Miss is what a rule misses a connection in.
type Miss string

// The misses, the nearest first.
const (
	MissPort     Miss = "port"
	MissProtocol Miss = "protocol"
	MissPeer     Miss = "peer" // it is for others
)

// Addition is a rule to be added to a group.
type Addition struct {
	Side  Side
	Group string // gets the rule
	Peer  string // the group of the other end
	Port  int
}

// rule returns the rule that is added.
func (a Addition) rule() Rule {
	return Rule{Protocol: "tcp", From: a.Port, To: a.Port, References: []string{a.Peer}}
}

// With returns the facts with a rule added.
func (f Facts) With(a Addition) Facts {
	groups := make(map[string]Group, len(f.Groups))
	for id, g := range f.Groups {
		groups[id] = g
	}
	g := groups[a.Group]
	if a.Side == Egress {
		g.Egress = append(slices.Clone(g.Egress), a.rule())
	} else {
		g.Ingress = append(slices.Clone(g.Ingress), a.rule())
	}
	groups[a.Group] = g
	f.Groups = groups
	return f
}

// Evaluate decides whether the way is open, and proposes what opens it.
func Evaluate(f Facts) Way {
	w := evaluate(f)
	if w.Verdict != Blocked || w.WrongPort {
		return w
	}
	for _, side := range []Side{Egress, Ingress} {
		if w.Sides[side].Verdict != Blocked {
			continue
		}
		own, other := f.ends(side)
		group := own.Groups[0]
		if near := w.Sides[side].Near; near != nil && near.Why != MissPeer {
			group = near.Group // it is about this peer already
		}
		w.Repair = append(w.Repair, Addition{side, group, other.Groups[0], f.Port})
	}
	after := f
	for _, a := range w.Repair {
		after = after.With(a)
	}
	repaired := evaluate(after)
	w.Proven, w.Needs = repaired.Verdict == Open, repaired.Needs
	return w
}

// ends returns the end whose groups decide on a side, and the other one.
func (f Facts) ends(side Side) (own, other End) {
	if side == Egress {
		return f.From, f.To
	}
	return f.To, f.From
}

// evaluate is Evaluate without repairs.
func evaluate(f Facts) (w Way) {
	switch {
	case f.From.VPC == "" || len(f.From.Groups) == 0:
		w.Needs = append(w.Needs, Need{Kind: NeedFrom})
	case len(f.To.Groups) == 0 || f.To.VPC == "":
		w.Needs = append(w.Needs, Need{Kind: NeedTo})
	case f.From.VPC != f.To.VPC:
		w.Needs = append(w.Needs, Need{Kind: NeedOtherVPC})
	}
	if len(w.Needs) > 0 {
		return w
	}
	if len(f.Listens) > 0 && !slices.Contains(f.Listens, f.Port) {
		w.Verdict, w.WrongPort = Blocked, true
		return w
	}
	families := []family{v4}
	if f.From.IPv6 && f.To.IPv6 {
		families = append(families, v6)
	}
	// A name with addresses of both families is tried by both, so one of them is enough.
	for i, fam := range families {
		one := f.overFamily(fam)
		if i == 0 || better(one, w) {
			w = one
		}
	}
	return w
}

// better reports whether an answer of one family counts more than that of another.
func better(a, b Way) bool {
	order := []Verdict{Blocked, Unknown, Open}
	return slices.Index(order, a.Verdict) > slices.Index(order, b.Verdict)
}

// overFamily decides for connections of one family.
func (f Facts) overFamily(fam family) (w Way) {
	w.Verdict = Open
	for _, side := range []Side{Egress, Ingress} {
		answer, needs := f.sideAnswer(side, fam)
		w.Sides[side] = answer
		w.Needs = append(w.Needs, needs...)
		switch {
		case answer.Verdict == Blocked:
			w.Verdict = Blocked
		case answer.Verdict == Unknown && w.Verdict == Open:
			w.Verdict = Unknown
		}
	}
	if w.Verdict != Unknown {
		w.Needs = nil
	}
	return w
}

// sideAnswer is what the groups of one side say of connections of one family. The rules of
// all groups of an interface count together.
func (f Facts) sideAnswer(side Side, fam family) (a Answer, needs []Need) {
	own, other := f.ends(side)
	for _, id := range own.Groups {
		g, read := f.Groups[id]
		if !read {
			needs = append(needs, Need{NeedGroup, id})
			continue
		}
		rules := g.Ingress
		if side == Egress {
			rules = g.Egress
		}
		for _, r := range rules {
			match, missing := f.meets(r, side, other, fam)
			covers := r.covers(f.Port)
			switch {
			case covers && match == Open:
				return Answer{Verdict: Open, By: Place{id, r}}, nil
			case covers && match == Unknown:
				needs = append(needs, missing...)
			default:
				a.nearer(id, r, match == Open, covers)
			}
		}
	}
	if len(needs) > 0 {
		return Answer{}, needs
	}
	a.Verdict = Blocked
	return a, nil
}

// nearer keeps the rule that comes closest.
func (a *Answer) nearer(group string, r Rule, meets, covers bool) {
	n := &Near{Place{group, r}, MissPeer}
	switch {
	case meets && r.tcp():
		n.Why = MissPort
	case meets:
		n.Why = MissProtocol
	case !covers:
		return
	}
	order := []Miss{MissPort, MissProtocol, MissPeer}
	if a.Near == nil || slices.Index(order, n.Why) < slices.Index(order, a.Near.Why) {
		a.Near = n
	}
}

// meets reports whether a rule is about an end: Open if it is, Blocked if it is not.
func (f Facts) meets(r Rule, side Side, e End, fam family) (v Verdict, needs []Need) {
	for _, id := range r.References {
		if slices.Contains(e.Groups, id) {
			return Open, nil
		}
	}
	prefixes := slices.Clone(r.Prefixes)
	for _, id := range r.Lists {
		entries, read := f.Lists[id]
		if !read {
			needs = append(needs, Need{NeedList, id})
		}
		prefixes = append(prefixes, entries...)
	}
	known := e.networks(fam)
	var open []netip.Prefix // networks that no prefix holds so far
	for _, network := range known {
		if !slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return holds(p, network) }) {
			open = append(open, network)
		}
	}
	if len(known) > 0 && len(open) == 0 {
		return Open, nil
	}
	for _, p := range prefixes {
		switch {
		case familyOf(p.Addr()) != fam:
		case p.Bits() == 0:
			return Open, nil
		case len(known) == 0 && side == Ingress:
			needs = append(needs, Need{Kind: NeedAddress})
		case len(known) == 0:
			needs = append(needs, Need{Kind: NeedSubnets})
		case slices.ContainsFunc(known, p.Overlaps): // it is for some of the addresses that the end may have
			needs = append(needs, Need{Kind: NeedHost})
		}
	}
	if len(needs) > 0 {
		return Unknown, needs
	}
	return Blocked, nil
}

// networks are where an end's addresses of a family are: themselves, or the subnets.
func (e End) networks(fam family) (all []netip.Prefix) {
	for _, a := range e.Addresses {
		if a = a.Unmap(); familyOf(a) == fam {
			all = append(all, netip.PrefixFrom(a, a.BitLen()))
		}
	}
	if len(e.Addresses) > 0 {
		return all
	}
	for _, p := range e.Subnets {
		if familyOf(p.Addr()) == fam {
			all = append(all, p)
		}
	}
	return all
}

// holds reports whether a network is part of another.
func holds(p, network netip.Prefix) bool {
	return p.Bits() <= network.Bits() && p.Contains(network.Addr())
}

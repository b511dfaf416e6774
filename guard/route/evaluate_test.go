package route

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
)

func prefixes(all ...string) (out []netip.Prefix) {
	for _, p := range all {
		out = append(out, netip.MustParsePrefix(p))
	}
	return out
}

// all lets everything through to and from everybody.
var all = Rule{Protocol: "-1", From: -1, To: -1, Prefixes: prefixes("0.0.0.0/0")}

// facts are a bastion with sg-b and a database with sg-d, whose rules are given.
func facts(egress, ingress []Rule) Facts {
	return Facts{
		From: End{ID: "i-1", VPC: "vpc-1", Groups: []string{"sg-b"}, Addresses: []netip.Addr{netip.MustParseAddr("10.0.1.10")}},
		To:   End{ID: "orders", VPC: "vpc-1", Groups: []string{"sg-d"}},
		Port: 5432,
		Groups: map[string]Group{
			"sg-b": {ID: "sg-b", VPC: "vpc-1", Egress: egress},
			"sg-d": {ID: "sg-d", VPC: "vpc-1", Ingress: ingress},
		},
	}
}

func tcp(from, to int, cidrs ...string) Rule {
	return Rule{Protocol: "tcp", From: from, To: to, Prefixes: prefixes(cidrs...)}
}

func from(port int, groups ...string) Rule {
	return Rule{Protocol: "tcp", From: port, To: port, References: groups}
}

func TestEvaluate(t *testing.T) {
	out := []Rule{all}
	change := func(f Facts, change func(*Facts)) Facts { change(&f); return f }
	list := Rule{Protocol: "tcp", From: 5432, To: 5432, Lists: []string{"pl-1"}}
	for _, c := range []struct {
		name  string
		facts Facts
		want  string // verdict, then the sides' nearest rule or the needs
	}{
		{"the bastion's group is admitted", facts(out, []Rule{from(5432, "sg-b")}), "open"},
		{"all is admitted", facts(out, []Rule{all}), "open"},
		{"the bastion's address is admitted", facts(out, []Rule{tcp(5432, 5432, "10.0.1.10/32")}), "open"},
		{"its network is", facts(out, []Rule{tcp(5000, 6000, "192.168.0.0/16", "10.0.0.0/8")}), "open"},
		{"the protocol by its number", facts(out, []Rule{{Protocol: "6", From: 5432, To: 5432, References: []string{"sg-b"}}}), "open"},
		{"nothing is admitted", facts(out, nil), "blocked ingress, repaired by ingress of sg-d for sg-b"},
		{"another group", facts(out, []Rule{from(5432, "sg-app")}), "blocked ingress (near: peer), repaired by ingress of sg-d for sg-b"},
		{"another network", facts(out, []Rule{tcp(5432, 5432, "10.0.2.0/24")}), "blocked ingress (near: peer), repaired by ingress of sg-d for sg-b"},
		{"another port", facts(out, []Rule{from(5432, "sg-app"), from(3306, "sg-b")}), "blocked ingress (near: port), repaired by ingress of sg-d for sg-b"},
		{"another protocol", facts(out, []Rule{{Protocol: "udp", From: 5432, To: 5432, References: []string{"sg-b"}}}), "blocked ingress (near: protocol), repaired by ingress of sg-d for sg-b"},
		{"a range that ends before", facts(out, []Rule{tcp(5000, 5431, "0.0.0.0/0")}), "blocked ingress (near: port), repaired by ingress of sg-d for sg-b"},
		{"only IPv6 is admitted", facts(out, []Rule{tcp(5432, 5432, "::/0")}), "blocked ingress (near: peer), repaired by ingress of sg-d for sg-b"},
		{"IPv6 of both ends", change(facts([]Rule{tcp(5432, 5432, "::/0")}, []Rule{tcp(5432, 5432, "2001:db8::/32")}), func(f *Facts) {
			f.From.IPv6, f.To.IPv6 = true, true
			f.From.Addresses = append(f.From.Addresses, netip.MustParseAddr("2001:db8::10"))
		}), "open"},
		{"nothing leaves", facts(nil, []Rule{from(5432, "sg-b")}), "blocked egress, repaired by egress of sg-b for sg-d"},
		{"only HTTPS leaves", facts([]Rule{tcp(443, 443, "0.0.0.0/0")}, []Rule{from(5432, "sg-b")}), "blocked egress (near: port), repaired by egress of sg-b for sg-d"},
		{"it may leave to the database's group", facts([]Rule{from(5432, "sg-d")}, []Rule{from(5432, "sg-b")}), "open"},
		{"neither side", facts(nil, nil), "blocked egress, ingress, repaired by egress of sg-b for sg-d, ingress of sg-d for sg-b"},
		{"it may leave to a network, and the database's is not known", facts([]Rule{tcp(5432, 5432, "10.0.0.0/16")}, out), "unknown: subnets"},
		{"the database's subnets are in it", change(facts([]Rule{tcp(5432, 5432, "10.0.0.0/16")}, out), func(f *Facts) {
			f.To.Subnets = prefixes("10.0.5.0/24", "10.0.6.0/24")
		}), "open"},
		{"one of its subnets is", change(facts([]Rule{tcp(5432, 5432, "10.0.5.0/24")}, out), func(f *Facts) {
			f.To.Subnets = prefixes("10.0.5.0/24", "10.0.6.0/24")
		}), "unknown: host"},
		{"each of its subnets by a prefix of its own", change(facts([]Rule{tcp(5432, 5432, "10.0.5.0/24", "10.0.6.0/24")}, out), func(f *Facts) {
			f.To.Subnets = prefixes("10.0.5.0/24", "10.0.6.0/24")
		}), "open"},
		{"none is", change(facts([]Rule{tcp(5432, 5432, "10.0.5.0/24")}, out), func(f *Facts) {
			f.To.Subnets = prefixes("10.0.7.0/24")
		}), "blocked egress (near: peer), repaired by egress of sg-b for sg-d"},
		{"a prefix list that was not read", facts(out, []Rule{list}), "unknown: prefix list pl-1"},
		{"one that has the bastion", change(facts(out, []Rule{list}), func(f *Facts) {
			f.Lists = map[string][]netip.Prefix{"pl-1": prefixes("10.0.1.0/24")}
		}), "open"},
		{"one that has not", change(facts(out, []Rule{list}), func(f *Facts) {
			f.Lists = map[string][]netip.Prefix{"pl-1": prefixes("10.0.2.0/24")}
		}), "blocked ingress (near: peer), repaired by ingress of sg-d for sg-b"},
		{"a list about another port need not be read", facts(out, []Rule{{Protocol: "tcp", From: 22, To: 22, Lists: []string{"pl-1"}}}),
			"blocked ingress, repaired by ingress of sg-d for sg-b"},
		{"a group that was not read", change(facts(out, nil), func(f *Facts) { delete(f.Groups, "sg-d") }), "unknown: security group sg-d"},
		{"a group that was not read beside one that lets it through", change(facts(out, []Rule{from(5432, "sg-b")}), func(f *Facts) {
			f.To.Groups = []string{"sg-x", "sg-d"}
		}), "open"},
		{"one side blocks, the other was not read", change(facts(out, nil), func(f *Facts) { delete(f.Groups, "sg-b") }),
			"blocked ingress: security group sg-b, not proven: ingress of sg-d for sg-b"},
		{"the bastion's address is not known", change(facts(out, []Rule{tcp(5432, 5432, "10.0.1.10/32")}), func(f *Facts) { f.From.Addresses = nil }), "unknown: address"},
		{"the bastion is not known", change(facts(out, out), func(f *Facts) { f.From = End{ID: "mi-1"} }), "unknown: target"},
		{"the database is not known", change(facts(out, out), func(f *Facts) {
			f.To = End{ID: "orders"}
		}), "unknown: database"},
		{"two VPCs", change(facts(out, out), func(f *Facts) { f.To.VPC = "vpc-2" }), "unknown: peering"},
		{"the engine listens elsewhere", change(facts(out, out), func(f *Facts) { f.Listens = []int{5433} }), "blocked: wrong port"},
		{"it listens there", change(facts(out, out), func(f *Facts) { f.Listens = []int{5433, 5432} }), "open"},
	} {
		w := Evaluate(c.facts)
		if got := told(w); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// told is an answer in words, for the table.
func told(w Way) string {
	text, comma := w.Verdict.String(), " "
	for i, a := range w.Sides {
		if a.Verdict != Blocked {
			continue
		}
		text += comma + Side(i).String()
		if a.Near != nil {
			text += fmt.Sprintf(" (near: %s)", a.Near.Why)
		}
		comma = ", "
	}
	for i, n := range w.Needs {
		text += []string{": ", ", "}[min(i, 1)] + string(n.Kind)
		if n.ID != "" {
			text += " " + n.ID
		}
	}
	for i, a := range w.Repair {
		by := ", repaired by "
		if !w.Proven {
			by = ", not proven: "
		}
		text += []string{by, ", "}[min(i, 1)] + fmt.Sprintf("%s of %s for %s", a.Side, a.Group, a.Peer)
	}
	if w.WrongPort {
		text += ": wrong port"
	}
	return text
}

// randomFacts are facts in which everything is known.
func randomFacts(r *rand.Rand) Facts {
	one := func(of ...string) string { return of[r.IntN(len(of))] }
	rules := func() (all []Rule) {
		for range r.IntN(4) {
			rule := Rule{Protocol: one("tcp", "tcp", "udp", "-1", "6")}
			rule.From = []int{0, 443, 5432, 5432, 5000}[r.IntN(5)]
			rule.To = rule.From + []int{0, 0, 65535 - rule.From, 500}[r.IntN(4)]
			switch r.IntN(3) {
			case 0:
				rule.Prefixes = prefixes(one("0.0.0.0/0", "10.0.0.0/8", "10.0.1.0/24", "10.0.2.0/24", "::/0", "10.0.1.10/32"))
			case 1:
				rule.References = []string{one("sg-1", "sg-2", "sg-3", "sg-4", "sg-5")}
			default:
				rule.Lists = []string{one("pl-1", "pl-2")}
			}
			all = append(all, rule)
		}
		return all
	}
	f := Facts{Port: 5432, Groups: make(map[string]Group),
		From:  End{ID: "i-1", VPC: "vpc-1", Groups: []string{"sg-1", "sg-2"}[:1+r.IntN(2)], Addresses: []netip.Addr{netip.MustParseAddr(one("10.0.1.10", "10.0.2.10", "172.16.0.1"))}},
		To:    End{ID: "db", VPC: "vpc-1", Groups: []string{"sg-3", "sg-4"}[:1+r.IntN(2)], Addresses: []netip.Addr{netip.MustParseAddr(one("10.0.1.20", "10.0.3.20"))}},
		Lists: map[string][]netip.Prefix{"pl-1": prefixes("10.0.1.0/24"), "pl-2": prefixes("192.168.0.0/16")},
	}
	for _, id := range []string{"sg-1", "sg-2", "sg-3", "sg-4"} {
		f.Groups[id] = Group{ID: id, VPC: "vpc-1", Ingress: rules(), Egress: rules()}
	}
	return f
}

// without returns facts in which a side lacks a rule.
func (f Facts) without(side Side, at Place) Facts {
	groups := make(map[string]Group)
	for id, g := range f.Groups {
		if id == at.Group {
			drop := func(rules []Rule) []Rule { return slices.DeleteFunc(slices.Clone(rules), at.Rule.Equal) }
			if side == Egress {
				g.Egress = drop(g.Egress)
			} else {
				g.Ingress = drop(g.Ingress)
			}
		}
		groups[id] = g
	}
	f.Groups = groups
	return f
}

// What is blocked is open with the repair, and is not with less. What is open is blocked
// without the rules that it goes by, and a rule more never blocks it.
func TestRepairsAndRules(t *testing.T) {
	blocked, open := 0, 0
	for seed := range uint64(4000) {
		f := randomFacts(rand.New(rand.NewPCG(seed, 1)))
		w := Evaluate(f)
		switch w.Verdict {
		case Unknown:
			t.Fatalf("seed %d: unknown: %v", seed, w.Needs)
		case Blocked:
			blocked++
			repaired := f
			for i, a := range w.Repair {
				if Evaluate(repaired).Verdict != Blocked {
					t.Fatalf("seed %d: %d rules of %v are enough", seed, i, w.Repair)
				}
				repaired = repaired.With(a)
			}
			if !w.Proven || Evaluate(repaired).Verdict != Open {
				t.Fatalf("seed %d: not open with %v", seed, w.Repair)
			}
		case Open:
			open++
			for _, side := range []Side{Egress, Ingress} {
				f := f
				for n := 0; ; n++ {
					w := Evaluate(f)
					if w.Verdict == Blocked {
						break
					}
					if n > 8 {
						t.Fatalf("seed %d: still open by %v", seed, w.Sides[side].By)
					}
					f = f.without(side, w.Sides[side].By)
				}
			}
			more := f.With(Addition{Ingress, f.To.Groups[0], "sg-9", 22})
			if Evaluate(more).Verdict != Open {
				t.Fatalf("seed %d: a rule more blocks", seed)
			}
		}
	}
	if blocked < 200 || open < 200 {
		t.Errorf("%d blocked, %d open", blocked, open)
	}
}

// What is not known makes an answer unknown, or does not change it.
func TestLessIsKnown(t *testing.T) {
	less := []func(*rand.Rand, *Facts){
		func(r *rand.Rand, f *Facts) {
			delete(f.Groups, []string{"sg-1", "sg-2", "sg-3", "sg-4"}[r.IntN(4)])
		},
		func(r *rand.Rand, f *Facts) { delete(f.Lists, []string{"pl-1", "pl-2"}[r.IntN(2)]) },
		func(_ *rand.Rand, f *Facts) { f.From.Addresses = nil },
		func(_ *rand.Rand, f *Facts) { f.To.Addresses = nil },
		func(_ *rand.Rand, f *Facts) {
			f.To.Addresses, f.To.Subnets = nil, prefixes("10.0.1.0/24", "10.0.3.0/24")
		},
	}
	unknown := 0
	for seed := range uint64(4000) {
		r := rand.New(rand.NewPCG(seed, 2))
		f := randomFacts(r)
		before := Evaluate(f).Verdict
		less[r.IntN(len(less))](r, &f)
		switch w := Evaluate(f); {
		case w.Verdict == Unknown:
			unknown++
			if len(w.Needs) == 0 {
				t.Fatalf("seed %d: unknown, and nothing is missing", seed)
			}
		case w.Verdict != before:
			t.Fatalf("seed %d: %v, and %v with less known", seed, before, w.Verdict)
		case len(w.Needs) > 0 && (w.Verdict == Open || w.Proven):
			t.Fatalf("seed %d: %v although %v is not known", seed, w.Verdict, w.Needs)
		}
	}
	if unknown < 100 {
		t.Errorf("%d unknown", unknown)
	}
}

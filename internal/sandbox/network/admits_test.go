package network

import (
	"testing"

	"ssmguard/internal/sandbox/world"
)

func TestAdmits(t *testing.T) {
	everything := []world.GroupRule{{Protocol: "-1", CIDRs: []string{"0.0.0.0/0"}}}
	for _, c := range []struct {
		name            string
		egress, ingress []world.GroupRule
		want            bool
	}{
		{"the group of the node", everything, []world.GroupRule{{Port: 5432, Groups: []string{"sg-1"}}}, true},
		{"another group", everything, []world.GroupRule{{Port: 5432, Groups: []string{"sg-3"}}}, false},
		{"another port", everything, []world.GroupRule{{Port: 3306, Groups: []string{"sg-1"}}}, false},
		{"a range", everything, []world.GroupRule{{Port: 5000, ToPort: 6000, CIDRs: []string{"10.0.1.0/24"}}}, true},
		{"another network", everything, []world.GroupRule{{Port: 5432, CIDRs: []string{"10.0.2.0/24"}}}, false},
		{"another protocol", everything, []world.GroupRule{{Protocol: "udp", Port: 5432, Groups: []string{"sg-1"}}}, false},
		{"a prefix list", everything, []world.GroupRule{{Port: 5432, Lists: []string{"pl-1"}}}, true},
		{"nothing leaves", nil, everything, false},
		{"it leaves to the database", []world.GroupRule{{Port: 5432, CIDRs: []string{"10.0.9.9/32"}}}, everything, true},
		{"it leaves elsewhere", []world.GroupRule{{Port: 5432, CIDRs: []string{"10.0.8.0/24"}}}, everything, false},
	} {
		w := world.World{Network: world.Network{
			SecurityGroups: []world.SecurityGroup{{ID: "sg-1", VPC: "vpc-1", Egress: c.egress}, {ID: "sg-2", VPC: "vpc-1", Ingress: c.ingress}},
			PrefixLists:    []world.PrefixList{{ID: "pl-1", CIDRs: []string{"10.0.1.0/24"}}},
		}}
		n := world.Node{PrivateIP: "10.0.1.10", Groups: []string{"sg-1"}}
		p := world.Place{Groups: []string{"sg-2"}, IP: "10.0.9.9"}
		if got := Admits(w, n, p, 5432); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
		w.SecurityGroups[1].VPC = "vpc-2"
		if Admits(w, n, p, 5432) {
			t.Errorf("%s: between two VPCs", c.name)
		}
		if !Admits(w, n, world.Place{}, 5432) || !Admits(w, world.Node{}, p, 5432) {
			t.Errorf("%s: what the world says nothing of is not reached", c.name)
		}
	}
}

package world

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNetworkFaults(t *testing.T) {
	_, err := parse("w.yaml", []byte(`account: "111122223333"
region: eu-west-1
users: {ann: {}}
logins: {ann: {as: user/ann}}
subnets:
  subnet-1: {vpc: vpc-1, cidr: 10.0.0.0/24}
  net-2: {vpc: "1", cidr: 10.0.0.1/24}
prefix_lists:
  pl-1: {cidrs: [10.0.0.0]}
security_groups:
  sg-1: {vpc: vpc-1, egress: [{port: 70000}]}
  sg-2:
    vpc: vpc-1
    ingress:
      - {port: 22, security_groups: [ours], prefix_lists: [pl-2]}
instances:
  - {id: i-0123456789abcdef0, subnet: subnet-2, security_groups: [sg-3]}
rds: {instances: {a: {engine: mysql, subnets: [subnet-3], ip: here}}}
`))
	if err == nil {
		t.Fatal("no fault")
	}
	want := []string{
		`7: "net-2" is not subnet- and hexadecimal digits`,
		`7: "1" is not vpc- and hexadecimal digits`,
		`7: "10.0.0.1/24" is no CIDR block`,
		`9: "10.0.0.0" is no CIDR block`,
		`11: port is 70000, give 1 to 65535`,
		`15: no prefix list "pl-2", did you mean "pl-1"?`,
		`15: "ours" is not sg- and hexadecimal digits`,
		`17: no security group "sg-3", did you mean "sg-1"?`,
		`17: no subnet "subnet-2", did you mean "subnet-1"?`,
		`18: no subnet "subnet-3", did you mean "subnet-1"?`,
		`18: ip "here" is no address`,
	}
	var got []string
	for line := range strings.Lines(err.Error()) {
		got = append(got, strings.TrimPrefix(strings.TrimSpace(line), "w.yaml:"))
	}
	if diff := cmp.Diff(slices.Sorted(slices.Values(want)), slices.Sorted(slices.Values(got))); diff != "" {
		t.Error(diff)
	}
}

func TestGroupsLetEverythingOut(t *testing.T) {
	w, err := parse("w.yaml", []byte(`account: "111122223333"
region: eu-west-1
users: {ann: {}}
logins: {ann: {as: user/ann}}
security_groups: {sg-1: {vpc: vpc-1}, sg-2: {vpc: vpc-1, egress: []}}
`))
	if err != nil {
		t.Fatal(err)
	}
	if g := w.SecurityGroups.Named("sg-1"); len(g.Egress) != 1 || g.Egress[0].Protocol != AnyProtocol {
		t.Errorf("%+v", g.Egress)
	}
	if g := w.SecurityGroups.Named("sg-2"); len(g.Egress) != 0 {
		t.Errorf("%+v", g.Egress)
	}
}

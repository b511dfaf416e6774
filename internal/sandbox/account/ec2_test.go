package account

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ssmguard/internal/sandbox/api"
)

func TestDescribeInstances(t *testing.T) {
	_, c := open(t, inventory(), api.Options{})
	a, b, db := "i-0000000000000000a", "i-0000000000000000b", "i-0000000000000000c"
	filter := func(pairs ...string) (form []string) {
		for i := 0; i < len(pairs); i += 2 {
			form = append(form, fmt.Sprintf("Filter.%d.Name", i/2+1), pairs[i], fmt.Sprintf("Filter.%d.Value.1", i/2+1), pairs[i+1])
		}
		return form
	}
	for _, test := range []struct {
		pairs, want []string
	}{
		{nil, []string{a, b, db}},
		{[]string{"InstanceId.1", b}, []string{b}},
		{filter("tag:Name", "web"), []string{a, b}},
		{filter("tag:Name", "w?b", "instance-state-name", "running"), []string{a}},
		{filter("tag:Name", "*"), []string{a, b}},
		{filter("tag-key", "Team"), []string{a}},
		{filter("private-ip-address", "10.0.0.2"), []string{b}},
		{filter("private-dns-name", "db.local"), []string{db}},
		{filter("instance-id", "i-*c"), []string{db}},
		{filter("tag:Name", "WEB"), nil},
		{filter("tag:Name", "w\xff\xfeb"), nil},
	} {
		var answer describeInstancesAnswer
		if f := c.ask(&answer, "ec2", "DescribeInstances", test.pairs...); f.Code != "" {
			t.Errorf("%v: %+v", test.pairs, f)
		}
		var got []string
		for _, r := range answer.Reservations {
			got = append(got, r.Instances[0].InstanceID)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%v: %s", test.pairs, diff)
		}
	}
}

func TestInstanceAsDescribed(t *testing.T) {
	_, c := open(t, inventory(), api.Options{})
	var answer describeInstancesAnswer
	if f := c.ask(&answer, "ec2", "DescribeInstances", "InstanceId.1", "i-0000000000000000a"); f.Code != "" {
		t.Fatal(f)
	}
	want := ec2Instance{
		InstanceID: "i-0000000000000000a", ImageID: "ami-0123456789abcdef0", State: ec2State{16, "running"}, InstanceType: "t3.micro", Zone: "us-east-1a",
		PrivateDNSName: "ip-10-0-0-1.us-east-1.compute.internal", PrivateIPAddress: "10.0.0.1",
		Profile: &ec2Profile{"arn:aws:iam::111122223333:instance-profile/node", api.MadeUpID("AIPA", "node")}, Tags: []ec2Tag{{"Name", "web"}, {"Team", "a"}},
	}
	if diff := cmp.Diff(want, answer.Reservations[0].Instances[0]); diff != "" {
		t.Error(diff)
	}
}

func TestDescribeInstancesRefused(t *testing.T) {
	_, c := open(t, inventory(), api.Options{})
	for _, test := range []struct {
		pairs []string
		code  string
	}{
		{[]string{"InstanceId.1", "i-0fffffffffffffff0"}, "InvalidInstanceID.NotFound"},
		{[]string{"InstanceId.1", "i-0000000000000000d"}, "InvalidInstanceID.NotFound"}, // in another region
		{[]string{"InstanceId.1", "web"}, "InvalidInstanceID.Malformed"},
		{[]string{"Filter.1.Name", "color", "Filter.1.Value.1", "red"}, "InvalidParameterValue"},
		{[]string{"Filter.1.Name", "tag-key"}, "InvalidParameterValue"},
		{[]string{"NextToken", "stray"}, "InvalidNextToken"},
	} {
		if f := c.ask(nil, "ec2", "DescribeInstances", test.pairs...); f.Code != test.code {
			t.Errorf("%v: %+v, want %s", test.pairs, f, test.code)
		}
	}
	_, c = open(t, userWith(), api.Options{})
	want := failure{403, "UnauthorizedOperation", "You are not authorized to perform this operation. User: arn:aws:iam::111122223333:user/alice is not authorized to perform: ec2:DescribeInstances because no identity-based policy allows the ec2:DescribeInstances action"}
	if diff := cmp.Diff(want, c.ask(nil, "ec2", "DescribeInstances")); diff != "" {
		t.Error(diff)
	}
}

func TestInstancesInPages(t *testing.T) {
	_, c := open(t, inventory(), api.Options{})
	var ids []string
	var next []string
	for range 4 {
		var a describeInstancesAnswer
		if f := c.ask(&a, "ec2", "DescribeInstances", append(next, "MaxResults", "1")...); f.Code != "" {
			t.Fatal(f)
		}
		for _, r := range a.Reservations {
			ids = append(ids, r.Instances[0].InstanceID)
		}
		if a.NextToken == "" {
			break
		}
		next = []string{"NextToken", a.NextToken}
	}
	if diff := cmp.Diff([]string{"i-0000000000000000a", "i-0000000000000000b", "i-0000000000000000c"}, ids); diff != "" {
		t.Error(diff)
	}
}

func TestDescribeTags(t *testing.T) {
	_, c := open(t, inventory(), api.Options{})
	var a describeTagsAnswer
	if f := c.ask(&a, "ec2", "DescribeTags", "Filter.1.Name", "resource-id", "Filter.1.Value.1", "i-0000000000000000a", "Filter.2.Name", "key", "Filter.2.Value.1", "Team"); f.Code != "" {
		t.Fatal(f)
	}
	if diff := cmp.Diff([]ec2TagDescription{{"i-0000000000000000a", "instance", "Team", "a"}}, a.Tags); diff != "" {
		t.Error(diff)
	}
}

func TestDescribeRegions(t *testing.T) {
	_, c := open(t, inventory(), api.Options{})
	var a describeRegionsAnswer
	if f := c.ask(&a, "ec2", "DescribeRegions"); f.Code != "" || len(a.Regions) != 2 || a.Regions[0].Name != "eu-west-1" {
		t.Errorf("%+v %v", a, f)
	}
}

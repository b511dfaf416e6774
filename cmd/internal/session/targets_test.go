package session

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"ssmguard/cmd/internal/pick"
	"ssmguard/guard"
	"ssmguard/guard/awsiam"
	"ssmguard/guard/policy"
)

// TestTargetItems: of nodes with one name the tags stand first that tell them apart, and stay on
// the screen with the choice.
func TestTargetItems(t *testing.T) {
	got := targetItems([]awsiam.Node{
		{ID: "i-1", Name: "bastion", Tags: map[string]string{"Name": "bastion", "Team": "db", "aws:autoscaling:groupName": "b"}, Platform: "Linux", PrivateIP: "10.0.1.10"},
		{ID: "i-2", Name: "web", Tags: map[string]string{"Name": "web", "Team": "web", "Stage": ""}, Platform: "Linux"},
		{ID: "i-3", Name: "web", Tags: map[string]string{"Name": "web", "Team": "web", "Environment": "production", "Stage": "blue"}, Platform: "Linux"},
		{ID: "mi-4", Platform: "Windows"},
		{ID: "mi-5", Name: "old", Tags: map[string]string{"Team": "db"}},
	}, map[string]bool{"i-1": false, "mi-5": true})
	want := []pick.Item{
		{Cells: []string{"bastion", "i-1", "Team=db", "Linux", "10.0.1.10"}, Said: "bastion, i-1"},
		{Cells: []string{"web", "i-2", "no Environment Stage= Team=web", "Linux", ""}, Said: "web, i-2 (no Environment, Stage=)"},
		{Cells: []string{"web", "i-3", "Environment=production Stage=blue Team=web", "Linux", ""}, Said: "web, i-3 (Environment=production, Stage=blue)"},
		{Cells: []string{"", "mi-4", "", "Windows", ""}, Said: "mi-4"},
		{Cells: []string{"old", "mi-5", "Team=db [denied]", "", ""}, Said: "old, mi-5"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestDenies: a target is marked if the policies that were read deny it, and not if that is not
// known.
func TestDenies(t *testing.T) {
	set := func(document string) policy.Set {
		p, err := policy.Parse(policy.Identity, "p", []byte(document))
		if err != nil {
			t.Fatal(err)
		}
		return policy.Set{Identity: p.Statements}
	}
	byTag := set(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ssm:StartSession","Resource":"*"},
		{"Effect":"Deny","Action":"ssm:StartSession","Resource":"*","Condition":{"StringEquals":{"ssm:resourceTag/Stage":"live"}}}]}`)
	unseen := byTag
	unseen.Partial = []policy.Kind{policy.Identity}
	request := guard.Request{Region: "eu-west-1", Caller: guard.Caller{Account: "111122223333", SessionARN: "arn:aws:iam::111122223333:user/ann"}}
	nodes := []awsiam.Node{{ID: "i-0123456789abcdef0", Tags: map[string]string{"Stage": "live"}}, {ID: "i-0123456789abcdef1", Tags: map[string]string{"Stage": "test"}}, {ID: "i-0123456789abcdef2"}}
	for name, test := range map[string]struct {
		set  policy.Set
		want map[string]bool
	}{
		"read":         {byTag, map[string]bool{nodes[0].ID: true, nodes[1].ID: false, nodes[2].ID: false}},
		"not all read": {unseen, map[string]bool{nodes[0].ID: true, nodes[1].ID: false, nodes[2].ID: false}},
		"nothing read": {policy.Set{Partial: []policy.Kind{policy.Identity}}, map[string]bool{nodes[0].ID: false, nodes[1].ID: false, nodes[2].ID: false}},
	} {
		if diff := cmp.Diff(test.want, denies(test.set, request, nodes)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

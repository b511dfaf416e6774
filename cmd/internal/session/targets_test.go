package session

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"ssmguard/cmd/internal/pick"
	"ssmguard/guard/awsiam"
)

// TestTargetItems: of nodes with one name the tags stand first that tell them apart, and stay on
// the screen with the choice.
func TestTargetItems(t *testing.T) {
	got := targetItems([]awsiam.Node{
		{ID: "i-1", Name: "bastion", Tags: map[string]string{"Name": "bastion", "Team": "db", "aws:autoscaling:groupName": "b"}, Platform: "Linux", PrivateIP: "10.0.1.10"},
		{ID: "i-2", Name: "web", Tags: map[string]string{"Name": "web", "Team": "web", "Stage": ""}, Platform: "Linux"},
		{ID: "i-3", Name: "web", Tags: map[string]string{"Name": "web", "Team": "web", "Environment": "production", "Stage": "blue"}, Platform: "Linux"},
		{ID: "mi-4", Platform: "Windows"},
	})
	want := []pick.Item{
		{Cells: []string{"bastion", "i-1", "Team=db", "Linux", "10.0.1.10"}, Said: "bastion, i-1"},
		{Cells: []string{"web", "i-2", "no Environment Stage= Team=web", "Linux", ""}, Said: "web, i-2 (no Environment, Stage=)"},
		{Cells: []string{"web", "i-3", "Environment=production Stage=blue Team=web", "Linux", ""}, Said: "web, i-3 (Environment=production, Stage=blue)"},
		{Cells: []string{"", "mi-4", "", "Windows", ""}, Said: "mi-4"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

package finding

import (
	"context"
	"slices"
	"strings"
	"testing"

	"ssmguard/guard"
	"ssmguard/guard/guardtest"
	"ssmguard/guard/policy"
)

// codes returns the findings of a check as "CODE action".
func codes(t *testing.T, judges ...guard.Simulator) (list []string, d guard.Decision) {
	t.Helper()
	d, err := checked(context.Background(), (&guard.Guard{Simulators: judges}), devRequest)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range d.Findings {
		list = append(list, string(f.Code)+" "+f.Action)
	}
	return list, d
}

func TestUndecidedNamesThePermissionThatWouldDecide(t *testing.T) {
	_, d := codes(t,
		guardtest.Opinion{Judge: "iam", Answer: says(policy.Unknown), Err: &guard.NotVisible{Permission: "iam:SimulatePrincipalPolicy", Cause: "AccessDenied"}},
		guardtest.Opinion{Judge: "local", Answer: says(policy.Unknown, "identity")})
	i := slices.IndexFunc(d.Findings, func(f guard.Finding) bool { return f.Code == "SG506" })
	if i < 0 {
		t.Fatalf("no SG506 in %v", d.Findings)
	}
	f := d.Findings[i]
	if want := "role/dev may start this session cannot be told without iam:SimulatePrincipalPolicy"; !strings.Contains(f.Summary, want) {
		t.Errorf("summary %q, want %q", f.Summary, want)
	}
	if want := "it turns on the identity policies, which cannot be read"; !strings.Contains(f.Detail, want) {
		t.Errorf("detail %q, want %q", f.Detail, want)
	}
}

func TestOrganizationIsMissedOnlyWhereItMatters(t *testing.T) {
	hidden := &guard.NotVisible{Permission: "organizations:ListParents", Cause: "AccessDeniedException"}
	const want = "SG501 organizations:ListParents"
	allowed, _ := codes(t, guardtest.Opinion{Judge: "iam", Answer: says(policy.Allow)}, guardtest.Opinion{Judge: "local", Answer: says(policy.Unknown, "scp"), Err: hidden})
	if slices.Contains(allowed, want) {
		t.Errorf("an allowed session: %v", allowed)
	}
	open, _ := codes(t, guardtest.Opinion{Judge: "local", Answer: says(policy.Unknown, "scp"), Err: hidden})
	if !slices.Contains(open, want) {
		t.Errorf("an undecided session: %v", open)
	}
}

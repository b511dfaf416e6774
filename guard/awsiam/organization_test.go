package awsiam

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"ssmguard/guard"
	"ssmguard/guard/policy"
)

// member answers as an organization of which the account is a member, one level
// below the root; policies says what ListPoliciesForTarget answers.
func member(policies func(http.ResponseWriter, fakeCall)) map[string]func(http.ResponseWriter, fakeCall) {
	return map[string]func(http.ResponseWriter, fakeCall){
		"GetCallerIdentity":     whoami(devSession),
		"DescribeOrganization":  text(`{"Organization":{"MasterAccountId":"999988887777"}}`),
		"ListParents":           text(`{"Parents":[{"Id":"r-abcd","Type":"ROOT"}]}`),
		"ListPoliciesForTarget": policies,
		"DescribePolicy":        text(`{"Policy":{"Content":"{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}}"}}`),
	}
}

// TestOrganizationPages: the policies of a target come in pages; a list without an
// end leaves the layer unread.
func TestOrganizationPages(t *testing.T) {
	pages := func(last int) func(http.ResponseWriter, fakeCall) {
		return func(w http.ResponseWriter, c fakeCall) {
			if c.JSON["Filter"] != "SERVICE_CONTROL_POLICY" {
				text(`{"Policies":[]}`)(w, c)
				return
			}
			n := 0
			if token, ok := c.JSON["NextToken"].(string); ok {
				_, _ = fmt.Sscan(token, &n)
			}
			next := ""
			if n != last {
				next = fmt.Sprintf(`,"NextToken":"%d"`, n+1)
			}
			text(fmt.Sprintf(`{"Policies":[{"Id":"p-%d","Name":"policy%d","Arn":"arn:%d"}]%s}`, n, n, n, next))(w, c)
		}
	}
	c, _ := newFake(t, Options{}, member(pages(2)))
	set, _ := c.Policies(t.Context(), guard.Caller{})
	if len(set.SCP) != 2 || len(set.SCP[0]) != 3 || len(set.SCP[1]) != 3 || slices.Contains(set.Partial, policy.SCP) {
		t.Errorf("%v, unread %v", set.SCP, set.Partial)
	}
	c, _ = newFake(t, Options{}, member(pages(-1)))
	set, err := c.Policies(t.Context(), guard.Caller{})
	if !slices.Contains(set.Partial, policy.SCP) || slices.Contains(set.Partial, policy.RCP) || err == nil || !strings.Contains(err.Error(), "no end after 50 pages") {
		t.Errorf("unread %v, %v", set.Partial, err)
	}
}

// TestOrganizationExceptions: what spares the management account, service-linked
// roles and accounts without organization leaves no layer, read or unread.
func TestOrganizationExceptions(t *testing.T) {
	const linked = "arn:aws:iam::111122223333:role/aws-service-role/ssm.amazonaws.com/AWSServiceRoleForAmazonSSM"
	role := func(arn string) func(http.ResponseWriter, fakeCall) {
		return result("GetRole", `<Role><Arn>`+arn+`</Arn><RoleName>dev</RoleName><RoleId>AROAEXAMPLE</RoleId><Path>/</Path><CreateDate>2026-01-01T00:00:00Z</CreateDate></Role>`)
	}
	for _, tt := range []struct {
		name string
		ops  map[string]func(http.ResponseWriter, fakeCall)
		gone bool
	}{
		{"member", nil, false},
		{"management account", map[string]func(http.ResponseWriter, fakeCall){"DescribeOrganization": text(`{"Organization":{"MasterAccountId":"111122223333"}}`)}, true},
		{"no organization", map[string]func(http.ResponseWriter, fakeCall){"DescribeOrganization": failure(400, "AWSOrganizationsNotInUseException")}, true},
		{"service-linked role", map[string]func(http.ResponseWriter, fakeCall){"GetRole": role(linked)}, true},
		{"a role with a path", map[string]func(http.ResponseWriter, fakeCall){"GetRole": role("arn:aws:iam::111122223333:role/service-role/dev")}, false},
		{"SSO role", map[string]func(http.ResponseWriter, fakeCall){"GetRole": role("arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Dev_0123456789abcdef")}, false},
		{"nothing may be asked", map[string]func(http.ResponseWriter, fakeCall){"DescribeOrganization": denied}, false},
	} {
		ops := member(denied)
		for op, f := range tt.ops {
			ops[op] = f
		}
		c, _ := newFake(t, Options{}, ops)
		set, _ := c.Policies(t.Context(), guard.Caller{})
		unread := slices.Contains(set.Partial, policy.SCP) && slices.Contains(set.Partial, policy.RCP)
		if unread == tt.gone || tt.gone && (set.SCP != nil || set.RCP != nil) {
			t.Errorf("%s: unread %v, SCPs %v", tt.name, set.Partial, set.SCP)
		}
	}
}

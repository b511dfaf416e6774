package account

import (
	"slices"

	"ssmguard/internal/sandbox/api"
	"ssmguard/internal/sandbox/world"
)

var organizationsOperations = map[string]api.Handler{
	"DescribeOrganization":  describeOrganization,
	"DescribeAccount":       describeAccount,
	"ListRoots":             listRoots,
	"ListParents":           listParents,
	"ListPoliciesForTarget": listPoliciesForTarget,
	"DescribePolicy":        describeOrganizationPolicy,
}

// organization authorizes an action. All but DescribeOrganization are for the
// management account and delegated administrators.
func organization(c *api.Request, action string, anyAccount bool, keys map[string]string) (*world.Organization, error) {
	if err := c.Authorize(action, api.Object{ARN: "*", Keys: keys}); err != nil {
		return nil, err
	}
	o := c.World.Organization
	if o == nil {
		return nil, api.Refuse("AWSOrganizationsNotInUseException", "Your account is not a member of an organization.")
	}
	if !anyAccount && !o.Delegated && o.ManagementAccount != c.World.Account {
		return nil, api.Refuse("AccessDeniedException", "You don't have permissions to access this resource.")
	}
	return o, nil
}

type policyType struct{ Type, Status string }

type organizationJSON struct {
	ID                   string `json:"Id"`
	Arn                  string
	FeatureSet           string
	MasterAccountArn     string
	MasterAccountID      string `json:"MasterAccountId"`
	MasterAccountEmail   string
	AvailablePolicyTypes []policyType
}

func orgARN(c *api.Request, o *world.Organization, resource string) string {
	return "arn:" + c.World.Partition + ":organizations::" + o.ManagementAccount + ":" + resource
}

func describeOrganization(c *api.Request) (any, error) {
	o, err := organization(c, "organizations:DescribeOrganization", true, nil)
	if err != nil {
		return nil, err
	}
	return struct{ Organization organizationJSON }{organizationJSON{
		ID: o.ID, Arn: orgARN(c, o, "organization/"+o.ID), FeatureSet: "ALL", MasterAccountID: o.ManagementAccount,
		MasterAccountArn: orgARN(c, o, "account/"+o.ID+"/"+o.ManagementAccount), MasterAccountEmail: "root@example.com",
		AvailablePolicyTypes: []policyType{{api.ScpType, "ENABLED"}, {api.RcpType, "ENABLED"}},
	}}, nil
}

type accountJSON struct {
	ID              string `json:"Id"`
	Arn, Name       string
	Status, State   string
	Paths           []string
	JoinedTimestamp float64
}

func describeAccount(c *api.Request) (any, error) {
	var in struct {
		AccountID string `json:"AccountId"`
	}
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	o, err := organization(c, "organizations:DescribeAccount", false, nil)
	if err != nil {
		return nil, err
	}
	if in.AccountID != c.World.Account {
		return nil, api.Refuse("AccountNotFoundException", "You specified an account that doesn't exist.")
	}
	return struct{ Account accountJSON }{accountJSON{
		ID: in.AccountID, Arn: orgARN(c, o, "account/"+o.ID+"/"+in.AccountID), Name: "sandbox", Status: "ACTIVE", State: "ACTIVE",
		Paths: []string{api.OrgPath(o) + in.AccountID + "/"},
	}}, nil
}

type rootJSON struct {
	ID          string `json:"Id"`
	Arn, Name   string
	PolicyTypes []policyType
}

func listRoots(c *api.Request) (any, error) {
	o, err := organization(c, "organizations:ListRoots", false, nil)
	if err != nil {
		return nil, err
	}
	roots := []rootJSON{}
	if len(o.Levels) > 0 {
		id := o.Levels[0].ID
		roots = append(roots, rootJSON{id, orgARN(c, o, "root/"+o.ID+"/"+id), api.OrElse(o.Levels[0].Name, "Root"), []policyType{{api.ScpType, "ENABLED"}, {api.RcpType, "ENABLED"}}})
	}
	return struct{ Roots []rootJSON }{roots}, nil
}

type parentJSON struct {
	ID   string `json:"Id"`
	Type string
}

func listParents(c *api.Request) (any, error) {
	var in struct {
		ChildID string `json:"ChildId"`
	}
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	o, err := organization(c, "organizations:ListParents", false, nil)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(o.Levels, func(l world.Level) bool { return l.ID == in.ChildID })
	if i < 1 {
		return nil, api.Refuse("ChildNotFoundException", "You specified a child that doesn't exist.")
	}
	parent := parentJSON{o.Levels[i-1].ID, "ORGANIZATIONAL_UNIT"}
	if i == 1 {
		parent.Type = "ROOT"
	}
	return struct{ Parents []parentJSON }{[]parentJSON{parent}}, nil
}

type summaryJSON struct {
	ID              string `json:"Id"`
	Arn, Name, Type string
	AwsManaged      bool
}

func summary(c *api.Request, kind string, p world.Policy) summaryJSON {
	return summaryJSON{api.OrgPolicyID(p), c.OrgPolicyARN(kind, p), p.Name, kind, p.AWS}
}

// levelPolicies are a level's policies of one type.
func levelPolicies(l world.Level, kind string) []world.Policy {
	if kind == api.RcpType {
		return append([]world.Policy{api.FullAccessRCP}, l.RCPs...)
	}
	return l.SCPs
}

func listPoliciesForTarget(c *api.Request) (any, error) {
	var in struct {
		TargetID   string `json:"TargetId"`
		Filter     string
		MaxResults int
		NextToken  string
	}
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	o, err := organization(c, "organizations:ListPoliciesForTarget", false, map[string]string{"organizations:PolicyType": in.Filter})
	if err != nil {
		return nil, err
	}
	if in.Filter != api.ScpType && in.Filter != api.RcpType {
		return nil, api.Refuse("InvalidInputException", "You specified an invalid value.")
	}
	i := slices.IndexFunc(o.Levels, func(l world.Level) bool { return l.ID == in.TargetID })
	if i < 0 {
		return nil, api.Refuse("TargetNotFoundException", "You specified a target that doesn't exist.")
	}
	all := []summaryJSON{}
	for _, p := range levelPolicies(o.Levels[i], in.Filter) {
		all = append(all, summary(c, in.Filter, p))
	}
	part, next, ok := api.Page(all, in.NextToken, api.PageSize(in.MaxResults, 20, 20))
	if !ok {
		return nil, api.Refuse("InvalidInputException", "You specified an invalid value.")
	}
	return struct {
		Policies  []summaryJSON
		NextToken string `json:",omitempty"`
	}{part, next}, nil
}

func describeOrganizationPolicy(c *api.Request) (any, error) {
	var in struct {
		PolicyID string `json:"PolicyId"`
	}
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	o, err := organization(c, "organizations:DescribePolicy", false, nil)
	if err != nil {
		return nil, err
	}
	type content struct {
		PolicySummary summaryJSON
		Content       string
	}
	for _, l := range o.Levels {
		for _, kind := range []string{api.ScpType, api.RcpType} {
			for _, p := range levelPolicies(l, kind) {
				if api.OrgPolicyID(p) == in.PolicyID {
					return struct{ Policy content }{content{summary(c, kind, p), p.Document}}, nil
				}
			}
		}
	}
	return nil, api.Refuse("PolicyNotFoundException", "We can't find a policy with the PolicyId that you specified.")
}

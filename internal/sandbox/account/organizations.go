package account

import (
	"slices"

	"ssmguard/internal/sandbox/world"
)

var organizationsOperations = map[string]handler{
	"DescribeOrganization":  describeOrganization,
	"DescribeAccount":       describeAccount,
	"ListRoots":             listRoots,
	"ListParents":           listParents,
	"ListPoliciesForTarget": listPoliciesForTarget,
	"DescribePolicy":        describeOrganizationPolicy,
}

// organization authorizes an action. All but DescribeOrganization are for the
// management account and delegated administrators.
func (c *call) organization(action string, anyAccount bool, keys map[string]string) (*world.Organization, error) {
	if err := c.authorize(action, object{arn: "*", keys: keys}); err != nil {
		return nil, err
	}
	o := c.world.Organization
	if o == nil {
		return nil, refuse("AWSOrganizationsNotInUseException", "Your account is not a member of an organization.")
	}
	if !anyAccount && !o.Delegated && o.ManagementAccount != c.world.Account {
		return nil, refuse("AccessDeniedException", "You don't have permissions to access this resource.")
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

func (c *call) orgARN(o *world.Organization, resource string) string {
	return "arn:" + c.world.Partition + ":organizations::" + o.ManagementAccount + ":" + resource
}

func describeOrganization(c *call) (any, error) {
	o, err := c.organization("organizations:DescribeOrganization", true, nil)
	if err != nil {
		return nil, err
	}
	return struct{ Organization organizationJSON }{organizationJSON{
		ID: o.ID, Arn: c.orgARN(o, "organization/"+o.ID), FeatureSet: "ALL", MasterAccountID: o.ManagementAccount,
		MasterAccountArn: c.orgARN(o, "account/"+o.ID+"/"+o.ManagementAccount), MasterAccountEmail: "root@example.com",
		AvailablePolicyTypes: []policyType{{scpType, "ENABLED"}, {rcpType, "ENABLED"}},
	}}, nil
}

type accountJSON struct {
	ID              string `json:"Id"`
	Arn, Name       string
	Status, State   string
	Paths           []string
	JoinedTimestamp float64
}

func describeAccount(c *call) (any, error) {
	var in struct {
		AccountID string `json:"AccountId"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	o, err := c.organization("organizations:DescribeAccount", false, nil)
	if err != nil {
		return nil, err
	}
	if in.AccountID != c.world.Account {
		return nil, refuse("AccountNotFoundException", "You specified an account that doesn't exist.")
	}
	return struct{ Account accountJSON }{accountJSON{
		ID: in.AccountID, Arn: c.orgARN(o, "account/"+o.ID+"/"+in.AccountID), Name: "sandbox", Status: "ACTIVE", State: "ACTIVE",
		Paths: []string{orgPath(o) + in.AccountID + "/"},
	}}, nil
}

type rootJSON struct {
	ID          string `json:"Id"`
	Arn, Name   string
	PolicyTypes []policyType
}

func listRoots(c *call) (any, error) {
	o, err := c.organization("organizations:ListRoots", false, nil)
	if err != nil {
		return nil, err
	}
	roots := []rootJSON{}
	if len(o.Levels) > 0 {
		id := o.Levels[0].ID
		roots = append(roots, rootJSON{id, c.orgARN(o, "root/"+o.ID+"/"+id), orElse(o.Levels[0].Name, "Root"), []policyType{{scpType, "ENABLED"}, {rcpType, "ENABLED"}}})
	}
	return struct{ Roots []rootJSON }{roots}, nil
}

type parentJSON struct {
	ID   string `json:"Id"`
	Type string
}

func listParents(c *call) (any, error) {
	var in struct {
		ChildID string `json:"ChildId"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	o, err := c.organization("organizations:ListParents", false, nil)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(o.Levels, func(l world.Level) bool { return l.ID == in.ChildID })
	if i < 1 {
		return nil, refuse("ChildNotFoundException", "You specified a child that doesn't exist.")
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

func (c *call) summary(kind string, p world.Policy) summaryJSON {
	return summaryJSON{orgPolicyID(p), c.orgPolicyARN(kind, p), p.Name, kind, p.AWS}
}

// levelPolicies are a level's policies of one type.
func levelPolicies(l world.Level, kind string) []world.Policy {
	if kind == rcpType {
		return append([]world.Policy{fullAccessRCP}, l.RCPs...)
	}
	return l.SCPs
}

func listPoliciesForTarget(c *call) (any, error) {
	var in struct {
		TargetID   string `json:"TargetId"`
		Filter     string
		MaxResults int
		NextToken  string
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	o, err := c.organization("organizations:ListPoliciesForTarget", false, map[string]string{"organizations:PolicyType": in.Filter})
	if err != nil {
		return nil, err
	}
	if in.Filter != scpType && in.Filter != rcpType {
		return nil, refuse("InvalidInputException", "You specified an invalid value.")
	}
	i := slices.IndexFunc(o.Levels, func(l world.Level) bool { return l.ID == in.TargetID })
	if i < 0 {
		return nil, refuse("TargetNotFoundException", "You specified a target that doesn't exist.")
	}
	all := []summaryJSON{}
	for _, p := range levelPolicies(o.Levels[i], in.Filter) {
		all = append(all, c.summary(in.Filter, p))
	}
	part, next, ok := page(all, in.NextToken, pageSize(in.MaxResults, 20, 20))
	if !ok {
		return nil, refuse("InvalidInputException", "You specified an invalid value.")
	}
	return struct {
		Policies  []summaryJSON
		NextToken string `json:",omitempty"`
	}{part, next}, nil
}

func describeOrganizationPolicy(c *call) (any, error) {
	var in struct {
		PolicyID string `json:"PolicyId"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	o, err := c.organization("organizations:DescribePolicy", false, nil)
	if err != nil {
		return nil, err
	}
	type content struct {
		PolicySummary summaryJSON
		Content       string
	}
	for _, l := range o.Levels {
		for _, kind := range []string{scpType, rcpType} {
			for _, p := range levelPolicies(l, kind) {
				if orgPolicyID(p) == in.PolicyID {
					return struct{ Policy content }{content{c.summary(kind, p), p.Document}}, nil
				}
			}
		}
	}
	return nil, refuse("PolicyNotFoundException", "We can't find a policy with the PolicyId that you specified.")
}

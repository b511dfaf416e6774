package policyfile

import (
	"ssmguard/guard/policy"
)

// terraformPlaces lists where resources hold the texts of policies, and what kinds
// of policy these may be.
var terraformPlaces = []struct {
	resource string
	path     []string // an attribute, or a block and its attribute
	kinds    []policy.Kind
	optional bool // a resource without it has no such policy
}{
	{"aws_iam_policy_document", []string{"json"}, []policy.Kind{policy.Identity, policy.Boundary, policy.Session, policy.SCP, policy.RCP, policy.Endpoint}, false},
	{"aws_iam_policy", []string{"policy"}, []policy.Kind{policy.Identity, policy.Boundary, policy.Session}, false},
	{"aws_iam_role_policy", []string{"policy"}, []policy.Kind{policy.Identity}, false},
	{"aws_iam_user_policy", []string{"policy"}, []policy.Kind{policy.Identity}, false},
	{"aws_iam_group_policy", []string{"policy"}, []policy.Kind{policy.Identity}, false},
	{"aws_iam_role", []string{"inline_policy", "policy"}, []policy.Kind{policy.Identity}, true},
	{"aws_ssoadmin_permission_set_inline_policy", []string{"inline_policy"}, []policy.Kind{policy.Identity}, false},
	{"aws_organizations_policy", []string{"content"}, []policy.Kind{policy.SCP, policy.RCP}, false},
	{"aws_vpc_endpoint_policy", []string{"policy"}, []policy.Kind{policy.Endpoint}, false},
	{"aws_vpc_endpoint", []string{"policy"}, []policy.Kind{policy.Endpoint}, true},
}

// terraformMaker says which attribute of which resources has the name by which
// others speak of them, and how a name that nothing in the file has is told.
type terraformMaker struct {
	resources []string
	name      string
	elsewhere string
	principal string // what its names are of in the graph of owners: role, user, group; "" for others
}

var (
	makesManaged = terraformMaker{[]string{"aws_iam_policy"}, "arn", "attaches %s, whose text is not in this file", ""}
	makesNamed   = terraformMaker{[]string{"aws_iam_policy"}, "name", makesManaged.elsewhere, ""}
	makesInline  = terraformMaker{[]string{"aws_iam_role_policy", "aws_iam_user_policy", "aws_iam_group_policy"}, "name", makesManaged.elsewhere, ""}
	makesGroup   = terraformMaker{[]string{"aws_iam_group"}, "name", "puts users into the group %s, whose policies are not in this file", "group"}
	makesRole    = terraformMaker{[]string{"aws_iam_role"}, "name", "", "role"}
	makesUser    = terraformMaker{[]string{"aws_iam_user"}, "name", "", "user"}
	makesSet     = terraformMaker{[]string{"aws_ssoadmin_permission_set"}, "arn", "", ""}
)

// terraformPrincipals are the resources that are principals, with what their nodes in
// the graph of owners are called before the name.
var terraformPrincipals = map[string]string{
	"aws_iam_role": "role", "aws_iam_user": "user", "aws_iam_group": "group", "aws_ssoadmin_permission_set": "permission set",
}

// terraformHolders lists which attributes of resources name the principals that have
// what the resource brings.
var terraformHolders = []struct {
	resource  string
	attribute string
	maker     terraformMaker
}{
	{"aws_iam_role_policy", "role", makesRole},
	{"aws_iam_user_policy", "user", makesUser},
	{"aws_iam_group_policy", "group", makesGroup},
	{"aws_iam_role_policy_attachment", "role", makesRole},
	{"aws_iam_user_policy_attachment", "user", makesUser},
	{"aws_iam_group_policy_attachment", "group", makesGroup},
	{"aws_iam_policy_attachment", "roles", makesRole},
	{"aws_iam_policy_attachment", "users", makesUser},
	{"aws_iam_policy_attachment", "groups", makesGroup},
	{"aws_iam_role_policy_attachments_exclusive", "role_name", makesRole},
	{"aws_iam_user_policy_attachments_exclusive", "user_name", makesUser},
	{"aws_iam_group_policy_attachments_exclusive", "group_name", makesGroup},
	{"aws_iam_role_policies_exclusive", "role_name", makesRole},
	{"aws_iam_user_policies_exclusive", "user_name", makesUser},
	{"aws_iam_group_policies_exclusive", "group_name", makesGroup},
	{"aws_iam_user_group_membership", "user", makesUser},
	{"aws_iam_group_membership", "users", makesUser},
	{"aws_ssoadmin_permission_set_inline_policy", "permission_set_arn", makesSet},
	{"aws_ssoadmin_managed_policy_attachment", "permission_set_arn", makesSet},
	{"aws_ssoadmin_customer_managed_policy_attachment", "permission_set_arn", makesSet},
	{"aws_ssoadmin_permissions_boundary_attachment", "permission_set_arn", makesSet},
}

// terraformAttachments lists where resources give a principal policies that stand
// elsewhere, by an ARN, or by a name that is looked up in each account.
var terraformAttachments = []struct {
	resource string
	path     []string
	maker    terraformMaker
}{
	{"aws_iam_role_policy_attachment", []string{"policy_arn"}, makesManaged},
	{"aws_iam_user_policy_attachment", []string{"policy_arn"}, makesManaged},
	{"aws_iam_group_policy_attachment", []string{"policy_arn"}, makesManaged},
	{"aws_iam_policy_attachment", []string{"policy_arn"}, makesManaged},
	{"aws_iam_role_policy_attachments_exclusive", []string{"policy_arns"}, makesManaged},
	{"aws_iam_user_policy_attachments_exclusive", []string{"policy_arns"}, makesManaged},
	{"aws_iam_group_policy_attachments_exclusive", []string{"policy_arns"}, makesManaged},
	{"aws_iam_role_policies_exclusive", []string{"policy_names"}, makesInline},
	{"aws_iam_user_policies_exclusive", []string{"policy_names"}, makesInline},
	{"aws_iam_group_policies_exclusive", []string{"policy_names"}, makesInline},
	{"aws_iam_role", []string{"managed_policy_arns"}, makesManaged},
	{"aws_iam_user_group_membership", []string{"groups"}, makesGroup},
	{"aws_iam_group_membership", []string{"group"}, makesGroup},
	{"aws_ssoadmin_managed_policy_attachment", []string{"managed_policy_arn"}, makesManaged},
	{"aws_ssoadmin_customer_managed_policy_attachment", []string{"customer_managed_policy_reference", "name"}, makesNamed},
}

// terraformBounded lists which attributes of resources give a principal a permissions
// boundary.
var terraformBounded = []struct {
	resource string
	path     []string
	maker    terraformMaker
}{
	{"aws_iam_role", []string{"permissions_boundary"}, makesManaged},
	{"aws_iam_user", []string{"permissions_boundary"}, makesManaged},
	{"aws_ssoadmin_permissions_boundary_attachment", []string{"permissions_boundary", "managed_policy_arn"}, makesManaged},
	{"aws_ssoadmin_permissions_boundary_attachment", []string{"permissions_boundary", "customer_managed_policy_reference", "name"}, makesNamed},
}

// terraformUnread are the resources of another provider whose identity policies
// are not read.
var terraformUnread = []string{
	"awscc_iam_role", "awscc_iam_user", "awscc_iam_group", "awscc_iam_managed_policy",
	"awscc_iam_role_policy", "awscc_iam_user_policy", "awscc_iam_group_policy", "awscc_sso_permission_set",
}

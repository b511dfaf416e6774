package finding

import (
	"slices"
	"strings"

	"ssmguard/guard"
	"ssmguard/guard/policy"
)

// The owners of what has to be changed after a refusal, as Owner returns them.
const (
	OwnerCaller    = "caller"
	OwnerNode      = "node"
	OwnerKeyPolicy = "key policy"
	OwnerTrust     = "trust policy"
	OwnerUnknown   = "unknown"
)

var layerOwners = [...]string{
	policy.Identity: OwnerCaller, policy.Boundary: "boundary", policy.Session: "session policy",
	policy.SCP: "organization", policy.RCP: "organization", policy.Endpoint: "endpoint",
}

// Owner returns whose it is to mend a refusal: "caller" for the caller's own policies,
// "node" for those of the target's role, whatever refused it, "boundary", "session
// policy", "organization", "endpoint", "key policy", "trust policy", or "unknown" when
// the message does not tell.
func (r Refusal) Owner() string {
	layer, known := r.Layer()
	switch {
	case r.Policy == trustPolicy, r.Action == actionWebIdentity, r.Action == actionSAML, r.Policy == resourcePolicy && strings.HasPrefix(r.Action, "sts:"):
		return OwnerTrust
	case r.Policy == resourcePolicy && strings.HasPrefix(r.Action, "kms:"):
		return OwnerKeyPolicy
	case r.ofNode():
		return OwnerNode
	case known:
		return layerOwners[layer]
	}
	return OwnerUnknown
}

// Reason returns why AWS refused: "" when it gives no reason, or implicit or explicit and
// the layer, "explicit:scp"; nothing follows the colon when AWS names no layer.
func (r Refusal) Reason() string {
	name := ""
	layer, known := r.Layer()
	switch {
	case r.Policy == trustPolicy:
		name = "trust"
	case r.Policy == resourcePolicy:
		name = "resource"
	case known:
		name = layer.String()
	}
	switch {
	case r.Explicit:
		return "explicit:" + name
	case r.Policy != "":
		return "implicit:" + name
	}
	return ""
}

// The actions of a role that is assumed with a token of somebody else: IAM asks nothing
// but the trust policy.
const (
	actionWebIdentity = "sts:AssumeRoleWithWebIdentity"
	actionSAML        = "sts:AssumeRoleWithSAML"
)

// nodeActions are calls that only the agent on a target makes.
var nodeActions = []string{
	"ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel", "ssmmessages:OpenControlChannel",
	"ssm:UpdateInstanceInformation", "ssm:UpdateInstanceAssociationStatus", "ssm:UpdateAssociationStatus", "ssm:ListInstanceAssociations",
	"ssm:PutInventory", "ssm:PutComplianceItems", "ssm:PutConfigurePackageResult", "ssm:GetManifest", "ssm:GetDeployablePatchSnapshotForInstance",
}

// sharedActions are calls that the agent makes for a session, and others make too.
var sharedActions = []string{
	"ssmmessages:OpenDataChannel", "kms:Decrypt", "s3:GetEncryptionConfiguration", "s3:PutObject",
	"logs:CreateLogStream", "logs:DescribeLogGroups", "logs:DescribeLogStreams", "logs:PutLogEvents", "logs:CreateLogGroup",
}

// ofNode reports whether it was the role of the target that was refused: an instance's or
// a task's. A role's session on an instance bears the instance's id, one in a task the
// task's; a person who works on an instance calls with that role too, and is then the
// caller.
func (r Refusal) ofNode() bool {
	is := func(action string) bool { return strings.EqualFold(action, r.Action) }
	switch {
	case slices.ContainsFunc(nodeActions, is), strings.HasPrefix(strings.ToLower(r.Action), "ec2messages:"):
		return true
	case is("kms:Decrypt") && r.Wrapped == "data key":
		return true
	}
	return slices.ContainsFunc(sharedActions, is) && machine(r.User)
}

// machine reports whether a role's session is of an instance or of an ECS task, whose id
// it bears.
func machine(user string) bool {
	if guard.ArnField(user, 2) != "sts" {
		return false
	}
	name := user[strings.LastIndexByte(user, '/')+1:]
	for _, prefix := range []string{"i-", "mi-"} {
		if id, ok := strings.CutPrefix(name, prefix); ok {
			return hexadecimal(id) && len(id) >= 8
		}
	}
	id := strings.ReplaceAll(name, "-", "") // older tasks have dashes in it
	return len(id) == 32 && hexadecimal(id)
}

func hexadecimal(s string) bool { return strings.Trim(s, "0123456789abcdef") == "" }

// nodeRole names the target's role, with whose it is.
func (r Refusal) nodeRole() string {
	name := "the target's role"
	if of := (guard.Caller{SessionARN: r.User}).Name(); strings.HasPrefix(of, "role/") {
		name += ", " + of
	}
	return name
}

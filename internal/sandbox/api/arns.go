package api

import (
	"maps"
	"slices"
	"strings"

	"ssmguard/internal/sandbox/world"
)

// ARN builds an ARN of the account's own partition and account.
func (s *Store) ARN(service, region, resource string) string {
	return strings.Join([]string{"arn", s.World.Partition, service, region, s.World.Account, resource}, ":")
}

// IAMARN is the ARN of something of IAM's in the account.
func (s *Store) IAMARN(resource string) string { return s.ARN("iam", "", resource) }

// UserARN is a user's ARN, its path included.
func (s *Store) UserARN(u *world.User) string { return s.IAMARN("user" + u.Path + u.Name) }

// RoleARN is a role's ARN, its path included.
func (s *Store) RoleARN(r *world.Role) string { return s.IAMARN("role" + r.Path + r.Name) }

// GroupARN is a group's ARN, its path included.
func (s *Store) GroupARN(g *world.Group) string { return s.IAMARN("group" + g.Path + g.Name) }

// PolicyARN is a managed policy's ARN; AWS's own have no account in theirs.
func (s *Store) PolicyARN(m *ManagedPolicy) string {
	if m.AWS {
		return strings.Join([]string{"arn", s.World.Partition, "iam", "", "aws", "policy" + m.Path + m.Name}, ":")
	}
	return s.IAMARN("policy" + m.Path + m.Name)
}

// The types of organization policy, as Organizations names them in requests and in ARNs.
const (
	ScpType = "SERVICE_CONTROL_POLICY"
	RcpType = "RESOURCE_CONTROL_POLICY"
)

// OrgPolicyARN is the ARN of a policy of the organization.
func (s *Store) OrgPolicyARN(kind string, p world.Policy) string {
	o := s.World.Organization
	owner := o.ManagementAccount
	path := o.ID + "/" + strings.ToLower(kind) + "/" + OrgPolicyID(p)
	if p.AWS {
		owner, path = "aws", strings.ToLower(kind)+"/"+OrgPolicyID(p)
	}
	return strings.Join([]string{"arn", s.World.Partition, "organizations", "", owner, "policy/" + path}, ":")
}

// OrgPolicyID is p-FullAWSAccess for AWS's own policies and a made-up id otherwise.
func OrgPolicyID(p world.Policy) string {
	if p.AWS {
		return "p-" + p.Name
	}
	return "p-" + strings.ToLower(MadeUpID("", p.Name)[:10])
}

// TargetARN is the ARN a target is authorized on; kind is "" for text that is not a
// target.
func (s *Store) TargetARN(region, target string) (arn, kind string) {
	switch {
	case strings.HasPrefix(target, "i-"):
		return s.ARN("ec2", region, "instance/"+target), "instance"
	case strings.HasPrefix(target, "mi-"):
		return s.ARN("ssm", region, "managed-instance/"+target), "managed-instance"
	}
	if cluster, task, _, ok := TaskTarget(target); ok {
		return s.ARN("ecs", region, "task/"+cluster+"/"+task), "task"
	}
	return "", ""
}

// TaskTarget reads ecs:CLUSTER_TASK_RUNTIME. Of the three only the name of a
// cluster may hold the separator.
func TaskTarget(target string) (cluster, task, runtime string, ok bool) {
	rest, is := strings.CutPrefix(target, "ecs:")
	f := strings.Split(rest, "_")
	if n := len(f); is && n >= 3 {
		return strings.Join(f[:n-2], "_"), f[n-2], f[n-1], true
	}
	return "", "", "", false
}

// DocumentARN is the ARN of a document: AWS's own have no account, an account's
// own carry its id whether or not they exist.
func (s *Store) DocumentARN(region, name string) string {
	if strings.HasPrefix(name, "arn:") {
		return name
	}
	if OwnedByAWS(name) {
		return strings.Join([]string{"arn", s.World.Partition, "ssm", region, "", "document/" + name}, ":")
	}
	return s.ARN("ssm", region, "document/"+name)
}

// SortedKeys are a map's keys in order.
func SortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

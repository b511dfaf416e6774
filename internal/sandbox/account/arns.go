package account

import (
	"strings"

	"ssmguard/internal/sandbox/world"
)

// arn builds an ARN of the account's own partition and account.
func (s *Server) arn(service, region, resource string) string {
	return strings.Join([]string{"arn", s.world.Partition, service, region, s.world.Account, resource}, ":")
}

func (s *Server) iamARN(resource string) string { return s.arn("iam", "", resource) }

func (s *Server) userARN(u *world.User) string { return s.iamARN("user" + u.Path + u.Name) }

func (s *Server) roleARN(r *world.Role) string { return s.iamARN("role" + r.Path + r.Name) }

func (s *Server) groupARN(g *world.Group) string { return s.iamARN("group" + g.Path + g.Name) }

func (s *Server) policyARN(m *managedPolicy) string {
	if m.AWS {
		return strings.Join([]string{"arn", s.world.Partition, "iam", "", "aws", "policy" + m.Path + m.Name}, ":")
	}
	return s.iamARN("policy" + m.Path + m.Name)
}

// The types of organization policy, as Organizations names them in requests and in ARNs.
const (
	scpType = "SERVICE_CONTROL_POLICY"
	rcpType = "RESOURCE_CONTROL_POLICY"
)

func (s *Server) orgPolicyARN(kind string, p world.Policy) string {
	o := s.world.Organization
	owner := o.ManagementAccount
	path := o.ID + "/" + strings.ToLower(kind) + "/" + orgPolicyID(p)
	if p.AWS {
		owner, path = "aws", strings.ToLower(kind)+"/"+orgPolicyID(p)
	}
	return strings.Join([]string{"arn", s.world.Partition, "organizations", "", owner, "policy/" + path}, ":")
}

// orgPolicyID is p-FullAWSAccess for AWS's own policies and a made-up id otherwise.
func orgPolicyID(p world.Policy) string {
	if p.AWS {
		return "p-" + p.Name
	}
	return "p-" + strings.ToLower(madeUpID("", p.Name)[:10])
}

// targetARN is the ARN a target is authorized on; kind is "" for text that is no target.
func (s *Server) targetARN(region, target string) (arn, kind string) {
	switch {
	case strings.HasPrefix(target, "i-"):
		return s.arn("ec2", region, "instance/"+target), "instance"
	case strings.HasPrefix(target, "mi-"):
		return s.arn("ssm", region, "managed-instance/"+target), "managed-instance"
	}
	if cluster, task, _, ok := taskTarget(target); ok {
		return s.arn("ecs", region, "task/"+cluster+"/"+task), "task"
	}
	return "", ""
}

// taskTarget reads ecs:CLUSTER_TASK_RUNTIME. Of the three only the name of a
// cluster may hold the separator.
func taskTarget(target string) (cluster, task, runtime string, ok bool) {
	rest, is := strings.CutPrefix(target, "ecs:")
	f := strings.Split(rest, "_")
	if n := len(f); is && n >= 3 {
		return strings.Join(f[:n-2], "_"), f[n-2], f[n-1], true
	}
	return "", "", "", false
}

// documentARN is the ARN of a document: AWS's own have no account, an account's
// own carry its id whether or not they exist.
func (s *Server) documentARN(region, name string) string {
	if strings.HasPrefix(name, "arn:") {
		return name
	}
	if ownedByAWS(name) {
		return strings.Join([]string{"arn", s.world.Partition, "ssm", region, "", "document/" + name}, ":")
	}
	return s.arn("ssm", region, "document/"+name)
}

// Package awsiam asks AWS for evidence: who the caller is, which policies bear
// on them, what the simulator says, and what the resources look like.
//
// One Client serves one process and one set of credentials. What it has asked
// once it does not ask again, and what can be asked at once is asked at once:
// Prefetch starts the reads a request needs, the methods of guard's interfaces
// join the reads under way. A read that AWS refuses is a *guard.NotVisible
// beside a result that is usable as far as it goes; it is never an absence.
//
// A role's evidence is four calls deep, however much of it there is:
//
//	1  sts:GetCallerIdentity      ec2:DescribeInstances, ssm:DescribeDocument ...
//	2  iam:GetRole                iam:List(Attached)RolePolicies   kms:DescribeKey
//	3  iam:SimulatePrincipalPolicy  iam:GetRolePolicy, iam:GetPolicy
//	4                             iam:GetPolicyVersion
//
// It never decides. Start with Client in client.go, then caller.go and policies.go.
package awsiam

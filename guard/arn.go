package guard

import (
	"cmp"
	"slices"
	"strings"
)

// DefaultDocument is what a request without a document name uses. It belongs to
// the account, whether or not it was ever created.
const DefaultDocument = "SSM-SessionManagerRunShell"

// sampleSuffix stands for the part of a session id that AWS chooses.
const sampleSuffix = "0a1b2c3d4e5f6g7h8i9j0k1l2m"

// partitions maps the beginning of a region's name to its partition.
var partitions = []struct{ prefix, partition string }{
	{"cn-", "aws-cn"},
	{"us-gov-", "aws-us-gov"},
	{"us-isob-", "aws-iso-b"},
	{"us-isof-", "aws-iso-f"},
	{"us-iso-", "aws-iso"},
	{"eu-isoe-", "aws-iso-e"},
	{"eusc-", "aws-eusc"},
}

// Partition returns the partition of a request: the caller's, else the region's.
func Partition(r Request) string {
	if r.Caller.Partition != "" {
		return r.Caller.Partition
	}
	return PartitionOf(r.Region)
}

// arn joins the fields of an ARN in the request's partition and region.
func arn(r Request, service, account, resource string) string {
	return "arn:" + Partition(r) + ":" + service + ":" + cmp.Or(r.Region, anyRegion) + ":" + account + ":" + resource
}

// ArnField returns a field of an ARN, counted from 0 ("arn"); the resource, field
// 5, keeps its colons. It returns "" for what is no ARN.
func ArnField(arn string, i int) string {
	f := strings.SplitN(arn, ":", 6)
	if len(f) < 6 || f[0] != "arn" {
		return ""
	}
	return f[i]
}

// TargetARN returns the ARN IAM evaluates for the request's target: an EC2
// instance, a managed instance (mi-), or an ECS task (ecs:cluster_task_runtime).
func TargetARN(r Request) string {
	if strings.HasPrefix(r.Target, "mi-") {
		return arn(r, "ssm", r.Caller.Account, "managed-instance/"+r.Target)
	}
	if cluster, task, _, ok := SplitTask(r.Target); ok {
		return arn(r, "ecs", r.Caller.Account, "task/"+cluster+"/"+task)
	}
	return arn(r, "ec2", r.Caller.Account, "instance/"+r.Target)
}

// SplitTask takes the target of a session in an ECS task, ecs:CLUSTER_TASK_RUNTIME,
// apart; ok is false for any other. A cluster's name may hold underscores, the
// other two may not, so the split is from the end.
func SplitTask(target string) (cluster, task, runtime string, ok bool) {
	rest, ok := strings.CutPrefix(target, "ecs:")
	if !ok {
		return "", "", "", false
	}
	i := strings.LastIndexByte(rest, '_')
	if i < 0 {
		return "", "", "", false
	}
	rest, runtime = rest[:i], rest[i+1:]
	i = strings.LastIndexByte(rest, '_')
	if i < 0 {
		return "", "", "", false
	}
	return rest[:i], rest[i+1:], runtime, true
}

// documentARN is the ARN IAM evaluates for the request's document: with the
// account id for the account's own (the default one included), with an EMPTY
// account for AWS-owned ones, as given when it is an ARN.
func documentARN(r Request, f Facts) string {
	name := DocumentName(r)
	if strings.HasPrefix(r.Document, "arn:") {
		return r.Document
	}
	if AwsOwned(r, f) {
		return arn(r, "ssm", "", "document/"+name)
	}
	return arn(r, "ssm", r.Caller.Account, "document/"+name)
}

// DocumentName returns the document's name without ARN.
func DocumentName(r Request) string {
	if r.Document == "" {
		return DefaultDocument
	}
	if strings.HasPrefix(r.Document, "arn:") {
		return strings.TrimPrefix(ArnField(r.Document, 5), "document/")
	}
	return r.Document
}

// awsPrefixes are reserved: no account can own a document whose name begins so.
var awsPrefixes = []string{"AWS-", "AWSEC2-", "AWSSupport-", "AWSConfigRemediation-", "AWSFleetManager-", "Amazon"}

// AwsOwned reports whether AWS owns the request's document. What was read of the
// document wins over its name.
func AwsOwned(r Request, f Facts) bool {
	if strings.HasPrefix(r.Document, "arn:") {
		return ArnField(r.Document, 4) == ""
	}
	if DocumentName(r) == DefaultDocument {
		return false
	}
	if f.DocumentOwner != "" {
		return strings.EqualFold(f.DocumentOwner, "Amazon")
	}
	return slices.ContainsFunc(awsPrefixes, func(p string) bool { return strings.HasPrefix(r.Document, p) })
}

// sessionARN returns the ARN of the session, or of a session as this caller's
// usually are named: the user name or the role session name, then a suffix.
func sessionARN(r Request) string {
	id := r.SessionID
	if id == "" {
		id = sessionPrefix(r.Caller) + "-" + sampleSuffix
	}
	return arn(r, "ssm", r.Caller.Account, "session/"+id)
}

// sessionPrefix is what AWS begins a caller's session ids with.
func sessionPrefix(c Caller) string {
	if name := c.SessionName(); name != "" {
		return name
	}
	return "session"
}

// Kind returns the caller's kind, told by the ARN STS reports.
func (c Caller) Kind() Kind {
	resource := ArnField(c.SessionARN, 5)
	switch {
	case resource == "root":
		return Root
	case strings.HasPrefix(resource, "user/"):
		return User
	case strings.HasPrefix(resource, "assumed-role/"):
		return AssumedRole
	case strings.HasPrefix(resource, "federated-user/"):
		return FederatedUser
	}
	return KindUnknown
}

// UserName returns aws:username, which only IAM users have.
func (c Caller) UserName() string {
	if c.Kind() != User {
		return ""
	}
	return lastPart(c.SessionARN)
}

// SessionName returns what session ids begin with: the user name, the role
// session name, the federated user's name; "" when there is none.
func (c Caller) SessionName() string {
	switch c.Kind() {
	case User, AssumedRole, FederatedUser:
		return lastPart(c.SessionARN)
	}
	return ""
}

// Name returns the caller as people write it: "role/dev", "user/alice".
func (c Caller) Name() string {
	resource := ArnField(c.SessionARN, 5)
	switch c.Kind() {
	case AssumedRole:
		name, _, _ := strings.Cut(strings.TrimPrefix(resource, "assumed-role/"), "/")
		return "role/" + name
	case User:
		return "user/" + lastPart(c.SessionARN)
	case FederatedUser, Root:
		return resource
	}
	if c.Principal != "" {
		kind, _, _ := strings.Cut(ArnField(c.Principal, 5), "/")
		return kind + "/" + lastPart(c.Principal)
	}
	return "this caller"
}

// Home returns whose policies to change for the caller: the role of a permission
// set cannot be changed itself, AWS would undo it.
func (c Caller) Home() string {
	set, ok := strings.CutPrefix(c.Name(), "role/AWSReservedSSO_")
	if i := strings.LastIndexByte(set, '_'); ok && i > 0 {
		return `permission set "` + set[:i] + `"`
	}
	return c.Name()
}

func lastPart(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }

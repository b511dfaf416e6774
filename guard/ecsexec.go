package guard

import "slices"

// The IDs of the grants of ecs:ExecuteCommand, stable in JSON.
const (
	GrantTask    = "execute/task"
	GrantCluster = "execute/cluster"
)

// ActionExecute is what a command in a task needs, on the task and on its cluster.
const ActionExecute = "ecs:ExecuteCommand"

// ExecuteDocument is the session document of ECS Exec. It belongs to AWS, and
// the caller needs no grant for it.
const ExecuteDocument = "AmazonECS-ExecuteInteractiveCommand"

// executeNeeds is the table of a request with a Container. ECS starts the session
// in the caller's place, so that no grant of Systems Manager's is needed. See the
// service authorization reference of ECS.
var executeNeeds = []Need{
	{GrantTask, ActionExecute, false, "to run a command in the task",
		func(r Request, _ Facts) string { return TargetARN(r) }, taskKeys},
	{GrantCluster, ActionExecute, false, "to run commands in the cluster, which is a grant of its own",
		func(r Request, _ Facts) string { return clusterARN(r) }, clusterKeys},
	{GrantKMS, ActionDataKey, true, "to encrypt the session data, which the cluster asks for",
		func(_ Request, f Facts) string { return f.KMSKey }, kmsKeys},
}

// clusterARN returns the ARN of a task's cluster, "" for a target that is no task.
func clusterARN(r Request) string {
	cluster, _, _, ok := SplitTask(r.Target)
	if !ok {
		return ""
	}
	return arn(r, "ecs", r.Caller.Account, "cluster/"+cluster)
}

const tagECS = "ecs:ResourceTag/"

func executeKeys(k *Keyring, r Request) {
	k.set("ecs:cluster", clusterARN(r))
	k.set("ecs:container-name", r.Container)
	// The service authorization reference lists these two; on which of the two
	// resources they come, and with which value, is nowhere documented.
	k.Unknown("ecs:task", "ecs:enable-execute-command")
	k.set("aws:ResourceAccount", r.Caller.Account)
}

func taskKeys(k *Keyring, r Request, f Facts) {
	k.tags(f.TargetTags, !slices.Contains(f.Unknown, UnknownTargetTags), tagECS, TagGlobal)
	executeKeys(k, r)
}

// clusterKeys are the same with the cluster's own tags, which are not read.
func clusterKeys(k *Keyring, r Request, _ Facts) {
	k.Unknown(tagECS+"*", TagGlobal+"*")
	executeKeys(k, r)
}

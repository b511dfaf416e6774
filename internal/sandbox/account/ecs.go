package account

import (
	"slices"
	"strings"

	"ssmguard/internal/sandbox/api"
	"ssmguard/internal/sandbox/world"
)

var ecsOperations = map[string]api.Handler{
	"DescribeClusters": describeClusters,
	"DescribeTasks":    describeTasks,
	"ExecuteCommand":   executeCommand,
}

func taskARN(c *api.Request, t *world.Task) string {
	return c.ARN("ecs", api.OrElse(t.Region, c.World.Region), "task/"+t.Cluster+"/"+t.ID)
}

func clusterARN(c *api.Request, name string) string { return c.ARN("ecs", c.Region, "cluster/"+name) }

// task finds the task and container of a target ecs:CLUSTER_TASK_RUNTIME.
func task(c *api.Request, target string) (*world.Task, *world.Container) {
	cluster, id, runtime, ok := api.TaskTarget(target)
	if !ok {
		return nil, nil
	}
	t := taskIn(c, cluster, id)
	if t == nil {
		return nil, nil
	}
	i := slices.IndexFunc(t.Containers, func(x world.Container) bool { return x.RuntimeID == runtime })
	if i < 0 {
		return nil, nil
	}
	return t, &t.Containers[i]
}

// taskIn finds a task by id or ARN in a cluster given by name or ARN.
func taskIn(c *api.Request, cluster, task string) *world.Task {
	cluster = cluster[strings.LastIndex(cluster, "/")+1:]
	task = task[strings.LastIndex(task, "/")+1:]
	for i := range c.World.Tasks {
		t := &c.World.Tasks[i]
		if t.Cluster == api.OrElse(cluster, "default") && t.ID == task && api.OrElse(t.Region, c.World.Region) == c.Region {
			return t
		}
	}
	return nil
}

type ecsTag struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

type ecsAgent struct {
	Name       string `json:"name"`
	LastStatus string `json:"lastStatus"`
}

type ecsContainer struct {
	Name          string     `json:"name"`
	TaskARN       string     `json:"taskArn"`
	RuntimeID     string     `json:"runtimeId"`
	LastStatus    string     `json:"lastStatus"`
	ManagedAgents []ecsAgent `json:"managedAgents"`
}

type ecsTask struct {
	TaskARN     string         `json:"taskArn"`
	ClusterARN  string         `json:"clusterArn"`
	LastStatus  string         `json:"lastStatus"`
	Desired     string         `json:"desiredStatus"`
	ExecEnabled bool           `json:"enableExecuteCommand"`
	Containers  []ecsContainer `json:"containers"`
	Tags        []ecsTag       `json:"tags,omitempty"`
}

type ecsFailure struct {
	Arn    string `json:"arn"`
	Reason string `json:"reason"`
}

type describeTasksInput struct {
	Cluster string   `json:"cluster"`
	Tasks   []string `json:"tasks"`
	Include []string `json:"include"`
}

type describeTasksAnswer struct {
	Tasks    []ecsTask    `json:"tasks"`
	Failures []ecsFailure `json:"failures"`
}

func describeTasks(c *api.Request) (any, error) {
	var in describeTasksInput
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	a := describeTasksAnswer{[]ecsTask{}, []ecsFailure{}}
	for _, id := range in.Tasks {
		cluster := api.OrElse(in.Cluster, "default")
		arn := c.ARN("ecs", c.Region, "task/"+cluster[strings.LastIndex(cluster, "/")+1:]+"/"+id[strings.LastIndex(id, "/")+1:])
		t := taskIn(c, cluster, id)
		on := api.Object{ARN: arn}
		if t != nil {
			on = api.Tagged(arn, t.Tags, "ecs:ResourceTag/")
			on.Keys["ecs:cluster"] = clusterARN(c, t.Cluster)
		}
		if err := c.Authorize("ecs:DescribeTasks", on); err != nil {
			return nil, err
		}
		if t == nil && !hasCluster(c, cluster) {
			return nil, api.Refuse("ClusterNotFoundException", "Cluster not found.")
		}
		if t == nil {
			a.Failures = append(a.Failures, ecsFailure{arn, "MISSING"})
			continue
		}
		a.Tasks = append(a.Tasks, taskOf(c, t, slices.Contains(in.Include, "TAGS")))
	}
	return a, nil
}

func taskOf(c *api.Request, t *world.Task, withTags bool) ecsTask {
	status := "RUNNING"
	if t.Stopped {
		status = "STOPPED"
	}
	x := ecsTask{TaskARN: taskARN(c, t), ClusterARN: clusterARN(c, t.Cluster), LastStatus: status, Desired: status, ExecEnabled: !t.ExecDisable}
	for _, k := range t.Containers {
		agents := []ecsAgent{}
		if !t.ExecDisable {
			agents = append(agents, ecsAgent{"ExecuteCommandAgent", status})
		}
		x.Containers = append(x.Containers, ecsContainer{k.Name, x.TaskARN, k.RuntimeID, status, agents})
	}
	if withTags {
		for _, k := range api.SortedKeys(t.Tags) {
			x.Tags = append(x.Tags, ecsTag{k, t.Tags[k]})
		}
	}
	return x
}

type executeCommandInput struct {
	Cluster     string `json:"cluster"`
	Container   string `json:"container"`
	Command     string `json:"command"`
	Interactive bool   `json:"interactive"`
	Task        string `json:"task"`
}

type ecsSession struct {
	SessionID  string `json:"sessionId"`
	StreamURL  string `json:"streamUrl"`
	TokenValue string `json:"tokenValue"`
}

type executeCommandAnswer struct {
	ClusterARN    string     `json:"clusterArn"`
	ContainerName string     `json:"containerName"`
	Interactive   bool       `json:"interactive"`
	Session       ecsSession `json:"session"`
	TaskARN       string     `json:"taskArn"`
}

const ecsDocument = "AmazonECS-ExecuteInteractiveCommand"

func executeCommand(c *api.Request) (any, error) {
	var in executeCommandInput
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	t := taskIn(c, api.OrElse(in.Cluster, "default"), in.Task)
	if t == nil && !hasCluster(c, api.OrElse(in.Cluster, "default")) {
		return nil, api.Refuse("ClusterNotFoundException", "Cluster not found.")
	}
	if t == nil {
		return nil, api.Refuse("InvalidParameterException", "The specified task does not exist.")
	}
	k, err := containerOf(t, in.Container)
	if err != nil {
		return nil, err
	}
	for _, on := range []api.Object{
		api.Tagged(taskARN(c, t), t.Tags, "ecs:ResourceTag/"),
		api.Tagged(clusterARN(c, t.Cluster), nil, "ecs:ResourceTag/"), // a cluster has tags of its own, and a world gives it none
	} {
		on.Keys["ecs:cluster"], on.Keys["ecs:container-name"] = clusterARN(c, t.Cluster), k.Name
		if err := c.Authorize("ecs:ExecuteCommand", on); err != nil {
			return nil, err
		}
	}
	if t.Stopped || t.ExecDisable {
		return nil, api.Refuse("InvalidParameterException", "The execute command failed because execute command was not enabled when the task was run or the execute command agent isn't running. Wait and try again or run a new task with execute command enabled and try again.")
	}
	return execute(c, in, t, k)
}

// containerOf finds a container by name; a task with one container needs no name.
func containerOf(t *world.Task, name string) (*world.Container, error) {
	if name == "" && len(t.Containers) == 1 {
		return &t.Containers[0], nil
	}
	i := slices.IndexFunc(t.Containers, func(x world.Container) bool { return x.Name == name })
	if i < 0 {
		return nil, api.Refuse("InvalidParameterException", "The container name specified is not valid.")
	}
	return &t.Containers[i], nil
}

func execute(c *api.Request, in executeCommandInput, t *world.Task, k *world.Container) (any, error) {
	content, err := sessionDocument(c, ecsDocument)
	if err != nil {
		return nil, err
	}
	bound := map[string]string{"command": in.Command}
	target := "ecs:" + t.Cluster + "_" + t.ID + "_" + k.RuntimeID
	start, err := describeStart(c, startSessionInput{Target: target}, ecsDocument, content, bound, world.Node{Agent: taskAgent})
	if err != nil {
		return nil, err
	}
	open := startOn(c, start, "ecs-execute-command")
	return api.Deferred(func() (any, error) {
		out, err := open()
		if err != nil {
			return nil, err
		}
		s := out.(sessionAnswer)
		return executeCommandAnswer{clusterARN(c, t.Cluster), k.Name, in.Interactive, ecsSession{s.SessionID, s.StreamURL, s.TokenValue}, taskARN(c, t)}, nil
	}), nil
}

type ecsCluster struct {
	ClusterARN string `json:"clusterArn"`
	Name       string `json:"clusterName"`
	Status     string `json:"status"`
}

// hasCluster reports whether there is a cluster, given by name or ARN: one that has tasks.
func hasCluster(c *api.Request, cluster string) bool {
	name := cluster[strings.LastIndex(cluster, "/")+1:]
	return slices.ContainsFunc(c.World.Tasks, func(t world.Task) bool { return t.Cluster == name })
}

// describeClusters returns the clusters that have tasks; none encrypts its commands.
func describeClusters(c *api.Request) (any, error) {
	var in struct {
		Clusters []string `json:"clusters"`
		Include  []string `json:"include"`
	}
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	found, failures := []ecsCluster{}, []ecsFailure{}
	for _, name := range in.Clusters {
		name = name[strings.LastIndex(name, "/")+1:]
		if err := c.Authorize("ecs:DescribeClusters", api.Object{ARN: clusterARN(c, name)}); err != nil {
			return nil, err
		}
		if !hasCluster(c, name) {
			failures = append(failures, ecsFailure{clusterARN(c, name), "MISSING"})
			continue
		}
		found = append(found, ecsCluster{clusterARN(c, name), name, "ACTIVE"})
	}
	return struct {
		Clusters []ecsCluster `json:"clusters"`
		Failures []ecsFailure `json:"failures"`
	}{found, failures}, nil
}

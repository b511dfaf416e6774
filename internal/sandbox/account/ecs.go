package account

import (
	"slices"
	"strings"

	"ssmguard/internal/sandbox/world"
)

var ecsOperations = map[string]handler{
	"DescribeClusters": describeClusters,
	"DescribeTasks":    describeTasks,
	"ExecuteCommand":   executeCommand,
}

func (c *call) taskARN(t *world.Task) string {
	return c.arn("ecs", orElse(t.Region, c.world.Region), "task/"+t.Cluster+"/"+t.ID)
}

func (c *call) clusterARN(name string) string { return c.arn("ecs", c.region, "cluster/"+name) }

// task finds the task and container of a target ecs:CLUSTER_TASK_RUNTIME.
func (c *call) task(target string) (*world.Task, *world.Container) {
	cluster, id, runtime, ok := taskTarget(target)
	if !ok {
		return nil, nil
	}
	t := c.taskIn(cluster, id)
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
func (c *call) taskIn(cluster, task string) *world.Task {
	cluster = cluster[strings.LastIndex(cluster, "/")+1:]
	task = task[strings.LastIndex(task, "/")+1:]
	for i := range c.world.Tasks {
		t := &c.world.Tasks[i]
		if t.Cluster == orElse(cluster, "default") && t.ID == task && orElse(t.Region, c.world.Region) == c.region {
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

func describeTasks(c *call) (any, error) {
	var in describeTasksInput
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	a := describeTasksAnswer{[]ecsTask{}, []ecsFailure{}}
	for _, id := range in.Tasks {
		cluster := orElse(in.Cluster, "default")
		arn := c.arn("ecs", c.region, "task/"+cluster[strings.LastIndex(cluster, "/")+1:]+"/"+id[strings.LastIndex(id, "/")+1:])
		t := c.taskIn(cluster, id)
		on := object{arn: arn}
		if t != nil {
			on = tagged(arn, t.Tags, "ecs:ResourceTag/")
			on.keys["ecs:cluster"] = c.clusterARN(t.Cluster)
		}
		if err := c.authorize("ecs:DescribeTasks", on); err != nil {
			return nil, err
		}
		if t == nil {
			a.Failures = append(a.Failures, ecsFailure{arn, "MISSING"})
			continue
		}
		a.Tasks = append(a.Tasks, c.ecsTask(t, slices.Contains(in.Include, "TAGS")))
	}
	return a, nil
}

func (c *call) ecsTask(t *world.Task, withTags bool) ecsTask {
	status := "RUNNING"
	if t.Stopped {
		status = "STOPPED"
	}
	x := ecsTask{TaskARN: c.taskARN(t), ClusterARN: c.clusterARN(t.Cluster), LastStatus: status, Desired: status, ExecEnabled: !t.ExecDisable}
	for _, k := range t.Containers {
		agents := []ecsAgent{}
		if !t.ExecDisable {
			agents = append(agents, ecsAgent{"ExecuteCommandAgent", status})
		}
		x.Containers = append(x.Containers, ecsContainer{k.Name, x.TaskARN, k.RuntimeID, status, agents})
	}
	if withTags {
		for _, k := range sortedKeys(t.Tags) {
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

func executeCommand(c *call) (any, error) {
	var in executeCommandInput
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	t := c.taskIn(orElse(in.Cluster, "default"), in.Task)
	if t == nil {
		return nil, refuse("InvalidParameterException", "The specified task does not exist.")
	}
	k, err := containerOf(t, in.Container)
	if err != nil {
		return nil, err
	}
	on := tagged(c.taskARN(t), t.Tags, "ecs:ResourceTag/")
	on.keys["ecs:cluster"], on.keys["ecs:container-name"] = c.clusterARN(t.Cluster), k.Name
	if err := c.authorize("ecs:ExecuteCommand", on); err != nil {
		return nil, err
	}
	on.arn = c.clusterARN(t.Cluster)
	if err := c.authorize("ecs:ExecuteCommand", on); err != nil {
		return nil, err
	}
	if t.Stopped || t.ExecDisable {
		return nil, refuse("InvalidParameterException", "The execute command failed because execute command was not enabled when the task was run or the execute command agent isn't running. Wait and try again or run a new task with execute command enabled and try again.")
	}
	return c.execute(in, t, k)
}

// containerOf finds a container by name; a task with one container needs no name.
func containerOf(t *world.Task, name string) (*world.Container, error) {
	if name == "" && len(t.Containers) == 1 {
		return &t.Containers[0], nil
	}
	i := slices.IndexFunc(t.Containers, func(x world.Container) bool { return x.Name == name })
	if i < 0 {
		return nil, refuse("InvalidParameterException", "The container name specified is not valid.")
	}
	return &t.Containers[i], nil
}

func (c *call) execute(in executeCommandInput, t *world.Task, k *world.Container) (any, error) {
	content, err := c.sessionDocument(ecsDocument)
	if err != nil {
		return nil, err
	}
	bound := map[string]string{"command": in.Command}
	target := "ecs:" + t.Cluster + "_" + t.ID + "_" + k.RuntimeID
	start, err := c.describeStart(startSessionInput{Target: target}, ecsDocument, content, bound, world.Node{Agent: taskAgent})
	if err != nil {
		return nil, err
	}
	open := c.open(start, "ecs-execute-command")
	return deferred(func() (any, error) {
		out, err := open()
		if err != nil {
			return nil, err
		}
		s := out.(sessionAnswer)
		return executeCommandAnswer{c.clusterARN(t.Cluster), k.Name, in.Interactive, ecsSession{s.SessionID, s.StreamURL, s.TokenValue}, c.taskARN(t)}, nil
	}), nil
}

type ecsCluster struct {
	ClusterARN string `json:"clusterArn"`
	Name       string `json:"clusterName"`
	Status     string `json:"status"`
}

// describeClusters knows the clusters that have tasks; none encrypts its commands.
func describeClusters(c *call) (any, error) {
	var in struct {
		Clusters []string `json:"clusters"`
		Include  []string `json:"include"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	found, failures := []ecsCluster{}, []ecsFailure{}
	for _, name := range in.Clusters {
		name = name[strings.LastIndex(name, "/")+1:]
		if err := c.authorize("ecs:DescribeClusters", object{arn: c.clusterARN(name)}); err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(c.world.Tasks, func(t world.Task) bool { return t.Cluster == name }) {
			failures = append(failures, ecsFailure{c.clusterARN(name), "MISSING"})
			continue
		}
		found = append(found, ecsCluster{c.clusterARN(name), name, "ACTIVE"})
	}
	return struct {
		Clusters []ecsCluster `json:"clusters"`
		Failures []ecsFailure `json:"failures"`
	}{found, failures}, nil
}

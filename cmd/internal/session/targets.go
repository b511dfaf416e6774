package session

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"ssmguard/cmd/internal/ask"
	"ssmguard/cmd/internal/awscli"
	"ssmguard/cmd/internal/awsconf"
	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/pick"
	"ssmguard/configs"
	"ssmguard/guard"
	"ssmguard/guard/awsiam"
	"ssmguard/guard/policy"
)

// pickTarget asks the user for the target of a command line without one.
func pickTarget(ctx context.Context, line *ask.Line) error {
	id, err := PickTarget(ctx, line)
	if err == nil {
		line.Call.Fill(awscli.Input{Target: id})
	}
	return err
}

// PickTarget has the user choose one of the targets that can take a session now, and returns
// its id. Those that the caller's policies deny come last, and say so; what is not known, or not in
// time, is not marked.
func PickTarget(ctx context.Context, line *ask.Line) (string, error) {
	nodes, denied, region, err := connected(ctx, line)
	if err != nil {
		return "", err
	}
	if len(nodes) == 0 {
		return "", exit.Coded(fmt.Sprintf("no target is connected in %s; see \"ssmguard doctor --target TARGET\" for why one is not", region), exit.Refused)
	}
	slices.SortStableFunc(nodes, func(a, b awsiam.Node) int { return cmp.Compare(bit(denied[a.ID]), bit(denied[b.ID])) })
	at, err := pick.One(ctx, line.Process, "target", targetItems(nodes, denied))
	if err != nil {
		return "", err
	}
	return nodes[at].ID, nil
}

// bit is 1 for true.
func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// policiesTime is how much longer than the list of targets the caller's policies may take.
const policiesTime = 500 * time.Millisecond

// deniedTargets starts to read the caller's policies, once for all targets. The function that it
// returns says which nodes they deny, as far as they are read by then or soon after; end gives up.
func deniedTargets(ctx context.Context, l *ask.Line, evidence *awsiam.Client, region string) (of func([]awsiam.Node) map[string]bool, end func()) {
	if l.Own.Guard == configs.GuardOff {
		return func([]awsiam.Node) map[string]bool { return nil }, func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	type reading struct {
		caller guard.Caller
		set    policy.Set
		err    error
	}
	read, over := make(chan reading, 1), make(chan struct{})
	go func() {
		defer close(over)
		var r reading
		if r.caller, r.err = evidence.Caller(ctx); r.caller.SessionARN != "" {
			r.set, r.err = evidence.Policies(ctx, r.caller)
		}
		read <- r
	}()
	of = func(nodes []awsiam.Node) map[string]bool {
		late := time.NewTimer(policiesTime)
		defer late.Stop()
		var r reading
		select {
		case r = <-read:
		case <-late.C:
			return nil
		}
		if r.caller.SessionARN == "" || r.err != nil && len(r.set.Partial) == 0 { // what could not be read has no trace
			return nil
		}
		request := ask.Request(l.Call.Input, region)
		request.Caller = r.caller
		return denies(r.set, request, nodes)
	}
	return of, func() { cancel(); <-over }
}

// denies returns the nodes that policies deny to a request.
func denies(set policy.Set, r guard.Request, nodes []awsiam.Node) map[string]bool {
	tags := make(map[string]map[string]string)
	var ids []string
	for _, n := range nodes {
		if ids = append(ids, n.ID); n.Tags != nil {
			tags[n.ID] = n.Tags
		}
	}
	denied := make(map[string]bool)
	for _, o := range guard.Targets(set, r, ids, tags) {
		denied[o.Name] = o.Verdict.Denies()
	}
	return denied
}

// connected lists the targets that can take a session now, and which of them are denied.
func connected(ctx context.Context, l *ask.Line) (nodes []awsiam.Node, denied map[string]bool, region string, err error) {
	credentials := l.Process.ShowStatus("getting credentials", 0)
	defer credentials()
	conf, err := awsconf.Load(ctx, awsconf.Options{Globals: l.Call.Globals, Files: l.Process.AWSFiles(), Prompt: l.Prompter()})
	if err != nil {
		return nil, nil, "", err
	}
	if _, err := conf.Credentials.Retrieve(ctx); err != nil {
		return nil, nil, "", err
	}
	credentials()
	evidence := l.Gather(conf)
	defer evidence.Close()
	defer l.Process.ShowStatus("looking for targets in "+conf.Region, 0)()
	deniedOf, end := deniedTargets(ctx, l, evidence, conf.Region)
	defer end()
	all, err := evidence.Nodes(ctx, conf.Region)
	for _, n := range all {
		if n.Ping == "Online" || n.Ping == "" && n.State == "running" && err != nil {
			nodes = append(nodes, n)
		}
	}
	if len(nodes) > 0 {
		err = nil
	}
	if len(nodes) > 1 {
		denied = deniedOf(nodes)
	}
	return nodes, denied, conf.Region, err
}

// targetItems are nodes to choose from, with their tags: those first that tell nodes of one
// name apart.
func targetItems(nodes []awsiam.Node, denied map[string]bool) []pick.Item {
	twins := make(map[string][]awsiam.Node)
	for _, n := range nodes {
		twins[n.Name] = append(twins[n.Name], n)
	}
	var items []pick.Item
	for _, n := range nodes {
		differing, others := tagsOf(n, twins[n.Name])
		said := n.ID
		if n.Name != "" {
			said = n.Name + ", " + n.ID
		}
		if differing != nil {
			said += " (" + strings.Join(differing, ", ") + ")"
		}
		if denied[n.ID] {
			others = append(others, "[denied]")
		}
		items = append(items, pick.Item{Cells: []string{n.Name, n.ID, strings.Join(slices.Concat(differing, others), " "), n.Platform, n.PrivateIP}, Said: said})
	}
	return items
}

// tagsOf returns the tags of a node, but for its name and those that AWS itself writes, apart
// by whether its twins, the nodes of its name, differ in them. A tag that only twins have is told
// as missing.
func tagsOf(n awsiam.Node, twins []awsiam.Node) (differing, others []string) {
	keys := make(map[string]bool)
	for _, twin := range twins {
		for key := range twin.Tags {
			keys[key] = key != "Name" && !strings.HasPrefix(key, "aws:")
		}
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if !keys[key] {
			continue
		}
		value, has := n.Tags[key]
		text := key + "=" + value
		if !has {
			text = "no " + key
		}
		differs := slices.ContainsFunc(twins, func(twin awsiam.Node) bool { v, ok := twin.Tags[key]; return v != value || ok != has })
		switch {
		case differs:
			differing = append(differing, text)
		case has:
			others = append(others, text)
		}
	}
	return differing, others
}

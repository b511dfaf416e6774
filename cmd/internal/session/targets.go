package session

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"ssmguard/cmd/internal/ask"
	"ssmguard/cmd/internal/awscli"
	"ssmguard/cmd/internal/awsconf"
	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/pick"
	"ssmguard/guard/awsiam"
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
// its id.
func PickTarget(ctx context.Context, line *ask.Line) (string, error) {
	nodes, region, err := connected(ctx, line)
	if err != nil {
		return "", err
	}
	if len(nodes) == 0 {
		return "", exit.Coded(fmt.Sprintf("no target is connected in %s; see \"ssmguard doctor --target TARGET\" for why one is not", region), exit.Refused)
	}
	at, err := pick.One(ctx, line.Process, "target", targetItems(nodes))
	if err != nil {
		return "", err
	}
	return nodes[at].ID, nil
}

// connected lists the targets that can take a session now.
func connected(ctx context.Context, l *ask.Line) (nodes []awsiam.Node, region string, err error) {
	credentials := l.Process.ShowStatus("getting credentials", 0)
	defer credentials()
	conf, err := awsconf.Load(ctx, awsconf.Options{Globals: l.Call.Globals, Files: l.Process.AWSFiles(), Prompt: l.Prompter()})
	if err != nil {
		return nil, "", err
	}
	if _, err := conf.Credentials.Retrieve(ctx); err != nil {
		return nil, "", err
	}
	credentials()
	evidence := l.Gather(conf)
	defer evidence.Close()
	defer l.Process.ShowStatus("looking for targets in "+conf.Region, 0)()
	all, err := evidence.Nodes(ctx, conf.Region)
	for _, n := range all {
		if n.Ping == "Online" || n.Ping == "" && n.State == "running" && err != nil {
			nodes = append(nodes, n)
		}
	}
	if len(nodes) > 0 {
		err = nil
	}
	return nodes, conf.Region, err
}

// targetItems are nodes to choose from, with their tags: those first that tell nodes of one
// name apart.
func targetItems(nodes []awsiam.Node) []pick.Item {
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

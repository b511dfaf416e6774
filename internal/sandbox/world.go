package sandbox

import (
	"maps"
	"slices"
	"strings"
	"time"

	"ssmguard/configs"
	"ssmguard/internal/sandbox/world"
)

// accountWorld turns what a world's file says into what the account holds.
func accountWorld(w configs.World) world.World {
	out := world.World{
		Partition: w.Partition, Account: w.Account, Region: w.Region, Seed: w.Seed, Context: w.Context,
		Delay: time.Duration(w.Delay), OldSimulator: w.OldSimulator, Denials: world.DenialStyle(w.Denials),
	}
	if w.Endpoint != "" {
		out.Endpoint = &world.Policy{Name: "endpoint", Document: string(w.Endpoint)}
	}
	if o := w.Organization; o != nil {
		out.Organization = accountOrganization(o)
	}
	for name, p := range inOrder(w.Policies) {
		out.Policies = append(out.Policies, world.Policy{Name: name, Path: p.Path, AWS: p.AWS, Document: string(p.Document)})
	}
	for name, u := range inOrder(w.Users) {
		out.Users = append(out.Users, world.User{Principal: accountPrincipal(name, u.WorldPrincipal), Groups: u.Groups})
	}
	for name, g := range inOrder(w.Groups) {
		out.Groups = append(out.Groups, world.Group{Name: name, Path: g.Path, Attached: g.Attached, Inline: accountPolicies(g.Inline)})
	}
	for name, r := range inOrder(w.Roles) {
		out.Roles = append(out.Roles, world.Role{Principal: accountPrincipal(name, r.WorldPrincipal), Trust: trustARNs(w, r.Trust), TrustMFA: r.TrustMFA})
	}
	for name, l := range inOrder(w.Logins) {
		login := world.Login{Name: name, Principal: l.As, Session: l.Session, Temporary: l.Temporary, MFA: l.MFA, Provider: l.Provider, Tags: l.Tags, Expired: l.Expired}
		for _, p := range l.Policies {
			login.Policies = append(login.Policies, string(p))
		}
		out.Logins = append(out.Logins, login)
	}
	accountThings(w, &out)
	accountDatabases(w, &out)
	return out
}

// inOrder iterates over a map by its sorted keys.
func inOrder[V any](m map[string]V) func(yield func(string, V) bool) {
	return func(yield func(string, V) bool) {
		for _, k := range slices.Sorted(maps.Keys(m)) {
			if !yield(k, m[k]) {
				return
			}
		}
	}
}

func accountPolicies(m map[string]configs.PolicyText) []world.Policy {
	var all []world.Policy
	for name, text := range inOrder(m) {
		all = append(all, world.Policy{Name: name, AWS: name == "FullAWSAccess", Document: string(text)})
	}
	return all
}

func accountPrincipal(name string, p configs.WorldPrincipal) world.Principal {
	return world.Principal{Name: name, Path: p.Path, ID: p.ID, Tags: p.Tags, Attached: p.Attached, Inline: accountPolicies(p.Inline), Boundary: p.Boundary}
}

func accountOrganization(o *configs.WorldOrganization) *world.Organization {
	out := &world.Organization{ID: o.ID, ManagementAccount: o.Management, Delegated: o.Delegated}
	for _, l := range o.Levels {
		out.Levels = append(out.Levels, world.Level{ID: l.ID, Name: l.Name, SCPs: accountPolicies(l.SCPs), RCPs: accountPolicies(l.RCPs)})
	}
	return out
}

// trustARNs writes out the short names of principals in a trust list.
func trustARNs(w configs.World, trust []string) []string {
	partition := w.Partition
	if partition == "" {
		partition = "aws"
	}
	paths := map[string]string{}
	for name, u := range w.Users {
		paths["user/"+name] = u.Path
	}
	for name, r := range w.Roles {
		paths["role/"+name] = r.Path
	}
	var all []string
	for _, t := range trust {
		if path, ok := paths[t]; ok {
			kind, name, _ := strings.Cut(t, "/")
			if path == "" {
				path = "/"
			}
			t = "arn:" + partition + ":iam::" + w.Account + ":" + kind + path + name
		}
		all = append(all, t)
	}
	return all
}

const (
	pingOnline   = "Online"
	pingNone     = "none"    // a node without agent
	sandboxAgent = "3.3.0.0" // of nodes that name none
)

// accountThings fills in what there is besides principals and policies.
func accountThings(w configs.World, out *world.World) {
	for _, n := range w.Instances {
		node := world.Node{
			ID: n.ID, Region: n.Region, Account: n.Account, Tags: n.Tags, State: n.State, Ping: n.Ping, Agent: n.Agent, Platform: n.Platform,
			PrivateIP: n.IP, PrivateDNS: n.DNS, Profile: n.Profile, Unreachable: n.Unreachable,
		}
		switch n.Ping {
		case "":
			node.Ping = pingOnline
		case pingNone:
			node.Ping = ""
		}
		if node.Agent == "" {
			node.Agent = sandboxAgent
		}
		out.Nodes = append(out.Nodes, node)
	}
	for _, t := range w.Tasks {
		task := world.Task{Cluster: t.Cluster, ID: t.ID, Region: t.Region, Tags: t.Tags, Stopped: t.Stopped, ExecDisable: t.ExecDisabled}
		for name, id := range inOrder(t.Containers) {
			task.Containers = append(task.Containers, world.Container{Name: name, RuntimeID: id})
		}
		out.Tasks = append(out.Tasks, task)
	}
	for name, d := range inOrder(w.Documents) {
		out.Documents = append(out.Documents, world.Document{Name: name, Region: d.Region, Account: d.Account, Type: d.Type, Tags: d.Tags, Content: string(d.Content)})
	}
	for _, k := range w.Keys {
		out.Keys = append(out.Keys, world.Key{ID: k.ID, Region: k.Region, Alias: k.Alias, AWSManaged: k.AWS, Sealed: k.Sealed})
	}
}

package awsiam

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"ssmguard/guard/finding"
	"ssmguard/guard/policy"
	"ssmguard/internal/awsapi"
)

// Node is something a session can be started on.
type Node struct {
	ID         string            `json:"id"` // i-... or mi-...
	Name       string            `json:"name,omitempty"`
	Tags       map[string]string `json:"tags,omitempty"`  // nil when not read
	State      string            `json:"state,omitempty"` // EC2 instance state
	Ping       string            `json:"ping,omitempty"`  // Online, ConnectionLost, Inactive
	PrivateIP  string            `json:"privateIp,omitempty"`
	PrivateDNS string            `json:"privateDns,omitempty"`
	Platform   string            `json:"platform,omitempty"`
}

// NoTarget is the error of a name that means nothing in the account and region.
type NoTarget struct{ Name, Region string }

// Error says what was looked for and where.
func (e *NoTarget) Error() string {
	return fmt.Sprintf("no instance or managed node is called %q in %s", e.Name, e.Region)
}

// AmbiguousTarget is the error of a name that several nodes answer to.
type AmbiguousTarget struct {
	Name       string
	Candidates []Node // by name, then by id
}

// Error lists the ids with what tells the nodes apart, a few of them.
func (e *AmbiguousTarget) Error() string {
	const most = 5
	var ids []string
	for i, n := range e.Candidates {
		if i == most {
			ids = append(ids, "...")
			break
		}
		ids = append(ids, e.described(n))
	}
	return fmt.Sprintf("%d instances are called %q; pick one: %s", len(e.Candidates), e.Name, strings.Join(ids, ", "))
}

// described is a node's id with its state and the tags in which the candidates differ.
func (e *AmbiguousTarget) described(n Node) string {
	const most = 3
	parts := slices.DeleteFunc([]string{n.State, n.Ping}, func(part string) bool { return part == "" })
	tags := 0
	for _, key := range slices.Sorted(maps.Keys(n.Tags)) {
		same := func(other Node) bool { return other.Tags[key] == n.Tags[key] }
		if key == "Name" || tags == most || !slices.ContainsFunc(e.Candidates, func(other Node) bool { return !same(other) }) {
			continue
		}
		parts = append(parts, key+"="+n.Tags[key])
		tags++
	}
	if len(parts) == 0 {
		return n.ID
	}
	return n.ID + " (" + strings.Join(parts, ", ") + ")"
}

// LookupError is the error of a name, or of the list of all targets, that EC2 and
// Systems Manager did not give.
type LookupError struct {
	Name, Region string // Name is "" for the list
	Err          error  // an *Error, or several joined
}

// Error says in one line what was not to be had, why, and what to do instead.
func (e *LookupError) Error() string {
	what, instead := fmt.Sprintf("%q cannot be looked up in %s", e.Name, e.Region), "give the target's id"
	if e.Name == "" {
		what, instead = "the targets in "+e.Region+" cannot be listed", "give one with --target"
	}
	var first *Error
	if !asError(e.Err, &first) {
		return fmt.Sprintf("%s: %v", what, e.Err)
	}
	if r, ok := finding.ParseRefusal(first.Message); ok && first.Kind == KindDenied && (r.Explicit || r.Policy != finding.IdentityPolicy && r.Policy != "") {
		if layer, known := r.Layer(); known && layer == policy.SCP {
			instead = "see whether --region is right"
		}
		return fmt.Sprintf("%s: AWS refused %s: %s [%s]; %s", what, first.Permission, r.Clause(), r.Finding(), instead)
	}
	if first.Kind == KindDenied {
		return fmt.Sprintf("%s without %s; %s", what, strings.Join(permissions(e.Err), " and "), instead)
	}
	return fmt.Sprintf("%s: %v", what, first)
}

// Unwrap returns what EC2 and Systems Manager said.
func (e *LookupError) Unwrap() error { return e.Err }

// Refusals are the calls that were not answered, each with AWS's answer, in order.
func (e *LookupError) Refusals() []*Error { return refusals(e.Err) }

// refusals are the errors of calls in a tree, in order.
func refusals(err error) (all []*Error) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, part := range joined.Unwrap() {
			all = append(all, refusals(part)...)
		}
		return all
	}
	var own *Error
	if asError(err, &own) {
		all = []*Error{own}
	}
	return all
}

// permissions are the calls of the errors in a tree, in order.
func permissions(err error) (calls []string) {
	for _, refused := range refusals(err) {
		calls = append(calls, refused.Permission)
	}
	return calls
}

// IsTargetID reports whether start-session takes the target as it is: an
// instance id, a managed node id, or an ECS task.
func IsTargetID(target string) bool {
	return hasID(target, "i-") || hasID(target, "mi-") || strings.HasPrefix(target, "ecs:")
}

// hasID reports whether s is the prefix and 8 or 17 hex digits, as EC2 and
// Systems Manager number things.
func hasID(s, prefix string) bool {
	digits, ok := strings.CutPrefix(s, prefix)
	return ok && hexDigits(digits, 8, 17)
}

// hexDigits reports whether s is hexadecimal digits, of one of the lengths.
func hexDigits(s string, lengths ...int) bool {
	return slices.Contains(lengths, len(s)) && strings.Trim(s, "0123456789abcdef") == ""
}

// nodeReader lists what sessions can be started on, and with which documents.
type nodeReader struct{ *connection }

// ResolveTarget returns the id of the node people mean by a Name tag,
// tag:KEY=VALUE, a private IP address or a private DNS name; an id is returned
// as it is, without a call. Terminated instances do not count, and of several
// nodes the only one that can take a session is meant. The error is a *NoTarget,
// an *AmbiguousTarget or a *LookupError.
func (c nodeReader) ResolveTarget(ctx context.Context, region, name string) (string, error) {
	if IsTargetID(name) {
		return name, nil
	}
	var nodes []Node
	var err error
	for _, q := range queriesOf(name) {
		if nodes, err = c.findNodes(ctx, region, q); len(nodes) > 0 || err != nil {
			break
		}
	}
	if len(nodes) == 0 {
		if err != nil {
			return "", &LookupError{Name: name, Region: region, Err: err}
		}
		return "", &NoTarget{Name: name, Region: region}
	}
	if ready := slices.DeleteFunc(slices.Clone(nodes), func(n Node) bool { return !n.ready() }); len(ready) == 1 {
		nodes = ready
	}
	if len(nodes) > 1 {
		return "", &AmbiguousTarget{Name: name, Candidates: nodes}
	}
	return nodes[0].ID, nil
}

// ready reports whether nothing known of the node speaks against a session.
func (n Node) ready() bool {
	running := n.State == "" || n.State == "running"
	return running && n.Ping != "Inactive"
}

// query is a name in the terms of the two services that may know it.
type query struct {
	ec2  filter
	ssm  []filter
	fits func(registration) bool // what ssm has no filter for; nil for all
}

// filter limits a list of Systems Manager, or of EC2.
type filter struct {
	Key    string
	Values []string
}

// queriesOf reads what people type for a target: what to ask, and what to ask next
// when that finds nothing.
func queriesOf(name string) []query {
	byTag := func(key, value string) query {
		tagged := filter{"tag:" + key, []string{value}}
		return query{ec2: tagged, ssm: []filter{tagged}}
	}
	managed := []filter{{"ResourceType", []string{"ManagedInstance"}}}
	if tag, ok := strings.CutPrefix(name, "tag:"); ok {
		if key, value, ok := strings.Cut(tag, "="); ok {
			return []query{byTag(key, value)}
		}
	}
	if ip, err := netip.ParseAddr(name); err == nil {
		key := "private-ip-address"
		if ip.Is6() {
			key = "ipv6-address"
		}
		return []query{{
			ec2:  filter{key, []string{ip.String()}},
			ssm:  managed,
			fits: func(i registration) bool { return i.IPAddress == ip.String() },
		}}
	}
	tagged := byTag("Name", name)
	if !strings.Contains(name, ".") {
		return []query{tagged}
	}
	return []query{{
		ec2:  filter{"private-dns-name", []string{name}},
		ssm:  managed,
		fits: func(i registration) bool { return strings.EqualFold(i.ComputerName, name) },
	}, tagged}
}

// findNodes asks EC2 and Systems Manager at once. When one of them does not
// answer, what the other found stands beside the error.
func (c nodeReader) findNodes(ctx context.Context, region string, q query) ([]Node, error) {
	var (
		instances, managed []Node
		ec2Err, ssmErr     error
	)
	together(
		func() { instances, ec2Err = c.ec2Nodes(ctx, region, q.ec2) },
		func() { managed, ssmErr = c.ssmNodes(ctx, region, q) },
	)
	nodes := mergeNodes(instances, managed)
	if ec2Err == nil && ssmErr != nil && len(nodes) > 0 {
		return nodes, nil // every instance is in; only hybrid nodes might be missing
	}
	return nodes, errors.Join(ec2Err, ssmErr)
}

// nodeLimit bounds how many nodes are listed.
const nodeLimit = 500

func (c nodeReader) ec2Nodes(ctx context.Context, region string, limit filter) (nodes []Node, err error) {
	err = c.eachInstance(ctx, region, limit, func(i instance) { nodes = append(nodes, i.node()) })
	return nodes, err
}

// node returns what people tell an instance by.
func (i instance) node() Node {
	n := Node{ID: i.ID, Tags: tagMap(i.Tags), State: i.State, Platform: i.Platform, PrivateIP: i.PrivateIP, PrivateDNS: i.PrivateDNS}
	n.Name = n.Tags["Name"]
	return n
}

// eachInstance calls visit for the instances that a filter lets through, but for terminated
// ones, at most about nodeLimit of them.
func (c nodeReader) eachInstance(ctx context.Context, region string, limit filter, visit func(instance)) error {
	form := awsapi.Form{}
	for i, f := range []filter{{"instance-state-name", []string{"pending", "running", "stopping", "stopped"}}, limit} {
		for j, value := range f.Values {
			form[fmt.Sprintf("Filter.%d.Name", i+1)] = f.Key
			form[fmt.Sprintf("Filter.%d.Value.%d", i+1, j+1)] = value
		}
	}
	seen := 0
	for range maxPages {
		out, err := call[instances](ctx, c.connection, region, InstancePermission, form)
		if err != nil {
			return err
		}
		for _, i := range out.Instances {
			visit(i)
		}
		if seen += len(out.Instances); out.NextToken == "" || seen >= nodeLimit {
			break
		}
		form["NextToken"] = out.NextToken
	}
	return nil
}

func (c nodeReader) ssmNodes(ctx context.Context, region string, q query) ([]Node, error) {
	in := map[string]any{"MaxResults": 50}
	if q.ssm != nil {
		in["Filters"] = q.ssm
	}
	var nodes []Node
	for range maxPages {
		out, err := call[registrations](ctx, c.connection, region, "ssm:DescribeInstanceInformation", in)
		if err != nil {
			return nodes, err
		}
		for _, i := range out.InstanceInformationList {
			if q.fits == nil || q.fits(i) {
				nodes = append(nodes, Node{
					ID: i.ID, Name: i.Name, Ping: i.PingStatus, PrivateIP: i.IPAddress, PrivateDNS: i.ComputerName, Platform: i.PlatformType,
				})
			}
		}
		if out.NextToken == "" || len(nodes) >= nodeLimit {
			break
		}
		in["NextToken"] = out.NextToken
	}
	return nodes, nil
}

// mergeNodes joins what the two services say of the same nodes.
func mergeNodes(instances, managed []Node) []Node {
	nodes := slices.Clone(instances)
	for _, m := range managed {
		i := slices.IndexFunc(nodes, func(n Node) bool { return n.ID == m.ID })
		if i < 0 {
			nodes = append(nodes, m)
			continue
		}
		nodes[i].Ping = m.Ping
		if m.Platform != "" {
			nodes[i].Platform = m.Platform
		}
	}
	slices.SortFunc(nodes, compareNodes)
	return nodes
}

// compareNodes orders by name, then by id.
func compareNodes(a, b Node) int { return strings.Compare(a.Name+"\x00"+a.ID, b.Name+"\x00"+b.ID) }

// Nodes lists what sessions could be started on, at most a few hundred, with
// tags where EC2 tells them. The list is usable beside the error, a *LookupError.
func (c nodeReader) Nodes(ctx context.Context, region string) ([]Node, error) {
	nodes, err := c.findNodes(ctx, region, query{})
	if err != nil {
		return nodes, &LookupError{Region: region, Err: err}
	}
	return nodes, nil
}

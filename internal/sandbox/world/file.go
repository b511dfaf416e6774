package world

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// file is the YAML form of a World: its own fields replace those of World that have no
// tag.
type file struct {
	World       `yaml:",inline"`
	Delay       duration        `yaml:"delay"`
	Clock       duration        `yaml:"clock"`
	Endpoint    text            `yaml:"endpoint"`
	RDS         rdsFile         `yaml:"rds"`
	ElastiCache elastiCacheFile `yaml:"elasticache"`
	Faults      []faultFile     `yaml:"faults"`
}

type rdsFile struct {
	Clusters  List[Database, Database] `yaml:"clusters"`
	Instances List[Database, Database] `yaml:"instances"`
	Proxies   List[Database, Database] `yaml:"proxies"`
}

type elastiCacheFile struct {
	Groups     List[Cache, Cache] `yaml:"groups"` // replication groups
	Clusters   List[Cache, Cache] `yaml:"clusters"`
	Serverless List[Cache, Cache] `yaml:"serverless"`
}

type faultFile struct {
	Fault `yaml:",inline"`
	Delay duration `yaml:"delay"`
}

type policyFile struct {
	Policy   `yaml:",inline"`
	Document text `yaml:"document"`
}

type loginFile struct {
	Login    `yaml:",inline"`
	Policies []text `yaml:"policies"`
}

type documentFile struct {
	Document `yaml:",inline"`
	Content  text `yaml:"content"`
}

// runtimeID is the YAML form of a container.
type runtimeID string

// text is a policy or SSM document as JSON text. In a file it is a mapping, or a
// string that holds the JSON.
type text string

// UnmarshalYAML turns a mapping into JSON of the same order.
func (p *text) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*p = text(n.Value)
		return nil
	}
	written, err := nodeJSON(n, "")
	*p = text(written)
	return err
}

// duration is a time.Duration written as Go writes it, such as 40ms.
type duration time.Duration

// UnmarshalYAML reads the text form.
func (d *duration) UnmarshalYAML(n *yaml.Node) error {
	v, err := time.ParseDuration(n.Value)
	if err != nil {
		return fmt.Errorf("line %d: %q is not a duration; write 40ms or 2s", n.Line, n.Value)
	}
	*d = duration(v)
	return nil
}

// called returns the policy with a name: an inline list has only the text.
func (t text) called(name string) Policy {
	return Policy{Name: name, AWS: name == "FullAWSAccess", Document: string(t)}
}

func (p policyFile) called(name string) Policy {
	p.Name, p.Policy.Document = name, string(p.Document)
	return p.Policy
}

func (l loginFile) called(name string) Login {
	l.Name = name
	for _, p := range l.Policies {
		l.Login.Policies = append(l.Login.Policies, string(p))
	}
	return l.Login
}

func (d documentFile) called(name string) Document {
	d.Name, d.Document.Content = name, string(d.Content)
	return d.Document
}

func (id runtimeID) called(name string) Container { return Container{name, string(id)} }

func (u User) called(name string) User         { u.Name = name; return u }
func (r Role) called(name string) Role         { r.Name = name; return r }
func (g Group) called(name string) Group       { g.Name = name; return g }
func (d Database) called(name string) Database { d.Name = name; return d }
func (k Cache) called(name string) Cache       { k.Name = name; return k }

const (
	pingOnline   = "Online"
	pingNone     = "none"       // in a file: a node without agent
	sandboxAgent = "3.3.4851.0" // of nodes that name none
)

// world returns the file's World, with defaults filled in.
func (f file) world() World {
	w := f.World
	w.Delay, w.Clock = time.Duration(f.Delay), time.Duration(f.Clock)
	if f.Endpoint != "" {
		w.Endpoint = &Policy{Name: "endpoint", Document: string(f.Endpoint)}
	}
	for _, x := range f.Faults {
		x.Fault.Delay = time.Duration(x.Delay)
		w.Faults = append(w.Faults, x.Fault)
	}
	for i := range w.Roles {
		w.trustARNs(w.Roles[i].Trust)
	}
	for i := range w.Nodes {
		w.Nodes[i].complete()
	}
	w.Network.complete()
	w.addDatabases(DBCluster, f.RDS.Clusters)
	w.addDatabases(DBInstance, f.RDS.Instances)
	w.addDatabases(DBProxy, f.RDS.Proxies)
	w.addCaches(CacheGroup, f.ElastiCache.Groups)
	w.addCaches(CacheCluster, f.ElastiCache.Clusters)
	w.addCaches(CacheServerless, f.ElastiCache.Serverless)
	return w
}

// trustARNs replaces the short names of principals in a trust list with ARNs.
func (w *World) trustARNs(trust []string) {
	for i, t := range trust {
		kind, name, _ := strings.Cut(t, "/")
		var p *Principal
		if u := w.Users.Named(name); kind == "user" && u != nil {
			p = &u.Principal
		} else if r := w.Roles.Named(name); kind == "role" && r != nil {
			p = &r.Principal
		}
		if p != nil {
			trust[i] = "arn:" + cmp.Or(w.Partition, "aws") + ":iam::" + w.Account + ":" + kind + cmp.Or(p.Path, "/") + name
		}
	}
}

func (n *Node) complete() {
	switch n.Ping {
	case "":
		n.Ping = pingOnline
	case pingNone:
		n.Ping = ""
	}
	n.Agent = cmp.Or(n.Agent, sandboxAgent)
}

func (w *World) addDatabases(kind string, all []Database) {
	for _, d := range all {
		d.Kind = kind
		w.Databases = append(w.Databases, d)
	}
}

func (w *World) addCaches(kind string, all []Cache) {
	for _, k := range all {
		k.Kind = kind
		w.Caches = append(w.Caches, k)
	}
}

package world

import (
	"encoding/json"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"

	"ssmguard/internal/spelling"
	"ssmguard/internal/yamlfile"
)

// check collects the faults of a world with their lines.
type check struct {
	file   string
	root   *yaml.Node
	faults yamlfile.Faults
}

// at returns the line of a value, given by its keys and indices, or of the nearest node
// above it in the file.
func (v *check) at(steps ...any) int {
	n := v.root
	if n == nil {
		return 0 // not from a file
	}
	line := n.Line
	for _, step := range steps {
		switch key := step.(type) {
		case string:
			i := 0
			for i+1 < len(n.Content) && n.Content[i].Value != key {
				i += 2
			}
			if n.Kind != yaml.MappingNode || i+1 >= len(n.Content) {
				return line
			}
			line, n = n.Content[i].Line, n.Content[i+1]
		case int:
			if n.Kind != yaml.SequenceNode || key >= len(n.Content) {
				return line
			}
			n = n.Content[key]
			line = n.Line
		}
	}
	return line
}

func (v *check) add(line int, format string, args ...any) {
	v.faults = append(v.faults, yamlfile.Fault{File: v.file, Line: line, Text: fmt.Sprintf(format, args...)})
}

var (
	accountForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9]{12}$`) })
	regionForm  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]$`) })
	nameForm    = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_+=,.@-]{1,128}$`) }) // IAM's for users, roles and groups
	nodeForm    = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(i|mi)-[0-9a-f]{8,17}$`) })
	partitions  = []string{"", "aws", "aws-cn", "aws-us-gov"}
	faultKinds  = []string{"", "throttle", "unavailable", "garbage", "drop"}
	pings       = []string{"", "Online", "ConnectionLost", "Inactive", "none"}
	states      = []string{"", "pending", "running", "shutting-down", "terminated", "stopping", "stopped"}
)

func (v *check) world(w *World) {
	if !accountForm().MatchString(w.Account) {
		v.add(v.at("account"), "account %q is not twelve digits; put it in quotes", w.Account)
	}
	if !regionForm().MatchString(w.Region) {
		v.add(v.at("region"), "region %q is none", w.Region)
	}
	v.oneOf("partition", w.Partition, partitions, "partition")
	for i, f := range w.Faults {
		v.oneOf("kind of fault", string(f.Kind), faultKinds, "faults", i, "kind")
		if f.Operation == "" {
			v.add(v.at("faults", i), "a fault needs an operation, such as iam:GetRole or *")
		}
	}
	if w.Endpoint != nil {
		v.document("identity", w.Endpoint.Document, "endpoint")
	}
	for _, p := range w.Policies {
		v.document(p.Name, p.Document, "policies", p.Name, "document")
		if p.Document == "" {
			v.add(v.at("policies", p.Name), "policy %q has no document", p.Name)
		}
	}
	v.checkPrincipals(w)
	v.checkLogins(w)
	v.checkThings(w)
	v.checkDatabases(w)
	v.checkCaches(w)
	v.checkNetwork(w)
	if o := w.Organization; o != nil {
		v.checkOrganization(o)
	}
}

// oneOf adds a fault for a value that is not one of known.
func (v *check) oneOf(what, value string, known []string, steps ...any) {
	if slices.Contains(known, value) {
		return
	}
	names := slices.DeleteFunc(slices.Clone(known), func(s string) bool { return s == "" })
	v.add(v.at(steps...), "%s %q is none of %s", what, value, strings.Join(names, ", "))
}

// document adds a fault for a text that is not a JSON object. The account checks that
// it is a policy when it is opened.
func (v *check) document(name, text string, steps ...any) {
	var object map[string]any
	if text == "" {
		return
	}
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		v.add(v.at(steps...), "document %q is no JSON object: %v", name, err)
	}
}

func (v *check) checkPrincipals(w *World) {
	attached := func(names []string, steps ...any) {
		for i, name := range names {
			if w.Policies.Named(name) == nil {
				v.add(v.at(append(steps, "attached", i)...), "no policy %q%s", name, suggest(name, w.Policies.names()))
			}
		}
	}
	principal := func(kind string, p Principal) {
		attached(p.Attached, kind, p.Name)
		v.inline(p.Inline, kind, p.Name)
		if p.Boundary != "" && w.Policies.Named(p.Boundary) == nil {
			v.add(v.at(kind, p.Name, "boundary"), "no policy %q%s", p.Boundary, suggest(p.Boundary, w.Policies.names()))
		}
		v.path(p.Path, kind, p.Name, "path")
		v.name(p.Name, kind, p.Name)
	}
	for _, u := range w.Users {
		principal("users", u.Principal)
		for i, g := range u.Groups {
			if w.Groups.Named(g) == nil {
				v.add(v.at("users", u.Name, "groups", i), "no group %q%s", g, suggest(g, w.Groups.names()))
			}
		}
	}
	for _, r := range w.Roles {
		principal("roles", r.Principal)
	}
	for _, g := range w.Groups {
		attached(g.Attached, "groups", g.Name)
		v.inline(g.Inline, "groups", g.Name)
		v.path(g.Path, "groups", g.Name, "path")
	}
}

func (v *check) name(name string, steps ...any) {
	if !nameForm().MatchString(name) {
		v.add(v.at(steps...), "name %q has other characters than letters, digits and _+=,.@-", name)
	}
}

func (v *check) inline(policies []Policy, kind, name string) {
	for _, p := range policies {
		v.document(p.Name, p.Document, kind, name, "inline", p.Name)
	}
}

func (v *check) path(p string, steps ...any) {
	if p != "" && (!strings.HasPrefix(p, "/") || !strings.HasSuffix(p, "/")) {
		v.add(v.at(steps...), "path %q does not begin and end with a slash", p)
	}
}

func suggest(name string, known []string) string {
	if near := spelling.Nearest(name, known); near != "" {
		return fmt.Sprintf(", did you mean %q?", near)
	}
	return ""
}

func (v *check) checkLogins(w *World) {
	for _, l := range w.Logins {
		v.name(l.Name, "logins", l.Name) // it is the name of a profile, in a file that the AWS CLI reads
		kind, of, _ := strings.Cut(l.Principal, "/")
		user, _, _ := strings.Cut(of, "/")
		isUser, isRole := w.Users.Named(user) != nil, w.Roles.Named(of) != nil
		if l.Principal != "root" && !(kind == "role" && isRole) && !((kind == "user" || kind == "federated") && isUser) {
			v.add(v.at("logins", l.Name, "as"), "login %q: no principal %q; write user/NAME, role/NAME, federated/USER/NAME or root", l.Name, l.Principal)
		}
		for i, p := range l.Policies {
			v.document(l.Name, p, "logins", l.Name, "policies", i)
		}
	}
	if w.Default != "" && w.Logins.Named(w.Default) == nil {
		v.add(v.at("default"), "no login %q%s", w.Default, suggest(w.Default, w.Logins.names()))
	}
	if len(w.Logins) == 0 {
		v.add(v.at("logins"), "a world needs at least one login")
	}
}

func (v *check) checkThings(w *World) {
	seen := make(map[string]bool)
	for i, n := range w.Nodes {
		if !nodeForm().MatchString(n.ID) {
			v.add(v.at("instances", i, "id"), "instance id %q is neither i-... nor mi-...", n.ID)
		} else if seen[n.ID] {
			v.add(v.at("instances", i, "id"), "instance %s is there twice", n.ID)
		}
		seen[n.ID] = true
		v.oneOf("ping status", n.Ping, pings, "instances", i, "ping")
		v.oneOf("instance state", n.State, states, "instances", i, "state")
	}
	for i, t := range w.Tasks {
		if t.Cluster == "" || t.ID == "" || len(t.Containers) == 0 {
			v.add(v.at("tasks", i), "a task needs a cluster, an id and containers")
		}
	}
	for _, d := range w.Documents {
		v.document(d.Name, d.Content, "documents", d.Name, "content")
		if d.Content == "" {
			v.add(v.at("documents", d.Name), "document %q has no content", d.Name)
		}
	}
	for i, k := range w.Keys {
		if k.ID == "" {
			v.add(v.at("keys", i), "a key needs an id")
		}
	}
	for name, s := range w.Services {
		_, port, err := net.SplitHostPort(name)
		if n, bad := strconv.Atoi(port); err != nil || bad != nil || n < 1 || n > 65535 {
			v.add(v.at("services", name), "service %q is not HOST:PORT", name)
		}
		v.address(s, "services", name)
	}
}

// address adds a fault for a malformed real address of a service.
func (v *check) address(s Service, steps ...any) {
	if _, _, err := net.SplitHostPort(s.Address); s.Address != "" && err != nil {
		v.add(v.at(append(steps, "address")...), "address %q is not HOST:PORT", s.Address)
	}
}

func (v *check) checkOrganization(o *Organization) {
	if o.ID == "" || len(o.Levels) == 0 {
		v.add(v.at("organization"), "an organization needs an id and levels, from the root down to the account")
	}
	if !accountForm().MatchString(o.ManagementAccount) {
		v.add(v.at("organization", "management"), "management account %q is not twelve digits; put it in quotes", o.ManagementAccount)
	}
	for i, l := range o.Levels {
		for _, p := range l.SCPs {
			v.document(p.Name, p.Document, "organization", "levels", i, "scps", p.Name)
		}
		for _, p := range l.RCPs {
			v.document(p.Name, p.Document, "organization", "levels", i, "rcps", p.Name)
		}
	}
}

package configs

import (
	"encoding/json"
	"fmt"
	"maps"
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

// worldFaults collects what is wrong in a world, each with its line.
type worldFaults struct {
	file   string
	root   *yaml.Node
	faults yamlfile.Faults
}

// at returns the line of a value given by its keys and indices, or of the
// nearest thing above it that is written down.
func (v *worldFaults) at(steps ...any) int {
	if len(v.root.Content) == 0 {
		return 0 // nothing is written down
	}
	n := v.root.Content[0]
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

func (v *worldFaults) add(line int, format string, args ...any) {
	v.faults = append(v.faults, yamlfile.Fault{File: v.file, Line: line, Text: fmt.Sprintf(format, args...)})
}

var (
	accountForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9]{12}$`) })
	regionForm  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]$`) })
	nodeForm    = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(i|mi)-[0-9a-f]{8,17}$`) })
	partitions  = []string{"", "aws", "aws-cn", "aws-us-gov"}
	faultKinds  = []string{"", "throttle", "unavailable", "garbage", "drop"}
	pings       = []string{"", "Online", "ConnectionLost", "Inactive", "none"}
	states      = []string{"", "pending", "running", "shutting-down", "terminated", "stopping", "stopped"}
)

func (v *worldFaults) check(w *World) {
	if !accountForm().MatchString(w.Account) {
		v.add(v.at("account"), "account %q is not twelve digits; put it in quotes", w.Account)
	}
	if !regionForm().MatchString(w.Region) {
		v.add(v.at("region"), "region %q is none", w.Region)
	}
	v.oneOf("partition", w.Partition, partitions, "partition")
	for i, f := range w.Faults {
		v.oneOf("kind of fault", f.Kind, faultKinds, "faults", i, "kind")
		if f.Operation == "" {
			v.add(v.at("faults", i), "a fault needs an operation, such as iam:GetRole or *")
		}
	}
	v.document("identity", w.Endpoint, "endpoint")
	for name, p := range w.Policies {
		v.document(name, p.Document, "policies", name, "document")
		if p.Document == "" {
			v.add(v.at("policies", name), "policy %q has no document", name)
		}
	}
	v.checkPrincipals(w)
	v.checkLogins(w)
	v.checkThings(w)
	v.checkDatabases(w)
	v.checkCaches(w)
	if o := w.Organization; o != nil {
		v.checkOrganization(o)
	}
}

// oneOf adds a fault when a value is none of those known.
func (v *worldFaults) oneOf(what, value string, known []string, steps ...any) {
	if slices.Contains(known, value) {
		return
	}
	names := slices.DeleteFunc(slices.Clone(known), func(s string) bool { return s == "" })
	v.add(v.at(steps...), "%s %q is none of %s", what, value, strings.Join(names, ", "))
}

// document adds a fault when a text is no JSON object. Whether it is a policy is
// for the account to say, which parses it when it is opened.
func (v *worldFaults) document(name string, text PolicyText, steps ...any) {
	var object map[string]any
	if text == "" {
		return
	}
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		v.add(v.at(steps...), "document %q is no JSON object: %v", name, err)
	}
}

func (v *worldFaults) checkPrincipals(w *World) {
	attached := func(names []string, steps ...any) {
		for i, name := range names {
			if _, ok := w.Policies[name]; !ok {
				v.add(v.at(append(steps, "attached", i)...), "no policy %q%s", name, suggest(name, w.Policies))
			}
		}
	}
	principal := func(kind, name string, p WorldPrincipal) {
		attached(p.Attached, kind, name)
		v.inline(p.Inline, kind, name)
		if _, ok := w.Policies[p.Boundary]; p.Boundary != "" && !ok {
			v.add(v.at(kind, name, "boundary"), "no policy %q%s", p.Boundary, suggest(p.Boundary, w.Policies))
		}
		v.path(p.Path, kind, name, "path")
	}
	for name, u := range w.Users {
		principal("users", name, u.WorldPrincipal)
		for i, g := range u.Groups {
			if _, ok := w.Groups[g]; !ok {
				v.add(v.at("users", name, "groups", i), "no group %q%s", g, suggest(g, w.Groups))
			}
		}
	}
	for name, r := range w.Roles {
		principal("roles", name, r.WorldPrincipal)
	}
	for name, g := range w.Groups {
		attached(g.Attached, "groups", name)
		v.inline(g.Inline, "groups", name)
		v.path(g.Path, "groups", name, "path")
	}
}

func (v *worldFaults) inline(policies map[string]PolicyText, kind, name string) {
	for p, text := range policies {
		v.document(p, text, kind, name, "inline", p)
	}
}

func (v *worldFaults) path(p string, steps ...any) {
	if p != "" && (!strings.HasPrefix(p, "/") || !strings.HasSuffix(p, "/")) {
		v.add(v.at(steps...), "path %q does not begin and end with a slash", p)
	}
}

func suggest[T any](name string, known map[string]T) string {
	if near := spelling.Nearest(name, slices.Sorted(maps.Keys(known))); near != "" {
		return fmt.Sprintf(", did you mean %q?", near)
	}
	return ""
}

func (v *worldFaults) checkLogins(w *World) {
	for name, l := range w.Logins {
		kind, of, _ := strings.Cut(l.As, "/")
		user, _, _ := strings.Cut(of, "/")
		_, isUser := w.Users[user]
		_, isRole := w.Roles[of]
		if l.As != "root" && !(kind == "role" && isRole) && !((kind == "user" || kind == "federated") && isUser) {
			v.add(v.at("logins", name, "as"), "login %q: no principal %q; write user/NAME, role/NAME, federated/USER/NAME or root", name, l.As)
		}
		for i, p := range l.Policies {
			v.document(name, p, "logins", name, "policies", i)
		}
	}
	if _, ok := w.Logins[w.Default]; w.Default != "" && !ok {
		v.add(v.at("default"), "no login %q%s", w.Default, suggest(w.Default, w.Logins))
	}
	if len(w.Logins) == 0 {
		v.add(v.at("logins"), "a world needs at least one login")
	}
}

func (v *worldFaults) checkThings(w *World) {
	seen := make(map[string]bool)
	for i, n := range w.Instances {
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
	for name, d := range w.Documents {
		v.document(name, d.Content, "documents", name, "content")
		if d.Content == "" {
			v.add(v.at("documents", name), "document %q has no content", name)
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

// address adds a fault when the real address of a service is none.
func (v *worldFaults) address(s WorldService, steps ...any) {
	if _, _, err := net.SplitHostPort(s.Address); s.Address != "" && err != nil {
		v.add(v.at(append(steps, "address")...), "address %q is not HOST:PORT", s.Address)
	}
}

func (v *worldFaults) checkOrganization(o *WorldOrganization) {
	if o.ID == "" || len(o.Levels) == 0 {
		v.add(v.at("organization"), "an organization needs an id and levels, from the root down to the account")
	}
	if !accountForm().MatchString(o.Management) {
		v.add(v.at("organization", "management"), "management account %q is not twelve digits; put it in quotes", o.Management)
	}
	for i, l := range o.Levels {
		for name, text := range l.SCPs {
			v.document(name, text, "organization", "levels", i, "scps", name)
		}
		for name, text := range l.RCPs {
			v.document(name, text, "organization", "levels", i, "rcps", name)
		}
	}
}

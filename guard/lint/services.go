package lint

import (
	_ "embed"
	"maps"
	"slices"
	"strings"
	"sync"

	"ssmguard/guard"
	"ssmguard/guard/policy"
)

//go:embed services.txt
var servicesText string

// service is what the reference lists of one service.
type service struct {
	name    string
	hasKeys bool // its condition keys are listed
	types   map[string]resourceType
	actions []action
}

// resourceType is a kind of resource.
type resourceType struct {
	arn  string // a pattern: arn:*:ssm:*:*:document/*
	keys []string
}

// action is an action of a service.
type action struct {
	service *service
	name    string   // ssm:StartSession
	types   []string // of service.types; none for an action that is granted on "*" alone
	keys    []string
}

// reference is what services.txt has.
type reference struct {
	services map[string]*service
	prefixes []string // of all services, those too of which nothing else is listed
	date     string
}

// ServicesDate is the day of the Service Authorization Reference that services.txt has.
func ServicesDate() string { return listed().date }

// listed reads services.txt when it is first needed; sessions need none of it.
var listed = sync.OnceValue(func() reference {
	r := reference{services: make(map[string]*service)}
	var s *service
	for line := range strings.Lines(servicesText) {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		switch f[0] {
		case "service":
			s = &service{name: f[1], hasKeys: f[2] == "keys", types: make(map[string]resourceType)}
			r.services[s.name] = s
		case "type":
			s.types[f[1]] = resourceType{f[2], f[3:]}
		case "action":
			a := action{service: s, name: s.name + ":" + f[1], keys: f[3:]}
			if f[2] != "-" {
				a.types = strings.Split(f[2], ",")
			}
			s.actions = append(s.actions, a)
		case "date":
			r.date = f[1]
		case "others":
			r.prefixes = f[1:]
		}
	}
	r.prefixes = append(r.prefixes, slices.Sorted(maps.Keys(r.services))...)
	return r
})

// matching returns the actions of the listed services that a pattern of a policy covers.
func (r reference) matching(pattern string) (found []action) {
	pattern = strings.ToLower(pattern)
	prefix, _, _ := strings.Cut(pattern, ":")
	for _, name := range slices.Sorted(maps.Keys(r.services)) {
		if pattern != "*" && prefix != "*" && prefix != name {
			continue
		}
		for _, a := range r.services[name].actions {
			if policy.Wild(pattern, strings.ToLower(a.name)) {
				found = append(found, a)
			}
		}
	}
	return found
}

// arns returns the patterns of the resources that an action takes.
func (a action) arns() (list []string) {
	for _, name := range a.types {
		list = append(list, a.service.types[name].arn)
	}
	return list
}

// carries reports whether requests for the action, or for one of its types of resources,
// may have a condition key.
func (a action) carries(key string) bool {
	if keyIn(a.keys, key) || keyIn(sessionKeys(), key) && !ofResource(key) {
		return true
	}
	for _, name := range a.types {
		if keyIn(a.service.types[name].keys, key) {
			return true
		}
	}
	if _, foreign := guard.ForeignKey(a.name, key); !foreign && isSessionAction(a.name) {
		return !strings.HasPrefix(strings.ToLower(key), "aws:")
	}
	return false
}

// ofResource reports whether a key that is AWS's own stands for what the request's
// resource or the request itself is tagged with: not every action has that.
func ofResource(key string) bool {
	key = strings.ToLower(key)
	return strings.HasPrefix(key, "aws:resourcetag/") || strings.HasPrefix(key, "aws:requesttag/") || key == "aws:tagkeys"
}

// isSessionAction reports whether guard knows the keys of an action itself.
func isSessionAction(name string) bool {
	return slices.Contains([]string{guard.ActionStart, guard.ActionResume, guard.ActionTerminate, guard.ActionExecute, guard.ActionDataKey}, name)
}

// keyIn reports whether a list of condition keys has a key; "*" in the list stands for any
// text.
func keyIn(list []string, key string) bool {
	key = strings.ToLower(key)
	return slices.ContainsFunc(list, func(known string) bool { return policy.Wild(strings.ToLower(known), key) })
}

var sessionKeys = sync.OnceValue(guard.SessionKeys)

// knownKeys returns every condition key that is listed for actions or resources of a service.
func (s *service) knownKeys() []string {
	var all []string
	for _, a := range s.actions {
		all = append(all, a.keys...)
	}
	for _, t := range s.types {
		all = append(all, t.keys...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// overlap reports whether some text matches both of two patterns.
func overlap(a, b string) bool {
	// reach[j] reports whether what was read of a can be matched by the first j bytes of b.
	reach := make([]bool, len(b)+1)
	reach[0] = true
	for j := 0; j < len(b) && b[j] == '*'; j++ {
		reach[j+1] = true
	}
	for i := range len(a) {
		next := make([]bool, len(b)+1)
		next[0] = reach[0] && a[i] == '*'
		for j := range len(b) {
			if a[i] == '*' || b[j] == '*' {
				next[j+1] = reach[j+1] || next[j]
			} else {
				next[j+1] = reach[j] && (a[i] == b[j] || a[i] == '?' || b[j] == '?')
			}
		}
		reach = next
	}
	return reach[len(b)]
}

package account

import (
	"fmt"
	"slices"
	"strings"

	"ssmguard/internal/sandbox/api"
	"ssmguard/internal/sandbox/world"
)

// attach attaches managed policies, by name, to a user, group or role, in place of those it has.
func attach(s *api.Server, principal string, policies ...string) error {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	for _, name := range policies {
		if s.Managed[name] == nil {
			return fmt.Errorf("no managed policy %q", name)
		}
	}
	kind, name, _ := strings.Cut(principal, "/")
	switch {
	case kind == "user" && s.User(name) != nil:
		s.User(name).Attached = policies
	case kind == "role" && s.Role(name) != nil:
		s.Role(name).Attached = policies
	case kind == "group" && s.Group(name) != nil:
		s.Group(name).Attached = policies
	default:
		return fmt.Errorf("no principal %q", principal)
	}
	return nil
}

// putSCP writes a service control policy at a level of the organization, the
// root being 0: a new one, or in place of the one of that name.
func putSCP(s *api.Server, level int, p world.Policy) error {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	o := s.World.Organization
	if o == nil || level < 0 || level >= len(o.Levels) {
		return fmt.Errorf("the organization has no level %d", level)
	}
	if err := s.Parse(&api.Source{Key: fmt.Sprintf("scp %d %s", level, p.Name), Layer: api.LayerSCP, Text: p.Document}); err != nil {
		return fmt.Errorf("SCP %s: %w", p.Name, err)
	}
	scps := &o.Levels[level].SCPs
	*scps = append(slices.DeleteFunc(slices.Clone(*scps), func(have world.Policy) bool { return have.Name == p.Name }), p)
	return nil
}

// putEndpoint writes the policy of the VPC endpoint; nil takes the endpoint away.
func putEndpoint(s *api.Server, p *world.Policy) error {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	if p != nil {
		if err := s.Parse(&api.Source{Key: "endpoint " + p.Name, Layer: api.LayerEndpoint, Text: p.Document}); err != nil {
			return fmt.Errorf("endpoint policy: %w", err)
		}
	}
	s.World.Endpoint = p
	return nil
}

// putManaged writes a managed policy.
func putManaged(s *api.Server, p world.Policy) error {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	return s.PutManaged(p)
}

// dropInline removes an inline policy of a principal.
func dropInline(s *api.Server, principal, name string) error {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	return s.DropInline(principal, name)
}

package account

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"ssmguard/guard/policy"
	"ssmguard/internal/sandbox/world"
)

// managedPolicy is a managed policy; Document is its default version.
type managedPolicy struct {
	world.Policy
	versions []policyVersion
	current  int // index of the default version
}

type policyVersion struct {
	document string
	created  time.Time
}

func (m *managedPolicy) kind() string {
	if m.AWS {
		return "aws-managed"
	}
	return "user-managed"
}

func (s *Server) user(name string) *world.User   { return s.world.Users.Named(name) }
func (s *Server) role(name string) *world.Role   { return s.world.Roles.Named(name) }
func (s *Server) group(name string) *world.Group { return s.world.Groups.Named(name) }

// parse fills in the statements of a policy. Documents are parsed once.
func (s *Server) parse(src *source) error {
	key := src.key + "\x00" + src.text
	if st, ok := s.parsed[key]; ok {
		src.statements = st
		return nil
	}
	doc, err := policy.Parse(policyKinds[src.layer], src.key, []byte(src.text))
	if err != nil {
		return err
	}
	s.parsed[key], src.statements = doc.Statements, doc.Statements
	return nil
}

var policyKinds = map[layer]policy.Kind{
	layerSCP: policy.SCP, layerRCP: policy.RCP, layerEndpoint: policy.Endpoint,
	layerIdentity: policy.Identity, layerBoundary: policy.Boundary, layerSession: policy.Session,
}

// PutInline writes an inline policy of a principal, written "user/NAME",
// "group/NAME" or "role/NAME". It acts on the next call. A document that is no
// policy is an error and changes nothing.
func (s *Server) PutInline(principal, name, document string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.putInline(principal, name, document)
}

func (s *Server) putInline(principal, name, document string) error {
	list, err := s.inline(principal)
	if err != nil {
		return err
	}
	if err := s.parse(&source{key: principal + " " + name, layer: layerIdentity, text: document}); err != nil {
		return err
	}
	if i := slices.IndexFunc(*list, func(p world.Policy) bool { return p.Name == name }); i >= 0 {
		(*list)[i].Document = document
		return nil
	}
	*list = append(*list, world.Policy{Name: name, Document: document})
	return nil
}

// DeleteInline removes an inline policy of a principal.
func (s *Server) DeleteInline(principal, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.deleteInline(principal, name)
}

func (s *Server) deleteInline(principal, name string) error {
	list, err := s.inline(principal)
	if err != nil {
		return err
	}
	n := len(*list)
	*list = slices.DeleteFunc(*list, func(p world.Policy) bool { return p.Name == name })
	if len(*list) == n {
		return fmt.Errorf("%s has no policy %q", principal, name)
	}
	return nil
}

// inline is the list of a principal's inline policies, to change.
func (s *Server) inline(principal string) (*world.Inline, error) {
	kind, name, _ := strings.Cut(principal, "/")
	switch kind {
	case "user":
		if u := s.user(name); u != nil {
			return &u.Inline, nil
		}
	case "role":
		if r := s.role(name); r != nil {
			return &r.Inline, nil
		}
	case "group":
		if g := s.group(name); g != nil {
			return &g.Inline, nil
		}
	}
	return nil, fmt.Errorf("no principal %q", principal)
}

// PutManaged writes a managed policy: a new one, or a new default version of one there is.
func (s *Server) PutManaged(p world.Policy) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.putManaged(p)
}

func (s *Server) putManaged(p world.Policy) error {
	if err := s.parse(&source{key: "managed " + p.Name, layer: layerIdentity, text: p.Document}); err != nil {
		return fmt.Errorf("policy %s: %w", p.Name, err)
	}
	p.Path = orElse(p.Path, "/")
	m := s.managed[p.Name]
	if m == nil {
		m = &managedPolicy{Policy: p}
		s.managed[p.Name] = m
		s.managedOrder = append(s.managedOrder, p.Name)
	}
	m.Document = p.Document
	m.versions = append(m.versions, policyVersion{p.Document, s.now()})
	m.current = len(m.versions) - 1
	return nil
}

// Attach attaches managed policies, by name, to a user, group or role, in place of those it has.
func (s *Server) Attach(principal string, policies ...string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range policies {
		if s.managed[name] == nil {
			return fmt.Errorf("no managed policy %q", name)
		}
	}
	kind, name, _ := strings.Cut(principal, "/")
	switch {
	case kind == "user" && s.user(name) != nil:
		s.user(name).Attached = policies
	case kind == "role" && s.role(name) != nil:
		s.role(name).Attached = policies
	case kind == "group" && s.group(name) != nil:
		s.group(name).Attached = policies
	default:
		return fmt.Errorf("no principal %q", principal)
	}
	return nil
}

// PutSCP writes a service control policy at a level of the organization, the
// root being 0: a new one, or in place of the one of that name.
func (s *Server) PutSCP(level int, p world.Policy) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.world.Organization
	if o == nil || level < 0 || level >= len(o.Levels) {
		return fmt.Errorf("the organization has no level %d", level)
	}
	if err := s.parse(&source{key: fmt.Sprintf("scp %d %s", level, p.Name), layer: layerSCP, text: p.Document}); err != nil {
		return fmt.Errorf("SCP %s: %w", p.Name, err)
	}
	scps := &o.Levels[level].SCPs
	*scps = append(slices.DeleteFunc(slices.Clone(*scps), func(have world.Policy) bool { return have.Name == p.Name }), p)
	return nil
}

// PutEndpoint writes the policy of the VPC endpoint; nil takes the endpoint away.
func (s *Server) PutEndpoint(p *world.Policy) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p != nil {
		if err := s.parse(&source{key: "endpoint " + p.Name, layer: layerEndpoint, text: p.Document}); err != nil {
			return fmt.Errorf("endpoint policy: %w", err)
		}
	}
	s.world.Endpoint = p
	return nil
}

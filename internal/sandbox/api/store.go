package api

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"ssmguard/guard/policy"
	"ssmguard/internal/sandbox/world"
)

// Store is the account's state: its world with the parsed policies. Server.Mu guards
// it.
type Store struct {
	World        world.World
	Managed      map[string]*ManagedPolicy
	ManagedOrder []string
	parsed       map[string][]policy.Statement
	Now          func() time.Time
	Log          *slog.Logger
}

// ManagedPolicy is a managed policy; Document is its default version.
type ManagedPolicy struct {
	world.Policy
	Versions []policyVersion
	Current  int // index of the default version
}

type policyVersion struct {
	Document string
	Created  time.Time
}

func (m *ManagedPolicy) kind() string {
	if m.AWS {
		return "aws-managed"
	}
	return "user-managed"
}

// User finds a user by name, nil if there is none.
func (s *Store) User(name string) *world.User { return s.World.Users.Named(name) }

// Role finds a role by name, nil if there is none.
func (s *Store) Role(name string) *world.Role { return s.World.Roles.Named(name) }

// Group finds a group by name, nil if there is none.
func (s *Store) Group(name string) *world.Group { return s.World.Groups.Named(name) }

// Parse fills in the statements of a policy. Documents are parsed once.
func (s *Store) Parse(src *Source) error {
	key := src.Key + "\x00" + src.Text
	if st, ok := s.parsed[key]; ok {
		src.statements = st
		return nil
	}
	doc, err := policy.Parse(policyKinds[src.Layer], src.Key, []byte(src.Text))
	if err != nil {
		return err
	}
	s.parsed[key], src.statements = doc.Statements, doc.Statements
	return nil
}

var policyKinds = map[Layer]policy.Kind{
	LayerSCP: policy.SCP, LayerRCP: policy.RCP, LayerEndpoint: policy.Endpoint,
	LayerIdentity: policy.Identity, LayerBoundary: policy.Boundary, LayerSession: policy.Session,
}

// PutInline writes an inline policy of a principal, written "user/NAME", "group/NAME"
// or "role/NAME". It acts on the next call. A document that is not a policy is an error
// and changes nothing.
func (s *Server) PutInline(principal, name, document string) error {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	return s.SetInline(principal, name, document)
}

// SetInline puts an inline policy of user/NAME, role/NAME or group/NAME.
func (s *Store) SetInline(principal, name, document string) error {
	list, err := s.inline(principal)
	if err != nil {
		return err
	}
	if err := s.Parse(&Source{Key: principal + " " + name, Layer: LayerIdentity, Text: document}); err != nil {
		return err
	}
	if i := slices.IndexFunc(*list, func(p world.Policy) bool { return p.Name == name }); i >= 0 {
		(*list)[i].Document = document
		return nil
	}
	*list = append(*list, world.Policy{Name: name, Document: document})
	return nil
}

// DropInline takes an inline policy away.
func (s *Store) DropInline(principal, name string) error {
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

// inline returns a pointer to a principal's inline policies, to change them.
func (s *Store) inline(principal string) (*world.Inline, error) {
	kind, name, _ := strings.Cut(principal, "/")
	switch kind {
	case "user":
		if u := s.User(name); u != nil {
			return &u.Inline, nil
		}
	case "role":
		if r := s.Role(name); r != nil {
			return &r.Inline, nil
		}
	case "group":
		if g := s.Group(name); g != nil {
			return &g.Inline, nil
		}
	}
	return nil, fmt.Errorf("no principal %q", principal)
}

// PutManaged writes a managed policy: a new one, or a new default version of an
// existing one.
func (s *Store) PutManaged(p world.Policy) error {
	if err := s.Parse(&Source{Key: "managed " + p.Name, Layer: LayerIdentity, Text: p.Document}); err != nil {
		return fmt.Errorf("policy %s: %w", p.Name, err)
	}
	p.Path = OrElse(p.Path, "/")
	m := s.Managed[p.Name]
	if m == nil {
		m = &ManagedPolicy{Policy: p}
		s.Managed[p.Name] = m
		s.ManagedOrder = append(s.ManagedOrder, p.Name)
	}
	m.Document = p.Document
	m.Versions = append(m.Versions, policyVersion{p.Document, s.Now()})
	m.Current = len(m.Versions) - 1
	return nil
}

// Opened is the creation time of everything in the account.
var Opened = time.Date(2024, 7, 24, 9, 0, 0, 0, time.UTC).Format(time.RFC3339)

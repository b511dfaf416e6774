package account

import (
	"fmt"
	"slices"

	"ssmguard/guard/policy"
	"ssmguard/internal/sandbox/world"
)

// layer is one of the kinds of policy that bear on a request.
type layer int

// The layers in the order in which IAM looks for an Allow. The name of the first
// that fails goes into the denial.
const (
	layerSCP layer = iota
	layerRCP
	layerEndpoint
	layerIdentity
	layerBoundary
	layerSession
)

// layerNames are the words of AWS's denial messages.
var layerNames = [...]string{
	"service control policy", "resource control policy", "VPC endpoint policy",
	"identity-based policy", "permissions boundary", "session policy",
}

func (l layer) String() string { return layerNames[l] }

// source is one policy document in effect.
type source struct {
	key        string // unique among the policies that bear on a caller
	layer      layer
	level      int    // of an SCP or RCP: 0 is the root
	arn        string // "" for an inline policy
	id, kind   string // SourcePolicyId and SourcePolicyType of the simulator
	text       string
	statements []policy.Statement
}

// bearing is every policy that bears on one caller.
type bearing struct {
	sources []source
	levels  int  // of the organization that apply
	bounded bool // a boundary is set
	session bool // session policies apply
	gated   bool // an endpoint policy applies
	root    bool // the caller is root: no identity policies needed
}

// statements returns the statements of one layer; level is -1 for every level.
func (b *bearing) statements(l layer, level int) []policy.Statement {
	all := []policy.Statement{}
	for _, src := range b.sources {
		if src.layer == l && (level < 0 || src.level == level) {
			all = append(all, src.statements...)
		}
	}
	return all
}

// set lays the policies out for the evaluator, without those of the layers named.
func (b *bearing) set(without ...layer) policy.Set {
	has := func(l layer) bool { return !slices.Contains(without, l) }
	set := policy.Set{Root: b.root}
	if has(layerIdentity) {
		set.Identity = b.statements(layerIdentity, -1)
	}
	if b.bounded && has(layerBoundary) {
		set.Boundary = b.statements(layerBoundary, -1)
	}
	if b.session && has(layerSession) {
		set.Session = b.statements(layerSession, -1)
	}
	if b.gated && has(layerEndpoint) {
		set.Endpoint = b.statements(layerEndpoint, -1)
	}
	for level := range b.levels {
		if has(layerSCP) {
			set.SCP = append(set.SCP, b.statements(layerSCP, level))
		}
		if has(layerRCP) {
			set.RCP = append(set.RCP, b.statements(layerRCP, level))
		}
	}
	return set
}

// source finds the policy a statement comes from.
func (b *bearing) source(at policy.Pos) (source, bool) {
	i := slices.IndexFunc(b.sources, func(s source) bool { return s.key == at.Source })
	if i < 0 {
		return source{}, false
	}
	return b.sources[i], true
}

// bearing collects the policies of a caller as they are now.
func (s *Server) bearing(c *caller) *bearing {
	b := &bearing{root: c.kind == typeRoot, session: c.bounded}
	switch c.kind {
	case typeUser, typeFederated:
		if u := s.user(c.name); u != nil {
			s.userPolicies(b, u)
		}
	case typeRole:
		if r := s.role(c.name); r != nil {
			s.principalPolicies(b, "role", &r.Principal)
		}
	}
	b.sources = append(b.sources, c.session...)
	if e := s.world.Endpoint; e != nil {
		b.gated = true
		s.add(b, source{key: "endpoint " + e.Name, layer: layerEndpoint, text: e.Document})
	}
	s.organizationPolicies(b)
	return b
}

func (s *Server) userPolicies(b *bearing, u *world.User) {
	s.principalPolicies(b, "user", &u.Principal)
	for _, name := range u.Groups {
		if g := s.group(name); g != nil {
			s.attachedPolicies(b, g.Attached)
			s.inlinePolicies(b, "group", g.Name, g.Inline)
		}
	}
}

func (s *Server) principalPolicies(b *bearing, kind string, p *world.Principal) {
	s.attachedPolicies(b, p.Attached)
	s.inlinePolicies(b, kind, p.Name, p.Inline)
	if p.Boundary == "" {
		return
	}
	b.bounded = true
	if m := s.managed[p.Boundary]; m != nil {
		s.add(b, source{key: "boundary " + m.Name, layer: layerBoundary, arn: s.policyARN(m), id: m.Name, kind: m.kind(), text: m.Document})
	}
}

func (s *Server) inlinePolicies(b *bearing, kind, owner string, list []world.Policy) {
	for _, p := range list {
		s.add(b, source{
			key: fmt.Sprintf("inline %s %s %s", kind, owner, p.Name), layer: layerIdentity,
			id: fmt.Sprintf("%s_%s_%s", kind, owner, p.Name), kind: kind, text: p.Document,
		})
	}
}

func (s *Server) attachedPolicies(b *bearing, names []string) {
	for _, name := range names {
		if m := s.managed[name]; m != nil {
			s.add(b, source{key: "managed " + m.Name, layer: layerIdentity, arn: s.policyARN(m), id: m.Name, kind: m.kind(), text: m.Document})
		}
	}
}

// organizationPolicies adds SCPs and RCPs; neither applies to the management account.
func (s *Server) organizationPolicies(b *bearing) {
	o := s.world.Organization
	if o == nil || o.ManagementAccount == s.world.Account {
		return
	}
	b.levels = len(o.Levels)
	for i, l := range o.Levels {
		for _, p := range l.SCPs {
			s.add(b, source{key: fmt.Sprintf("scp %d %s", i, p.Name), layer: layerSCP, level: i, arn: s.orgPolicyARN(scpType, p), text: p.Document})
		}
		for _, p := range l.RCPs {
			s.add(b, source{key: fmt.Sprintf("rcp %d %s", i, p.Name), layer: layerRCP, level: i, arn: s.orgPolicyARN(rcpType, p), text: p.Document})
		}
	}
}

// fullAccessRCP is attached everywhere; it needs no evaluation, since RCPs allow
// what they do not deny.
var fullAccessRCP = world.Policy{Name: "RCPFullAWSAccess", AWS: true,
	Document: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}`}

// add enters a policy whose text the account has accepted before.
func (s *Server) add(b *bearing, src source) {
	if slices.ContainsFunc(b.sources, func(have source) bool { return have.key == src.key }) {
		return // attached to the user and to a group of his
	}
	if err := s.parse(&src); err != nil {
		s.log.Error("stored policy is malformed", "policy", src.key, "error", err)
		return
	}
	b.sources = append(b.sources, src)
}

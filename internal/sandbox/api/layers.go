package api

import (
	"fmt"
	"slices"

	"ssmguard/guard/policy"
	"ssmguard/internal/sandbox/world"
)

// Layer is a kind of policy that applies to a request.
type Layer int

// The layers in the order in which IAM looks for an Allow. The name of the first
// that fails goes into the denial.
const (
	LayerSCP Layer = iota
	LayerRCP
	LayerEndpoint
	LayerIdentity
	LayerBoundary
	LayerSession
)

// layerNames are the words of AWS's denial messages.
var layerNames = [...]string{
	"service control policy", "resource control policy", "VPC endpoint policy",
	"identity-based policy", "permissions boundary", "session policy",
}

// String names the layer as the simulator does.
func (l Layer) String() string { return layerNames[l] }

// Source is one policy document in effect.
type Source struct {
	Key        string // unique among the policies that apply to a caller
	Layer      Layer
	Level      int    // of an SCP or RCP: 0 is the root
	ARN        string // "" for an inline policy
	ID, Kind   string // SourcePolicyId and SourcePolicyType of the simulator
	Text       string
	statements []policy.Statement
}

// Bearing has every policy that applies to one caller.
type Bearing struct {
	store   *Store
	Sources []Source
	Levels  int  // number of the organization's levels that apply
	Bounded bool // a boundary is set
	session bool // session policies apply
	gated   bool // an endpoint policy applies
	root    bool // the caller is root: no identity policies needed
}

// Statements returns the statements of one layer; level is -1 for every level.
func (b *Bearing) Statements(l Layer, level int) []policy.Statement {
	all := []policy.Statement{}
	for _, src := range b.Sources {
		if src.Layer == l && (level < 0 || src.Level == level) {
			all = append(all, src.statements...)
		}
	}
	return all
}

// Set returns the policies for the evaluator, without the given layers.
func (b *Bearing) Set(without ...Layer) policy.Set {
	has := func(l Layer) bool { return !slices.Contains(without, l) }
	set := policy.Set{Root: b.root}
	if has(LayerIdentity) {
		set.Identity = b.Statements(LayerIdentity, -1)
	}
	if b.Bounded && has(LayerBoundary) {
		set.Boundary = b.Statements(LayerBoundary, -1)
	}
	if b.session && has(LayerSession) {
		set.Session = b.Statements(LayerSession, -1)
	}
	if b.gated && has(LayerEndpoint) {
		set.Endpoint = b.Statements(LayerEndpoint, -1)
	}
	for level := range b.Levels {
		if has(LayerSCP) {
			set.SCP = append(set.SCP, b.Statements(LayerSCP, level))
		}
		if has(LayerRCP) {
			set.RCP = append(set.RCP, b.Statements(LayerRCP, level))
		}
	}
	return set
}

// Source returns the policy of a statement.
func (b *Bearing) Source(at policy.Pos) (Source, bool) {
	i := slices.IndexFunc(b.Sources, func(s Source) bool { return s.Key == at.Source })
	if i < 0 {
		return Source{}, false
	}
	return b.Sources[i], true
}

// NoPolicies returns an empty Bearing.
func (s *Store) NoPolicies() *Bearing { return &Bearing{store: s} }

// Bearing collects the current policies of a caller.
func (s *Store) Bearing(c *Caller) *Bearing {
	b := &Bearing{store: s, root: c.Kind == TypeRoot, session: c.Bounded}
	switch c.Kind {
	case TypeUser, typeFederated:
		if u := s.User(c.Name); u != nil {
			b.AddUser(u)
		}
	case TypeRole:
		if r := s.Role(c.Name); r != nil {
			b.AddPrincipal("role", &r.Principal)
		}
	}
	b.Sources = append(b.Sources, c.Session...)
	if e := s.World.Endpoint; e != nil {
		b.gated = true
		b.add(Source{Key: "endpoint " + e.Name, Layer: LayerEndpoint, Text: e.Document})
	}
	b.AddOrganization()
	return b
}

// AddUser adds a user's policies and those of its groups.
func (b *Bearing) AddUser(u *world.User) {
	b.AddPrincipal("user", &u.Principal)
	for _, name := range u.Groups {
		if g := b.store.Group(name); g != nil {
			b.AddGroup(g)
		}
	}
}

// AddPrincipal adds the policies and the boundary of a user or role.
func (b *Bearing) AddPrincipal(kind string, p *world.Principal) {
	b.addAttached(p.Attached)
	b.addInline(kind, p.Name, p.Inline)
	if p.Boundary == "" {
		return
	}
	b.Bounded = true
	if m := b.store.Managed[p.Boundary]; m != nil {
		b.add(Source{Key: "boundary " + m.Name, Layer: LayerBoundary, ARN: b.store.PolicyARN(m), ID: m.Name, Kind: m.kind(), Text: m.Document})
	}
}

// AddGroup adds the policies of a group.
func (b *Bearing) AddGroup(g *world.Group) {
	b.addAttached(g.Attached)
	b.addInline("group", g.Name, g.Inline)
}

// addInline adds the inline policies of an owner.
func (b *Bearing) addInline(kind, owner string, list []world.Policy) {
	for _, p := range list {
		b.add(Source{
			Key: fmt.Sprintf("inline %s %s %s", kind, owner, p.Name), Layer: LayerIdentity,
			ID: fmt.Sprintf("%s_%s_%s", kind, owner, p.Name), Kind: kind, Text: p.Document,
		})
	}
}

// addAttached adds managed policies by their names.
func (b *Bearing) addAttached(names []string) {
	for _, name := range names {
		if m := b.store.Managed[name]; m != nil {
			b.add(Source{Key: "managed " + m.Name, Layer: LayerIdentity, ARN: b.store.PolicyARN(m), ID: m.Name, Kind: m.kind(), Text: m.Document})
		}
	}
}

// AddOrganization adds SCPs and RCPs; neither applies to the management account.
func (b *Bearing) AddOrganization() {
	o := b.store.World.Organization
	if o == nil || o.ManagementAccount == b.store.World.Account {
		return
	}
	b.Levels = len(o.Levels)
	for i, l := range o.Levels {
		for _, p := range l.SCPs {
			b.add(Source{Key: fmt.Sprintf("scp %d %s", i, p.Name), Layer: LayerSCP, Level: i, ARN: b.store.OrgPolicyARN(ScpType, p), Text: p.Document})
		}
		for _, p := range l.RCPs {
			b.add(Source{Key: fmt.Sprintf("rcp %d %s", i, p.Name), Layer: LayerRCP, Level: i, ARN: b.store.OrgPolicyARN(RcpType, p), Text: p.Document})
		}
	}
}

// FullAccessRCP is attached everywhere; it is not evaluated, because RCPs allow
// everything that they do not deny.
var FullAccessRCP = world.Policy{Name: "RCPFullAWSAccess", AWS: true,
	Document: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}`}

// add adds a policy whose text was parsed before.
func (b *Bearing) add(src Source) {
	if slices.ContainsFunc(b.Sources, func(have Source) bool { return have.Key == src.Key }) {
		return // attached to the user and to one of the user's groups
	}
	if err := b.store.Parse(&src); err != nil {
		b.store.Log.Error("stored policy is malformed", "policy", src.Key, "error", err)
		return
	}
	b.Sources = append(b.Sources, src)
}

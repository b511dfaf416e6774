package awsiam

import (
	"context"
	"errors"
	"slices"

	"ssmguard/guard"
	"ssmguard/guard/policy"
)

// document is one policy text and where it belongs.
type document struct {
	Layer  policy.Kind
	Level  int    // of the organization, 0 the root; only for SCP and RCP
	Source string // as a user would name it: `role/dev, inline "ssm"`
	Text   string // JSON
}

// evidence is every policy text that bears on a caller.
type evidence struct {
	Documents []document
	Boundary  bool          // a boundary is attached
	Root      bool          // everything is allowed that nothing denies
	SCPs      int           // levels of SCPs, 0 when they do not exist
	RCPs      int           // likewise
	Partial   []policy.Kind // layers not wholly read
}

// add appends what another read found.
func (e *evidence) add(o evidence) {
	e.Documents = append(e.Documents, o.Documents...)
	e.Boundary = e.Boundary || o.Boundary
	e.Root = e.Root || o.Root
	e.SCPs, e.RCPs = max(e.SCPs, o.SCPs), max(e.RCPs, o.RCPs)
	for _, layer := range o.Partial {
		if !slices.Contains(e.Partial, layer) {
			e.Partial = append(e.Partial, layer)
		}
	}
}

// policyReader reads the policies that bear on the caller.
type policyReader struct{ callerReader }

// Policies reads every policy that bears on the client's caller: who c is
// follows from the credentials, the argument only says that it is known. The
// Set is usable beside an error: Set.Partial names each layer that is not whole,
// and the error joins a *guard.NotVisible or *Error for every read that failed.
func (c policyReader) Policies(ctx context.Context, _ guard.Caller) (policy.Set, error) {
	m := c.startCaller(ctx)
	ev, err := m.evidence.get(ctx, c.connection, c.readEvidence)
	if err != nil && len(ev.Partial) == 0 {
		// Nothing was read at all: no layer may look absent.
		return allUnread.emptySet(), wrap("iam:ListAttachedRolePolicies", err)
	}
	set, parseErr := ev.set()
	return set, errors.Join(err, parseErr)
}

// allUnread is the evidence of a read that never came to anything.
var allUnread = evidence{Partial: []policy.Kind{
	policy.Identity, policy.Boundary, policy.Session, policy.SCP, policy.RCP, policy.Endpoint,
}}

// emptySet returns the layers that exist, without statements.
func (e evidence) emptySet() policy.Set {
	s := policy.Set{Root: e.Root, Identity: []policy.Statement{}, SCP: levels(e.SCPs), RCP: levels(e.RCPs)}
	if e.Boundary {
		s.Boundary = []policy.Statement{}
	}
	s.Partial = slices.Clone(e.Partial)
	return s
}

// set parses the documents into layers. A document that cannot be parsed makes
// its layer partial.
func (e evidence) set() (policy.Set, error) {
	s := e.emptySet()
	var errs []error
	for _, d := range e.Documents {
		parsed, err := policy.Parse(d.Layer, d.Source, []byte(d.Text))
		if err != nil {
			errs = append(errs, &Error{Permission: "policy", Kind: KindInvalid, Message: err.Error(), Err: err})
			if !slices.Contains(s.Partial, d.Layer) {
				s.Partial = append(s.Partial, d.Layer)
			}
			continue
		}
		switch d.Layer {
		case policy.Identity:
			s.Identity = append(s.Identity, parsed.Statements...)
		case policy.Boundary:
			s.Boundary = append(s.Boundary, parsed.Statements...)
		case policy.SCP:
			s.SCP = atLevel(s.SCP, d.Level, parsed.Statements)
		case policy.RCP:
			s.RCP = atLevel(s.RCP, d.Level, parsed.Statements)
		}
	}
	return s, errors.Join(errs...)
}

// levels returns n empty levels, nil for none.
func levels(n int) [][]policy.Statement {
	if n == 0 {
		return nil
	}
	out := make([][]policy.Statement, n)
	for i := range out {
		out[i] = []policy.Statement{}
	}
	return out
}

func atLevel(layer [][]policy.Statement, level int, statements []policy.Statement) [][]policy.Statement {
	for level >= len(layer) {
		layer = append(layer, []policy.Statement{})
	}
	layer[level] = append(layer[level], statements...)
	return layer
}

// readEvidence reads every layer at once.
func (c policyReader) readEvidence(ctx context.Context) (evidence, error) {
	id, err := c.current().caller.get(ctx, c.connection, c.readIdentity)
	if err != nil {
		return evidence{}, err
	}
	key := id.cacheKey(c.connection, "evidence")
	var all evidence
	if c.recall(key, &all) {
		return all, nil
	}
	reads := []func(context.Context, identity) (evidence, error){
		c.identityLayer, c.boundaryLayer, organizationReader(c).layers, c.sessionLayers,
	}
	found := make([]evidence, len(reads))
	errs := make([]error, len(reads))
	each(len(reads), func(i int) { found[i], errs[i] = reads[i](ctx, id) })
	for _, f := range found {
		all.add(f)
	}
	err = errors.Join(errs...)
	if err == nil {
		c.keep(key, all, policyAge)
	}
	return all, err
}

// identityLayer reads the policies of the user with groups, or of the role.
func (c policyReader) identityLayer(ctx context.Context, id identity) (evidence, error) {
	p := principalOf(id)
	switch p.kind {
	case guard.User:
		return c.userPolicies(ctx, p)
	case guard.AssumedRole:
		return c.gather(ctx, p.owner("Role"))
	case guard.Root:
		return evidence{Root: true}, nil
	}
	return evidence{Partial: []policy.Kind{policy.Identity}},
		&guard.NotVisible{Permission: "iam:ListUserPolicies", Resource: id.SessionARN, Cause: noIAM}
}

// boundaryLayer reads the permissions boundary, whose name GetUser or GetRole tells.
func (c policyReader) boundaryLayer(ctx context.Context, id identity) (evidence, error) {
	switch principalOf(id).kind {
	case guard.Root, guard.FederatedUser:
		// Root has none. A federated user's is the user's who made the
		// credentials, and hides in the identity layer that cannot be read.
		return evidence{}, nil
	}
	e, err := c.current().entity.get(ctx, c.connection, c.readEntity)
	if err != nil {
		return evidence{Partial: []policy.Kind{policy.Boundary}}, err
	}
	if e.Boundary == "" {
		return evidence{}, nil
	}
	text, err := c.managedPolicy(ctx, e.Boundary)
	if err != nil {
		return evidence{Boundary: true, Partial: []policy.Kind{policy.Boundary}}, err
	}
	d := document{Layer: policy.Boundary, Source: "boundary " + policyName(e.Boundary), Text: text}
	return evidence{Boundary: true, Documents: []document{d}}, nil
}

package policy

import "slices"

// Set is every policy that bears on one caller, in IAM's layers. A nil layer
// does not exist; a layer that exists and allows nothing is empty, not nil. The
// identity layer is the exception: without policies only root is allowed.
type Set struct {
	Identity, Boundary, Session []Statement
	SCP, RCP                    [][]Statement // one slice per level of the organization, the root first; RCPs allow implicitly
	Endpoint                    []Statement   // policy of the VPC endpoint the request passes
	// Partial are the layers that could not be read, or not completely. The statements
	// that were read count; any others may exist beside them.
	Partial []Kind
	// Root says that the caller is the root user of an account: the identity
	// layer then allows by default.
	Root bool
}

// Layer returns the statements of a layer, to be added to or changed. SCPs and RCPs
// have levels, the root of the organization is level 1; one that is not there yet is made.
func (s *Set) Layer(k Kind, level int) *[]Statement {
	levels := &s.SCP
	switch k {
	case Identity:
		return &s.Identity
	case Boundary:
		return &s.Boundary
	case Session:
		return &s.Session
	case Endpoint:
		return &s.Endpoint
	case RCP:
		levels = &s.RCP
	}
	for len(*levels) < level {
		*levels = append(*levels, nil)
	}
	return &(*levels)[level-1]
}

// layer is one level of one layer while a request is evaluated.
type layer struct {
	kind       Kind
	level      int // from 1 for the root of the organization; 0 in layers without levels
	statements []Statement
	allows     bool // without a statement: root's identity, RCPs
	partial    bool // there may be statements that were not read
}

// layers appends what bears on a request, in the order in which answers list it.
func (s *Set) layers(out []layer) []layer {
	partial := func(k Kind) bool { return slices.Contains(s.Partial, k) }
	plain := [...][]Statement{Identity: s.Identity, Boundary: s.Boundary, Session: s.Session, Endpoint: s.Endpoint}
	for _, k := range [...]Kind{Identity, Boundary, Session} {
		if l := plain[k]; l != nil || k == Identity || partial(k) {
			out = append(out, layer{kind: k, statements: l, allows: k == Identity && s.Root, partial: partial(k)})
		}
	}
	for _, k := range [...]Kind{SCP, RCP} {
		levels := s.SCP
		if k == RCP {
			levels = s.RCP
		}
		for i, l := range levels {
			out = append(out, layer{kind: k, level: i + 1, statements: l, allows: k == RCP, partial: partial(k)})
		}
		if len(levels) == 0 && partial(k) {
			out = append(out, layer{kind: k, allows: k == RCP, partial: true})
		}
	}
	if s.Endpoint != nil || partial(Endpoint) {
		out = append(out, layer{kind: Endpoint, statements: s.Endpoint, partial: partial(Endpoint)})
	}
	return out
}

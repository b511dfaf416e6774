package reach

import (
	"time"

	"ssmguard/guard"
	"ssmguard/guard/policy"
)

// Policy is the text of a policy, whoever has it. Equal texts are to be one Policy: what is
// found out about it is found out once.
type Policy struct {
	Statements []policy.Statement

	id     int
	halves [2]*[]policy.Statement // of each half, the statements that bear on it; nil until they are looked for
}

// Attachment is a policy that a principal has, by the name that it has there.
type Attachment struct {
	Policy *Policy
	Name   string
}

// Principal is a user or a role.
type Principal struct {
	Caller   guard.Caller
	Identity []Attachment // its own and those of its groups
	Boundary *Attachment  // nil if it has none, or if its text is not known
	Bounded  bool         // it has a permissions boundary
	Partial  []policy.Kind
	// Linked is a service-linked role, on which the organization's policies do not bear:
	// docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html
	Linked bool
}

// Target is a node that sessions are started on.
type Target struct {
	ID     string
	Region string            // "" if it is not known
	Tags   map[string]string // all it has
	Untold bool              // its tags are not known
}

// Document is a session document, one of the same name in each region.
type Document struct {
	Name        string // name or ARN, as in a request
	Owner, Type string // as in guard.Facts
	Tags        map[string]string
	Untold      bool // its tags are not known
}

// Account is what is asked about.
type Account struct {
	Principals []Principal // all of one account and partition
	Targets    []Target
	Documents  []Document

	SCP      [][]policy.Statement // as in policy.Set
	Endpoint []policy.Statement
	Partial  []policy.Kind // layers of the organization, and of the endpoint, that were not read

	Context map[string][]string // condition keys that are stated of all requests
	Closed  bool                // a key that is not given is absent, as in guard.Request
	At      time.Time           // of all requests; the zero time makes it unknown
}

// Request returns one of the requests, and what is known of its resources: what guard would be
// asked if it were the only one.
func (a *Account) Request(principal, target, document int) (guard.Request, guard.Facts) {
	t, d := &a.Targets[target], &a.Documents[document]
	r := guard.Request{Caller: a.Principals[principal].Caller, Region: t.Region, Target: t.ID, Document: d.Name, Context: a.Context, Closed: a.Closed, Files: true}
	f := guard.Facts{TargetTags: t.Tags, DocumentTags: d.Tags, DocumentOwner: d.Owner, DocumentType: d.Type, At: a.At}
	if t.Untold {
		f.Unknown = append(f.Unknown, guard.UnknownTargetTags)
	}
	if d.Untold {
		f.Unknown = append(f.Unknown, guard.UnknownDocumentTags)
	}
	return r, f
}

// Set returns all policies that bear on a principal.
func (a *Account) Set(principal int) policy.Set {
	p := &a.Principals[principal]
	s := a.layers(p)
	for _, at := range p.Identity {
		s.Identity = append(s.Identity, at.Policy.Statements...)
	}
	if p.Boundary != nil {
		s.Boundary = append(s.Boundary, p.Boundary.Policy.Statements...)
	}
	return s
}

// layers returns the layers that exist for a principal, its own without statements.
func (a *Account) layers(p *Principal) policy.Set {
	s := policy.Set{Identity: []policy.Statement{}, Endpoint: a.Endpoint, Partial: p.Partial}
	if p.Bounded {
		s.Boundary = []policy.Statement{}
	}
	if p.Linked {
		return s
	}
	s.SCP = a.SCP
	s.Partial = append(append([]policy.Kind{}, p.Partial...), a.Partial...)
	return s
}

package policy

// Set is every policy that bears on one caller, in IAM's layers. A nil layer
// does not exist; a layer that exists and allows nothing is empty, not nil.
type Set struct {
	Identity, Boundary, Session []Statement
	SCP, RCP                    [][]Statement // one slice per level of the organization, the root first
	Partial                     []string      // layers that could not be read
}

// Statement is one statement of a policy document.
type Statement struct {
	At Pos
}

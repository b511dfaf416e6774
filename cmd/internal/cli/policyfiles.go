package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"

	"ssmguard/guard/policy"
)

// policyFile is a policy that is in no account yet.
type policyFile struct {
	kind policy.Kind
	path string
}

// readPolicies reads files into the layers they belong to. All SCP files form
// one level, as if attached to the same account, and so do RCP files.
func readPolicies(files []policyFile) (policy.Set, error) {
	var set policy.Set
	for _, f := range files {
		statements, complete, err := f.read()
		if err != nil {
			return set, err
		}
		if !complete {
			set.Partial = append(set.Partial, f.kind.String())
		}
		if statements == nil {
			statements = []policy.Statement{} // the layer exists
		}
		switch f.kind {
		case policy.Identity:
			set.Identity = append(set.Identity, statements...)
		case policy.Boundary:
			set.Boundary = append(set.Boundary, statements...)
		case policy.Session:
			set.Session = append(set.Session, statements...)
		case policy.Endpoint:
			set.Endpoint = append(set.Endpoint, statements...)
		case policy.SCP:
			set.SCP = oneLevel(set.SCP, statements)
		case policy.RCP:
			set.RCP = oneLevel(set.RCP, statements)
		}
	}
	return set, nil
}

func oneLevel(levels [][]policy.Statement, more []policy.Statement) [][]policy.Statement {
	if len(levels) == 0 {
		return [][]policy.Statement{more}
	}
	levels[0] = append(levels[0], more...)
	return levels
}

// read returns the statements of a file: a policy document, or the policy
// documents in the output of `terraform show -json`. complete is false when the
// file holds documents that are not known before they are applied.
func (f policyFile) read() (statements []policy.Statement, complete bool, err error) {
	text, err := os.ReadFile(f.path)
	if err != nil {
		return nil, false, err
	}
	documents := []namedDocument{{f.path, text}}
	complete = true
	if isTerraform(text) {
		if documents, complete, err = terraformDocuments(f.path, text); err != nil {
			return nil, false, err
		}
	}
	for _, d := range documents {
		doc, err := policy.Parse(f.kind, d.name, d.text)
		if err != nil {
			return nil, false, err
		}
		statements = append(statements, doc.Statements...)
	}
	return statements, complete, nil
}

type namedDocument struct {
	name string
	text []byte
}

// terraformOutput is what is read of `terraform show -json`: a state, or a plan
// with what it will bring and what it has read already.
type terraformOutput struct {
	FormatVersion string          `json:"format_version"`
	Values        terraformValues `json:"values"`
	PlannedValues terraformValues `json:"planned_values"`
	PriorState    struct {
		Values terraformValues `json:"values"`
	} `json:"prior_state"`
	Changes []terraformResource `json:"resource_changes"`
}

type terraformValues struct {
	Root terraformModule `json:"root_module"`
}

type terraformModule struct {
	Resources []terraformResource `json:"resources"`
	Children  []terraformModule   `json:"child_modules"`
}

type terraformResource struct {
	Address string `json:"address"`
	Mode    string `json:"mode"`
	Type    string `json:"type"`
	Values  struct {
		JSON *string `json:"json"`
	} `json:"values"`
}

func isTerraform(text []byte) bool {
	var probe struct {
		FormatVersion string `json:"format_version"`
	}
	return bytes.Contains(text, []byte(`"format_version"`)) && json.Unmarshal(text, &probe) == nil && probe.FormatVersion != ""
}

// terraformDocuments returns the aws_iam_policy_document data sources of a
// state or plan, those with a Principal left out: they are trust and resource
// policies, not the caller's.
func terraformDocuments(path string, text []byte) (documents []namedDocument, complete bool, err error) {
	var out terraformOutput
	if err := json.Unmarshal(text, &out); err != nil {
		return nil, false, fmt.Errorf("%s: %w", path, err)
	}
	resources := slices.Concat(out.Values.Root.all(), out.PlannedValues.Root.all(), out.PriorState.Values.Root.all(), out.Changes)
	known, pending := make(map[string]bool), make(map[string]bool)
	for _, r := range resources {
		switch {
		case r.Mode != "data" || r.Type != "aws_iam_policy_document" || known[r.Address]:
		case r.Values.JSON == nil:
			pending[r.Address] = true
		default:
			known[r.Address] = true
			delete(pending, r.Address)
			if !bytes.Contains([]byte(*r.Values.JSON), []byte(`"Principal"`)) {
				documents = append(documents, namedDocument{path + ": " + r.Address, []byte(*r.Values.JSON)})
			}
		}
	}
	if len(known)+len(pending) == 0 {
		return nil, false, fmt.Errorf("%s: no aws_iam_policy_document in this terraform output", path)
	}
	return documents, len(pending) == 0, nil
}

// all returns the resources of a module and of those below it.
func (m terraformModule) all() []terraformResource {
	resources := slices.Clone(m.Resources)
	for _, child := range m.Children {
		resources = append(resources, child.all()...)
	}
	return resources
}

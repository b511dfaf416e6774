package policyfile

import (
	"encoding/json"
	"fmt"
	"os"

	"ssmguard/guard"
	"ssmguard/guard/policy"
)

// policyForm is one of the forms in which files hold policies.
type policyForm struct {
	is   func(policyInput) bool
	read func(policy.Kind, policyInput) (fileTexts, error)
}

// policyForms lists the forms in the order in which they are looked for. A new form
// is a row here, with a function that recognizes it and one that reads it.
func policyForms() []policyForm {
	return []policyForm{
		{isTerraform, readTerraform},                 // terraform show -json
		{isTerraformInternal, refuseTerraform},       // .tf, a plan or a state as Terraform keeps it
		{isAuthorizationDetails, readAuthorizations}, // aws iam get-account-authorization-details
		{isCommandOutput, readCommandOutput},         // aws iam get-role-policy and the like
		{isStack, readStack},                         // a template of CloudFormation, SAM or CDK
		{isPlain, readPlain},                         // a policy
	}
}

// policyInput is a file to be read.
type policyInput struct {
	path string
	text []byte
	top  map[string]json.RawMessage // of a JSON object

	Known
}

// Known is what is known of files of policies before they are read.
type Known struct {
	Caller     guard.Caller      // whose policies are asked about; zero if they are several
	Parameters map[string]string // of templates
}

// read returns the policies of a file.
func (f File) read(known Known) (fileTexts, error) {
	text, err := os.ReadFile(f.Path)
	if err != nil {
		return fileTexts{}, err
	}
	if text, err = unwrapped(text); err != nil {
		return fileTexts{}, fmt.Errorf("%s: %w", f.Path, err)
	}
	in := policyInput{path: f.Path, text: text, Known: known}
	if json.Unmarshal(text, &in.top) != nil {
		in.top = nil
	}
	if _, document := in.top["Statement"]; f.Bare && !document && in.top["Effect"] != nil {
		s, err := policy.ParseStatement(f.Kind, in.path, text)
		return fileTexts{documents: []policyText{{name: in.path, statements: []policy.Statement{s}}}}, err
	}
	for _, form := range policyForms() {
		if form.is(in) {
			return form.read(f.Kind, in)
		}
	}
	return fileTexts{}, fmt.Errorf("%s: no policy", f.Path)
}

func isPlain(policyInput) bool { return true }

func readPlain(kind policy.Kind, in policyInput) (fileTexts, error) {
	doc, err := policy.Parse(kind, in.path, in.text)
	if err != nil {
		return fileTexts{}, err
	}
	return fileTexts{documents: []policyText{{name: in.path, statements: doc.Statements}}}, nil
}

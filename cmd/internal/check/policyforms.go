package check

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
	read func(policy.Kind, policyInput) (policyTexts, error)
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

	fileFacts
}

// fileFacts is what is known of files of policies before they are read.
type fileFacts struct {
	caller     guard.Caller      // whose policies are asked about; zero if they are several
	parameters map[string]string // of templates
}

// read returns the policies of a file.
func (f policyFile) read(known fileFacts) (policyTexts, error) {
	text, err := os.ReadFile(f.path)
	if err != nil {
		return policyTexts{}, err
	}
	if text, err = unwrapped(text); err != nil {
		return policyTexts{}, fmt.Errorf("%s: %w", f.path, err)
	}
	in := policyInput{path: f.path, text: text, fileFacts: known}
	if json.Unmarshal(text, &in.top) != nil {
		in.top = nil
	}
	if _, document := in.top["Statement"]; f.bare && !document && in.top["Effect"] != nil {
		s, err := policy.ParseStatement(f.kind, in.path, text)
		return policyTexts{documents: []policyText{{name: in.path, statements: []policy.Statement{s}}}}, err
	}
	for _, form := range policyForms() {
		if form.is(in) {
			return form.read(f.kind, in)
		}
	}
	return policyTexts{}, fmt.Errorf("%s: no policy", f.path)
}

func isPlain(policyInput) bool { return true }

func readPlain(kind policy.Kind, in policyInput) (policyTexts, error) {
	doc, err := policy.Parse(kind, in.path, in.text)
	if err != nil {
		return policyTexts{}, err
	}
	return policyTexts{documents: []policyText{{name: in.path, statements: doc.Statements}}}, nil
}

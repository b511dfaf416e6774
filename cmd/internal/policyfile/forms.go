package policyfile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	"ssmguard/guard"
	"ssmguard/guard/policy"
	"ssmguard/internal/usertext"
)

// policyForm is one of the forms in which files hold policies.
type policyForm struct {
	is   func(policyInput) bool
	read func(policy.Kind, policyInput) (fileTexts, error)

	whole bool // the file is one policy
}

// policyForms lists the forms in the order in which they are looked for. A new form
// is a row here, with a function that recognizes it and one that reads it.
func policyForms() []policyForm {
	return []policyForm{
		{is: isTerraform, read: readTerraform},                 // terraform show -json
		{is: isTerraformInternal, read: refuseTerraform},       // .tf, a plan or a state as Terraform keeps it
		{is: isAuthorizationDetails, read: readAuthorizations}, // aws iam get-account-authorization-details
		{is: isCommandOutput, read: readCommandOutput},         // aws iam get-role-policy and the like
		{is: isStack, read: readStack},                         // a template of CloudFormation, SAM or CDK
		{is: isPlain, read: readPlain, whole: true},            // a policy
	}
}

// policyInput is a file to be read.
type policyInput struct {
	path string
	text []byte
	own  bool                       // the text is the file's, and was not wrapped in another
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
	in, err := f.open(known)
	if err != nil {
		return fileTexts{}, err
	}
	if _, document := in.top["Statement"]; f.Bare && !document && in.top["Effect"] != nil {
		s, err := policy.ParseStatement(f.Kind, in.path, in.text)
		return fileTexts{documents: []policyText{{name: in.path, statements: []policy.Statement{s}}}}, err
	}
	for _, form := range policyForms() {
		if form.is(in) {
			return form.read(f.Kind, in)
		}
	}
	return fileTexts{}, fmt.Errorf("%s: no policy", f.Path)
}

// open returns what a file has, without what it is wrapped in.
func (f File) open(known Known) (policyInput, error) {
	text := f.Text
	if text == nil {
		var err error
		if text, err = os.ReadFile(f.Path); err != nil {
			return policyInput{}, err
		}
	}
	file, _, err := usertext.Decode(text)
	if err == nil {
		text, err = unwrapped(file)
	}
	if err != nil {
		return policyInput{}, fmt.Errorf("%s: %w", f.Path, err)
	}
	in := policyInput{path: f.Path, text: text, own: bytes.Equal(text, file), Known: known}
	if json.Unmarshal(text, &in.top) != nil {
		in.top = nil
	}
	return in, nil
}

func isPlain(policyInput) bool { return true }

func readPlain(kind policy.Kind, in policyInput) (fileTexts, error) {
	doc, err := policy.Parse(kind, in.path, in.text)
	if err != nil {
		return fileTexts{}, err
	}
	text := guard.PolicyText{File: in.path, Text: string(in.text), Lined: in.own, Whole: in.own}
	return fileTexts{documents: []policyText{{name: in.path, statements: doc.Statements, warnings: doc.Warnings, text: text}}}, nil
}

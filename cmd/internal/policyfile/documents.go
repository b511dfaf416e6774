package policyfile

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"ssmguard/guard"
	"ssmguard/guard/policy"
)

// Document is one policy of a file.
type Document struct {
	Kind       policy.Kind
	Name       string // the file, or the file and where in it the policy is
	Statements []policy.Statement
	Warnings   []policy.Warning
	Text       guard.PolicyText    // zero where it is put together from parts
	Fault      *policy.SyntaxError // what IAM would refuse it for, the place in the policy's own text; nil if it is one
}

// Documents returns every policy of a file, whatever it is for and whose it is, and a line
// for each of which the text is not there or is of no kind that is read. The error says why
// nothing was read.
func Documents(f File, known Known) (list []Document, unread []string, err error) {
	in, err := f.open(known)
	if err != nil {
		return nil, nil, err
	}
	for _, form := range policyForms() {
		if !form.is(in) {
			continue
		}
		if form.whole {
			return oneDocument(f, in)
		}
		return documentsOf(form, in)
	}
	return nil, nil, fmt.Errorf("%s: no policy", f.Path)
}

// oneDocument reads a file that is a policy itself. One that names principals is of a
// resource, or of an endpoint.
func oneDocument(f File, in policyInput) ([]Document, []string, error) {
	kind := f.Kind
	if text := string(in.text); hasPrincipal(text) {
		if !bytes.Contains(in.text, []byte(`Resource"`)) {
			return nil, []string{f.Path + ": a trust policy, which is not looked at"}, nil
		}
		kind = policy.Endpoint
	}
	doc, err := policy.Parse(kind, f.Path, in.text)
	var fault *policy.SyntaxError
	switch {
	case errors.As(err, &fault):
		return []Document{{Kind: kind, Name: f.Path, Fault: fault}}, nil, nil
	case err != nil:
		return nil, nil, err
	}
	text := guard.PolicyText{File: in.path, Text: string(in.text), Lined: in.own, Whole: in.own}
	return []Document{{Kind: kind, Name: f.Path, Statements: doc.Statements, Warnings: doc.Warnings, Text: text}}, nil, nil
}

// documentsOf reads a file that holds policies of several kinds.
func documentsOf(form policyForm, in policyInput) (list []Document, unread []string, err error) {
	var leftOut, why []string
	have := make(map[string]bool)
	read := false
	for _, kind := range []policy.Kind{policy.Identity, policy.SCP, policy.RCP, policy.Endpoint} {
		texts, fault := form.read(kind, in)
		if fault != nil {
			err = errors.Join(err, fault)
			continue
		}
		read = true
		for _, d := range texts.documents {
			name := in.path + ": " + d.name
			if d.name == in.path {
				name = in.path
			}
			if d.again || have[name] {
				continue
			}
			have[name] = true
			list = append(list, Document{Kind: kind, Name: name, Statements: d.statements, Warnings: d.warnings, Text: d.text})
		}
		for _, u := range texts.unread {
			var fault *policy.SyntaxError
			switch {
			case errors.As(u.fault, &fault) && !have[fault.Source]:
				have[fault.Source] = true
				list = append(list, Document{Kind: kind, Name: fault.Source, Fault: fault})
			case u.fault == nil && u.kind == kind && kind == policy.Identity:
				why = append(why, in.path+": "+u.why)
			}
		}
		leftOut = append(leftOut, texts.leftOut...)
	}
	if !read {
		return nil, nil, err
	}
	slices.Sort(leftOut)
	for _, name := range slices.Compact(leftOut) {
		if !have[in.path+": "+name] {
			why = append(why, in.path+": "+name+" is not looked at: the policy of a resource")
		}
	}
	return list, why, nil
}

// Recognized reports whether a file looks as if it held policies, though they may be broken.
func Recognized(f File) bool {
	in, err := f.open(Known{})
	if err != nil {
		return false
	}
	for _, form := range policyForms() {
		if form.is(in) {
			return !form.whole || in.top["Statement"] != nil || in.top == nil && bytes.Contains(in.text, []byte(`"Statement"`))
		}
	}
	return false
}

package policy

import "ssmguard/guard/policy/scan"

// Document is one parsed policy document.
type Document struct {
	Kind       Kind
	Source     string // the name given to Parse
	Version    string // "2012-10-17", "2008-10-17", or "" when the document has none
	ID         string
	Statements []Statement
	Warnings   []Warning // what IAM accepts but hardly means what its author thought
}

// Warning is a remark on a document that IAM accepts.
type Warning struct {
	Source       string
	Line, Column int // from 1; 0 when it concerns the whole document
	Msg          string
}

// SyntaxError says where and why a policy document is not one IAM would accept.
type SyntaxError = scan.SyntaxError

// Parse reads a policy document. Source is the name that positions and errors
// carry. It refuses what IAM refuses and accepts what IAM accepts; the error is
// then a *SyntaxError with line and column. The grammar is
// docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html.
func Parse(kind Kind, source string, text []byte) (*Document, error) {
	p := parser{Scanner: scan.Scanner{Text: string(text)}, kind: kind, source: source, lines: true}
	d := &Document{Kind: kind, Source: source}
	p.document(d)
	p.End("the end of the document")
	if err := p.Fault(source); err != nil {
		return nil, err
	}
	p.sizeWarnings(text)
	d.Warnings = p.warnings
	return d, nil
}

// ParseStatement reads one statement, as it stands in a document of version
// 2012-10-17. It takes what Parse takes and refuses what Parse refuses.
func ParseStatement(kind Kind, source string, text []byte) (Statement, error) {
	p := parser{Scanner: scan.Scanner{Text: string(text)}, kind: kind, source: source, lines: true}
	p.statement()
	p.End("the end of the statement")
	if err := p.Fault(source); err != nil {
		return Statement{}, err
	}
	p.compile(0, version2012)
	return p.statements[0], nil
}

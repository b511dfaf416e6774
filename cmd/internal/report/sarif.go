package report

import (
	"io"
	"slices"
	"strings"

	"ssmguard/guard"
	"ssmguard/guard/finding"
	"ssmguard/guard/policy/source"
	"ssmguard/internal/safetext"
)

// SARIF renders findings about policy files for code hosts and editors, as SARIF
// 2.1.0 (docs.oasis-open.org/sarif/sarif/v2.1.0): what is at fault is a region, and a repair
// of a file a fix that editors apply. All decisions of a run make one log, which Close
// writes.
type SARIF struct {
	w     io.Writer
	files []string
	rules []guard.Code
	run   sarifRun
}

// NewSARIF returns a Handler that places findings in policy files. A finding
// that names no statement of theirs is placed in the first of them.
func NewSARIF(w io.Writer, files []string) *SARIF {
	s := &SARIF{w: w, files: files}
	s.run.Tool.Driver.Name, s.run.ColumnKind = "ssmguard", "unicodeCodePoints"
	s.run.Tool.Driver.Rules, s.run.Results = []sarifRule{}, []sarifResult{}
	return s
}

type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool struct {
		Driver struct {
			Name  string      `json:"name"`
			Rules []sarifRule `json:"rules"`
		} `json:"driver"`
	} `json:"tool"`
	ColumnKind string        `json:"columnKind"`
	Results    []sarifResult `json:"results"`
}

type sarifText struct {
	Text string `json:"text"`
}

type sarifRule struct {
	ID    string    `json:"id"`
	Short sarifText `json:"shortDescription"`
	Full  sarifText `json:"fullDescription"`
}

type sarifResult struct {
	RuleID    string          `json:"ruleId"`
	RuleIndex int             `json:"ruleIndex"`
	Level     string          `json:"level"`
	Message   sarifText       `json:"message"`
	Locations []sarifLocation `json:"locations,omitempty"`
	Fixes     []sarifFix      `json:"fixes,omitempty"`
}

type sarifArtifact struct {
	URI string `json:"uri"`
}

// sarifRegion is a piece of a file, from 1; columns are left out where only the line is known.
type sarifRegion struct {
	StartLine   int `json:"startLine"`
	StartColumn int `json:"startColumn,omitempty"`
	EndLine     int `json:"endLine,omitempty"`
	EndColumn   int `json:"endColumn,omitempty"`
}

type sarifFix struct {
	Description sarifText     `json:"description"`
	Changes     []sarifChange `json:"artifactChanges"`
}

type sarifChange struct {
	Artifact     sarifArtifact      `json:"artifactLocation"`
	Replacements []sarifReplacement `json:"replacements"`
}

type sarifReplacement struct {
	Deleted  sarifRegion `json:"deletedRegion"`
	Inserted sarifText   `json:"insertedContent"`
}

type sarifLocation struct {
	Physical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   sarifRegion   `json:"region"`
	} `json:"physicalLocation"`
}

// Config implements Handler.
func (s *SARIF) Config(Config) error { return nil }

// Decision implements Handler.
func (s *SARIF) Decision(d guard.Decision) error {
	for _, f := range d.Findings {
		s.run.Results = append(s.run.Results, sarifResult{
			RuleID: string(f.Code), RuleIndex: s.rule(f.Code), Level: f.Level.String(),
			Message: sarifText{message(d, f)}, Locations: s.locations(d, f), Fixes: fixes(d, f),
		})
	}
	return nil
}

// Close implements Handler.
func (s *SARIF) Close() error {
	enc := safetext.NewEncoder(s.w)
	enc.SetIndent("", "  ")
	return enc.Encode(sarifLog{"https://json.schemastore.org/sarif-2.1.0.json", "2.1.0", []sarifRun{s.run}})
}

// rule returns the index of a rule in the log, where it is added once.
func (s *SARIF) rule(code guard.Code) int {
	if i := slices.Index(s.rules, code); i >= 0 {
		return i
	}
	page, _ := finding.Page(code)
	s.rules = append(s.rules, code)
	s.run.Tool.Driver.Rules = append(s.run.Tool.Driver.Rules, sarifRule{string(code), sarifText{page.Title}, sarifText{page.Text}})
	return len(s.rules) - 1
}

// message is a finding in a few sentences. Viewers show it to people, and make links of
// [text](address): text of others makes none. Of an error it says which target it is about: an
// id alone tells nobody which of two machines of one name is meant.
func message(d guard.Decision, f guard.Finding) string {
	parts := []string{f.Summary}
	for _, n := range f.Nearest {
		if n.Why != f.Summary {
			parts = append(parts, n.At.String()+": "+n.Why)
		}
	}
	if f.Detail != "" {
		parts = append(parts, f.Detail)
	}
	if f.Fix != nil {
		fix := "fix: " + f.Fix.Text
		for _, c := range f.Fix.Changes {
			fix += " " + c.Statement
		}
		parts = append(parts, fix)
	}
	if known := knownTags(d); known != "" && f.Level == guard.Error {
		parts = append(parts, "target: "+d.Request.Target+" ("+known+")")
	}
	for i, part := range parts {
		parts[i] = strings.ReplaceAll(safetext.Line(part), "](", "] (")
	}
	return strings.Join(parts, "\n")
}

// fixes are the ways to repair a finding that change files and nothing else.
func fixes(d guard.Decision, f guard.Finding) (all []sarifFix) {
	for fix := f.Fix; fix != nil; fix = fix.Or {
		one := sarifFix{Description: sarifText{safetext.Line(fix.Text)}}
		for _, r := range d.Revisions(*fix, 0) {
			if r.Err != nil || !r.Old.Whole {
				one.Changes = nil
				break
			}
			c := sarifChange{Artifact: sarifArtifact{safetext.URI(r.Old.File)}}
			for _, replaced := range source.Replacements(r.Old.Text, r.New.Text) {
				c.Replacements = append(c.Replacements, sarifReplacement{region(replaced.Place(r.Old.Text)), sarifText{replaced.Text}})
			}
			one.Changes = append(one.Changes, c)
		}
		if fix.Checked && len(one.Changes) > 0 {
			all = append(all, one)
		}
	}
	return all
}

func region(p source.Place) sarifRegion {
	return sarifRegion{p.Line, p.Column, p.EndLine, p.EndColumn}
}

func (s *SARIF) locations(d guard.Decision, f guard.Finding) []sarifLocation {
	var all []sarifLocation
	for _, n := range f.Nearest {
		if fault := newFault(d, f, n); fault != nil {
			l := location(fault.File, 0)
			l.Physical.Region = sarifRegion{fault.Line, fault.Column, fault.EndLine, fault.EndColumn}
			all = append(all, l)
			continue
		}
		for _, file := range s.files {
			switch source := n.At.Source; {
			case source == file:
				all = append(all, location(file, n.At.Line))
			case strings.HasPrefix(source, file+": "):
				all = append(all, location(file, 1)) // the line is of a document within the file
			}
		}
	}
	if all == nil && len(s.files) > 0 {
		all = append(all, location(s.files[0], 1))
	}
	return all
}

func location(file string, line int) sarifLocation {
	var l sarifLocation
	l.Physical.Artifact.URI = safetext.URI(file)
	l.Physical.Region.StartLine = max(line, 1)
	return l
}

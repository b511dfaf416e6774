package report

import (
	"io"
	"slices"
	"strings"

	"ssmguard/guard"
	"ssmguard/guard/finding"
	"ssmguard/internal/safetext"
)

// SARIF renders findings about policy files for code hosts and editors, as SARIF
// 2.1.0 (docs.oasis-open.org/sarif/sarif/v2.1.0). All decisions of a run make
// one log, which Close writes.
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
	s.run.Tool.Driver.Name = "ssmguard"
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
	Results []sarifResult `json:"results"`
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
	Locations []sarifLocation `json:"locations"`
}

type sarifLocation struct {
	Physical struct {
		Artifact struct {
			URI string `json:"uri"`
		} `json:"artifactLocation"`
		Region struct {
			StartLine int `json:"startLine"`
		} `json:"region"`
	} `json:"physicalLocation"`
}

// Config implements Handler.
func (s *SARIF) Config(Config) error { return nil }

// Decision implements Handler.
func (s *SARIF) Decision(d guard.Decision) error {
	for _, f := range d.Findings {
		s.run.Results = append(s.run.Results, sarifResult{
			RuleID: string(f.Code), RuleIndex: s.rule(f.Code), Level: f.Level.String(),
			Message: sarifText{message(f)}, Locations: s.locations(f),
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
// [text](address): text of others makes none.
func message(f guard.Finding) string {
	parts := []string{f.Summary}
	for _, n := range f.Nearest {
		parts = append(parts, n.At.String()+": "+n.Why)
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
	for i, part := range parts {
		parts[i] = strings.ReplaceAll(safetext.Line(part), "](", "] (")
	}
	return strings.Join(parts, "\n")
}

func (s *SARIF) locations(f guard.Finding) []sarifLocation {
	var all []sarifLocation
	for _, n := range f.Nearest {
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

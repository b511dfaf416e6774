package report

import (
	"encoding/json"
	"io"

	"ssmguard/guard"
	"ssmguard/guard/policy"
	"ssmguard/guard/policy/source"
	"ssmguard/internal/safetext"
)

// JSON renders for programs: each decision is one object, as
// schema/decision.schema.json describes it.
type JSON struct {
	enc    *json.Encoder
	config Config
}

// NewJSON returns a Handler that writes indented JSON.
func NewJSON(w io.Writer) *JSON {
	enc := safetext.NewEncoder(w)
	enc.SetIndent("", "  ")
	return &JSON{enc: enc}
}

// Config implements Handler.
func (j *JSON) Config(c Config) error {
	j.config = c
	return nil
}

// Close implements Handler.
func (j *JSON) Close() error { return nil }

type decisionJSON struct {
	Protocol int           `json:"protocol"`
	Verdict  string        `json:"verdict"`
	Closed   bool          `json:"closed,omitempty"` // what was not stated was taken for absent
	Summary  string        `json:"summary"`          // the verdict as a sentence
	Rows     []rowJSON     `json:"rows"`
	Rulings  []rulingJSON  `json:"rulings"`
	Findings []findingJSON `json:"findings"`
	Fix      *fixJSON      `json:"fix"` // all repairs as one
}

type rowJSON struct {
	Name   string   `json:"name"`
	State  string   `json:"state"`
	Text   string   `json:"text"`
	Grants []string `json:"grants"`
}

var stateNames = map[State]string{Allowed: "allowed", Denied: "denied", Missing: "missing", Undecided: "undecided"}

type rulingJSON struct {
	Grant    string `json:"grant"`
	Action   string `json:"action"`
	Resource string `json:"resource"`
	Judge    string `json:"judge"`
	Decision string `json:"decision"`
	Advisory bool   `json:"advisory"`

	By []positionJSON `json:"by"` // the statements that decided
}

type findingJSON struct {
	Code     string     `json:"code"`
	Level    string     `json:"level"`
	Grant    string     `json:"grant"`
	Action   string     `json:"action"`
	Resource string     `json:"resource"`
	Summary  string     `json:"summary"`
	Detail   string     `json:"detail"`
	Nearest  []nearJSON `json:"nearest"`
	Fix      *fixJSON   `json:"fix"`
}

type positionJSON struct {
	Policy    string `json:"policy"`
	Statement int    `json:"statement"` // counted from 1
	Sid       string `json:"sid"`
	Line      int    `json:"line"`
}

type nearJSON struct {
	positionJSON
	Why   string     `json:"why"`
	Fault *faultJSON `json:"fault,omitempty"` // where in a file it is
}

// faultJSON is a place in a file, lines and columns from 1, columns in characters; the end
// is the first character behind it.
type faultJSON struct {
	File      string `json:"file"`
	Line      int    `json:"line"`
	Column    int    `json:"column"`
	EndLine   int    `json:"endLine"`
	EndColumn int    `json:"endColumn"`
	Note      string `json:"note"`
}

type fixJSON struct {
	Text    string       `json:"text"`
	Changes []changeJSON `json:"changes"`
	Grants  []string     `json:"grants"`
	Checked bool         `json:"checked"`
	Check   string       `json:"check"`
	Ask     string       `json:"ask"`
	Message string       `json:"message"`
	Or      *fixJSON     `json:"or,omitempty"`
	Patches []patchJSON  `json:"patches,omitempty"`
}

type patchJSON struct {
	File   string `json:"file"`
	Policy string `json:"policy"`
	Patch  string `json:"patch"` // a unified diff of the file
}

type changeJSON struct {
	Kind      string          `json:"kind"`
	Layer     string          `json:"layer"`
	Where     string          `json:"where"`
	At        *positionJSON   `json:"at"`
	Statement json.RawMessage `json:"statement"`
}

// Decision implements Handler.
func (j *JSON) Decision(d guard.Decision) error { return j.enc.Encode(j.decision(d)) }

// decision returns what is written of a decision.
func (j *JSON) decision(d guard.Decision) decisionJSON {
	out := decisionJSON{
		Protocol: j.config.Protocol,
		Verdict:  d.Verdict().String(),
		Closed:   d.Request.Closed && d.Request.Files,
		Rows:     []rowJSON{},
		Rulings:  []rulingJSON{},
		Findings: []findingJSON{},
	}
	_, out.Summary = verdict(d)
	for _, r := range rows(d) {
		out.Rows = append(out.Rows, rowJSON{r.Name, stateNames[r.State], r.Text, r.Grants})
	}
	for _, r := range d.Rulings {
		by := []positionJSON{}
		for _, at := range r.Answer.By {
			by = append(by, newPosition(d.Position(at)))
		}
		out.Rulings = append(out.Rulings, rulingJSON{
			Grant: r.Grant.ID, Action: r.Grant.Action, Resource: r.Grant.Resource,
			Judge: r.Judge, Decision: r.Answer.Verdict.String(), Advisory: r.Grant.Advisory, By: by,
		})
	}
	for _, f := range d.Findings {
		out.Findings = append(out.Findings, newFinding(d, f))
	}
	if d.Fix != nil {
		out.Fix = newFix(d, *d.Fix)
	}
	return out
}

func newFinding(d guard.Decision, f guard.Finding) findingJSON {
	out := findingJSON{
		Code: string(f.Code), Level: f.Level.String(), Grant: f.Grant, Action: f.Action, Resource: f.Resource,
		Summary: f.Summary, Detail: f.Detail, Nearest: []nearJSON{},
	}
	for _, n := range f.Nearest {
		out.Nearest = append(out.Nearest, nearJSON{newPosition(n.At), n.Why, newFault(d, f, n)})
	}
	if f.Fix != nil {
		out.Fix = newFix(d, *f.Fix)
	}
	return out
}

func newPosition(p policy.Pos) positionJSON {
	return positionJSON{Policy: p.Source, Statement: p.Index + 1, Sid: p.Sid, Line: p.Line}
}

// newFault returns where in a file a near miss is, nil if no file has the lines.
func newFault(d guard.Decision, f guard.Finding, n guard.Near) *faultJSON {
	text, ok := d.Texts[n.At.Source]
	m, found := marked(text, f, n)
	if !ok || !text.Lined || !found {
		return nil
	}
	p := m.Span.Place(text.Text)
	return &faultJSON{text.File, p.Line, p.Column, p.EndLine, p.EndColumn, m.Note}
}

func newFix(d guard.Decision, f guard.Fix) *fixJSON {
	out := &fixJSON{
		Text: f.Text, Changes: []changeJSON{}, Grants: append([]string{}, f.Grants...),
		Checked: f.Checked, Check: f.Check, Ask: f.Ask, Message: f.Message,
	}
	if f.Or != nil {
		out.Or = newFix(d, *f.Or)
	}
	for _, r := range d.Revisions(f, 0) {
		if r.Err == nil && r.Old.Whole {
			out.Patches = append(out.Patches, patchJSON{r.Old.File, r.Source, source.Patch(r.Old.File, r.Old.Text, r.New.Text)})
		}
	}
	for _, c := range f.Changes {
		change := changeJSON{Kind: string(c.Kind), Layer: c.Layer.String(), Where: c.Where, Statement: json.RawMessage(c.Statement)}
		if c.Statement == "" {
			change.Statement = json.RawMessage("null")
		}
		if c.Kind != guard.AddStatement {
			at := newPosition(c.At)
			change.At = &at
		}
		out.Changes = append(out.Changes, change)
	}
	return out
}

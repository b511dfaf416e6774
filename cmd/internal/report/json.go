package report

import (
	"encoding/json"
	"io"

	"ssmguard/guard"
	"ssmguard/guard/policy"
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
	Rulings  []rulingJSON  `json:"rulings"`
	Findings []findingJSON `json:"findings"`
}

type rulingJSON struct {
	Grant    string `json:"grant"`
	Action   string `json:"action"`
	Resource string `json:"resource"`
	Judge    string `json:"judge"`
	Decision string `json:"decision"`
	Advisory bool   `json:"advisory"`
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
	Why string `json:"why"`
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
}

type changeJSON struct {
	Kind      string          `json:"kind"`
	Layer     string          `json:"layer"`
	Where     string          `json:"where"`
	At        *positionJSON   `json:"at"`
	Statement json.RawMessage `json:"statement"`
}

// Decision implements Handler.
func (j *JSON) Decision(d guard.Decision) error {
	out := decisionJSON{
		Protocol: j.config.Protocol,
		Verdict:  d.Verdict().String(),
		Closed:   d.Request.Closed && d.Request.Files,
		Rulings:  []rulingJSON{},
		Findings: []findingJSON{},
	}
	for _, r := range d.Rulings {
		out.Rulings = append(out.Rulings, rulingJSON{
			Grant: r.Grant.ID, Action: r.Grant.Action, Resource: r.Grant.Resource,
			Judge: r.Judge, Decision: r.Answer.Verdict.String(), Advisory: r.Grant.Advisory,
		})
	}
	for _, f := range d.Findings {
		out.Findings = append(out.Findings, newFinding(f))
	}
	return j.enc.Encode(out)
}

func newFinding(f guard.Finding) findingJSON {
	out := findingJSON{
		Code: string(f.Code), Level: f.Level.String(), Grant: f.Grant, Action: f.Action, Resource: f.Resource,
		Summary: f.Summary, Detail: f.Detail, Nearest: []nearJSON{},
	}
	for _, n := range f.Nearest {
		out.Nearest = append(out.Nearest, nearJSON{newPosition(n.At), n.Why})
	}
	if f.Fix != nil {
		out.Fix = newFix(*f.Fix)
	}
	return out
}

func newPosition(p policy.Pos) positionJSON {
	return positionJSON{Policy: p.Source, Statement: p.Index + 1, Sid: p.Sid, Line: p.Line}
}

func newFix(f guard.Fix) *fixJSON {
	out := &fixJSON{
		Text: f.Text, Changes: []changeJSON{}, Grants: append([]string{}, f.Grants...),
		Checked: f.Checked, Check: f.Check, Ask: f.Ask, Message: f.Message,
	}
	if f.Or != nil {
		out.Or = newFix(*f.Or)
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

package casefile

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"ssmguard/guard"
	"ssmguard/guard/policy"
	"ssmguard/internal/private"
	"ssmguard/internal/safetext"
)

// version is that of the form of the file.
const version = 1

// mostBytes is how long a file may be.
const mostBytes = 16 << 20

// Case is one decision as it is kept.
type Case struct {
	Version  int           `json:"ssmguardCase"`
	Saved    time.Time     `json:"saved"`
	Redacted bool          `json:"redacted"` // ids are replaced by others
	Verdict  string        `json:"verdict"`
	Request  guard.Request `json:"request"`
	Facts    guard.Facts   `json:"facts"`
	Policies []Policy      `json:"policies"`
	Layers   []string      `json:"layers"`  // those that exist: "scp 2" is the second level
	Partial  []policy.Kind `json:"partial"` // those that could not be read in whole
	Root     bool          `json:"root"`
	Unread   []Unread      `json:"unread"`
	Rulings  []Ruling      `json:"rulings"` // of judges that cannot be asked again
}

// Policy is one policy of a case.
type Policy struct {
	Kind     policy.Kind     `json:"kind"`
	Level    int             `json:"level"`
	Source   string          `json:"source"`
	Lines    []int           `json:"lines"`    // of each statement
	Document json.RawMessage `json:"document"` // as IAM takes it
	File     *File           `json:"file"`     // where its text is from; null for one that was read of AWS
}

// File is the text of a policy that stands in a file.
type File struct {
	Name  string `json:"name"`
	Text  string `json:"text"`
	Lined bool   `json:"lined"`
	Whole bool   `json:"whole"`
}

// Unread is what could not be read when the case was saved.
type Unread struct {
	Who string `json:"who"`
	Why string `json:"why"`
}

// Ruling is what a judge said of a grant.
type Ruling struct {
	Judge     string       `json:"judge"`
	Grant     string       `json:"grant"`
	Verdict   string       `json:"verdict"`
	By        []policy.Pos `json:"by"`
	DependsOn []string     `json:"dependsOn"`
}

// Of returns the case of a decision, with the policies that bear on it: those with a
// statement about a service that sessions need.
func Of(d guard.Decision, now time.Time) (Case, error) {
	c := Case{Version: version, Saved: now.UTC(), Verdict: d.Verdict().String(), Request: d.Request, Facts: d.Facts,
		Policies: []Policy{}, Layers: []string{}, Partial: []policy.Kind{}, Unread: []Unread{}, Rulings: []Ruling{}}
	c.Request.Parameters = nil // the session's own business, and perhaps a secret
	if d.Policies != nil {
		c.Partial, c.Root = append(c.Partial, d.Policies.Partial...), d.Policies.Root
		for _, l := range guard.LayersOf(*d.Policies) {
			c.Layers = append(c.Layers, layerName(l.Kind, l.Level))
			if err := c.add(d, l); err != nil {
				return Case{}, err
			}
		}
	} else {
		c.Partial = append(c.Partial, policy.Identity)
	}
	for _, u := range d.Unread {
		c.Unread = append(c.Unread, Unread{u.Who, u.Err.Error()})
	}
	for _, r := range d.Rulings {
		if r.Judge != (guard.Local{}).Name() {
			c.Rulings = append(c.Rulings, Ruling{r.Judge, r.Grant.ID, r.Answer.Verdict.String(), append([]policy.Pos{}, r.Answer.By...), append([]string{}, r.Answer.DependsOn...)})
		}
	}
	return c, nil
}

func layerName(k policy.Kind, level int) string {
	if level == 0 {
		return k.String()
	}
	return fmt.Sprintf("%s %d", k, level)
}

// add takes the policies of a layer, each as a document.
func (c *Case) add(d guard.Decision, l guard.Layer) error {
	for i := 0; i < len(l.Statements); {
		from := i
		at := l.Statements[i].At
		p := Policy{Kind: l.Kind, Level: l.Level, Source: at.Source, Lines: []int{}}
		texts := []json.RawMessage{}
		for ; i < len(l.Statements) && l.Statements[i].At.Source == at.Source; i++ {
			text, err := l.Statements[i].MarshalJSON()
			if err != nil {
				return err
			}
			texts, p.Lines = append(texts, text), append(p.Lines, l.Statements[i].At.Line)
		}
		if !slices.ContainsFunc(l.Statements[from:i], func(s policy.Statement) bool { return bears(&s, d.Grants) }) {
			continue
		}
		document := struct {
			Version   string `json:",omitempty"`
			Statement []json.RawMessage
		}{l.Statements[from].Version(), texts}
		b, err := json.Marshal(document)
		if err != nil {
			return err
		}
		p.Document = b
		if t, ok := d.Texts[at.Source]; ok {
			p.File = &File{t.File, t.Text, t.Lined, t.Whole}
		}
		c.Policies = append(c.Policies, p)
	}
	return nil
}

// bears reports whether a statement is about a service that the session needs.
func bears(s *policy.Statement, grants []guard.Grant) bool {
	return slices.ContainsFunc(grants, func(g guard.Grant) bool { return s.MatchesAction(g.Action) }) ||
		slices.ContainsFunc(s.Actions(), func(a string) bool { return strings.HasPrefix(strings.ToLower(a), "ssm") })
}

// Write keeps a case in a file that only its user may read. A file that is there is replaced.
func (c Case) Write(path string) error {
	b, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	return private.WriteFile(path, append(safetext.JSON(b), '\n'))
}

// Parse reads a case.
func Parse(name string, text []byte) (Case, error) {
	var c Case
	if len(text) > mostBytes {
		return c, fmt.Errorf("%s: larger than %d MiB", name, mostBytes>>20)
	}
	switch err := json.Unmarshal(text, &c); {
	case err != nil:
		return c, fmt.Errorf("%s: no case: it is written by \"ssmguard check --save-case FILE\"", name)
	case c.Version == 0:
		return c, fmt.Errorf("%s: no case: it is written by \"ssmguard check --save-case FILE\"", name)
	case c.Version > version:
		return c, fmt.Errorf("%s: written by a later version of ssmguard", name)
	case c.Request.Target == "":
		return c, fmt.Errorf("%s: the case has no target", name)
	}
	return c, nil
}

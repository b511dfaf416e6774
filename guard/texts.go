package guard

import (
	"cmp"
	"errors"
	"slices"

	"ssmguard/guard/policy"
	"ssmguard/guard/policy/source"
)

// PolicyText is the text of one policy document.
type PolicyText struct {
	File  string // the file that has it, as the user named it; "" for a policy that was read elsewhere
	Text  string // blanks may stand for what is before the document in the file
	Lined bool   // its lines and columns are those of the file
	Whole bool   // it is all that the file holds, so that the file can be edited
}

// TextOf returns the text of a policy by the Source of its statements: that of a file as it
// is written, else what was read, printed for a width. It is not ok if the statements are
// not all there.
func (d Decision) TextOf(name string, width int) (PolicyText, bool) {
	if t, ok := d.Texts[name]; ok {
		return t, true
	}
	list := d.statementsOf(name)
	var texts []string
	for i, s := range list {
		text, err := s.MarshalJSON()
		if err != nil || s.At.Index != i {
			return PolicyText{}, false
		}
		texts = append(texts, string(text))
	}
	if len(texts) == 0 {
		return PolicyText{}, false
	}
	return PolicyText{Text: source.Document(list[0].Version(), texts, width)}, true
}

// StatementText returns a document of one statement alone, printed for a width: of a policy
// that was read in part. It is not ok if the statement was not read.
func (d Decision) StatementText(at policy.Pos, width int) (PolicyText, bool) {
	for _, s := range d.statementsOf(at.Source) {
		if s.At == at {
			text, err := s.MarshalJSON()
			return PolicyText{Text: source.Document("", []string{string(text)}, width)}, err == nil
		}
	}
	return PolicyText{}, false
}

// statementsOf returns the statements of one policy in their order, each once.
func (d Decision) statementsOf(name string) []policy.Statement {
	if d.Policies == nil {
		return nil
	}
	for _, l := range LayersOf(*d.Policies) {
		var list []policy.Statement
		for _, s := range l.Statements {
			if s.At.Source == name {
				list = append(list, s)
			}
		}
		if len(list) > 0 {
			slices.SortStableFunc(list, func(a, b policy.Statement) int { return cmp.Compare(a.At.Index, b.At.Index) })
			return slices.CompactFunc(list, func(a, b policy.Statement) bool { return a.At.Index == b.At.Index })
		}
	}
	return nil
}

// Position returns where a statement stands of which a simulation knows the line alone; what
// is not certain stays as it is.
func (d Decision) Position(at policy.Pos) policy.Pos {
	if at.Index >= 0 {
		return at
	}
	found := at
	for _, s := range d.statementsOf(at.Source) {
		switch {
		case s.At.Line != at.Line:
		case found.Index >= 0:
			return at // two stand on that line
		default:
			found = s.At
		}
	}
	return found
}

// Revision is what a fix makes of one policy.
type Revision struct {
	Source   string // of the policy's statements; "" for a statement that may go into any policy of Where
	Where    string // whose policy it is, as Change has it
	Layer    policy.Kind
	Old, New PolicyText // the text before and after; zero where it is not known
	Changes  []Change
	Err      error // why the text cannot be changed so
}

// Revisions returns what a fix makes of each policy that it changes, printed for a width
// where no file has the text. A new statement goes into a file that was asked about: that of
// the nearest statement of the same layer, else the first of the layer.
func (d Decision) Revisions(f Fix, width int) []Revision {
	var out []Revision
	for _, c := range f.Changes {
		name := c.At.Source
		if c.Kind == AddStatement {
			name = d.fileFor(c)
		}
		i := slices.IndexFunc(out, func(r Revision) bool {
			return r.Source == name && r.Layer == c.Layer && (name != "" || r.Where == c.Where)
		})
		if i < 0 {
			out = append(out, Revision{Source: name, Where: c.Where, Layer: c.Layer})
			i = len(out) - 1
		}
		out[i].Changes = append(out[i].Changes, c)
	}
	for i := range out {
		out[i].revise(d, width)
	}
	return out
}

// revise edits the text: first what keeps the places of statements, then what does not.
func (r *Revision) revise(d Decision, width int) {
	if r.Source == "" {
		return
	}
	var ok bool
	if r.Old, ok = d.TextOf(r.Source, width); !ok {
		r.Err = errors.New("the text of this policy is not known here")
		return
	}
	order := []ChangeKind{ReplaceStatement, RemoveStatement, AddStatement}
	changes := slices.Clone(r.Changes)
	slices.SortStableFunc(changes, func(a, b Change) int {
		if a.Kind != b.Kind {
			return cmp.Compare(slices.Index(order, a.Kind), slices.Index(order, b.Kind))
		}
		return cmp.Compare(b.At.Index, a.At.Index)
	})
	r.New = r.Old
	for _, c := range changes {
		text, err := r.New.Text, error(nil)
		switch c.Kind {
		case ReplaceStatement:
			text, err = source.Replace(text, c.At.Index, c.Statement)
		case RemoveStatement:
			text, err = source.Remove(text, c.At.Index)
		default:
			text, err = source.Add(text, c.Statement)
		}
		if err != nil {
			r.New, r.Err = PolicyText{}, err
			return
		}
		r.New.Text = text
	}
}

// fileFor returns the Source of the policy in files that a new statement goes into, "" if no
// file has policies of its layer.
func (d Decision) fileFor(c Change) string {
	if d.Policies == nil || !d.Request.Files {
		return ""
	}
	set := *d.Policies
	layer := *set.Layer(c.Layer, max(c.Level, 1))
	in := func(name string) bool {
		_, known := d.TextOf(name, 0)
		return known && slices.ContainsFunc(layer, func(s policy.Statement) bool { return s.At.Source == name })
	}
	for _, f := range d.Findings {
		for _, n := range f.Nearest {
			if f.Level > Note && in(n.At.Source) {
				return n.At.Source
			}
		}
	}
	for _, s := range layer {
		if in(s.At.Source) {
			return s.At.Source
		}
	}
	return ""
}

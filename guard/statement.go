package guard

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"ssmguard/guard/policy"
)

// Texts is a list that is written as one string when it has one element.
type Texts []string

// MarshalJSON writes a string or an array of strings.
func (t Texts) MarshalJSON() ([]byte, error) {
	if len(t) == 1 {
		return plainJSON(t[0])
	}
	return plainJSON([]string(t))
}

// UnmarshalJSON reads a scalar or an array of scalars.
func (t *Texts) UnmarshalJSON(b []byte) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return err
	}
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	*t = make(Texts, 0, len(list))
	for _, one := range list {
		*t = append(*t, fmt.Sprint(one))
	}
	return nil
}

// Draft is a statement to be written.
type Draft struct {
	Sid          string                      `json:"Sid,omitempty"`
	Effect       string                      `json:"Effect"`
	Principal    json.RawMessage             `json:"Principal,omitempty"`
	NotPrincipal json.RawMessage             `json:"NotPrincipal,omitempty"`
	Action       Texts                       `json:"Action,omitempty"`
	NotAction    Texts                       `json:"NotAction,omitempty"`
	Resource     Texts                       `json:"Resource,omitempty"`
	NotResource  Texts                       `json:"NotResource,omitempty"`
	Condition    map[string]map[string]Texts `json:"Condition,omitempty"`
}

// String returns the statement on one line.
func (d Draft) String() string {
	b, err := plainJSON(d)
	if err != nil {
		return "" // strings and maps of strings always marshal
	}
	return string(b)
}

// indented returns the statement over several lines, all but the first with a
// prefix.
func (d Draft) indented(prefix string) string {
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(d.String()), prefix, "  "); err != nil {
		return d.String()
	}
	return b.String()
}

// plainJSON leaves <, > and & alone: ARNs and people read it.
func plainJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

// CopyOf returns a statement as a draft that can be changed.
func CopyOf(s *policy.Statement) (Draft, error) {
	text, err := s.MarshalJSON()
	if err != nil {
		return Draft{}, err
	}
	var d Draft
	err = json.Unmarshal(text, &d)
	return d, err
}

// Allow drafts the statement that allows actions on resources.
func Allow(actions, resources []string) Draft {
	return Draft{Effect: "Allow", Action: actions, Resource: resources}
}

// Apply returns the set with one change made to it; the set itself stays as it
// is. The error says why the change does not fit.
func Apply(set policy.Set, c Change) (policy.Set, error) {
	var s policy.Statement
	if c.Kind != RemoveStatement {
		var err error
		if s, err = policy.ParseStatement(c.Layer, c.Where, []byte(c.Statement)); err != nil {
			return set, err
		}
	}
	set.SCP, set.RCP = slices.Clone(set.SCP), slices.Clone(set.RCP)
	if levels, has := map[policy.Kind]int{policy.SCP: len(set.SCP), policy.RCP: len(set.RCP)}[c.Layer]; has && (c.Level < 1 || c.Level > levels) {
		return set, errors.New("no such level of the organization")
	}
	layer := set.Layer(c.Layer, c.Level)
	list := slices.Clone(*layer)
	i := slices.IndexFunc(list, func(s policy.Statement) bool { return s.At == c.At })
	switch {
	case c.Kind == AddStatement:
		list = append(list, s)
	case i < 0:
		return set, fmt.Errorf("no %s", c.At)
	case c.Kind == RemoveStatement:
		list = slices.Delete(list, i, i+1)
	default:
		s.At = c.At
		list[i] = s
	}
	*layer = list
	return set, nil
}

// SourceOf returns the name of the policy that a layer's statements come from,
// or what the layer is called.
func SourceOf(l Layer, who string) string {
	if l.Kind == policy.Identity {
		return who
	}
	if len(l.Statements) > 0 {
		return l.Statements[len(l.Statements)-1].At.Source
	}
	return "the " + Title(l.Kind)
}

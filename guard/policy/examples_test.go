package policy

import (
	"maps"
	"slices"
	"testing"
)

// The examples_*_test.go files hold policies of the forms that AWS's pages show,
// with neutral names, and what the pages say of them.

// keys is the context of one question: a string, a list of strings, or unknown.
type keys map[string]any

// unknown is the value of a key of which nothing is known.
type unknown struct{}

// ask is one question about an example's policies.
type ask struct {
	why      string
	action   string
	resource string
	keys     keys
	want     Verdict
}

// example is a set of policies and the questions about it.
type example struct {
	page     string // of AWS's documentation
	identity string
	boundary string
	session  string
	scp      []string
	rcp      []string
	endpoint string
	asks     []ask
}

func (e example) set(t *testing.T) Set {
	t.Helper()
	read := func(kind Kind, text string) []Statement {
		if text == "" {
			return nil
		}
		d, err := Parse(kind, kind.String(), []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		roundTrip(t, d)
		return d.Statements
	}
	s := Set{
		Identity: read(Identity, e.identity),
		Boundary: read(Boundary, e.boundary),
		Session:  read(Session, e.session),
		Endpoint: read(Endpoint, e.endpoint),
	}
	for _, text := range e.scp {
		s.SCP = append(s.SCP, read(SCP, text))
	}
	for _, text := range e.rcp {
		s.RCP = append(s.RCP, read(RCP, text))
	}
	return s
}

func (k keys) context() Context {
	var c Context
	for _, name := range slices.Sorted(maps.Keys(k)) {
		switch v := k[name].(type) {
		case string:
			c.Set(name, v)
		case []string:
			c.SetMulti(name, v...)
		case unknown:
			c.SetUnknown(name)
		}
	}
	return c
}

// run asks every question of every example.
func runExamples(t *testing.T, examples map[string]example) {
	for _, name := range slices.Sorted(maps.Keys(examples)) {
		e := examples[name]
		t.Run(name, func(t *testing.T) {
			if e.page == "" {
				t.Error("no page is named")
			}
			set := e.set(t)
			for _, q := range e.asks {
				a := set.Evaluate(q.action, q.resource, q.keys.context())
				if a.Verdict != q.want {
					t.Errorf("%s: got %v, want %v", q.why, a.Verdict, q.want)
				}
				if q.want == ImplicitDeny && len(a.Layers) > 0 && !refusedSomewhere(a.Layers) {
					t.Errorf("%s: no layer says no: %+v", q.why, a.Layers)
				}
			}
		})
	}
}

func refusedSomewhere(layers []LayerAnswer) bool {
	return slices.ContainsFunc(layers, func(l LayerAnswer) bool { return l.Verdict == ImplicitDeny })
}

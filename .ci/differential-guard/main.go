// Command differential-guard writes repairs of denied requests, and what is to be asked
// about each, as lines of JSON for .ci/differential-repairs.mjs, or proofs and counterexamples
// for .ci/differential-prove.mjs.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"ssmguard/guard"
	"ssmguard/guard/finding"
	"ssmguard/guard/guardtest"
	"ssmguard/guard/policy"
	"ssmguard/guard/repair"
)

// The policies that people published.
const field = "cmd/internal/check/testdata/field-policies.jsonl"

// around is how many neighbours of a request are asked about for each repair.
const around = 20

// request is one grant as the independent implementation is asked for it.
type request struct {
	Grant    string         `json:"grant"`
	Action   string         `json:"action"`
	Resource string         `json:"resource"`
	Context  map[string]any `json:"context"`
	Layers   []string       `json:"layers"` // that bear on it
}

// document is one policy.
type document struct {
	Layer    string          `json:"layer"`
	Level    int             `json:"level"`
	Name     string          `json:"name"`
	Document json.RawMessage `json:"document"`
}

// change is one edit of one policy, as it is printed.
type change struct {
	Kind      guard.ChangeKind `json:"kind"`
	Layer     string           `json:"layer"`
	Level     int              `json:"level"`
	Name      string           `json:"name"`
	Index     int              `json:"index"`
	Statement string           `json:"statement"`
}

// fix is a repair that is called checked.
type fix struct {
	Text      string    `json:"text"`
	Check     string    `json:"check"`
	Changes   []change  `json:"changes"`
	Allowed   []request `json:"allowed"`   // what it is for
	Unchanged []request `json:"unchanged"` // what it does not say that it changes
}

// line is one denied request.
type line struct {
	ID        string     `json:"id"`
	Principal string     `json:"principal"`
	Policies  []document `json:"policies"`
	Denied    []request  `json:"denied"`
	Fixes     []fix      `json:"fixes"`
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("differential-guard: ")
	if len(os.Args) != 4 || os.Args[1] != "repairs" && os.Args[1] != "proofs" {
		log.Fatal("usage: differential-guard repairs|proofs COUNT SEED")
	}
	count, err := strconv.Atoi(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	seed, err := strconv.ParseUint(os.Args[3], 10, 64)
	if err != nil {
		log.Fatal(err)
	}
	out := bufio.NewWriter(os.Stdout)
	if os.Args[1] == "proofs" {
		err = proofs(json.NewEncoder(out), count, seed)
	} else {
		err = write(json.NewEncoder(out), count, seed)
	}
	if err != nil {
		log.Fatal(err)
	}
	if err := out.Flush(); err != nil {
		log.Fatal(err)
	}
}

// write writes the denied policies from the field, and as many denied sets of random ones
// as are asked for.
func write(out *json.Encoder, sets int, seed uint64) error {
	published, err := published()
	if err != nil {
		return err
	}
	for _, q := range published {
		if err := q.write(out, guardtest.NewDice(seed, 2)); err != nil && err != errAllowed {
			return err
		}
	}
	for n := uint64(0); sets > 0; n++ {
		d := guardtest.NewDice(n, seed+1)
		q := question{id: fmt.Sprint("seed ", n), set: d.Set()}
		if d.In(2) {
			q.set.Identity = append(q.set.Identity, d.Statements(policy.Identity, "role/dev, attached", 1, 1)...)
		}
		q.request, q.facts = d.Request()
		switch err := q.write(out, d); {
		case err == nil:
			sets--
		case err != errAllowed:
			return err
		}
	}
	return nil
}

// question is a request and the policies that decide it.
type question struct {
	id      string
	written []document // the set, when it was not made of dice
	set     policy.Set
	request guard.Request
	facts   guard.Facts
}

// published reads the policies from the field.
func published() ([]question, error) {
	text, err := os.ReadFile(field)
	if err != nil {
		return nil, err
	}
	var all []question
	for dec := json.NewDecoder(bytes.NewReader(text)); dec.More(); {
		var c struct {
			ID      string
			Request struct {
				Principal, Region, Target, Document string
				TargetTags, Context                 map[string]string
			}
			Policy json.RawMessage
		}
		if err := dec.Decode(&c); err != nil {
			return nil, err
		}
		doc, err := policy.Parse(policy.Identity, c.ID, c.Policy)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.ID, err)
		}
		q := question{id: c.ID, set: policy.Set{Identity: doc.Statements}, facts: guard.Facts{TargetTags: c.Request.TargetTags}}
		q.written = []document{{policy.Identity.String(), 0, c.ID, c.Policy}}
		q.request = guard.Request{Region: c.Request.Region, Target: c.Request.Target, Document: c.Request.Document, Closed: true, Context: make(map[string][]string)}
		for key, value := range c.Request.Context {
			q.request.Context[key] = []string{value}
		}
		f := strings.SplitN(c.Request.Principal, ":", 6)
		who := guard.Caller{SessionARN: c.Request.Principal, Principal: c.Request.Principal, Account: f[4], Partition: f[1], UserID: "AIDAEXAMPLEUSER000001", MFA: guard.MFAAbsent}
		if _, role, ok := strings.Cut(f[5], "assumed-role/"); ok {
			name, session, _ := strings.Cut(role, "/")
			who.Principal, who.UserID, who.MFA = "arn:"+f[1]+":iam::"+f[4]+":role/"+name, "AROAEXAMPLEROLE000001:"+session, guard.MFAUnknown
		}
		q.request.Caller = who
		all = append(all, q)
	}
	return all, nil
}

var errAllowed = fmt.Errorf("the request is not denied")

// write asks the local judge, and writes the repairs of a denial.
func (q question) write(out *json.Encoder, d guardtest.Dice) error {
	g := guard.Guard{Inventory: guardtest.Fixed(q.facts), Simulators: []guard.Simulator{guard.Local{Source: guard.Static(q.set)}}}
	decision, err := g.Check(context.Background(), q.request)
	if err != nil {
		return err
	}
	if !decision.Verdict().Denies() {
		return errAllowed
	}
	decision = repair.Propose(finding.Explain(decision))
	l := line{ID: q.id, Fixes: []fix{}, Principal: q.request.Caller.SessionARN, Policies: q.written}
	if l.Policies == nil {
		l.Policies = documents(q.set)
	}
	for _, grant := range decision.Grants {
		if decision.Of(grant.ID).Verdict.Denies() {
			l.Denied = append(l.Denied, asked(q.set, grant))
		}
	}
	var seen []*guard.Fix
	for _, f := range decision.Findings {
		for way := f.Fix; way != nil; way = way.Or {
			if way.Checked && !slices.Contains(seen, way) {
				seen = append(seen, way)
				l.Fixes = append(l.Fixes, q.fix(decision, way, d))
			}
		}
	}
	return out.Encode(l)
}

// fix returns a repair with the requests that are asked about.
func (q question) fix(decision guard.Decision, way *guard.Fix, d guardtest.Dice) fix {
	out := fix{Text: way.Text, Check: way.Check, Allowed: []request{}, Unchanged: []request{}, Changes: []change{}}
	for _, c := range way.Changes {
		out.Changes = append(out.Changes, change{c.Kind, c.Layer.String(), c.Level, c.At.Source, c.At.Index, c.Statement})
	}
	r := q.request
	r.Context = maps.Clone(r.Context)
	if r.Context == nil {
		r.Context = make(map[string][]string)
	}
	for key, value := range way.Needs {
		r.Context[key] = []string{value}
	}
	for _, grant := range guard.Needs(r, q.facts) {
		if slices.Contains(way.Grants, grant.ID) {
			out.Allowed = append(out.Allowed, asked(q.set, grant))
		}
	}
	for range around {
		if n := d.Neighbour(decision); !n.Named(way.Check) {
			out.Unchanged = append(out.Unchanged, asked(q.set, n.Grant))
		}
	}
	return out
}

// asked is a grant with what is known of it.
func asked(set policy.Set, g guard.Grant) request {
	r := request{g.ID, g.Action, g.Resource, make(map[string]any), nil}
	for _, key := range g.Context.Known() {
		values, multi, _ := g.Context.Lookup(key)
		r.Context[key] = values
		if !multi {
			r.Context[key] = values[0]
		}
	}
	for _, l := range guard.LayersOf(guard.Bearing(set, g)) {
		r.Layers = append(r.Layers, fmt.Sprint(l.Kind, " ", l.Level))
	}
	return r
}

// documents are the policies of a set of dice as they are written down, one for each source.
func documents(set policy.Set) []document {
	var all []document
	for _, l := range guard.LayersOf(set) {
		var sources []string
		texts := make(map[string][]string)
		for i := range l.Statements {
			s := &l.Statements[i]
			text, err := s.MarshalJSON()
			if err != nil {
				log.Fatal(err)
			}
			if texts[s.At.Source] == nil {
				sources = append(sources, s.At.Source)
			}
			texts[s.At.Source] = append(texts[s.At.Source], string(text))
		}
		for _, source := range sources {
			text := `{"Version":"2012-10-17","Statement":[` + strings.Join(texts[source], ",") + `]}`
			all = append(all, document{l.Kind.String(), l.Level, source, json.RawMessage(text)})
		}
	}
	return all
}

package casefile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"ssmguard/guard"
	"ssmguard/guard/policy"
)

// errStatements is the error about a policy whose lines and statements differ in number.
var errStatements = errors.New("its lines are not those of its statements")

// Set returns the policies of a case, and their texts by the Source of their statements.
func (c Case) Set() (policy.Set, map[string]guard.PolicyText, error) {
	set := policy.Set{Partial: c.Partial, Root: c.Root}
	for _, name := range c.Layers {
		kind, level, err := layerOf(name)
		if err != nil {
			return set, nil, err
		}
		if layer := set.Layer(kind, level); *layer == nil {
			*layer = []policy.Statement{}
		}
	}
	texts := make(map[string]guard.PolicyText)
	for _, p := range c.Policies {
		if p.Level < 0 || p.Level > mostLevels {
			return set, nil, fmt.Errorf("%s: no such level of an organization", p.Source)
		}
		doc, err := policy.Parse(p.Kind, p.Source, p.Document)
		if err != nil {
			return set, nil, err
		}
		if len(p.Lines) != len(doc.Statements) {
			return set, nil, fmt.Errorf("%s: %w", p.Source, errStatements)
		}
		for i := range doc.Statements {
			doc.Statements[i].At.Line = p.Lines[i]
		}
		if p.File != nil {
			texts[p.Source] = guard.PolicyText{File: p.File.Name, Text: p.File.Text, Lined: p.File.Lined, Whole: p.File.Whole}
		}
		layer := set.Layer(p.Kind, max(p.Level, levelled(p.Kind)))
		*layer = append(*layer, doc.Statements...)
	}
	return set, texts, nil
}

// mostLevels is how deep an organization can be: docs.aws.amazon.com/organizations, "Quotas".
const mostLevels = 7

// levelled is the least level of a kind: 1 where it has levels.
func levelled(k policy.Kind) int {
	if k == policy.SCP || k == policy.RCP {
		return 1
	}
	return 0
}

func layerOf(name string) (kind policy.Kind, level int, err error) {
	word, number, _ := strings.Cut(name, " ")
	if err := kind.UnmarshalText([]byte(word)); err != nil {
		return 0, 0, err
	}
	if number != "" {
		if _, err := fmt.Sscanf(number, "%d", &level); err != nil || level < 1 || level > mostLevels {
			return 0, 0, fmt.Errorf("%s: no such level of an organization", name)
		}
	}
	return kind, max(level, levelled(kind)), nil
}

// Judges returns the judges that cannot be asked again: each says what it said.
func (c Case) Judges() (judges []guard.Simulator) {
	var names []string
	for _, r := range c.Rulings {
		if !slices.Contains(names, r.Judge) {
			names = append(names, r.Judge)
			judges = append(judges, recorded{r.Judge, c.Rulings})
		}
	}
	return judges
}

// recorded is a judge whose rulings were saved.
type recorded struct {
	name    string
	rulings []Ruling
}

// Name implements guard.Simulator.
func (r recorded) Name() string { return r.name }

// Simulate implements guard.Simulator.
func (r recorded) Simulate(_ context.Context, _ guard.Caller, grants []guard.Grant) (out []guard.Ruling, err error) {
	for _, g := range grants {
		answer := policy.Answer{}
		for _, said := range r.rulings {
			if said.Judge == r.name && said.Grant == g.ID {
				answer = policy.Answer{Verdict: verdictOf(said.Verdict), By: said.By, DependsOn: said.DependsOn}
			}
		}
		out = append(out, guard.Ruling{Grant: g, Judge: r.name, Answer: answer})
	}
	return out, nil
}

func verdictOf(word string) policy.Verdict {
	for _, v := range []policy.Verdict{policy.Allow, policy.ImplicitDeny, policy.ExplicitDeny} {
		if v.String() == word {
			return v
		}
	}
	return policy.Unknown
}

package check

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/policyfile"
	"ssmguard/guard"
	"ssmguard/guard/policy"
)

// whatIf is a change to the policies of an account that is asked about, not made.
type whatIf struct {
	add    []policyfile.File
	remove []string // names of policies, as findings write them: `inline "ssm"`, or ssm alone
}

func (w whatIf) asked() bool { return len(w.add)+len(w.remove) > 0 }

// overlay reads the policies from below and returns them with the change made, and
// the findings about what is not known of the policies to add. A policy to remove
// that is not there is an error: the answer would be about something else.
func (w whatIf) overlay(ctx context.Context, below guard.PolicySource, c guard.Caller, added policyfile.Reading) (guard.PolicySource, []guard.Finding, error) {
	set, unseen := below.Policies(ctx, c)
	var gone []string
	for _, name := range w.remove {
		for _, s := range set.Identity {
			if named(s.At.Source, name) && !slices.Contains(gone, s.At.Source) {
				gone = append(gone, s.At.Source)
			}
		}
		kept := slices.DeleteFunc(slices.Clone(set.Identity), func(s policy.Statement) bool { return named(s.At.Source, name) })
		if len(kept) == len(set.Identity) {
			return nil, nil, exit.Usagef("--what-if-remove %s: the caller has no such policy, as far as can be read", name)
		}
		set.Identity = kept
	}
	more, unread := added.WithoutDoubtful()
	set.Identity = append(slices.Clone(set.Identity), more.Identity...)
	set.Partial = append(slices.Clone(set.Partial), more.Partial...)
	texts, err := documents(more.Identity)
	if err != nil {
		return nil, nil, err
	}
	return changed{set, unseen, texts, gone, added.Certain()}, unread, nil
}

// documents writes statements as policy documents, one for each policy.
func documents(statements []policy.Statement) ([]string, error) {
	type document struct {
		Version   string `json:",omitempty"`
		Statement []*policy.Statement
	}
	var texts []string
	for i := 0; i < len(statements); {
		d := document{Version: statements[i].Version()}
		source := statements[i].At.Source
		for ; i < len(statements) && statements[i].At.Source == source && statements[i].Version() == d.Version; i++ {
			d.Statement = append(d.Statement, &statements[i])
		}
		text, err := json.Marshal(d)
		if err != nil {
			return nil, err
		}
		texts = append(texts, string(text))
	}
	return texts, nil
}

// simulators are the judges that can be asked about the change as well as about the
// policies as they are: IAM's own, where the change can be told to it.
func (w whatIf) simulators(judges []guard.Simulator, source guard.PolicySource) []guard.Simulator {
	c, ok := source.(changed)
	if !ok || !c.certain {
		return nil
	}
	var able []guard.Simulator
	for _, judge := range judges {
		if asks, ok := judge.(interface {
			WhatIf(add, without []string) (guard.Simulator, bool)
		}); ok {
			if edited, ok := asks.WhatIf(c.texts, c.gone); ok {
				able = append(able, edited)
			}
		}
	}
	return able
}

// changed is a PolicySource of policies that were read and changed, with what
// could not be read of them.
type changed struct {
	set    policy.Set
	unseen error

	texts   []string // the policy documents that were added
	gone    []string // the policies that were left out, as findings write them
	certain bool     // all that is added is the caller's for certain
}

func (c changed) Policies(context.Context, guard.Caller) (policy.Set, error) { return c.set, c.unseen }

// named reports whether a policy's place, such as `role/dev, inline "ssm"`, is
// meant by a name.
func named(source, name string) bool {
	last := source[strings.LastIndexByte(source, ' ')+1:]
	return source == name || strings.Trim(last, `"`) == name
}

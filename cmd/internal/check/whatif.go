package check

import (
	"context"
	"slices"
	"strings"

	"ssmguard/cmd/internal/exit"
	"ssmguard/guard"
	"ssmguard/guard/policy"
)

// whatIf is a change to the policies of an account that is asked about, not made.
type whatIf struct {
	add    []policyFile
	remove []string // names of policies, as findings write them: `inline "ssm"`, or ssm alone
}

func (w whatIf) asked() bool { return len(w.add)+len(w.remove) > 0 }

// overlay reads the policies from below and returns them with the change made, and
// the findings about what is not known of the policies to add. A policy to remove
// that is not there is an error: the answer would be about something else.
func (w whatIf) overlay(ctx context.Context, below guard.PolicySource, c guard.Caller, added policyReading) (guard.PolicySource, []guard.Finding, error) {
	set, unseen := below.Policies(ctx, c)
	for _, name := range w.remove {
		kept := slices.DeleteFunc(slices.Clone(set.Identity), func(s policy.Statement) bool { return named(s.At.Source, name) })
		if len(kept) == len(set.Identity) {
			return nil, nil, exit.Usagef("--what-if-remove %s: the caller has no such policy, as far as can be read", name)
		}
		set.Identity = kept
	}
	more, unread := added.withoutDoubtful()
	set.Identity = append(slices.Clone(set.Identity), more.Identity...)
	set.Partial = append(slices.Clone(set.Partial), more.Partial...)
	return changed{set, unseen}, unread, nil
}

// changed is a PolicySource of policies that were read and changed, with what
// could not be read of them.
type changed struct {
	set    policy.Set
	unseen error
}

func (c changed) Policies(context.Context, guard.Caller) (policy.Set, error) { return c.set, c.unseen }

// named reports whether a policy's place, such as `role/dev, inline "ssm"`, is
// meant by a name.
func named(source, name string) bool {
	last := source[strings.LastIndexByte(source, ' ')+1:]
	return source == name || strings.Trim(last, `"`) == name
}

package session

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"ssmguard/cmd/internal/ask"
	"ssmguard/guard"
	"ssmguard/guard/awsiam"
	"ssmguard/guard/policy"
	"ssmguard/internal/safetext"
)

const (
	// alternativesTime is the time limit for finding alternatives.
	alternativesTime = 2 * time.Second
	// mostAlternatives is the number of names in a list.
	mostAlternatives = 5
)

// Alternatives prints, after a denial that was read from policies, which other
// documents or targets the caller may use. Those that cannot be read are left out.
func Alternatives(ctx context.Context, l *ask.Line, w *ask.Question, d guard.Decision) {
	if d.Policies == nil || !d.Verdict().Denies() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, alternativesTime)
	defer cancel()
	defer l.Timings.Span("alternatives")()
	set, limit := *d.Policies, ""
	if len(set.Partial) > 0 {
		set.Partial, limit = nil, ", as far as the policies can be read"
	}
	who := d.Request.Caller.Name()
	denied := func(id string) bool { return d.Of(id).Verdict.Denies() }
	switch {
	case !denied(guard.GrantTarget):
		if names := usableDocuments(ctx, w, set, d.Request); len(names) > 0 {
			safetext.Fprintf(l.Process.Notes(), "ssmguard: note: on this target %s may use %s%s\n", who, enumerate(names), limit)
		}
	case !denied(guard.GrantDocument):
		if names := usableTargets(ctx, w, set, d.Request); len(names) > 0 {
			safetext.Fprintf(l.Process.Notes(), "ssmguard: note: with this document %s may use %s%s\n", who, enumerate(names), limit)
		}
	}
}

func usableDocuments(ctx context.Context, w *ask.Question, set policy.Set, r guard.Request) []string {
	names := guard.SessionDocuments()
	seen, _ := w.Evidence.SessionDocuments(ctx, r.Region) // usable beside an error
	for _, d := range seen {
		if !slices.Contains(names, d.Name) {
			names = append(names, d.Name)
		}
	}
	var usable []string
	for _, o := range guard.Documents(set, r, names) {
		if o.Verdict == policy.Allow {
			usable = append(usable, cmp.Or(o.Name, "the default document"))
		}
	}
	return usable
}

func usableTargets(ctx context.Context, w *ask.Question, set policy.Set, r guard.Request) []string {
	nodes, _ := w.Evidence.Nodes(ctx, r.Region) // usable beside an error
	ids := make([]string, 0, len(nodes))
	tags := make(map[string]map[string]string)
	label := make(map[string]string)
	for _, n := range nodes {
		ids = append(ids, n.ID)
		if n.Tags != nil {
			tags[n.ID] = n.Tags
		}
		label[n.ID] = nodeLabel(n)
	}
	var usable []string
	for _, o := range guard.Targets(set, r, ids, tags) {
		if o.Verdict == policy.Allow {
			usable = append(usable, label[o.Name])
		}
	}
	return usable
}

func nodeLabel(n awsiam.Node) string {
	if n.Name == "" {
		return n.ID
	}
	return fmt.Sprintf("%s (%s)", n.ID, n.Name)
}

// enumerate lists the first names and the number of the others.
func enumerate(names []string) string {
	if more := len(names) - mostAlternatives; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:mostAlternatives], ", "), more)
	}
	return strings.Join(names, ", ")
}

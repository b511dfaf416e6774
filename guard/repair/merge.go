package repair

import (
	"maps"
	"slices"
	"strings"

	"ssmguard/guard"
	"ssmguard/guard/policy"
)

// Merge gives a decision the one fix that repairs all that its findings repair, and what is
// denied for the same reasons and has no finding of its own, proven as a whole. A decision
// that takes one fix gets that; one whose fixes do not go together gets none.
func Merge(d guard.Decision) guard.Decision {
	var fixes []*guard.Fix
	for _, f := range d.Findings {
		if f.Fix != nil && f.Level > guard.Note && !slices.ContainsFunc(fixes, f.Fix.Same) {
			fixes = append(fixes, f.Fix)
		}
	}
	rest := &repairs{d: d, fixes: make(map[string]*guard.Fix)}
	for _, g := range d.Grants {
		of := func(f *guard.Fix) bool { return slices.Contains(f.Grants, g.ID) || f.Checked && len(f.Changes) == 0 }
		if len(fixes) == 0 || d.Policies == nil || !d.Of(g.ID).Verdict.Denies() || slices.ContainsFunc(fixes, of) ||
			slices.ContainsFunc(fixes, func(f *guard.Fix) bool { return f.Check == "" }) {
			continue
		}
		if fix := rest.of(g); fix != nil && fix.Checked {
			fixes = append(fixes, fix)
		}
	}
	switch {
	case len(fixes) == 1:
		d.Fix = fixes[0]
	case len(fixes) > 1:
		d.Fix = merged(d, fixes)
	}
	return d
}

// merged works out the fixes one behind the other, each of what the one before left.
func merged(d guard.Decision, fixes []*guard.Fix) *guard.Fix {
	m := merging{d: d, fix: &guard.Fix{Checked: true}}
	if d.Policies != nil {
		m.set = *d.Policies
	}
	for _, fix := range fixes {
		if len(fix.Grants) == 0 || !m.add(fix) {
			return nil
		}
	}
	m.fix.Text, m.fix.Steps = clause(m.texts), m.texts
	m.fix.Deliberate = strings.HasSuffix(m.fix.Text, deliberate)
	p := plan{d: d, set: m.set, grants: m.grants, fix: m.fix}
	p.ask()
	unseen := ""
	if slices.Contains(m.groups, "start") {
		unseen = guard.DocumentUnseen(d.Request, d.Facts)
	}
	if d.Policies == nil || !m.fix.Checked && unseen == "" {
		m.fix.Checked = false
		return m.fix
	}
	if p.judge = new(policy.Evaluator); len(m.fix.Needs) == 0 && slices.ContainsFunc(m.grants, func(g guard.Grant) bool { return !p.passes(g) }) {
		return nil
	}
	set := *d.Policies
	set.Partial = nil
	m.set.Partial = nil
	var judge policy.Evaluator
	probes := slices.DeleteFunc(probesFor(d.Request, d.Facts, set), func(one probe) bool {
		return one.label == ownSessions && slices.Contains(m.groups, "session")
	})
	m.fix.Check = with(m.fix.Changes) + guard.Join(m.outcomes, "and") + changed(probes, verdicts(&judge, set, probes), verdicts(&judge, m.set, probes)).String()
	if len(d.Policies.Partial) > 0 {
		m.fix.Check += ", as far as the policies can be read"
	}
	if unseen != "" {
		m.fix.Checked = false // what the fix speaks of may not exist
		m.fix.Check += "; " + unseen
	}
	return m.fix
}

// merging is one fix in the making, of others.
type merging struct {
	d      guard.Decision
	set    policy.Set // with the changes so far
	fix    *guard.Fix
	grants []guard.Grant

	groups, texts, outcomes []string
}

// add makes the changes of a fix. Where an earlier change was to the same statement, the
// fix is worked out anew, on what that left.
func (m *merging) add(fix *guard.Fix) bool {
	group := ""
	for _, g := range m.d.Grants {
		if slices.Contains(fix.Grants, g.ID) {
			group = guard.GroupOf(g)
			m.grants = append(m.grants, g)
		}
	}
	if len(m.fix.Changes) > 0 && group != "" && m.d.Policies != nil {
		now := m.d
		now.Policies = &m.set
		again := &repairs{d: now, fixes: make(map[string]*guard.Fix)}
		if fix.Check != "" {
			fix = again.work(group)
		}
		if fix == nil {
			return true // what the others change is enough
		}
	}
	set := m.set
	for _, c := range fix.Changes {
		var err error
		if m.d.Policies == nil {
			// there is nothing that it could be tried on
		} else if set, err = guard.Apply(set, c); err != nil {
			return false
		}
		same := func(o guard.Change) bool {
			return c.Kind != guard.AddStatement && o.Kind != guard.AddStatement && o.Layer == c.Layer && o.Level == c.Level && o.At == c.At
		}
		if i := slices.IndexFunc(m.fix.Changes, same); i >= 0 {
			m.fix.Changes[i] = c
		} else {
			m.fix.Changes = append(m.fix.Changes, c)
		}
	}
	m.set = set
	for _, id := range fix.Grants {
		if !slices.Contains(m.fix.Grants, id) {
			m.fix.Grants = append(m.fix.Grants, id)
		}
	}
	if fix.Needs != nil && m.fix.Needs == nil {
		m.fix.Needs = make(map[string]string)
	}
	maps.Copy(m.fix.Needs, fix.Needs)
	m.fix.Checked = m.fix.Checked && fix.Checked
	m.groups = append(m.groups, group)
	steps := fix.Steps
	if steps == nil {
		steps = []string{fix.Text}
	}
	for _, step := range steps {
		if !slices.Contains(m.texts, step) {
			m.texts = append(m.texts, step)
		}
	}
	m.outcomes = append(m.outcomes, allowed[group])
	if m.fix.Ask == "" {
		m.fix.Ask, m.fix.Message = fix.Ask, fix.Message
	}
	return true
}

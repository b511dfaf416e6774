package finding

import (
	"cmp"
	"slices"
	"strings"

	"ssmguard/guard"
)

// Rule is the page of one finding, what `ssmguard explain CODE` prints. It is
// data; the code that produces the finding names it.
type Rule struct {
	Code      guard.Code
	Title     string // a clause, no capital, no full stop
	Text      string // one paragraph: what is wrong, why IAM works so, what to do
	Example   Example
	Since     string       // the release that brought it
	DependsOn []guard.Code // findings on the same grant that make this one a mere consequence
}

// Example shows the fault and its repair, as policy text or as commands.
type Example struct {
	Before, After string
}

// catalogue is every rule there is, by family.
var catalogue = [][]Rule{documentRules, targetRules, sessionRules, kmsRules, visibleRules, refusedRules, healthRules, agentRules, limitRules, judgeRules}

// Pages returns every rule in the order of its code.
func Pages() []Rule {
	all := slices.Concat(catalogue...)
	slices.SortFunc(all, func(a, b Rule) int { return cmp.Compare(a.Code, b.Code) })
	return all
}

// Page returns the rule of a code, in any case ("sg101"); the bool is false for
// a code that does not exist.
func Page(code guard.Code) (Rule, bool) {
	code = guard.Code(strings.ToUpper(string(code)))
	for _, family := range catalogue {
		for _, r := range family {
			if r.Code == code {
				return r, true
			}
		}
	}
	return Rule{}, false
}

// arrange hides findings that merely follow from another on the same grant,
// drops repetitions, and puts the weightiest first.
func arrange(fs []guard.Finding) []guard.Finding {
	has := make(map[string]bool)
	for _, f := range fs {
		has[f.Grant+" "+string(f.Code)] = true
	}
	kept := make([]guard.Finding, 0, len(fs))
	seen := make(map[string]bool)
	for _, f := range fs {
		key := f.Grant + " " + string(f.Code) + " " + f.Summary
		if seen[key] || follows(f, has) {
			continue
		}
		seen[key] = true
		kept = append(kept, f)
	}
	slices.SortStableFunc(kept, func(a, b guard.Finding) int { return cmp.Compare(b.Level, a.Level) })
	return kept
}

func follows(f guard.Finding, has map[string]bool) bool {
	r, _ := Page(f.Code)
	for _, cause := range r.DependsOn {
		if has[f.Grant+" "+string(cause)] {
			return true
		}
	}
	return false
}

package finding

import (
	"cmp"
	"embed"
	"slices"
	"strings"
	"sync"

	"ssmguard/guard"
)

// Rule is the page of one finding, what `ssmguard explain CODE` prints. It is data, in
// pages/*.txt; the code that produces the finding names it.
type Rule struct {
	Code      guard.Code
	Title     string // a clause, no capital, no full stop
	Text      string // one paragraph: what is wrong, why IAM works so, what to do
	Example   Example
	DependsOn []guard.Code // findings on the same grant that make this one a mere consequence
}

// Example shows the fault and its repair, as policy text or as commands.
type Example struct {
	Before, After string
}

// Unexpected is the finding about a request of a matrix that is allowed, where a denial was
// expected.
const Unexpected guard.Code = "SG012"

// Refuted and NotDecided are the findings about claims of what is so of every session.
const (
	Refuted    guard.Code = "SG013"
	NotDecided guard.Code = "SG014"
)

//go:embed pages/*.txt
var pages embed.FS

// rules reads the pages when one is first needed; most sessions need none.
var rules = sync.OnceValue(func() []Rule {
	files, err := pages.ReadDir("pages")
	if err != nil {
		panic(err) // they are part of the program
	}
	var all []Rule
	for _, f := range files {
		text, err := pages.ReadFile("pages/" + f.Name())
		if err != nil {
			panic(err)
		}
		for page := range strings.SplitSeq(string(text), "\n\n") {
			all = append(all, parsePage(page))
		}
	}
	slices.SortFunc(all, func(a, b Rule) int { return cmp.Compare(a.Code, b.Code) })
	return all
})

// parsePage reads one page: code and title, the line "not beside" with the findings that it
// depends on, the text, and below "before" and "after" an example indented by four blanks.
func parsePage(page string) Rule {
	head, rest, _ := strings.Cut(page, "\n")
	code, title, _ := strings.Cut(head, " ")
	r := Rule{Code: guard.Code(code), Title: title}
	var example *string
	for line := range strings.SplitSeq(strings.TrimSuffix(rest, "\n"), "\n") {
		causes, depends := strings.CutPrefix(line, "not beside ")
		switch {
		case line == "before":
			example = &r.Example.Before
		case line == "after":
			example = &r.Example.After
		case example != nil:
			*example = strings.TrimPrefix(*example+"\n"+strings.TrimPrefix(line, "    "), "\n")
		case depends && r.Text == "":
			for cause := range strings.FieldsSeq(causes) {
				r.DependsOn = append(r.DependsOn, guard.Code(cause))
			}
		default:
			r.Text = strings.TrimPrefix(r.Text+" "+line, " ")
		}
	}
	return r
}

// Pages returns every rule in the order of its code.
func Pages() []Rule { return slices.Clone(rules()) }

// Page returns the rule of a code, in any case ("sg101"); the bool is false for
// a code that does not exist.
func Page(code guard.Code) (Rule, bool) {
	i := slices.IndexFunc(rules(), func(r Rule) bool { return strings.EqualFold(string(r.Code), string(code)) })
	if i < 0 {
		return Rule{}, false
	}
	return rules()[i], true
}

// arrange hides findings that merely follow from another on the same grant,
// drops repetitions, and puts the weightiest first.
func arrange(fs []guard.Finding) []guard.Finding {
	type on struct {
		grant string
		code  guard.Code
	}
	type said struct {
		on
		summary string
	}
	has, seen := make(map[on]bool), make(map[said]bool)
	for _, f := range fs {
		has[on{f.Grant, f.Code}] = true
	}
	kept := make([]guard.Finding, 0, len(fs))
	for _, f := range fs {
		r, _ := Page(f.Code)
		follows := slices.ContainsFunc(r.DependsOn, func(cause guard.Code) bool { return has[on{f.Grant, cause}] })
		if this := (said{on{f.Grant, f.Code}, f.Summary}); !follows && !seen[this] {
			seen[this] = true
			kept = append(kept, f)
		}
	}
	slices.SortStableFunc(kept, func(a, b guard.Finding) int { return cmp.Compare(b.Level, a.Level) })
	return kept
}

package report

import (
	"cmp"
	"crypto/sha256"
	_ "embed" // the page's script
	"encoding/base64"
	"encoding/binary"
	"io"
	"slices"
	"strings"

	"ssmguard/guard/policy"
	"ssmguard/guard/reach"
)

// reachHTML is one page of people against targets. Its colours are blue, orange and violet, which eyes
// that take red for green tell apart; a sign says the same. People of whom every answer is the same fold
// into one row, and so do targets.
type reachHTML struct {
	page   htmlPage
	reach  *Reach
	groups []*reachPeople
}

// reachPeople are people of whom every answer is the same, by the same names of policies or not.
type reachPeople struct {
	people  []int
	answers []reachAnswer
	cells   map[int]*reachCell // by target; none where all is denied
}

// reachCell is how many of the documents somebody may use on a target.
type reachCell struct{ allowed, undecided int }

// reachScript is the page's only script: it hides what has not the words that are searched for, and
// unfolds everything that is printed. The page's policy lets no other run.
//
//go:embed reach.js
var reachScript string

func newReachHTML(w io.Writer, r *Reach) *reachHTML {
	return &reachHTML{page: htmlPage{w: w}, reach: r}
}

func (h *reachHTML) group(g reach.Group) error {
	h.groups = append(h.groups, &reachPeople{people: g.Principals, cells: make(map[int]*reachCell)})
	return nil
}

func (h *reachHTML) answer(a reachAnswer) error {
	g := h.groups[len(h.groups)-1]
	g.answers = append(g.answers, a)
	if a.verdict.Denies() || a.principals[0] != g.people[0] { // the others' answers differ in names alone
		return nil
	}
	for _, t := range a.targets {
		c := g.cells[t]
		if c == nil {
			c = new(reachCell)
			g.cells[t] = c
		}
		if a.verdict == policy.Allow {
			c.allowed += len(a.documents)
		} else {
			c.undecided += len(a.documents)
		}
	}
	return nil
}

func (h *reachHTML) close(c reachCounts) error {
	p, r := &h.page, h.reach
	slices.SortStableFunc(h.groups, func(a, b *reachPeople) int { return cmp.Compare(a.people[0], b.people[0]) })
	sum := sha256.Sum256([]byte(reachScript))
	p.scripted("Who can open what", base64.StdEncoding.EncodeToString(sum[:]))
	p.f("<div class=\"apart\">\n<h1>Who can open what</h1>\n<p>%s</p>\n", r.summary(c))
	p.f("<p><span class=\"good\">✓ allowed</span>, <span class=\"open\">? undecided</span>, <span class=\"bad\">✗ denied</span>; a number is that of the documents</p>\n")
	p.f("<p class=\"search\"><label>Search <input type=\"search\" id=\"query\" autocomplete=\"off\"></label> <span id=\"found\" class=\"quiet\" role=\"status\"></span></p>\n")
	h.lines("What could not be read", "open", r.Missing)
	h.lines("What was not looked at", "quiet", r.Notes)
	h.grid(c)
	p.f("<h2>People</h2>\n")
	for i, g := range h.groups {
		h.people(i, g)
	}
	if p.f("</div>\n<script>"); p.err == nil {
		_, p.err = io.WriteString(p.w, reachScript)
	}
	p.f("</script>\n")
	return p.end()
}

func (h *reachHTML) lines(title, class string, lines []string) {
	if len(lines) == 0 {
		return
	}
	h.page.f("<h2>%s</h2>\n<ul class=\"%s\">\n", title, class)
	for _, line := range lines {
		h.page.f("<li>%s</li>\n", line)
	}
	h.page.f("</ul>\n")
}

// mostCells bounds the table: more cannot be looked at.
const mostCells = 2_000_000

// columnsAtOnce is how many columns of targets stand side by side.
const columnsAtOnce = 6

// grid writes people against targets.
func (h *reachHTML) grid(c reachCounts) {
	p := &h.page
	p.f("<h2>People against targets</h2>\n")
	if len(h.groups)*c.Targets > mostCells {
		p.f("<p>%s sorts of people and %s targets are too many for a table; ask about some with --principal or --target.</p>\n", number(len(h.groups)), number(c.Targets))
		return
	}
	columns := h.columns()
	for from := 0; from < len(columns); from += columnsAtOnce {
		beside := columns[from:min(from+columnsAtOnce, len(columns))]
		open := ""
		if from == 0 {
			open = " open"
		}
		p.f("<details%s>\n<summary>targets: %s</summary>\n<table>\n<thead><tr><th scope=\"col\">who</th>", open, someOf(beside, h.column))
		for _, targets := range beside {
			p.f("<th scope=\"col\">%s</th>", h.column(targets))
		}
		p.f("</tr></thead>\n<tbody>\n")
		for i, g := range h.groups {
			p.f("<tr data-item><th scope=\"row\"><a href=\"#people-%s\">%s</a></th>", number(i+1), some(g.people, h.reach.who, 3))
			for _, targets := range beside {
				text, class := h.cell(g.cells[targets[0]], c.Documents)
				p.f("<td class=\"%s word\" data-of=\"%s\">%s</td>", class, h.column(targets), text)
			}
			p.f("</tr>\n")
		}
		p.f("</tbody>\n</table>\n</details>\n")
	}
}

// columns returns the targets, those that are the same to everybody as one column.
func (h *reachHTML) columns() (columns [][]int) {
	at := make(map[string]int)
	for t := range h.reach.Account.Targets {
		var key []byte
		for _, g := range h.groups {
			var c reachCell
			if known := g.cells[t]; known != nil {
				c = *known
			}
			key = binary.AppendUvarint(binary.AppendUvarint(key, uint64(c.allowed)), uint64(c.undecided))
		}
		i, ok := at[string(key)]
		if !ok {
			i = len(columns)
			at[string(key)] = i
			columns = append(columns, nil)
		}
		columns[i] = append(columns[i], t)
	}
	return columns
}

func (h *reachHTML) column(targets []int) string { return some(targets, h.reach.target, 3) }

// someOf writes the first and the last of some columns.
func someOf(columns [][]int, text func([]int) string) string {
	if len(columns) == 1 {
		return text(columns[0])
	}
	return text(columns[0]) + " … " + text(columns[len(columns)-1])
}

// cell is what a cell says, with its class.
func (h *reachHTML) cell(c *reachCell, documents int) (text, class string) {
	of := func(n int) string {
		switch {
		case documents == 1:
			return ""
		case n == documents:
			return " all"
		}
		return " " + number(n) + " of " + number(documents)
	}
	switch {
	case c == nil:
		return "✗", "bad"
	case c.allowed == 0:
		return "?" + of(c.undecided), "open"
	case c.undecided > 0:
		return "✓" + of(c.allowed) + ", ?" + of(c.undecided), "open"
	}
	return "✓" + of(c.allowed), "good"
}

// people writes what there is to say of a group.
func (h *reachHTML) people(i int, g *reachPeople) {
	p, r := &h.page, h.reach
	allowed, undecided := 0, 0
	for _, c := range g.cells {
		if c.allowed > 0 {
			allowed++
		} else {
			undecided++
		}
	}
	sign, class := "✗", "bad"
	switch {
	case allowed > 0:
		sign, class = "✓", "good"
	case undecided > 0:
		sign, class = "?", "open"
	}
	p.f("<details data-item id=\"people-%s\">\n<summary><span class=\"%s\">%s</span> %s <span class=\"quiet\">%s with something allowed, %s undecided</span></summary>\n",
		number(i+1), class, sign, some(g.people, r.who, 3), counted(allowed, "target"), number(undecided))
	if len(g.answers) > 0 {
		p.f("<table>\n<thead><tr><th scope=\"col\">answer</th><th scope=\"col\">targets</th><th scope=\"col\">documents</th><th scope=\"col\">why</th></tr></thead>\n<tbody>\n")
		for _, a := range g.answers {
			class := map[string]string{"allowed": "good", "undecided": "open", "denied": "bad"}[verdictWord(a.verdict)]
			p.f("<tr><td class=\"%s word\" data-of=\"answer\">%s %s</td><td data-of=\"targets\">%s</td>", class, verdictSigns[a.verdict], verdictWord(a.verdict), some(a.targets, r.target, 200))
			p.f("<td data-of=\"documents\">%s</td><td data-of=\"why\">%s", r.documents(a), r.reasons(a))
			if len(a.principals) < len(g.people) {
				p.f("<br><span class=\"quiet\">of %s</span>", some(a.principals, r.who, 12))
			}
			p.f("</td></tr>\n")
		}
		p.f("</tbody>\n</table>\n")
	}
	alike := !slices.ContainsFunc(g.people, func(one int) bool { return !slices.Equal(r.People[one].Trusts, r.People[g.people[0]].Trusts) })
	if trusts := r.People[g.people[0]].Trusts; alike && len(g.people) > 1 && len(trusts) > 0 {
		p.f("<p class=\"quiet\">each of them trusts %s</p>\n", strings.Join(first(trusts, 12), ", "))
	} else {
		alike = false
	}
	p.f("<ul>\n")
	for _, one := range g.people {
		p.f("<li>%s", r.Account.Principals[one].Caller.Principal)
		if trusts := r.People[one].Trusts; len(trusts) > 0 && !alike {
			p.f("<br><span class=\"quiet\">trusts %s</span>", strings.Join(first(trusts, 12), ", "))
		}
		for _, what := range first(r.People[one].Unread, 12) {
			p.f("<br><span class=\"open\">not read: %s</span>", what)
		}
		p.f("</li>\n")
	}
	p.f("</ul>\n")
	p.f("</details>\n")
}

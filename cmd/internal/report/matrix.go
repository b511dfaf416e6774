package report

import (
	"cmp"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"ssmguard/guard"
	"ssmguard/guard/finding"
	"ssmguard/guard/policy"
	"ssmguard/internal/safetext"
)

// MatrixRow is one request of a matrix, and how it came out.
type MatrixRow struct {
	Name      string
	Principal string // ARN of who asks, "" for the caller of an account
	Target    string
	Document  string // "" for the default document
	Expected  string // allow, deny, or "" for no expectation
	Command   string // what asks the same by itself
	Decision  guard.Decision
}

// Got is what came out, in the words of an expectation: allow, deny or undecided.
func (r MatrixRow) Got() string {
	switch v := r.Decision.Verdict(); {
	case v == policy.Allow:
		return "allow"
	case v.Denies():
		return "deny"
	}
	return "undecided"
}

// Met reports whether the request came out as expected, or nothing was expected of it.
func (r MatrixRow) Met() bool { return r.Expected == "" || r.Expected == r.Got() }

// result is what a table says of a row.
func (r MatrixRow) result() string {
	switch {
	case r.Expected == "":
		return "no expectation"
	case r.Met():
		return "ok"
	}
	return "expected " + r.Expected
}

// codes lists the findings that deny a request, or what an undecided one turns on; "-"
// when there are none.
func (r MatrixRow) codes() string {
	var list []string
	d := r.Decision
	if d.Verdict() == policy.Unknown {
		for _, g := range d.Grants {
			for _, on := range d.Of(g.ID).DependsOn {
				if !g.Advisory && !slices.Contains(list, on) {
					list = append(list, on)
				}
			}
		}
		return cmp.Or(strings.Join(list, " "), "-")
	}
	for _, f := range d.Findings {
		if f.Level == guard.Error && !slices.Contains(list, string(f.Code)) {
			list = append(list, string(f.Code))
		}
	}
	return cmp.Or(strings.Join(list, " "), "-")
}

// MatrixRows renders the requests of a matrix, in their order.
type MatrixRows interface {
	Row(MatrixRow) error
	// Close ends the output. The writer stays open.
	Close() error
}

// NewMatrixRows returns what renders a matrix as text, json, sarif, github or html. The files are those
// of the policies, for SARIF.
func NewMatrixRows(w io.Writer, format string, files []string) MatrixRows {
	switch format {
	case "json":
		return rowsJSON{NewJSON(w)}
	case "sarif":
		return rowsUnmet{NewSARIF(w, files)}
	case "github":
		return rowsUnmet{NewGitHub(w, files)}
	case "html":
		return &rowsHTML{page: htmlPage{w: w}}
	}
	t := rowsText{tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)}
	safetext.Fprintf(t.table, "REQUEST\tGOT\tFINDINGS\tRESULT\n")
	return t
}

type rowsText struct{ table *tabwriter.Writer }

func (t rowsText) Row(r MatrixRow) error {
	_, err := safetext.Fprintf(t.table, "%s\t%s\t%s\t%s\n", r.Name, VerdictText(r.Decision), r.codes(), r.result())
	return err
}

func (t rowsText) Close() error { return t.table.Flush() }

// matrixRowJSON is what a decision of a matrix has beside what every decision has.
type matrixRowJSON struct {
	Name      string `json:"name"`
	Principal string `json:"principal"`
	Target    string `json:"target"`
	Document  string `json:"document"`
	Expected  string `json:"expected"`
	Got       string `json:"got"`
	Met       bool   `json:"met"`
	Command   string `json:"command"`
}

type rowsJSON struct{ *JSON }

func (j rowsJSON) Row(r MatrixRow) error {
	j.config = Config{Protocol: Protocol, CheckOnly: true}
	return j.enc.Encode(struct {
		decisionJSON
		Request matrixRowJSON `json:"request"`
	}{j.decision(r.Decision), matrixRowJSON{r.Name, r.Principal, r.Target, cmp.Or(r.Document, guard.DefaultDocument), r.Expected, r.Got(), r.Met(), r.Command}})
}

// rowsUnmet says nothing of what came out as expected: an expected denial is no fault.
type rowsUnmet struct{ Handler }

func (s rowsUnmet) Row(r MatrixRow) error {
	if r.Expected != "" && r.Met() {
		return nil
	}
	d := r.Decision
	d.Findings = slices.Clone(d.Findings)
	if !r.Met() && r.Got() == "allow" { // nothing is wrong but the expectation
		d.Findings = append(d.Findings, guard.Finding{Code: finding.Unexpected, Level: guard.Error,
			Summary: r.Name + ": allowed, and a denial was expected"})
	}
	for i := range d.Findings {
		if i < len(r.Decision.Findings) {
			d.Findings[i].Summary = r.Name + ": " + d.Findings[i].Summary
		}
	}
	return s.Decision(d)
}

// rowsHTML is a table of people against targets.
type rowsHTML struct {
	page htmlPage
	rows []MatrixRow
}

func (h *rowsHTML) Row(r MatrixRow) error {
	h.rows = append(h.rows, r)
	return nil
}

// column is what a request is for.
func (r MatrixRow) column() string {
	return r.Target + " " + cmp.Or(r.Document, guard.DefaultDocument)
}

// who is who asks, as people write it.
func (r MatrixRow) who() string {
	return cmp.Or(r.Principal, r.Decision.Request.Caller.Name())
}

func (h *rowsHTML) Close() error {
	p := &h.page
	unmet := 0
	var people, columns []string
	for _, r := range h.rows {
		if !r.Met() {
			unmet++
		}
		if !slices.Contains(people, r.who()) {
			people = append(people, r.who())
		}
		if !slices.Contains(columns, r.column()) {
			columns = append(columns, r.column())
		}
	}
	p.begin("Who may start which session")
	p.f("<h1>Who may start which session</h1>\n")
	switch {
	case unmet > 0:
		p.f("<p class=\"bad\"><b>%s of %s requests did not come out as expected</b></p>\n", number(unmet), number(len(h.rows)))
	default:
		p.f("<p class=\"good\"><b>all %s requests came out as expected, or without an expectation</b></p>\n", number(len(h.rows)))
	}
	p.f("<table>\n<caption>people against targets with their documents</caption>\n<thead><tr><th scope=\"col\">who</th>")
	for _, c := range columns {
		target, document, _ := strings.Cut(c, " ")
		p.f("<th scope=\"col\">%s<br><span class=\"quiet\">%s</span></th>", target, document)
	}
	p.f("</tr></thead>\n<tbody>\n")
	for _, who := range people {
		p.f("<tr><th scope=\"row\">%s</th>", who)
		for _, c := range columns {
			h.cell(who, c)
		}
		p.f("</tr>\n")
	}
	p.f("</tbody>\n</table>\n")
	for _, r := range h.rows {
		h.detail(r)
	}
	return p.end()
}

func number(n int) string { return strconv.Itoa(n) }

// cell writes the requests of one person for one target and document.
func (h *rowsHTML) cell(who, column string) {
	p := &h.page
	of := slices.DeleteFunc(slices.Clone(h.rows), func(r MatrixRow) bool { return r.who() != who || r.column() != column })
	if len(of) == 0 {
		p.f("<td class=\"none\"></td>")
		return
	}
	wrong := ""
	if slices.ContainsFunc(of, func(r MatrixRow) bool { return !r.Met() }) {
		wrong = "wrong"
	}
	p.f("<td class=\"%s\" data-of=\"%s\">", wrong, column)
	for i, r := range of {
		if i > 0 {
			p.f("<br>")
		}
		mark, class := htmlVerdict(r.Decision)
		p.f("<span class=\"%s\">%s</span>", class, mark)
		if !r.Met() {
			p.f(" <b class=\"bad\">expected %s</b>", r.Expected)
		}
		if len(of) > 1 {
			p.f(" <span class=\"quiet\">%s</span>", r.Name)
		}
	}
	p.f("</td>")
}

// detail writes what is known of one request.
func (h *rowsHTML) detail(r MatrixRow) {
	p := &h.page
	mark, class := htmlVerdict(r.Decision)
	p.f("<h2>%s</h2>\n<dl>\n<dt>who</dt><dd>%s</dd>\n<dt>target</dt><dd>%s</dd>\n<dt>document</dt><dd>%s</dd>\n", r.Name, r.who(), r.Target, cmp.Or(r.Document, guard.DefaultDocument))
	p.f("<dt>expected</dt><dd>%s</dd>\n<dt>got</dt><dd class=\"%s\">%s</dd>\n</dl>\n", cmp.Or(r.Expected, "nothing"), class, mark+" ("+VerdictText(r.Decision)+")")
	if len(r.Decision.Findings) > 0 {
		p.f("<ul>\n")
		for _, f := range r.Decision.Findings {
			p.f("<li>%s: %s [%s]", f.Level.String(), f.Summary, string(f.Code))
			for _, n := range f.Nearest {
				p.f("<br><span class=\"quiet\">%s: %s</span>", n.At.String(), n.Why)
			}
			p.f("</li>\n")
		}
		p.f("</ul>\n")
	}
	p.f("<pre>%s</pre>\n", r.Command)
}

// htmlVerdict is a verdict with its sign, and its class, which colours it.
func htmlVerdict(d guard.Decision) (text, class string) {
	switch v := d.Verdict(); {
	case v == policy.Allow:
		return "✓ allowed", "good"
	case v.Denies():
		return "✗ denied", "bad"
	}
	return "? undecided", "open"
}

package main

import (
	"errors"
	"fmt"
	"html/template"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// row is a fault in one way, with a result for each client.
type row struct {
	fault   *fault
	way     way
	results []result
}

// table is a finished run.
type table struct {
	settings
	list list
	rows []*row
	ran  int // cells that were run, and not known
	took time.Duration
}

// revision is the commit that changed what carries sessions last.
func revision() string {
	b, err := exec.Command("git", "log", "-1", "--format=%h", "--", "proxy", "cmd").Output()
	if err != nil {
		return "an unknown revision"
	}
	return strings.TrimSpace(string(b))
}

// head says how the table came about.
func (t *table) head() string {
	var runs []string // days and revisions, each once
	for _, r := range t.rows {
		for _, got := range r.results {
			runs = append(runs, got.day+" at "+got.at)
		}
	}
	slices.Sort(runs)
	text := fmt.Sprintf("%s: %g MiB a cell, at most %v and 3 s a MiB each; %d cells", strings.Join(slices.Compact(runs), ", "),
		t.mib, t.timeout, len(t.rows)*len(t.list.Clients))
	if t.ran == len(t.rows)*len(t.list.Clients) {
		text += fmt.Sprintf(" in %v", t.took.Round(time.Second))
	}
	return fmt.Sprintf("%s, %d at a time, on %d processors, %s/%s.", text, t.jobs, runtime.NumCPU(), runtime.GOOS, runtime.GOARCH)
}

const about = "What arrives of a transfer when something breaks, with the official session-manager plugin and with ours. " +
	"Gateway and agent are the stand-ins of this tree; the agent keeps the real one's pace. " +
	"Each cell has a session of its own, whose bytes are compared. `.ci/matrix` writes this page."

func (t *table) write(path string, to func(io.Writer) error) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	return errors.Join(to(f), f.Close())
}

func (t *table) markdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# Fault matrix\n\n%s\n\n%s\n\n| fault | way |", about, t.head())
	for _, c := range t.list.Clients {
		fmt.Fprintf(&b, " %s |", c.Name)
	}
	b.WriteString("\n|---|---|" + strings.Repeat("---|", len(t.list.Clients)) + "\n")
	for _, r := range t.rows {
		fmt.Fprintf(&b, "| %s | %s |", r.fault.name, r.way)
		for i, c := range t.list.Clients {
			fmt.Fprintf(&b, " %s |", t.cell(c, r, r.results[i]))
		}
		b.WriteByte('\n')
	}
	b.WriteString("\nA time is that of the transfer; *start 2* means that the client came to work at the second attempt only. " +
		"In **bold**: not what is wanted.\n\n")
	for _, o := range outcomes {
		fmt.Fprintf(&b, "- %s: %s\n", o.outcome, o.means)
	}
	b.WriteString("\n## Clients\n\n")
	for _, c := range t.list.Clients {
		fmt.Fprintf(&b, "- %s: %s\n", c.Name, c.What)
	}
	b.WriteString("\n## Faults\n\nEach strikes while the client sends (up), while it receives (down), or before it receives over a " +
		"connection that is open and rests (idle).\n\n")
	for _, f := range t.faults() {
		fmt.Fprintf(&b, "- %s: %s%s%s\n", f.name, f.what, f.strikes(), f.allows())
	}
	if len(t.list.Known) > 0 {
		b.WriteString("\n## Known\n\n")
		for _, k := range t.list.Known {
			fmt.Fprintf(&b, "- %s, %s, %s: %s\n", k.Client, k.Fault, k.Way, k.Why)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (t *table) cell(c client, r *row, got result) string {
	if r.fault.wants(got.outcome) {
		return got.String()
	}
	return "**" + got.String() + "**"
}

// faults are those of the rows, each once.
func (t *table) faults() (all []*fault) {
	for _, r := range t.rows {
		all = append(all, r.fault)
	}
	return slices.Compact(all)
}

func (f *fault) strikes() string {
	if f.strike == nil {
		return ""
	}
	var at []string
	for _, p := range f.points {
		at = append(at, fmt.Sprintf("%g", p))
	}
	size := ""
	if f.mib > 0 {
		size = fmt.Sprintf(", %g MiB", f.mib)
	}
	return fmt.Sprintf(" (at %s of the transfer%s)", strings.Join(at, ", "), size)
}

func (f *fault) allows() string {
	var all []string
	for _, o := range f.also {
		all = append(all, string(o))
	}
	if len(all) == 0 {
		return ""
	}
	return "; wanted as well: " + strings.Join(all, ", ")
}

var page = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Fault matrix</title>
<style>
body { font: 15px/1.5 sans-serif; max-width: 70em; margin: 2em auto; padding: 0 1em; color: #222 }
table { border-collapse: collapse }
th, td { border: 1px solid #ccc; padding: .25em .6em; text-align: left }
.wanted { background: #dff0d8 }
.not { background: #f4d0d0; font-weight: bold }
</style>
<h1>Fault matrix</h1>
<p>{{.About}}</p>
<p>{{.Head}}</p>
<table>
<tr><th>fault<th>way{{range .Clients}}<th>{{.Name}}{{end}}
{{range .Rows}}<tr><td title="{{.What}}">{{.Name}}<td>{{.Way}}{{range .Cells}}<td class="{{.Class}}">{{.Text}}{{end}}
{{end}}</table>
<p>Green is what is wanted. A time is that of the transfer.</p>
<ul>
{{range .Outcomes}}<li>{{.}}
{{end}}</ul>
<h2>Clients</h2>
<ul>
{{range .Clients}}<li>{{.Name}}: {{.What}}
{{end}}</ul>
<h2>Faults</h2>
<ul>
{{range .Faults}}<li>{{.}}
{{end}}</ul>
</html>
`))

func (t *table) html(w io.Writer) error {
	type cell struct{ Class, Text string }
	type line struct {
		Name, What string
		Way        way
		Cells      []cell
	}
	var lines []line
	for _, r := range t.rows {
		l := line{Name: r.fault.name, What: r.fault.what, Way: r.way}
		for _, got := range r.results {
			class := "not"
			if r.fault.wants(got.outcome) {
				class = "wanted"
			}
			l.Cells = append(l.Cells, cell{class, got.String()})
		}
		lines = append(lines, l)
	}
	var meanings, faults []string
	for _, o := range outcomes {
		meanings = append(meanings, string(o.outcome)+": "+o.means)
	}
	for _, f := range t.faults() {
		faults = append(faults, f.name+": "+f.what+f.strikes()+f.allows())
	}
	return page.Execute(w, map[string]any{
		"About": strings.ReplaceAll(about, "`", ""), "Head": t.head(), "Clients": t.list.Clients, "Rows": lines,
		"Outcomes": meanings, "Faults": faults,
	})
}

// judge is the error of a run: cells of ours that are not as wanted and not known. Known
// ones that are as wanted may be so by chance, and are only told.
func (t *table) judge() error {
	var errs []error
	for _, r := range t.rows {
		for i, c := range t.list.Clients {
			if !c.Ours {
				continue
			}
			got := r.results[i]
			known := slices.ContainsFunc(t.list.Known, func(k known) bool {
				return k.Client == c.Name && k.Fault == r.fault.name && k.Way == string(r.way)
			})
			switch wanted := r.fault.wants(got.outcome); {
			case !wanted && !known:
				errs = append(errs, fmt.Errorf("%s, %s %s: %s", c.Name, r.fault.name, r.way, got))
			case wanted && known:
				log.Printf("%s, %s %s: %s, though listed as a failure", c.Name, r.fault.name, r.way, got)
			}
		}
	}
	return errors.Join(errs...)
}

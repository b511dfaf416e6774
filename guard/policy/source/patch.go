package source

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Line is a line of a patch: of both texts (' '), of the old one ('-') or of the new ('+').
type Line struct {
	Kind byte
	Text string // without its line end
}

// Hunk is a run of changed lines, with those around them.
type Hunk struct {
	Old, New int // the number of its first line in either text, from 1; 0 before the first
	Lines    []Line
	// OldOpen and NewOpen: the last line of that text is in the hunk, and no line end
	// stands behind it.
	OldOpen, NewOpen bool
}

// around is how many lines of both texts a hunk shows before and behind a change.
const around = 3

// mostCells bounds the table in which the lines of two texts are compared; beyond, all
// that lies between their common beginning and end is one change.
const mostCells = 4 << 20

// Hunks returns what changes between two texts, line by line; none if they are the same.
func Hunks(old, fresh string) []Hunk {
	a, openA := lines(old)
	b, openB := lines(fresh)
	script := compare(a, b, openA != openB)
	var hunks []Hunk
	lineA, lineB := 1, 1
	lastChange := -1
	for i, l := range script {
		if l.Kind != ' ' {
			if lastChange < 0 || i-lastChange > 2*around {
				before := min(around, i)
				if lastChange >= 0 {
					end := &hunks[len(hunks)-1]
					end.Lines = append(end.Lines, script[lastChange+1:lastChange+1+around]...)
				}
				hunks = append(hunks, Hunk{Old: lineA - before, New: lineB - before, Lines: slices.Clone(script[i-before : i])})
			} else {
				h := &hunks[len(hunks)-1]
				h.Lines = append(h.Lines, script[lastChange+1:i]...)
			}
			h := &hunks[len(hunks)-1]
			h.Lines = append(h.Lines, l)
			lastChange = i
		}
		if l.Kind != '+' {
			lineA++
		}
		if l.Kind != '-' {
			lineB++
		}
	}
	if lastChange >= 0 {
		h := &hunks[len(hunks)-1]
		h.Lines = append(h.Lines, script[lastChange+1:min(len(script), lastChange+1+around)]...)
	}
	for i := range hunks {
		h := &hunks[i]
		inOld, inNew := h.count()
		h.OldOpen = openA && inOld > 0 && h.Old+inOld-1 == len(a)
		h.NewOpen = openB && inNew > 0 && h.New+inNew-1 == len(b)
	}
	return hunks
}

// count returns how many lines of either text a hunk has.
func (h Hunk) count() (old, fresh int) {
	for _, l := range h.Lines {
		if l.Kind != '+' {
			old++
		}
		if l.Kind != '-' {
			fresh++
		}
	}
	return old, fresh
}

// Header returns the line that begins a hunk in a patch: "@@ -3,4 +3,5 @@".
func (h Hunk) Header() string {
	old, fresh := h.count()
	from := func(line, n int) int {
		if n == 0 {
			return line - 1
		}
		return line
	}
	return fmt.Sprintf("@@ -%d,%d +%d,%d @@", from(h.Old, old), old, from(h.New, fresh), fresh)
}

// Patch writes what changes between two texts of a file as a unified diff, which patch -p0
// applies; "" if nothing does. A name that would not be read as it is stands in quotes, as
// GNU diff writes it.
func Patch(name, old, fresh string) string {
	hunks := Hunks(old, fresh)
	if len(hunks) == 0 {
		return ""
	}
	var b strings.Builder
	switch {
	case strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f || r == '"' || r == '\\' }):
		name = strconv.Quote(name)
	case strings.Contains(name, " "):
		name += "\t" // which ends the name
	}
	fmt.Fprintf(&b, "--- %s\n+++ %s\n", name, name)
	for _, h := range hunks {
		b.WriteString(h.Header() + "\n")
		lastOld, lastNew := -1, -1
		for i, l := range h.Lines {
			if l.Kind != '+' {
				lastOld = i
			}
			if l.Kind != '-' {
				lastNew = i
			}
		}
		for i, l := range h.Lines {
			b.WriteString(string(l.Kind) + l.Text + "\n")
			if h.OldOpen && i == lastOld || h.NewOpen && i == lastNew {
				b.WriteString("\\ No newline at end of file\n")
			}
		}
	}
	return b.String()
}

// Replacement is a piece of a text that is replaced.
type Replacement struct {
	Span
	Text string // what stands there then
}

// Replacements returns what changes between two texts, whole lines at a time, in the order
// of the text.
func Replacements(old, fresh string) []Replacement {
	a, openA := lines(old)
	b, openB := lines(fresh)
	ended := func(line string, last, open bool) string {
		if last && open {
			return line
		}
		return line + "\n"
	}
	var out []Replacement
	offset, i, j := 0, 0, 0
	within := false
	for _, l := range compare(a, b, openA != openB) {
		if l.Kind == ' ' {
			offset += len(ended(l.Text, i == len(a)-1, openA))
			i, j, within = i+1, j+1, false
			continue
		}
		if !within {
			out, within = append(out, Replacement{Span: Span{offset, offset}}), true
		}
		r := &out[len(out)-1]
		if l.Kind == '-' {
			offset += len(ended(l.Text, i == len(a)-1, openA))
			r.End = offset
			i++
		} else {
			r.Text += ended(l.Text, j == len(b)-1, openB)
			j++
		}
	}
	return out
}

// lines returns the lines of a text without their ends, and whether the last has none.
func lines(text string) (all []string, open bool) {
	if text == "" {
		return nil, false
	}
	all = strings.Split(text, "\n")
	if all[len(all)-1] == "" {
		return all[:len(all)-1], false
	}
	return all, true
}

// compare returns the shortest way from some lines to others. Where the texts differ in
// the end of their last line, that line is a changed one.
func compare(a, b []string, lastDiffers bool) []Line {
	var script []Line
	put := func(kind byte, lines []string) {
		for _, l := range lines {
			script = append(script, Line{kind, l})
		}
	}
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] && (!lastDiffers || head < len(a)-1 && head < len(b)-1) {
		head++
	}
	tail := 0
	for !lastDiffers && tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	put(' ', a[:head])
	x, y := a[head:len(a)-tail], b[head:len(b)-tail]
	if len(x)*len(y) > mostCells {
		put('-', x)
		put('+', y)
	} else {
		script = append(script, between(x, y, lastDiffers)...)
	}
	put(' ', a[len(a)-tail:])
	return script
}

// between compares lines by the table of their longest common sequences.
func between(x, y []string, lastDiffers bool) []Line {
	same := func(i, j int) bool {
		return x[i] == y[j] && (!lastDiffers || i < len(x)-1 && j < len(y)-1)
	}
	table := make([][]int32, len(x)+1)
	for i := range table {
		table[i] = make([]int32, len(y)+1)
	}
	for i := len(x) - 1; i >= 0; i-- {
		for j := len(y) - 1; j >= 0; j-- {
			if same(i, j) {
				table[i][j] = table[i+1][j+1] + 1
			} else {
				table[i][j] = max(table[i+1][j], table[i][j+1])
			}
		}
	}
	var script []Line
	i, j := 0, 0
	for i < len(x) || j < len(y) {
		switch {
		case i < len(x) && j < len(y) && same(i, j):
			script = append(script, Line{' ', x[i]})
			i, j = i+1, j+1
		case j == len(y) || i < len(x) && table[i+1][j] >= table[i][j+1]:
			script = append(script, Line{'-', x[i]})
			i++
		default:
			script = append(script, Line{'+', y[j]})
			j++
		}
	}
	return script
}

package report

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"ssmguard/guard"
	"ssmguard/guard/policy/source"
	"ssmguard/internal/safetext"
)

// linesBeside is how many lines of a statement stand above a mark, and below it if there
// are fewer above.
const linesBeside = 2

// tabWidth is how many blanks a tab of a policy is.
const tabWidth = 4

// ExcerptLine is a line of an excerpt.
type ExcerptLine struct {
	Number int    // from 1; 0 for lines that were left out
	Text   string // tabs are blanks
	Marks  []LineMark
}

// LineMark is the marked part of a line, in bytes of its Text.
type LineMark struct {
	source.Span
	Mark
}

// Lines returns the lines that show the marks: each with those above it in its statement.
// Several marks of one policy are in one excerpt.
func (e Excerpt) Lines() []ExcerptLine {
	text := strings.Split(e.Text, "\n")
	start := make([]int, len(text)+1)
	for i, line := range text {
		start[i+1] = start[i] + len(line) + 1
	}
	lineOf := func(offset int) int {
		i, found := slices.BinarySearch(start, offset)
		if !found {
			i--
		}
		return min(i, len(text)-1)
	}
	shown := make(map[int]bool)
	for _, m := range e.Marks {
		at, first := lineOf(m.Span.Start), lineOf(m.Statement.Start)
		if first < at && strings.TrimSpace(text[first]) == "{" {
			first++
		}
		from := max(first, at-linesBeside)
		for i := from; i <= max(at, min(from+linesBeside, lineOf(m.Statement.End)-1)); i++ {
			shown[i] = true
		}
	}
	var out []ExcerptLine
	last := -1
	for i := range text {
		if !shown[i] {
			continue
		}
		if last >= 0 && i > last+2 {
			out = append(out, ExcerptLine{})
		} else if last >= 0 && i == last+2 {
			out = append(out, excerptLine(text[i-1], i, nil, 0)) // a gap of one line is no gap
		}
		var marks []Mark
		for _, m := range e.Marks {
			if lineOf(m.Span.Start) == i {
				marks = append(marks, m)
			}
		}
		out = append(out, excerptLine(text[i], i+1, marks, start[i]))
		last = i
	}
	return out
}

// excerptLine makes a line with its marks. What cannot be shown is escaped piece by piece,
// so that marks stay where they are.
func excerptLine(text string, number int, marks []Mark, start int) ExcerptLine {
	bounds := []int{0, len(text)}
	on := func(m Mark) (from, to int) { return m.Span.Start - start, min(m.Span.End-start, len(text)) }
	for _, m := range marks {
		from, to := on(m)
		bounds = append(bounds, from, to)
	}
	slices.Sort(bounds)
	l := ExcerptLine{Number: number}
	now := map[int]int{0: 0} // where an offset is in what is shown
	for i, end := range bounds[1:] {
		l.Text += spaced(text[bounds[i]:end])
		now[end] = len(l.Text)
	}
	for _, m := range marks {
		from, to := on(m)
		l.Marks = append(l.Marks, LineMark{source.Span{Start: now[from], End: now[to]}, m})
	}
	return l
}

// spaced writes blanks for tabs, and escapes for what a terminal would not show.
func spaced(text string) string {
	text = strings.ReplaceAll(strings.TrimSuffix(text, "\r"), "\t", strings.Repeat(" ", tabWidth))
	rest := strings.TrimLeft(text, " ")
	return text[:len(text)-len(rest)] + strings.ReplaceAll(safetext.Sprintf("%s", rest), "\n", " ")
}

// longestLine is how much of a line is shown where the width is not known.
const longestLine = 160

// Title names the policy and its marked statements: with the place of the first mark, as
// editors take it, where its lines are those of a file.
func (e Excerpt) Title() string {
	title := e.Source
	if e.Lined && e.Source == e.File && len(e.Marks) > 0 {
		p := e.Marks[0].Span.Place(e.Text)
		title = e.File + ":" + strconv.Itoa(p.Line) + ":" + strconv.Itoa(p.Column)
	}
	var statements []string
	for _, m := range e.Marks {
		if name := strings.TrimPrefix(m.At.String(), e.Source+", statement "); !slices.Contains(statements, name) {
			statements = append(statements, name)
		}
	}
	switch len(statements) {
	case 0:
		return title
	case 1:
		return title + ", statement " + statements[0]
	}
	return title + ", statements " + guard.Join(statements, "and")
}

// excerpt draws an excerpt: the policy, its lines with their numbers, and below each marked
// one what is wrong there.
func (t *Text) excerpt(b *strings.Builder, e Excerpt) {
	lines := e.Lines()
	digits, margin := 1, -1
	for _, l := range lines {
		digits = max(digits, len(strconv.Itoa(l.Number)))
		if blanks := len(l.Text) - len(strings.TrimLeft(l.Text, " ")); l.Number > 0 && l.Text != "" && (margin < 0 || blanks < margin) {
			margin = blanks
		}
	}
	gutter := 2 + digits + 3
	room := longestLine
	if t.style.Width > 0 {
		room = max(t.style.Width-gutter, 20)
	}
	safetext.Fprintf(b, "  %s\n", wrap(e.Title(), "  ", 2, t.style.Width))
	bar := t.dim(strings.Repeat(" ", digits+3) + "|")
	for _, l := range lines {
		if l.Number == 0 {
			safetext.Fprintf(b, "%s\n", t.dim(strings.Repeat(" ", digits-1+2)+"..."))
			continue
		}
		number := strconv.Itoa(l.Number)
		for _, l := range l.dedent(min(margin, max(margin-2, 0))).fit(room) {
			safetext.Fprintf(b, "  %s%s\n", t.dim(strings.Repeat(" ", digits-len(number))+number+" |"), t.marked(l))
			for _, m := range l.Marks {
				before := utf8.RuneCountInString(l.Text[:m.Start])
				carets := max(utf8.RuneCountInString(l.Text[m.Start:m.End]), 1)
				t.note(b, bar, before, carets, m.Mark, room)
			}
		}
	}
}

// note writes the carets of a mark and its text: beside them where that fits on the line,
// else below.
func (t *Text) note(b *strings.Builder, bar safetext.Own, before, carets int, m Mark, room int) {
	blanks := strings.Repeat(" ", before)
	line := t.levelled(m.Level, strings.Repeat("^", carets))
	text := safetext.Line(m.Note)
	if t.style.Width == 0 || before+carets+1+utf8.RuneCountInString(text) <= room {
		safetext.Fprintf(b, "%s %s%s %s\n", bar, safetext.Own(blanks), line, text)
		return
	}
	safetext.Fprintf(b, "%s %s%s\n", bar, safetext.Own(blanks), line)
	column := min(before, max(room-utf8.RuneCountInString(text), 0))
	if column == 0 {
		column = min(before, max(room-44, 0)) // it takes several lines
	}
	for part := range strings.SplitSeq(string(wrap(text, "", 0, room-column)), "\n") {
		safetext.Fprintf(b, "%s %s%s\n", bar, safetext.Own(strings.Repeat(" ", column)), safetext.Own(part))
	}
}

// dedent takes blanks off the beginning of a line, or puts them there if they are fewer than
// none.
func (l ExcerptLine) dedent(n int) ExcerptLine {
	n = min(n, len(l.Text)-len(strings.TrimLeft(l.Text, " ")))
	if n < 0 {
		l.Text = strings.Repeat(" ", -n) + l.Text
	} else {
		l.Text = l.Text[n:]
	}
	marks := slices.Clone(l.Marks)
	for i := range marks {
		marks[i].Start, marks[i].End = max(marks[i].Start-n, 0), max(marks[i].End-n, 0)
	}
	l.Marks = marks
	return l
}

// fit returns the line as it fits in a width. One that does not, and has several marks, is
// there once for each.
func (l ExcerptLine) fit(room int) (all []ExcerptLine) {
	if utf8.RuneCountInString(l.Text) <= room || len(l.Marks) < 2 {
		return []ExcerptLine{l.clip(room)}
	}
	for i, m := range l.Marks {
		if i > 0 && m.Span == l.Marks[i-1].Span {
			last := &all[len(all)-1]
			m.Span = last.Marks[0].Span // the same place, for another reason
			last.Marks = append(last.Marks, m)
			continue
		}
		one := l
		one.Marks = []LineMark{m}
		all = append(all, one.clip(room))
	}
	return all
}

const ellipsis = "..."

// clip shortens a line to a width, so that its mark is seen.
func (l ExcerptLine) clip(room int) ExcerptLine {
	runes := []rune(l.Text)
	if len(runes) <= room {
		return l
	}
	from := 0
	if len(l.Marks) > 0 {
		begin := utf8.RuneCountInString(l.Text[:l.Marks[0].Start])
		end := utf8.RuneCountInString(l.Text[:l.Marks[0].End])
		if end > room-len(ellipsis) {
			from = max(min(begin-room/4, end+len(ellipsis)-room+room/8), 0)
			from = min(from, begin)
		}
	}
	cut := len(string(runes[:from]))
	head, tail := "", ""
	if from > 0 {
		head = ellipsis
	}
	rest := runes[from:]
	if len(rest) > room-len(head) {
		rest, tail = rest[:max(room-len(head)-len(ellipsis), 1)], ellipsis
	}
	kept := string(rest)
	var marks []LineMark
	for _, m := range l.Marks {
		start := min(m.Start-cut, len(kept))
		m.Start, m.End = start+len(head), max(start, min(m.End-cut, len(kept)))+len(head)
		marks = append(marks, m)
	}
	return ExcerptLine{Number: l.Number, Text: head + kept + tail, Marks: marks}
}

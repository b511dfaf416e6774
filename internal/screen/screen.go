package screen

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"ssmguard/internal/safetext"
)

// Wrap breaks a text at blanks so that, with its first word at a column, no line is wider than
// width unless one word is; later lines get the indent. Width 0 breaks nothing. What is in
// quotes is a word if a line has room for it. A command to paste always is: where the terminal
// itself breaks a line, what is copied has no break.
func Wrap(text, indent string, column, width int) string {
	var b strings.Builder
	for i, word := range words(text, width-len(indent)) {
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case width > 0 && column+1+n > width:
			b.WriteString("\n" + indent)
			column = len(indent)
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += n
	}
	return b.String()
}

// Lines breaks the lines of messages that are wider than width as Wrap does. What is broken off
// a line stands two columns further in than the line begins, or below what stands behind its label: a word
// and at least two blanks. Where text of others begins such a line it begins as no line of ours. Width 0
// breaks nothing.
func Lines(messages string, width int) string {
	if width <= 0 {
		return messages
	}
	var b strings.Builder
	for line := range strings.SplitAfterSeq(messages, "\n") {
		text := strings.TrimSuffix(line, "\n")
		if utf8.RuneCountInString(text) <= width {
			b.WriteString(line)
			continue
		}
		head, indent := heading(text, width)
		for i, part := range strings.Split(Wrap(text[len(head):], indent, utf8.RuneCountInString(head), width), "\n") {
			if i == 0 {
				b.WriteString(head + part)
				continue
			}
			b.WriteString("\n" + indent + safetext.Line(strings.TrimPrefix(part, indent)))
		}
		b.WriteString(text[len(strings.TrimRight(text, " ")):]) // of a question, before the answer
		b.WriteString(line[len(text):])
	}
	return b.String()
}

// heading returns the beginning of a line that is kept as it is, and the indent of the lines
// that are broken off.
func heading(line string, width int) (head, indent string) {
	text := strings.TrimLeft(line, " ")
	head = line[:len(line)-len(text)]
	indent = head
	if head == "" {
		return head, "  "
	}
	if label, behind, ok := strings.Cut(text, "  "); ok && !strings.Contains(label, " ") {
		behind = strings.TrimLeft(behind, " ")
		if n := len(line) - len(behind); 3*n <= 2*width {
			return line[:n], strings.Repeat(" ", utf8.RuneCountInString(line[:n]))
		}
	}
	return head, indent
}

// programs are those whose commands our messages say are to be typed.
var programs = []string{"ssmguard", "aws"}

// words splits a text at blanks. What is in quotes stays together if it is no wider than most,
// and a command in quotes, or behind a colon, in any case.
func words(text string, most int) (all []string) {
	rest := strings.Fields(text)
	for len(rest) > 0 {
		n := 1
		switch first := strings.TrimLeft(rest[0], "("); {
		case len(all) > 0 && strings.HasSuffix(all[len(all)-1], ":") && slices.Contains(programs, first):
			if n = 1 + slices.IndexFunc(rest, endsCommand); n == 0 {
				n = len(rest)
			}
		case first != "" && strings.Contains("\"`", first[:1]):
			n = quoted(rest, first[:1])
			whole := strings.Join(rest[:n], " ")
			if utf8.RuneCountInString(whole) > most && !slices.Contains(programs, first[1:]) {
				n = 1
			}
		}
		all = append(all, strings.Join(rest[:n], " "))
		rest = rest[n:]
	}
	return all
}

// endsCommand reports whether a word of a command is its last: the sentence goes on behind it.
func endsCommand(word string) bool {
	return strings.HasSuffix(word, ";") || strings.HasSuffix(word, ",")
}

// quoted returns how many words the first of which begins with a quote reach to the quote that
// ends them; 1 if there is none.
func quoted(words []string, quote string) int {
	for i, word := range words {
		if i == 0 {
			word = word[strings.Index(word, quote)+1:]
		}
		if strings.Contains(word, quote) {
			return i + 1
		}
	}
	return 1
}

// Rows returns how many rows lines of these widths take on a terminal, which breaks those that
// are wider than its columns. With 0 columns, not known, it breaks none.
func Rows(columns int, widths ...int) (rows int) {
	for _, width := range widths {
		rows++
		if columns > 0 {
			rows += max(width-1, 0) / columns
		}
	}
	return rows
}

// Erase returns what erases the lines of these widths above the cursor, and all below them; ""
// for none. It goes to the first column, since a key may have been echoed.
func Erase(columns int, widths ...int) string {
	if len(widths) == 0 {
		return ""
	}
	return fmt.Sprintf("\r\x1b[%dA\x1b[J", Rows(columns, widths...))
}

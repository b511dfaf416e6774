package screen

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Wrap breaks a text at blanks so that, with its first word at a column, no line is wider than
// width unless one word is; later lines get the indent. Width 0 breaks nothing.
func Wrap(text, indent string, column, width int) string {
	var b strings.Builder
	for i, word := range strings.Fields(text) {
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

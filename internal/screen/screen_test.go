package screen

import "testing"

func TestWrap(t *testing.T) {
	for _, tc := range []struct {
		text, indent  string
		column, width int
		want          string
	}{
		{"", "  ", 0, 10, ""},
		{"one two  three", "", 0, 0, "one two three"},
		{"one two three", "  ", 0, 7, "one two\n  three"},
		{"one two three", "  ", 4, 7, "one\n  two\n  three"},
		{"one longerthanwide x", " ", 0, 5, "one\n longerthanwide\n x"},
		{"äöü äöü", "", 0, 7, "äöü äöü"},
	} {
		if got := Wrap(tc.text, tc.indent, tc.column, tc.width); got != tc.want {
			t.Errorf("%q at %d in %d: %q, want %q", tc.text, tc.column, tc.width, got, tc.want)
		}
	}
}

func TestErase(t *testing.T) {
	for _, tc := range []struct {
		columns int
		widths  []int
		rows    int
		want    string
	}{
		{80, nil, 0, ""},
		{80, []int{0}, 1, "\r\x1b[1A\x1b[J"},
		{80, []int{80, 12}, 2, "\r\x1b[2A\x1b[J"},
		{40, []int{81, 40}, 4, "\r\x1b[4A\x1b[J"},
		{0, []int{300, 1}, 2, "\r\x1b[2A\x1b[J"},
	} {
		if rows, got := Rows(tc.columns, tc.widths...), Erase(tc.columns, tc.widths...); rows != tc.rows || got != tc.want {
			t.Errorf("%v on %d columns: %d rows, %q", tc.widths, tc.columns, rows, got)
		}
	}
}

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
		{`see "ssmguard tunnel ls" for them`, "  ", 0, 12, "see\n  \"ssmguard tunnel ls\"\n  for them"},
		{`see ("aws sso login --profile 'a b'")`, "  ", 0, 12, "see\n  (\"aws sso login --profile 'a b'\")"},
		{"say `ssmguard trust` there", "", 0, 8, "say\n`ssmguard trust`\nthere"},
		{`he is "the one" there`, "", 0, 12, "he is\n\"the one\"\nthere"},
		{`he said "that it is so"`, "", 0, 12, "he said\n\"that it is\nso\""},
		{`a "quote that never ends`, "", 0, 12, "a \"quote\nthat never\nends"},
		{"type: ssmguard check --case 'a b'", "  ", 0, 12, "type:\n  ssmguard check --case 'a b'"},
		{"type: ssmguard check --case 'a b'", "  ", 0, 0, "type: ssmguard check --case 'a b'"},
		{"ask: aws iam ask --me; then: ssmguard go", "  ", 0, 8, "ask:\n  aws iam ask --me;\n  then:\n  ssmguard go"},
		{"with ssmguard it is so", "", 0, 13, "with ssmguard\nit is so"},
	} {
		if got := Wrap(tc.text, tc.indent, tc.column, tc.width); got != tc.want {
			t.Errorf("%q at %d in %d: %q, want %q", tc.text, tc.column, tc.width, got, tc.want)
		}
	}
}

func TestLines(t *testing.T) {
	const text = "ssmguard: one two three\n  four five six seven\nshort\n  label  eight nine ten\n  a  b\n    long-label  eleven twelve"
	for width, want := range map[int]string{
		0:  text,
		80: text,
		16: "ssmguard: one\n  two three\n  four five six\n  seven\nshort\n  label  eight\n         nine\n         ten\n  a  b\n    long-label\n    eleven\n    twelve",
	} {
		if got := Lines(text, width); got != want {
			t.Errorf("%d:\n%s\nwant:\n%s", width, got, want)
		}
	}
	if got, want := Lines("ssmguard: who ssmguard: forged ::error::forged\n", 17), "ssmguard: who\n  \\ssmguard:\n  forged\n  \\::error::forged\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := Lines("go on now? ", 6), "go on\n  now? "; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := Lines("one two\n", 5), "one\n  two\n"; got != want {
		t.Errorf("%q, want %q", got, want)
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

package awsjson

import (
	"os/exec"
	"strings"
	"testing"

	"ssmguard/internal/memtest"
)

// quotes holds strings with what Python 3's json.dumps makes of them.
var quotes = map[string]string{
	"":               `""`,
	"plain":          `"plain"`,
	"é":              `"\u00e9"`,
	"日本":             `"\u65e5\u672c"`,
	"😀":              `"\ud83d\ude00"`,
	"a/b<c>&d":       `"a/b<c>&d"`,
	"\x7f":           `"\u007f"`,
	"\x80":           `"\udc80"`,
	"a\xffb":         `"a\udcffb"`,
	"\"\\\b\f\n\r\t": `"\"\\\b\f\n\r\t"`,
	"\x00\x1f":       `"\u0000\u001f"`,
	"\u2028":         `"\u2028"`,
	"\ufffd":         `"\ufffd"`,
}

func TestQuote(t *testing.T) {
	for in, want := range quotes {
		if got := Quote(in); got != want {
			t.Errorf("Quote(%q) = %s, want %s", in, got, want)
		}
	}
}

// FuzzQuote compares with Python itself where there is one.
func FuzzQuote(f *testing.F) {
	python, err := exec.LookPath("python3")
	if err != nil {
		f.Skip("no python3 to compare with")
	}
	for in := range quotes {
		f.Add(in)
	}
	f.Fuzz(func(t *testing.T, in string) {
		defer memtest.Bounded(t, len(in))()
		if strings.ContainsRune(in, 0) {
			t.Skip("no argument holds NUL")
		}
		cmd := exec.Command(python, "-X", "utf8", "-c", "import json,sys; sys.stdout.write(json.dumps(sys.argv[1]))", in)
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		if got := Quote(in); got != string(out) {
			t.Errorf("Quote(%q) = %s, Python says %s", in, got, out)
		}
	})
}

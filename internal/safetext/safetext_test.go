package safetext_test

import (
	"encoding/json"
	"errors"
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"ssmguard/internal/memtest"
	"ssmguard/internal/safetext"
)

func TestLine(t *testing.T) {
	for in, want := range map[string]string{
		"":                               "",
		"role/dev":                       "role/dev",
		"naïve 東京 ☂️ \u00a0":             "naïve 東京 ☂️ \u00a0",
		"a\x1b[31mb\a\x7f":               `a\x1b[31mb\x07\x7f`,
		"a\u009b2J":                      `a\u009b2J`,
		"a\x9b2J":                        `a\x9b2J`,
		"\ufffd":                         "\ufffd",
		"x\u202ey\u2066z\u200f\u061c":    `x\u202ey\u2066z\u200f\u061c`,
		"a\u200bb\u00ad\ufeff\u2060":     `a\u200bb\u00ad\ufeff\u2060`,
		"a\U000e0041":                    `a\U000e0041`,
		"a\u2028b\u2029":                 `a\u2028b\u2029`,
		"\u3164\u115f\u034f":             `\u3164\u115f\u034f`,
		"one\ttwo\nthree\r\nfour":        "one two three  four",
		"ssmguard: allowed":              `\ssmguard: allowed`,
		"  ssmguard:":                    `  \ssmguard:`,
		"\u2007::error::x":               "\u2007\\::error::x",
		"aws: [ERROR]: x":                `\aws: [ERROR]: x`,
		"aws:SourceIp":                   "aws:SourceIp",
		"::error file=x::y":              `\::error file=x::y`,
		"\t::stop-commands::x":           ` \::stop-commands::x`,
		"::1":                            "::1",
		"::ffff:127.0.0.1, nothing":      "::ffff:127.0.0.1, nothing",
		"::add-mask::x":                  `\::add-mask::x`,
		"a ##vso[task.setvariable]b":     `a ##vso\[task.setvariable]b`,
		"##[error]x ##VSO[y ##":          `##\[error]x ##VSO\[y ##`,
		"###[x ##teamcity[message '##[a": `###\[x ##teamcity\[message '##\[a`,
		"arn:aws:ec2:::instance/*":       "arn:aws:ec2:::instance/*",
	} {
		got := safetext.Line(in)
		if got != want {
			t.Errorf("Line(%q) = %q, want %q", in, got, want)
		}
		if again := safetext.Line(got); again != got {
			t.Errorf("Line(%q) = %q", got, again)
		}
	}
}

func TestText(t *testing.T) {
	const in = "one\r\n\ttwo\nssmguard: allowed\n  ::error::x\raws: y\n\u202e"
	const want = "one\n\ttwo\n\\ssmguard: allowed\n  \\::error::x aws: y\n\\u202e"
	if got := safetext.Text(in); got != want {
		t.Errorf("Text(%q) = %q, want %q", in, got, want)
	}
}

type named string

func (n named) String() string { return "<" + string(n) + ">" }

type word string

func TestSprintf(t *testing.T) {
	for _, c := range []struct {
		format string
		args   []any
		want   string
	}{
		{"ssmguard: %s is %d of %d\n", []any{"a\nssmguard: b", 1, 2}, "ssmguard: a ssmguard: b is 1 of 2\n"},
		{"ssmguard: warning: %v\n", []any{errors.New("x\x1b[2J\n::error::y")}, `ssmguard: warning: x\x1b[2J ::error::y` + "\n"},
		{"%s: ready\n", []any{"ssmguard"}, `\ssmguard: ready` + "\n"},
		{"%s%s: ready\n", []any{safetext.Own("ssmguard: "), "db"}, "ssmguard: db: ready\n"},
		{"%s  %s\n", []any{"::", "error::x"}, `::  error::x` + "\n"},
		{"%s%s\n", []any{"::", "error::x"}, `\::error::x` + "\n"},
		{"#%s\n", []any{"#vso[x"}, `##vso\[x` + "\n"},
		{"  %-6s|%6s|%-*s|\n", []any{"\x1b", "é", 5, word("\u202e")}, `  \x1b  |     é|\u202e|` + "\n"},
		{"%q %v %x\n", []any{"a\x1b\n\"", []string{"b\n", "\u200b"}, "\n"}, `"a\x1b\n\"" [b  \u200b] 0a` + "\n"},
		{"%v %s %v %5.1f %t %v\n", []any{named("\n"), 2 * time.Second, nil, 1.25, true, word("w")}, "< > 2s <nil>   1.2 true w\n"},
		{"%s: %s\n%s\n", []any{safetext.Own("\x1b[1mssmguard\x1b[0m"), "a", "aws: b"}, "\x1b[1mssmguard\x1b[0m: a\n\\aws: b\n"},
		{"%.3q\n", []any{"abcdef"}, `"abc"` + "\n"},
	} {
		if got := safetext.Sprintf(c.format, c.args...); got != c.want {
			t.Errorf("Sprintf(%q, %q) = %q, want %q", c.format, c.args, got, c.want)
		}
	}
}

func TestWord(t *testing.T) {
	for in, want := range map[string]string{
		"":                            "''",
		"eu-west-1":                   "eu-west-1",
		"a=b/c:d,e@f%g+h.i_j":         "a=b/c:d,e@f%g+h.i_j",
		"eu-west-1;echo":              "'eu-west-1;echo'",
		"it's":                        `'it'\''s'`,
		"$(x) `y` \"z\" \\ ~ * ? [ !": "'$(x) `y` \"z\" \\ ~ * ? [ !'",
		"東":                           "'東'",
		"a\n'b\\\x1b7\u202e\x9b":      `$'a\012\'b\\\0337\342\200\256\233'`,
	} {
		if got := safetext.Word(in); got != want {
			t.Errorf("Word(%q) = %s, want %s", in, got, want)
		}
	}
}

func TestWordsOfOtherShells(t *testing.T) {
	for _, tt := range []struct{ in, fish, powershell string }{
		{"/usr/bin/ssmguard", "/usr/bin/ssmguard", "'/usr/bin/ssmguard'"},
		{"", "''", "''"},
		{`it's $x`, `'it\'s $x'`, `'it''s $x'`},
		{`a\'b\\`, `'a\\\'b\\\\'`, `'a\''b\\'`},
		{"a\u2019b", "'a\u2019b'", "'a\u2019\u2019b'"},
	} {
		if got := safetext.Fish(tt.in); got != tt.fish {
			t.Errorf("fish: %q becomes %s, want %s", tt.in, got, tt.fish)
		}
		if got := safetext.PowerShell(tt.in); got != tt.powershell {
			t.Errorf("PowerShell: %q becomes %s, want %s", tt.in, got, tt.powershell)
		}
	}
}

// TestWordInShell: a shell reads back the word that was quoted.
func TestWordInShell(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash")
	}
	words := []string{"", "a b", "it's", "$HOME", "a\n'b\\\x1b7\u202e\x9b", "-n", "*", "\u200b\t"}
	line := "printf '%s\\0'"
	for _, w := range words {
		line += " " + safetext.Word(w)
	}
	out, err := exec.Command(bash, "-c", line).Output()
	if got, want := string(out), strings.Join(words, "\x00")+"\x00"; err != nil || got != want {
		t.Errorf("%s: %q, %v, want %q", line, got, err, want)
	}
}

func TestOption(t *testing.T) {
	for in, want := range map[string]string{`a b`: `"a b"`, `C:\x "y" #;`: `"C:\\x \"y\" #;"`, "é": `"é"`} {
		if got, err := safetext.Option(in); got != want || err != nil {
			t.Errorf("Option(%q) = %s, %v, want %s", in, got, err, want)
		}
	}
	for _, in := range []string{"a\nb", "\r", "a\x00", "\u0085", "\u2028", "\u202e"} {
		if got, err := safetext.Option(in); err == nil {
			t.Errorf("Option(%q) = %q", in, got)
		}
	}
}

func TestURI(t *testing.T) {
	for in, want := range map[string]string{
		"policies/dev.json":             "policies/dev.json",
		"/a/b.json":                     "/a/b.json",
		"a b\x1b[31m%25#?.json":         "a%20b%1B%5B31m%2525%23%3F.json",
		"ü\u202e|\"<>^`{}\\":            "%C3%BC%E2%80%AE%7C%22%3C%3E%5E%60%7B%7D%5C",
		"http:/x.json":                  "http%3A/x.json",
		"a/b:c.json":                    "a/b:c.json",
		"a:b:c":                         "a%3Ab%3Ac",
		"//host/x":                      "/host/x",
		"~a-b._!$&'()+,;=@*":            "~a-b._%21$&%27%28%29+,;=@%2A",
		"../up\x9b":                     "../up%9B",
		"::error::x.json":               "%3A%3Aerror%3A%3Ax.json",
		"##vso[task.setvariable]x.json": "%23%23vso%5Btask.setvariable%5Dx.json",
	} {
		got := safetext.URI(in)
		if got != want {
			t.Errorf("URI(%q) = %s, want %s", in, got, want)
		}
		if u, err := url.Parse(got); err != nil || u.Scheme != "" || u.Host != "" || !strings.HasPrefix(in, "//") && u.Path != in {
			t.Errorf("URI(%q) = %s, which reads as %#v, %v", in, got, u, err)
		}
	}
}

func TestJSON(t *testing.T) {
	in := map[string]string{"k\u202e": "a\x1b\x7f\u009b\u2066\u200b\U000e0041\u2028é<&> ##vso[x ##[y\n"}
	var b strings.Builder
	if err := safetext.NewEncoder(&b).Encode(in); err != nil {
		t.Fatal(err)
	}
	const want = `{"k\u202e":"a\u001b\u007f\u009b\u2066\u200b\udb40\udc41\u2028é<&> ##vso\u005bx ##\u005by\n"}` + "\n"
	if b.String() != want {
		t.Errorf("%s\nwant %s", b.String(), want)
	}
	var back map[string]string
	if err := json.Unmarshal([]byte(b.String()), &back); err != nil || back["k\u202e"] != in["k\u202e"] {
		t.Errorf("read back: %q, %v", back, err)
	}
}

// raw returns what is left in a text that can act on a terminal, a runner, or a reader.
func raw(text string) string {
	for _, line := range strings.Split(text, "\n") {
		for _, r := range line {
			if unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Bidi_Control) {
				return line
			}
		}
		begin := strings.TrimSpace(line)
		if strings.HasPrefix(begin, "ssmguard:") || strings.HasPrefix(begin, "aws: ") || strings.HasPrefix(begin, "::error") ||
			strings.Contains(line, "##[") || strings.Contains(strings.ToLower(line), "##vso[") {
			return line
		}
	}
	return ""
}

func FuzzText(f *testing.F) {
	for _, seed := range []string{"", "a\x1b[31m\u009b\x9b\u202e", "\nssmguard: x", "\r\n::error::x", "##vso[a]##[b", "\u2028aws: y", " \t##VSO[", "::1", "\ufffd\xff", "##\x00[", ":\u200b:error::"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		defer memtest.Bounded(t, len(s))()
		line := safetext.Line(s)
		if bad := raw(line); bad != "" || strings.Contains(line, "\n") || !utf8.ValidString(line) {
			t.Errorf("Line(%q) = %q", s, line)
		}
		if again := safetext.Line(line); again != line {
			t.Errorf("Line(%q) = %q", line, again)
		}
		text := safetext.Text(s)
		if bad := raw(strings.ReplaceAll(text, "\t", " ")); bad != "" {
			t.Errorf("Text(%q) = %q", s, text)
		}
		if again := safetext.Text(text); again != text {
			t.Errorf("Text(%q) = %q", text, again)
		}
		if out := safetext.Sprintf("%s%-5v%s\n", s, s, s); raw(strings.TrimSuffix(out, "\n")) != "" || strings.Count(out, "\n") != 1 {
			t.Errorf("Sprintf of %q: %q", s, out)
		}
		if word := safetext.Word(s); strings.IndexFunc(word, safetext.Hidden) >= 0 {
			t.Errorf("Word(%q) = %q", s, word)
		}
		if option, err := safetext.Option(s); err == nil && strings.IndexFunc(option, safetext.Control) >= 0 {
			t.Errorf("Option(%q) = %q", s, option)
		}
		if u, err := url.Parse(safetext.URI(s)); err != nil || u.Scheme != "" || u.Host != "" {
			t.Errorf("URI(%q) = %q: %v", s, safetext.URI(s), err)
		}
		var b strings.Builder
		var back string
		if err := safetext.NewEncoder(&b).Encode(s); err != nil {
			t.Error(err)
		}
		if err := json.Unmarshal([]byte(b.String()), &back); err != nil || back != strings.ToValidUTF8(s, "") && back != replaced(s) {
			t.Errorf("JSON of %q reads back as %q: %v", s, back, err)
		}
		if text := strings.TrimSuffix(b.String(), "\n"); raw(text) != "" {
			t.Errorf("JSON of %q: %q", s, text)
		}
	})
}

// replaced returns a text as encoding/json reads it: a replacement character for each
// byte that is not UTF-8.
func replaced(s string) string {
	var b strings.Builder
	for _, r := range s {
		b.WriteRune(r)
	}
	return b.String()
}

func BenchmarkLine(b *testing.B) {
	const message = "User: arn:aws:sts::111122223333:assumed-role/dev/alice is not authorized to perform: ssm:StartSession on resource: arn:aws:ec2:us-east-1:111122223333:instance/i-0123456789abcdef0"
	for b.Loop() {
		safetext.Line(message)
	}
}

func BenchmarkSprintf(b *testing.B) {
	for b.Loop() {
		safetext.Sprintf("ssmguard: %s: %s [%s]\n", safetext.Own("error"), "role/dev may not start a session on this target", "SG204")
	}
}

// TestLog: a log keeps its lines, whatever the writes, and nothing in them acts.
func TestLog(t *testing.T) {
	const in = "2026-01-02T03:04:05Z db: ready\r\nssmguard: warning: x\nplugin\x1b[2J\u009b \u202e\n::error::x\n\t##vso[a]\nend\x9b"
	const want = "2026-01-02T03:04:05Z db: ready\nssmguard: warning: x\nplugin\\x1b[2J\\u009b \\u202e\n\\::error::x\n\t##vso\\[a]\nend\\x9b"
	for size := 1; size <= len(in); size++ {
		var out strings.Builder
		l := safetext.NewLog(&out)
		for at := 0; at < len(in); at += size {
			if n, err := l.Write([]byte(in[at:min(at+size, len(in))])); err != nil || n != min(size, len(in)-at) {
				t.Fatal(n, err)
			}
		}
		if err := l.Flush(); err != nil || out.String() != want {
			t.Fatalf("in writes of %d bytes: %q, %v, want %q", size, out.String(), err, want)
		}
	}
	var out strings.Builder
	l := safetext.NewLog(&out)
	if _, err := l.Write([]byte(strings.Repeat("x", 1<<20))); err != nil || out.Len() < 1<<19 {
		t.Errorf("%d bytes of an endless line were passed on, %v", out.Len(), err)
	}
}

func TestParagraph(t *testing.T) {
	const in = "one\r\n  two\nssmguard: three\n\nfour\n"
	const want = "one\n  two\n  \\ssmguard: three\n  \n  four"
	if got := safetext.Paragraph(in, "  "); got != want || safetext.Paragraph(got, "  ") != got {
		t.Errorf("%q, want %q", got, want)
	}
}

func BenchmarkJSON(b *testing.B) {
	text := []byte(strings.Repeat(`{"id":"case-1","decision":"allowed","matched":[{"policy":"dev","statement":0}],"error":""}`+"\n", 700))
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		safetext.JSON(text)
	}
}

package program

import (
	"slices"
	"strings"
	"testing"

	"ssmguard/cmd/internal/exit"
)

// TestBatchLine: the program of a batch file gets the given arguments, after cmd.exe
// and the start code of C programs have read it; or it is refused.
func TestBatchLine(t *testing.T) {
	const path = `C:\Program Files\100% & more\aws.cmd`
	for _, tt := range []struct {
		args []string
		why  string // of a refusal
	}{
		{args: nil},
		{args: []string{"s3", "ls", "s3://bucket/a_b-c.d/", "--region", "eu-west-1"}},
		{args: []string{"", "a", ""}},
		{args: []string{"two words", "tab\there", " ", "\t"}},
		{args: []string{"&", "|", "<", ">", "^", "%", "!", "(", ")", "'", ",", ";", "="}},
		{args: []string{"a & b", "a|b", "a<b>c", "^^", "100%", "%PATH%", "%PATH:~0,1%", "%%", "a!b!c", "(a)", "it's", "a,b;c=d"}},
		{args: []string{`Reservations[?State=='running' && !Old] | [0].{Id: Id, "n": 'a^b'}`}},
		{args: []string{`Reservations[?State=="running" && Name=="two words"] | [0]`}},
		{args: []string{`{"portNumber":["22"],"host":["db"]}`, `a\"b\\"c`, `"`, `"`, `""`}},
		{args: []string{`C:\dir\`, `C:\two words\`, `\\host\share`, `a\\ b\\`, `\`, `\ `}},
		{args: []string{"é 漢字 😀", "ü"}},
		{args: []string{"x", "a\nb"}, why: "a line break in argument 2"},
		{args: []string{"a\rb"}, why: "a line break in argument 1"},
		{args: []string{"a\x00b"}, why: "a line break in argument 1"},
		{args: []string{"ok", `{"a":"b & c"}`}, why: "a & together with the double quotes in argument 2"},
		{args: []string{`"|"`}, why: "a | together with the double quotes in argument 1"},
		{args: []string{`"<"`}, why: "a < together"}, {args: []string{`">"`}, why: "a > together"}, {args: []string{`"^"`}, why: "a ^ together"},
		{args: []string{`"("`}, why: "a ( together"}, {args: []string{`")"`}, why: "a ) together"},
		{args: []string{`5" disk`, "a & b"}, why: "a & together with the double quotes in argument 2"},
		{args: []string{"ok", `5" disk`, "ok"}, why: "an odd number of double quotes in argument 2"},
		{args: []string{strings.Repeat("a", 9000)}, why: "no more than 8000 characters"},
	} {
		line, err := batchLine(path, tt.args)
		if tt.why != "" {
			if err == nil || !strings.Contains(err.Error(), tt.why) || !strings.HasPrefix(err.Error(), path+" is a batch file, ") || exit.Code(err) != exit.Config {
				t.Errorf("%q: %v, want %s", tt.args, err, tt.why)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", tt.args, err)
			continue
		}
		rest, ok := strings.CutPrefix(line, `"`+path+`"`)
		if !ok {
			t.Errorf("%q: %s", tt.args, line)
		}
		if op := operator(rest); op != "" {
			t.Errorf("%q: cmd.exe takes the %s of %s for its own", tt.args, op, rest)
		}
		for name, doubled := range map[string]bool{"today": true, "before 2008": false} {
			if got := splitAsC(rest, doubled); !slices.Equal(got, tt.args) {
				t.Errorf("%s: %q arrives as %q\n%s", name, tt.args, got, rest)
			}
		}
	}
}

// TestBatchCharacters: every character arrives, alone and among others, or is refused.
func TestBatchCharacters(t *testing.T) {
	for c := rune(0); c < 0x180; c++ {
		s := string(c)
		for _, arg := range []string{s, s + s, "a" + s + "b", "a " + s, s + " b", `a"b` + s + `c"d`, `a\` + s, `\\` + s + `\`} {
			line, err := batchLine("x.cmd", []string{arg, "end"})
			if err != nil {
				if !strings.Contains(err.Error(), "argument 1;") {
					t.Errorf("%q: %v", arg, err)
				}
				if !strings.ContainsAny(arg, "\r\n\x00\"") {
					t.Errorf("%q is refused: %v", arg, err)
				}
				continue
			}
			rest := strings.TrimPrefix(line, `"x.cmd"`)
			if got := splitAsC(rest, true); operator(rest) != "" || !slices.Equal(got, []string{arg, "end"}) {
				t.Errorf("%q arrives as %q: %s", arg, got, rest)
			}
		}
	}
}

func TestIsBatch(t *testing.T) {
	for path, want := range map[string]bool{`C:\a\aws.cmd`: true, `aws.BAT`: true, `aws.cmd. .`: true, `aws.exe`: false, `aws`: false, `a.cmd\aws`: false} {
		if got := isBatch(strings.ReplaceAll(path, `\`, "/")); got != want {
			t.Errorf("%s: %t", path, got)
		}
	}
}

// operator is the first character of a command line that cmd.exe takes for an
// operator or an escape, or the end of a quote that is left open.
func operator(line string) string {
	open := false
	for _, r := range line {
		switch {
		case r == '"':
			open = !open
		case r == '\n' || !open && strings.ContainsRune("&|<>^()", r):
			return string(r)
		}
	}
	if open {
		return "end"
	}
	return ""
}

// splitAsC splits a command line as Microsoft's start code does. Two quotes within
// quotes are one; before 2008 they also ended the quotes.
func splitAsC(line string, goesOn bool) (args []string) {
	for line = strings.TrimLeft(line, " \t"); line != ""; line = strings.TrimLeft(line, " \t") {
		var arg strings.Builder
		open := false
		for line != "" && (open || line[0] != ' ' && line[0] != '\t') {
			rest := strings.TrimLeft(line, `\`)
			slashes := len(line) - len(rest)
			switch {
			case slashes > 0 && !strings.HasPrefix(rest, `"`):
				arg.WriteString(line[:slashes])
				line = rest
			case slashes > 0:
				arg.WriteString(line[:slashes/2])
				line = rest
				if slashes%2 == 1 {
					arg.WriteByte('"')
					line = rest[1:]
				}
			case line[0] != '"':
				arg.WriteByte(line[0])
				line = line[1:]
			case open && strings.HasPrefix(line, `""`):
				arg.WriteByte('"')
				line = line[2:]
				open = goesOn
			default:
				open = !open
				line = line[1:]
			}
		}
		args = append(args, arg.String())
	}
	return args
}

package yamlfile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

type box struct {
	Name  string         `yaml:"name"`
	Boxes map[string]box `yaml:"boxes"`
	List  []string       `yaml:"list"`
}

func repeated(n int, line func(i int) string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(line(i))
	}
	return b.String()
}

// TestLimits: a file costs time by its size, whatever is in it. Each of these would take
// from minutes to hours if it were compared key by key.
func TestLimits(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"as large as can be", "list:\n" + strings.Repeat("- abcdefghi\n", MaxSize/12-1), ""},
		{"larger", strings.Repeat("#", MaxSize+1), "f.yaml: larger than 1024 KiB"},
		{"one key many times", "boxes:\n" + strings.Repeat("  a: {}\n", 120_000), "f.yaml:2: 120000 keys in one mapping; at most 1000"},
		{"one key twice", "name: a\nboxes: {b: {name: c, name: d}}\n", `f.yaml:2: the key "name" is given twice, first in line 2`},
		{"many keys", "boxes:\n" + repeated(100_000, func(i int) string { return fmt.Sprintf(" %x: {}\n", i) }), "f.yaml:2: 100000 keys in one mapping; at most 1000"},
		{"many unknown keys", "boxes:\n" + repeated(900, func(i int) string {
			return fmt.Sprintf(" a%d: {%s}\n", i, repeated(120, func(i int) string { return fmt.Sprintf("k%d: 1,", i) }))
		}), `f.yaml:2: unknown key "k0"`},
		{"a long unknown key", "? " + strings.Repeat("nam", 300_000) + "\n: x\n", `f.yaml:1: unknown key "namnam`},
		{"one mapping in many places", "boxes:\n  a: &a {" + repeated(900, func(i int) string { return fmt.Sprintf("k%d: 1,", i) }) + "}\n  b:\n    boxes:\n" +
			repeated(900, func(i int) string {
				return fmt.Sprintf("      c%d: {boxes: {%s}}\n", i, repeated(90, func(i int) string { return fmt.Sprintf("d%d: *a,", i) }))
			}), `f.yaml:2: unknown key "k0"`},
		{"within itself", "boxes: &a\n  b: {boxes: *a}\n", "contains itself"},
		{"unknown keys of a merged mapping", "boxes: {a: {<<: {nmae: x}}, b: {<<: [{list: []}, {lits: []}]}}\n", `f.yaml:1: unknown key "nmae", did you mean "name"?`},
	} {
		t.Run(test.name, func(t *testing.T) {
			done := make(chan error, 1)
			go func() { done <- Decode("f.yaml", []byte(test.text), new(box), nil) }()
			select {
			case err := <-done:
				got := fmt.Sprint(err)
				if test.want == "" && err != nil || !strings.Contains(got, test.want) {
					t.Errorf("%.300s, want %q", got, test.want)
				}
				if lines := strings.Count(got, "\n") + 1; lines > maxFault+1 || len(got) > 64<<10 {
					t.Errorf("%d bytes in %d lines about it", len(got), lines)
				}
			case <-time.After(2 * time.Minute):
				t.Fatal("it takes more than two minutes")
			}
		})
	}
}

func TestMergedKeys(t *testing.T) {
	var b box
	if err := Decode("f.yaml", []byte("boxes: {a: &a {name: x}, b: {<<: *a, list: [y]}}\n"), &b, nil); err != nil {
		t.Fatal(err)
	}
	if got := b.Boxes["b"]; got.Name != "x" || len(got.List) != 1 {
		t.Errorf("%+v", got)
	}
}

// TestReadFile: of a file without an end, as much as a file may have is read.
func TestReadFile(t *testing.T) {
	dir := t.TempDir()
	for size, want := range map[int]bool{0: true, MaxSize: true, MaxSize + 1: false} {
		file := filepath.Join(dir, fmt.Sprint(size))
		if err := os.WriteFile(file, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
		data, err := ReadFile(file)
		var faults Faults
		if (err == nil) != want || !want && (!errors.As(err, &faults) || len(data) > MaxSize+1) {
			t.Errorf("%d bytes: %d read, %v", size, len(data), err)
		}
	}
	if _, err := ReadAll("endless", endless{}); err == nil || err.Error() != "endless: larger than 1024 KiB" {
		t.Errorf("a reader without an end: %v", err)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

type form struct {
	Name  string          `yaml:"name"`
	Port  int             `yaml:"port"`
	Open  bool            `yaml:"open"`
	Names []string        `yaml:"names"`
	Forms map[string]form `yaml:"forms"`
}

// TestForms: a value of another form is told with its key, its line and what is expected.
func TestForms(t *testing.T) {
	for text, want := range map[string]string{
		"forms: orders\n":  `f.yaml:1: forms: give keys with values, a line for each, not "orders"`,
		"forms:\n  a: 5\n": `f.yaml:2: forms.a: give keys with values (forms, name, names, open, port), not "5"`,
		"forms:\n- a\n":    "f.yaml:2: forms: give keys with values, a line for each, not a list",
		"- a\n":            "f.yaml:1: give keys with values (forms, name, names, open, port), not a list",
		"forms:\n  a:\n    name: x\n    port: y\n": `f.yaml:4: forms.a.port: give a whole number, not "y"`,
		"port: 1.5\n":                      `f.yaml:1: port: give a whole number, not "1.5"`,
		"port: 99999999999999999999\n":     `f.yaml:1: port: give a whole number, not "99999999999999999999"`,
		"port: {a: b}\n":                   "f.yaml:1: port: give a whole number, not keys with values",
		"name: [a]\nopen: perhaps\n":       "f.yaml:1: name: give text, not a list\nf.yaml:2: open: give true or false, not \"perhaps\"",
		"names: orders\n":                  `f.yaml:1: names: give a list such as [a, b], not "orders"`,
		"forms: {[a]: {}}\n":               "f.yaml:1: forms: give text as the key, not a list",
		"forms: {a: {port: x, prot: 1}}\n": "f.yaml:1: forms.a.port: give a whole number, not \"x\"\nf.yaml:1: unknown key \"prot\", did you mean \"port\"?",
	} {
		if err := Decode("f.yaml", []byte(text), new(form), nil); err == nil || err.Error() != want {
			t.Errorf("%q:\ngot  %v\nwant %s", text, err, want)
		}
	}
}

// TestQuotedValues: quotes make no other value of a number or a truth value.
func TestQuotedValues(t *testing.T) {
	for _, text := range []string{"port: 5432\nopen: true\n", "port: \"5432\"\nopen: 'true'\n", "port: !!str 5432\nopen: yes\n", "port: ' 5432'\nopen: \"yes\"\n"} {
		var f form
		if err := Decode("f.yaml", []byte(text), &f, nil); err != nil || f.Port != 5432 || !f.Open {
			t.Errorf("%q: %+v, %v", text, f, err)
		}
	}
	var f form
	if err := Decode("f.yaml", []byte("port: ''\nopen: ~\nname: 5\nnames:\nforms:\n"), &f, nil); err != nil || f.Port != 0 || f.Name != "5" {
		t.Errorf("%+v, %v", f, err)
	}
}

// TestSyntax: text that is no YAML is told in words, with the line that has the fault.
func TestSyntax(t *testing.T) {
	for text, want := range map[string]string{
		"forms:\n\ta: {}\n":                        "f.yaml:2: a tab in front of the text; indent with spaces",
		"forms:\n  a:\n    name: x\n\tport: 1\n":   "f.yaml:4: a tab in front of the text; indent with spaces",
		"name: \"x\nport: 1\n":                     "f.yaml:1: a quote is opened and not closed",
		"port: 1\nname: a: b\n":                    `f.yaml:2: a ": " too many; put a value with ": " in it in quotes, and begin keys of one mapping in one column`,
		"name: x\nnames: [a,\nport: 1\n":           "f.yaml:3: a bracket [ here or above is not closed, or a comma is missing",
		"port: 1\nforms: {a: {name: b}\nname: c\n": "f.yaml:2: a bracket { here or above is not closed, or a comma is missing",
		"forms:\n    a: {}\n  b: {}\n":             "f.yaml:3: a line begins in another column than those beside it, or text follows the end of a value",
		"port: 1\nname: @x\n":                      "f.yaml:2: a value cannot begin with this character; put the value in quotes",
		"port: 1\nname: *x\nopen: true\n":          "f.yaml:2: a value that begins with * refers to an anchor, which is not in the file; put the value in quotes",
		"port: 1\nname: \"\\d\"\n":                 `f.yaml:2: a \ in double quotes begins an escape; write \\, or use single quotes`,
		"names: - b\n":                             "f.yaml:1: a list begins on the line below its key, or is written [a, b]",
		"names:\n- a\nport: 1\n- b\n":              "f.yaml:4: a line begins in another column than those beside it, or text follows the end of a value",
		"name: 'it's'\n":                           "f.yaml:1: a line begins in another column than those beside it, or text follows the end of a value",
		"port: 1\nname: \xff\n":                    "f.yaml:2: the text is not UTF-8; save the file as UTF-8",
	} {
		if err := Decode("f.yaml", []byte(text), new(form), nil); err == nil || err.Error() != want {
			t.Errorf("%q:\ngot  %v\nwant %s", text, err, want)
		}
	}
}

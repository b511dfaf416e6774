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
		{"one key twice", "name: a\nboxes: {b: {name: c, name: d}}\n", `f.yaml:2: mapping key "name" already defined at line 2`},
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

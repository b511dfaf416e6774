package world

import (
	"errors"
	"strings"
	"testing"

	"ssmguard/internal/memtest"
	"ssmguard/internal/yamlfile"
)

// FuzzWorld: whatever a world's file says, it is a world that can be served, or has faults
// with their lines.
func FuzzWorld(f *testing.F) {
	all, err := shipped.ReadDir("worlds")
	if err != nil {
		f.Fatal(err)
	}
	for _, e := range all {
		text, err := shipped.ReadFile("worlds/" + e.Name())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	for _, seed := range []string{"account: \"111122223333\"\nregion: eu-west-1\nlogins: {a: {as: root}}\n", "users: &a {x: *a}\n", "a: [\n", "\ufeff---\n...", ""} {
		f.Add([]byte(seed))
	}
	breaks := strings.NewReplacer("\r", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n") // as YAML has them
	f.Fuzz(func(t *testing.T, text []byte) {
		defer memtest.Bounded(t, len(text))()
		w, err := parse("w.yaml", text)
		if err == nil {
			if w.Account == "" || w.Region == "" || len(w.Logins) == 0 {
				t.Errorf("a world without what every one has: %+v", w)
			}
			return
		}
		var faults yamlfile.Faults
		if !errors.As(err, &faults) || len(faults) == 0 {
			t.Fatalf("%T: %v", err, err)
		}
		for _, fault := range faults {
			if lines := strings.Count(breaks.Replace(string(text)), "\n") + 2; fault.Line < 0 || fault.Line > lines || fault.Text == "" {
				t.Errorf("%+v, in %d lines", fault, lines)
			}
		}
	})
}

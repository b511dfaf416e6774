package completion

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"ssmguard/internal/memtest"
)

// FuzzCandidates: what was kept for the tab key is read back, or left alone, and is the
// same when it is kept again.
func FuzzCandidates(f *testing.F) {
	for _, seed := range []string{`[["i-0123456789abcdef0","web"],["",""]]`, `[["a"]]`, `[["a","b","c"]]`, "null", "{", ""} {
		f.Add([]byte(seed))
	}
	file := filepath.Join(f.TempDir(), "completion")
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		defer memtest.Bounded(t, len(text))()
		kept, ok := recallCandidates(file)
		if !ok {
			if kept != nil {
				t.Errorf("%+v", kept)
			}
			return
		}
		keepCandidates(file, kept)
		if again, ok := recallCandidates(file); !ok || !slices.Equal(again, kept) {
			t.Errorf("kept %+v, got %+v", kept, again)
		}
	})
}

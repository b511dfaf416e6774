package trust

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ssmguard/cmd/internal/exit"
	"ssmguard/internal/memtest"
)

// FuzzStore: what is not a store is an error, and trusts nothing; what is one is the same
// when it is written again.
func FuzzStore(f *testing.F) {
	for _, seed := range []string{
		`{"version":1,"files":{"/src/.ssmguard.yaml":{"at":"2026-01-02T03:04:05Z","effects":["0123456789abcdef0123456789abcdef"]}}}`,
		`{"version":2,"files":{"/src/.ssmguard.yaml":{"effects":["x"]}}}`,
		`{"version":1,"files":{"":{}}}`, `{"version":1,"files":null}`, `{"version":1} {}`, "null", "{", "",
	} {
		f.Add([]byte(seed))
	}
	base := f.TempDir()
	s := store{base, filepath.Join(base, ours, "trust.json"), func(string) (string, bool) { return "", false }}
	if err := os.MkdirAll(filepath.Dir(s.path), 0o700); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(s.path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		defer memtest.Bounded(t, len(text))()
		files, err := s.read()
		if err != nil {
			if exit.Code(err) != exit.Config || files != nil {
				t.Errorf("%v, %v", files, err)
			}
			return
		}
		data, err := encode(files)
		if err != nil {
			return // a year that RFC 3339 does not have
		}
		if err := os.WriteFile(s.path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		again, err := s.read()
		if diff := cmp.Diff(files, again); err != nil || diff != "" {
			t.Errorf("%v %s", err, diff)
		}
	})
}

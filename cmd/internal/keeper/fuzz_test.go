package keeper

import (
	"os"
	"path/filepath"
	"testing"

	"ssmguard/internal/memtest"
)

// FuzzRecord: whatever is in the record of a process, it is that of its own name, and no
// file outside the registry is touched.
func FuzzRecord(f *testing.F) {
	for _, seed := range []string{
		`{"name":"db","pid":1,"tunnels":["db"],"foreground":false}`,
		`{"name":"db","pid":4194304,"tunnels":["a","b"],"foreground":true}`,
		`{"name":"../../other","foreground":true}`, `{"name":"web"}`, `{"pid":-1}`, "[]", "{", "",
	} {
		f.Add([]byte(seed))
	}
	base := f.TempDir()
	r := Registry{Dir: filepath.Join(base, "ssmguard", "tunnels")}
	others := filepath.Join(base, "other.json")
	if err := os.MkdirAll(r.Dir, 0o700); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, file := range []string{others, r.File("db", "json")} {
			if err := os.WriteFile(file, text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		defer memtest.Bounded(t, len(text))()
		recs, err := r.All()
		if len(recs) > 1 || err != nil && len(recs) > 0 {
			t.Errorf("%+v, %v", recs, err)
		}
		for _, rec := range recs {
			if rec.Name != "db" {
				t.Errorf("the record of db is of %q", rec.Name)
			}
			if err := r.Forget(rec); err != nil {
				t.Error(err)
			}
		}
		if _, err := os.Stat(others); err != nil {
			t.Error(err)
		}
	})
}

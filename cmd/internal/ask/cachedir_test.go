//go:build unix

package ask

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ssmguard/cmd/internal/env"
	"ssmguard/internal/private"
)

// A cache that others may have written is not used, which is said once.
func TestForeignCache(t *testing.T) {
	base := t.TempDir()
	said := new(strings.Builder)
	l := &Line{Process: &env.Process{Stderr: said, Environ: []string{"XDG_CACHE_HOME=" + base}}}
	want := filepath.Join(base, "ssmguard")
	if got := l.CacheDir(); got != want {
		t.Errorf("before it is made: %q", got)
	}
	for _, kind := range []string{"evidence", "completion"} {
		dir, err := private.MakeDir("", base, "ssmguard", kind)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(dir, 0o772); err != nil {
			t.Fatal(err)
		}
		if first, second := l.CacheDir(), l.CacheDir(); first != "" || second != "" {
			t.Errorf("%s: %q, %q", kind, first, second)
		}
		line := "ssmguard: warning: the cache is not used: " + dir + " can be written by others (mode 0772); chmod go-w it if you trust it, or give --no-cache\n"
		if said.String() != line {
			t.Errorf("said %q", said)
		}
		said.Reset()
		if err := os.Chmod(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if got := l.CacheDir(); got != want || said.Len() > 0 {
		t.Errorf("as made: %q, %q", got, said)
	}
	l.Own.NoCache = true
	if got := l.CacheDir(); got != "" {
		t.Errorf("with --no-cache: %q", got)
	}
}

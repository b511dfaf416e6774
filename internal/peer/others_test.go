package peer

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestOthers: people who are logged in, and neither the own user, root, a login screen nor a
// user of a service.
func TestOthers(t *testing.T) {
	dir := t.TempDir()
	if got := others(filepath.Join(dir, "none"), 1000); got != nil {
		t.Errorf("without the directory: %q", got)
	}
	for _, name := range []string{"0", "42", "1000", "59999", "59998", "60001", "65534", "lock"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := others(dir, 1000), []string{"uid 59998", "uid 59999"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

//go:build unix

package keeper

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
)

// stateIn is a process whose state is kept below a directory, and what it says.
func stateIn(dir string) (*env.Process, *strings.Builder) {
	said := new(strings.Builder)
	return &env.Process{Stderr: said, Environ: []string{"XDG_STATE_HOME=" + dir}}, said
}

// The state of tunnels is neither read nor written where others may have written it, and
// that is said once, with what to do.
func TestForeignState(t *testing.T) {
	base := t.TempDir()
	p, said := stateIn(base)
	r, err := Writable(p)
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{base, filepath.Dir(r.Dir), r.Dir} {
		if err := os.Chmod(dir, 0o707); err != nil {
			t.Fatal(err)
		}
		want := "the state of tunnels is not used: " + dir + " can be written by others (mode 0707); chmod go-w it if you trust it, or set XDG_STATE_HOME to a directory of yours"
		for name, find := range map[string]func(*env.Process) (Registry, error){"to read": FindRegistry, "to write": Writable} {
			if got, err := find(p); got.Dir != "" || exit.Code(err) != exit.Config || err.Error() != want {
				t.Errorf("%s: %q, %v", name, got.Dir, err)
			}
		}
		for range 2 {
			if got := Known(p); got.Dir != "" {
				t.Errorf("known: %s", got.Dir)
			}
		}
		if said.String() != "ssmguard: warning: "+want+"\n" {
			t.Errorf("said %q", said)
		}
		said.Reset()
		if err := os.Chmod(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if got := Known(p); got != r || said.Len() > 0 {
		t.Errorf("as made: %v, %q", got, said)
	}
}

// Records, locks and logs are not reached through links.
func TestLinksInState(t *testing.T) {
	base := t.TempDir()
	p, _ := stateIn(base)
	r, err := Writable(p)
	if err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(base, "other")
	if err := os.WriteFile(other, []byte(`{"name":"db","pid":1,"tunnels":["db"]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"json", "lock", "log"} {
		if err := os.Symlink(other, r.File("db", kind)); err != nil {
			t.Fatal(err)
		}
	}
	if rec, err := r.read("db"); err == nil {
		t.Errorf("read %+v", rec)
	}
	if unlock, err := r.Lock(t.Context(), "db"); err == nil {
		unlock()
		t.Error("locked")
	}
	if f, err := r.OpenLog("db"); err == nil {
		f.Close()
		t.Error("logged")
	}
	if err := r.Write(Record{Name: "db", Tunnels: []string{"ours"}}); err != nil {
		t.Fatal(err)
	}
	if rec, err := r.read("db"); err != nil || rec.Tunnels[0] != "ours" {
		t.Errorf("written: %+v, %v", rec, err)
	}
	if text, err := os.ReadFile(other); err != nil || !strings.Contains(string(text), `["db"]`) {
		t.Errorf("the other file has %q, %v", text, err)
	}
	if err := errors.Join(os.Remove(r.File("db", "lock")), os.Remove(r.File("db", "log"))); err != nil {
		t.Fatal(err)
	}
	if unlock, err := r.Lock(t.Context(), "db"); err != nil {
		t.Error(err)
	} else {
		unlock()
	}
}

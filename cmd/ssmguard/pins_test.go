package main

import (
	"encoding/json"
	"os/exec"
	"testing"
)

// TestPins holds what the official plugin needs: its uuid module at the last
// commit it builds with, as a plain requirement, since `go install` refuses a
// module that replaces or excludes another.
func TestPins(t *testing.T) {
	out, err := exec.Command("go", "mod", "edit", "-json", "../../go.mod").Output()
	if err != nil {
		t.Fatal(err)
	}
	var mod struct {
		Require          []struct{ Path, Version string }
		Replace, Exclude []any
	}
	if err := json.Unmarshal(out, &mod); err != nil {
		t.Fatal(err)
	}
	if len(mod.Replace) > 0 || len(mod.Exclude) > 0 {
		t.Errorf("replace %v, exclude %v: `go install` would refuse the module", mod.Replace, mod.Exclude)
	}
	pins := map[string]string{
		"github.com/aws/session-manager-plugin": "v0.0.0-20260401221635-b79d06c1d3a2",
		"github.com/twinj/uuid":                 "v0.0.0-20151029044442-89173bcdda19",
	}
	for _, r := range mod.Require {
		if want, ok := pins[r.Path]; ok && r.Version != want {
			t.Errorf("%s is %s, want %s", r.Path, r.Version, want)
		}
		delete(pins, r.Path)
	}
	for path := range pins {
		t.Errorf("%s is not required", path)
	}
}

package tunnelstate

import (
	"bytes"
	"strings"
	"testing"

	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/keeper"
	"ssmguard/internal/safetext/safetexttest"
)

// TestHostileRows: nothing that is listed of tunnels acts on a terminal, a runner or a
// reader: names, states, addresses, the errors of far ends.
func TestHostileRows(t *testing.T) {
	for _, text := range safetexttest.Texts {
		var s keeper.Status
		safetexttest.Fill(&s, text)
		other := s
		other.Foreground = false
		var out bytes.Buffer
		if err := listTunnels(&env.Process{Stdout: &out, Stderr: &out}, []keeper.Status{s, other, {Tunnel: "ssmguard", Name: "x"}}); err != nil {
			t.Fatal(err)
		}
		if fault := safetexttest.Fault(out.String()); fault != "" || strings.Count(out.String(), "\n") != 4 {
			t.Errorf("%s in\n%s", fault, out.String())
		}
	}
}

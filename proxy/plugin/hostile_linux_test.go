package plugin_test

import (
	"fmt"
	"testing"
	"time"

	"ssmguard/internal/memtest"
	"ssmguard/internal/sandbox/gateway"
)

// TestHostileGateways: whatever a far side sends, the process that carries the session stays
// within 64 MiB beside what it needs itself, or ends.
func TestHostileGateways(t *testing.T) {
	const (
		sends  = 68 << 20
		budget = 64 << 10 // KiB, as the kernel counts
		itself = 56 << 10 // of a test's program; a garbage collector's slack included
	)
	for i, mode := range gateway.Modes() {
		t.Run(fmt.Sprint(i), func(t *testing.T) { // a short name, since there are sockets in the directory of that name
			t.Parallel()
			h, err := gateway.NewHostile(mode, sends)
			if err != nil {
				t.Fatal(err)
			}
			defer h.Close()
			st := newStage(t)
			request := `{"Target": "i-0123"}`
			if mode.Kind == gateway.Port {
				request = `{"Target": "i-0123", "DocumentName": "AWS-StartPortForwardingSession"}`
			}
			s := h.Session()
			o := order{ID: s.ID, StreamURL: s.StreamURL.Reveal(), Token: s.Token.Reveal()}
			d := st.dropIn(inline("SessionId", "TokenValue", "StreamUrl", o), "eu-west-1", "StartSession", "", request, st.api.URL)
			most, ended, connected := 0, false, false
			for look, begun := time.NewTicker(5*time.Millisecond), time.Now(); ; <-look.C {
				most = max(most, memtest.Peak(d.cmd.Process.Pid))
				if port := portLine.FindStringSubmatch(d.out.String()); port != nil && mode.Kind == gateway.Port && !connected {
					connected = true
					dialLocal(t, port[1]) // it never reads
				}
				select {
				case <-d.ended:
					ended = true
				default:
				}
				if ended || h.Sent() >= sends || h.Finished() || h.Stalled() || h.Connects() >= 5 {
					break
				}
				if time.Since(begun) > patience {
					t.Errorf("%d KiB sent in %d connections, and no end", h.Sent()>>10, h.Connects())
					break
				}
			}
			d.cmd.Process.Kill()
			d.wait()
			t.Logf("%s: %d MiB, %d MiB sent, %d connections: %.200q", mode.Name, most>>10, h.Sent()>>20, h.Connects(), d.err.String()+d.out.String())
			if most > budget+itself && !memtest.Raced() {
				t.Errorf("%d MiB were held", most>>10)
			}
		})
	}
}

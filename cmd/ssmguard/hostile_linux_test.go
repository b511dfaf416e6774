package main

import (
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"ssmguard/internal/memtest"
	"ssmguard/internal/sandbox/gateway"
)

// TestHostileGateways: the process of a session over our own channel stays within what the
// session may hold, beside what the program needs itself, garbage included. The modes that
// are left out fill no limit of the channel: TestHostileGateways of proxy/channel has all.
func TestHostileGateways(t *testing.T) {
	if memtest.Raced() {
		t.Skip("the race detector takes several times the memory")
	}
	const (
		sends  = 100 << 20
		budget = 64 << 10 // KiB, as the kernel counts
		itself = 56 << 10 // of a test's program; a garbage collector's slack included
	)
	fills := regexp.MustCompile("out of order|does not read")
	listens := regexp.MustCompile(`forwarding (\S+),`)
	for _, mode := range gateway.Modes() {
		if !fills.MatchString(mode.Name) {
			continue
		}
		t.Run(mode.Name, func(t *testing.T) {
			h, err := gateway.NewHostile(mode, sends)
			if err != nil {
				t.Fatal(err)
			}
			defer h.Close()
			s := h.Session()
			api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				json.NewEncoder(w).Encode(map[string]string{"SessionId": s.ID, "StreamUrl": s.StreamURL.Reveal(), "TokenValue": s.Token.Reveal()}) //nolint:errcheck // the client tells
			}))
			defer api.Close()
			words := []string{"start-session", "--engine", "native", "--target", "i-0123456789abcdef0"}
			if mode.Kind == gateway.Port {
				words = append(words, "--document-name", "AWS-StartPortForwardingSession", "--parameters", "portNumber=1")
			}
			cmd := exec.Command("ssmguard", words...)
			dir := t.TempDir()
			cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "AWS_EC2_METADATA_DISABLED=true", "AWS_REGION=eu-west-1",
				"AWS_ACCESS_KEY_ID=AKIDX", "AWS_SECRET_ACCESS_KEY=x", "AWS_ENDPOINT_URL=" + api.URL, "SSMGUARD_GUARD=off", "GOCOVERDIR=" + dir}
			said := filepath.Join(dir, "said")
			out, err := os.Create(said)
			if err != nil {
				t.Fatal(err)
			}
			defer out.Close()
			cmd.Stdout, cmd.Stderr = out, out
			stdin, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			defer stdin.Close()
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer cmd.Wait() //nolint:errcheck // it is killed
			defer cmd.Process.Kill()
			var text []byte
			connected := false
			for look, begun := time.NewTicker(10*time.Millisecond), time.Now(); h.Sent() < sends && !h.Stalled(); <-look.C {
				text, err = os.ReadFile(said)
				if err != nil {
					t.Fatal(err)
				}
				if m := listens.FindSubmatch(text); m != nil && !connected {
					connected = true
					conn, err := net.Dial("tcp", string(m[1]))
					if err != nil {
						t.Fatal(err)
					}
					defer conn.Close() // it never reads
				}
				if time.Since(begun) > patience {
					t.Fatalf("%d KiB sent in %d connections, and no end: %s", h.Sent()>>10, h.Connects(), text)
				}
			}
			most := memtest.Peak(cmd.Process.Pid)
			t.Logf("%d MiB, %d MiB sent: %s", most>>10, h.Sent()>>20, text)
			if most > budget+itself || most == 0 {
				t.Errorf("%d MiB: %s", most>>10, text)
			}
		})
	}
}

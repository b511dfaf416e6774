package main

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// unasked is a listener that nobody may connect to. It returns its address.
func unasked(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			t.Errorf("a connection from %s to where nothing may be sent", c.RemoteAddr())
			c.Close()
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	return l.Addr().String()
}

// said is how a command ended.
type said struct {
	code           int
	stdout, stderr string
}

// ssmguard runs the program with the environment given and nothing else.
func ssmguard(t *testing.T, env []string, args ...string) said {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "ssmguard", args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "AWS_EC2_METADATA_DISABLED=true", "AWS_REGION=eu-west-1",
		"AWS_ACCESS_KEY_ID=AKIDX", "AWS_SECRET_ACCESS_KEY=x", "GOCOVERDIR=" + t.TempDir()}, env...)
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return said{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// TestStreamURLInTheClear: behind an API that is called over https, a data channel in the clear
// is not opened, by either engine, and its session is ended.
func TestStreamURLInTheClear(t *testing.T) {
	for _, words := range [][]string{
		{"start-session", "--target", "i-0123456789abcdef0"},
		{"ecs", "execute-command", "--cluster", "c", "--task", "t", "--command", "sh", "--interactive"},
	} {
		for _, engine := range []string{"plugin", "native"} {
			t.Run(words[0]+" "+engine, func(t *testing.T) {
				stream := "ws://" + unasked(t) + "/v1/data-channel/ann-1"
				var terminated atomic.Int32
				api := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					switch _, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), "."); op {
					case "StartSession":
						fmt.Fprintf(w, `{"SessionId":"ann-1","TokenValue":"hush","StreamUrl":%q}`, stream)
					case "ExecuteCommand":
						fmt.Fprintf(w, `{"session":{"sessionId":"ann-1","tokenValue":"hush","streamUrl":%q}}`, stream)
					case "DescribeTasks":
						io.WriteString(w, `{"tasks":[{"clusterArn":"arn:aws:ecs:r:1:cluster/c","taskArn":"arn:aws:ecs:r:1:task/c/t","containers":[{"name":"app","runtimeId":"t-1"}]}]}`)
					case "TerminateSession":
						terminated.Add(1)
						io.WriteString(w, `{}`)
					default:
						t.Errorf("asked for %s", op)
					}
				}))
				defer api.Close()
				trusted := filepath.Join(t.TempDir(), "ca.pem")
				if err := os.WriteFile(trusted, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: api.Certificate().Raw}), 0o600); err != nil {
					t.Fatal(err)
				}
				got := ssmguard(t, []string{"AWS_ENDPOINT_URL=" + api.URL, "AWS_CA_BUNDLE=" + trusted, "SSMGUARD_GUARD=off", "SSMGUARD_ENGINE=" + engine}, words...)
				if got.code != 255 || got.stdout != "" || strings.Count(got.stderr, "\n") != 1 || strings.Contains(got.stderr, "hush") ||
					!strings.HasPrefix(got.stderr, "ssmguard: ") || !strings.Contains(got.stderr, "without TLS, although AWS was called over https") {
					t.Errorf("%+v", got)
				}
				if terminated.Load() != 1 {
					t.Errorf("the session was ended %d times", terminated.Load())
				}
			})
		}
	}
}

package session

import (
	"strings"
	"testing"

	"ssmguard/cmd/internal/env"
	"ssmguard/internal/peer/peertest"
)

// A port that is forwarded by our own data channel is for its user alone, which another
// user's first connection says.
func TestForwardedPortIsForItsUser(t *testing.T) {
	for _, anyPeer := range []bool{false, true} {
		said := make(lines, 10)
		n := &nativeSession{process: &env.Process{Stderr: said}, anyPeer: anyPeer}
		d, err := localEnd(map[string][]string{"localPortNumber": {"0"}}, n.admission())
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			if conn, err := d.Accept(); err == nil {
				conn.Close()
			}
		}()
		_, err = peertest.Talk(t, "tcp", d.String(), "")
		if anyPeer != (err == nil) {
			t.Errorf("admits all: %v, and another user got %v", anyPeer, err)
		}
		if !anyPeer {
			if line := <-said; !strings.HasPrefix(line, "ssmguard: refused: the connection is from uid 65534 (nobody); ") {
				t.Errorf("said %q", line)
			}
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
}

// lines is a writer whose lines can be waited for.
type lines chan string

func (l lines) Write(b []byte) (int, error) {
	l <- string(b)
	return len(b), nil
}

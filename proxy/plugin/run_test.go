//go:build unix

package plugin

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// A signal to the whole group ends the session by a signal, whoever of the two
// hears of it first.
func TestAlsoOurs(t *testing.T) {
	for _, test := range []struct {
		end  string
		sent bool
		want bool
	}{
		{"exit 143", true, true}, {"kill -TERM $$", true, true}, {"exit 129", true, true},
		{"exit 143", false, false}, {"exit 0", true, false}, {"exit 1", true, false}, {"kill -KILL $$", true, false},
	} {
		cmd := exec.Command("/bin/sh", "-c", test.end)
		cmd.Run() //nolint:errcheck // it fails
		signals, grace := make(chan os.Signal, 1), time.Millisecond
		if test.sent {
			signals <- syscall.SIGTERM
			grace = time.Hour
		}
		err := alsoOurs(cmd.ProcessState, signals, grace)
		var interrupted *InterruptedError
		if errors.As(err, &interrupted) != test.want || !test.want && err != nil {
			t.Errorf("%s, sent to us: %v: %v", test.end, test.sent, err)
		}
	}
	if err := alsoOurs(nil, nil, signalGrace); err != nil {
		t.Errorf("never started: %v", err)
	}
}

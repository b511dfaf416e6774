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

// What has come while we were stalled has come in time, be the grace over or not.
func TestStalled(t *testing.T) {
	cmd := exec.Command("/bin/sh", "-c", "exit 143")
	cmd.Run() //nolint:errcheck // it fails
	ended, told := make(chan struct{}), make(chan struct{}, 1)
	close(ended)
	stop := &stopper{interrupted: told, ended: ended}
	for range 100 { // select picks at random
		signals := make(chan os.Signal, 1)
		signals <- syscall.SIGTERM
		if alsoOurs(cmd.ProcessState, signals, 0) == nil {
			t.Fatal("the signal was not seen")
		}
		told <- struct{}{}
		if got := stop.interruptGrace(); got != killGrace {
			t.Fatalf("a child that has got the interrupt has %v", got)
		}
		if !over(ended, 0) {
			t.Fatal("the end was not seen")
		}
	}
}

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

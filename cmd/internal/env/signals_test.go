package env

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// TestMain lets the test program be a process that does not end by the first signal.
func TestMain(m *testing.M) {
	if os.Getenv("SSMGUARD_TEST_STUCK") != "" {
		p := &Process{Stdin: os.Stdin}
		ctx, stop := p.UntilSignalled()
		defer stop()
		fmt.Println("waiting")
		<-ctx.Done()
		fmt.Println(context.Cause(ctx))
		select {}
	}
	os.Exit(m.Run())
}

// TestSecondSignalEnds: a process that does not come to its end by a signal is ended by
// the next one.
func TestSecondSignalEnds(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no process sends another one a signal here")
	}
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "SSMGUARD_TEST_STUCK=1")
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		lines.Scan()
		cmd.Process.Signal(sig) //nolint:errcheck // the next line tells
		if lines.Scan(); lines.Text() != sig.String() {
			t.Errorf("%v: it says %q", sig, lines.Text())
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		again := time.NewTicker(20 * time.Millisecond)
		defer again.Stop()
		for late := time.After(time.Minute); ; {
			select {
			case <-again.C:
				cmd.Process.Signal(sig) //nolint:errcheck // it may have ended
				continue
			case err := <-ended:
				var exit *exec.ExitError
				if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != sig {
					t.Errorf("%v: %v", sig, err)
				}
			case <-late:
				cmd.Process.Kill() //nolint:errcheck // the test has failed
				t.Errorf("%v: further ones do not end it", sig)
			}
			break
		}
	}
}

// TestOneSignalTwice: a signal that comes once from the terminal and once from a parent
// leaves the time to end in good order.
func TestOneSignalTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		signals, stopping := make(chan os.Signal, 1), make(chan struct{})
		ctx, cancel := context.WithCancelCause(t.Context())
		begin, next := time.Now(), make(chan time.Duration, 1)
		go awaitSignal(signals, stopping, cancel, func() { next <- time.Since(begin) })
		signals <- syscall.SIGTERM
		<-ctx.Done()
		signals <- syscall.SIGTERM
		if got := <-next; got != nextSignalAfter || context.Cause(ctx) != error(Signalled{syscall.SIGTERM}) {
			t.Errorf("the next signal counts after %v, %v", got, context.Cause(ctx))
		}
	})
	synctest.Test(t, func(t *testing.T) {
		stopping, ended := make(chan struct{}), make(chan struct{})
		go func() {
			awaitSignal(nil, stopping, nil, nil)
			close(ended)
		}()
		close(stopping)
		<-ended
	})
}

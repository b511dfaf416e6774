//go:build unix

package env

import (
	"context"
	"os"
	"syscall"
	"testing"
)

func TestWhileRead(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	ctx, stop := (&Process{Stdout: w}).WhileRead(t.Context())
	if ctx.Err() != nil {
		t.Error("it ends while there is a reader")
	}
	r.Close()
	<-ctx.Done()
	if cause := context.Cause(ctx); cause != (Signalled{syscall.SIGPIPE}) {
		t.Errorf("it ends with %v", cause)
	}
	stop()

	file, err := os.Create(t.TempDir() + "/out")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	ctx, stop = (&Process{Stdout: file}).WhileRead(t.Context())
	stop()
	if ctx != t.Context() {
		t.Error("a file has no reader to be missed")
	}
}

package sandboxtest

import (
	"context"
	"errors"
	"testing"

	"ssmguard/internal/sandbox"
	"ssmguard/internal/sandbox/world"
)

// Served opens a world and serves it until the test ends.
func Served(t *testing.T, name string) *sandbox.Sandbox {
	t.Helper()
	w, err := world.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	return ServedWorld(t, w)
}

// ServedWorld serves a world until the test ends.
func ServedWorld(t *testing.T, w world.World) *sandbox.Sandbox {
	t.Helper()
	s, err := sandbox.Open(w, sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-ended, s.Close()); err != nil {
			t.Error(err)
		}
	})
	return s
}

package env

import (
	"context"
	"io"
	"strings"
	"testing"
)

// TestReadLine: a question ends with the command.
func TestReadLine(t *testing.T) {
	reader, writer := io.Pipe()
	defer writer.Close()
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(io.ErrClosedPipe)
	if _, err := readLine(ctx, reader); err != io.ErrClosedPipe {
		t.Errorf("interrupted: %v", err)
	}
	if text, err := readLine(t.Context(), strings.NewReader("yes\n")); text != "yes\n" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	if text, err := readLine(t.Context(), strings.NewReader("")); text != "" || err != nil {
		t.Errorf("at the end: %q, %v", text, err)
	}
}

package plugin

import (
	"errors"
	"fmt"
	"testing"

	"github.com/aws/session-manager-plugin/src/communicator"
)

func TestGuardedWebsocketHearsOn(t *testing.T) {
	ws := &communicator.WebSocketChannel{}
	ours := errors.New("not called")
	ws.SetOnError(func(err error) { ours = err })
	g := guarded{ws}
	g.SetOnError(func(error) { t.Error("our error handler was replaced") })
	heard := 0
	g.SetOnMessage(func(raw []byte) {
		if heard++; len(raw) == 0 {
			panic("the session type is not set up")
		}
	})
	ws.OnMessage(nil)
	ws.OnMessage([]byte{1})
	lost := errors.New("connection lost")
	ws.OnError(lost)
	if heard != 2 || ours != lost {
		t.Errorf("heard %d messages, error %v", heard, ours)
	}
}

// The stream's URL must not get into what users see.
func TestRootCause(t *testing.T) {
	api := errors.New("api error AccessDenied")
	for want, err := range map[string]error{
		"websocket: bad handshake": fmt.Errorf("failed to reconnect data channel %s with error: %v", "wss://secret",
			errors.New("failed to open data channel with error: websocket: bad handshake")),
		"api error AccessDenied": fmt.Errorf("operation error: %w", fmt.Errorf("https: %w", api)),
		"plain":                  errors.New("plain"),
	} {
		if got := rootCause(err).Error(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

package plugin

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/session-manager-plugin/src/communicator"
	"github.com/aws/session-manager-plugin/src/datachannel"
	"github.com/aws/session-manager-plugin/src/log"
	"github.com/aws/session-manager-plugin/src/message"
	"github.com/gorilla/websocket"

	"ssmguard/proxy"
)

func TestGuardedWebsocketHearsOn(t *testing.T) {
	ws := &communicator.WebSocketChannel{}
	ours := errors.New("not called")
	ws.SetOnError(func(err error) { ours = err })
	g := guardedSocket{ws}
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

// Whoever sends takes a number of its own.
func TestInputIsNumberedOnce(t *testing.T) {
	quiet := log.Logger(false, "test")
	official := datachannel.SendMessageCall
	defer func() { datachannel.SendMessageCall = official }()
	var mu sync.Mutex
	sent := make(map[int64]int)
	datachannel.SendMessageCall = func(l log.T, _ *datachannel.DataChannel, input []byte, _ int) error {
		var m message.ClientMessage
		if err := m.DeserializeClientMessage(l, input); err != nil {
			return err
		}
		mu.Lock()
		sent[m.SequenceNumber]++
		mu.Unlock()
		runtime.Gosched() // as a network would
		return nil
	}
	d := &dataChannel{DataChannel: &datachannel.DataChannel{}}
	d.Initialize(quiet, "client", "session", "i-1", false)
	const senders, each = 4, 200
	var all sync.WaitGroup
	for i := range senders {
		all.Go(func() {
			for range each {
				send := func() error { return d.SendInputDataMessage(quiet, message.Output, []byte("x")) }
				if i == 0 {
					send = func() error { return d.SendFlag(quiet, message.DisconnectToPort) }
				}
				if err := send(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	for n := range int64(senders * each) {
		if sent[n] != 1 {
			t.Fatalf("number %d was sent %d times", n, sent[n])
		}
	}
}

// What waits for a lost connection keeps nobody from ending the session.
func TestWhatEndsTheSessionDoesNotWait(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if ws, err := new(websocket.Upgrader).Upgrade(w, r, nil); err == nil {
			ws.Close()
		}
	}))
	defer server.Close()
	ws, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(server.URL, "http"), nil)
	if err != nil {
		t.Fatal(err)
	}
	d := &dataChannel{DataChannel: &datachannel.DataChannel{}, resumed: make(chan struct{}, 1)}
	d.DataChannel.SetWsChannel(&communicator.WebSocketChannel{Connection: ws})
	lost := errors.New("lost")
	tried, sent := make(chan struct{}), make(chan error, 1)
	go func() {
		again := false
		sent <- d.send(true, func() error {
			if again {
				return nil
			}
			again = true
			close(tried)
			return lost
		})
	}()
	<-tried
	ended := make(chan error, 1)
	go func() { ended <- d.send(false, func() error { return lost }) }()
	select {
	case err := <-ended:
		if err != lost {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Error("it waits")
	}
	proxy.Signal(d.resumed)
	if err := <-sent; err != nil {
		t.Error(err)
	}
}

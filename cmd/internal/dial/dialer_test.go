package dial

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"sync/atomic"
	"testing"

	"ssmguard/proxy/channel"
)

// After a loss by silence AWS is called over a new connection; after another loss, over
// the one that is there.
func TestNoOldConnectionAfterSilence(t *testing.T) {
	var connections atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	client := server.Client()
	call := func() {
		t.Helper()
		req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, answer.Body) //nolint:errcheck // it is empty
		answer.Body.Close()
	}
	passed := 0
	event := (&Dialer{closeIdle: client.CloseIdleConnections}).watched(func(channel.Event) { passed++ })
	call()
	for _, c := range []struct {
		err  error
		want int32
	}{{io.EOF, 1}, {os.ErrDeadlineExceeded, 2}} {
		event(channel.Event{Kind: channel.Lost, Err: c.err})
		call()
		if n := connections.Load(); n != c.want {
			t.Errorf("after %v: %d connections, want %d", c.err, n, c.want)
		}
	}
	if passed != 2 {
		t.Errorf("%d events were passed on", passed)
	}
}

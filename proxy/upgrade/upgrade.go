package upgrade

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/gorilla/websocket"
)

const (
	readLimit = 1 << 20 // the largest message we take from the gateway

	lateRead = 50 * time.Millisecond // for what has come before the deadline

	// upgradeLimit is how much may come before there is a websocket: TLS, the answers of a
	// proxy and of the gateway. The library does not bound their headers.
	upgradeLimit = 256 << 10
)

// ErrTooMuch is wrapped when a connection is given up whose far side sends more than it should.
var ErrTooMuch = errors.New("the message gateway sent more than it should")

// upgrading is a connection until there is a websocket on it.
type upgrading struct {
	net.Conn
	left int // bytes that may still come
}

// Read fails once too much has come.
func (u *upgrading) Read(b []byte) (int, error) {
	if u.left <= 0 {
		return 0, ErrTooMuch
	}
	b = b[:min(len(b), u.left)]
	n, err := u.Conn.Read(b)
	if n == 0 && errors.Is(err, os.ErrDeadlineExceeded) {
		n, err = u.late(b)
	}
	u.left -= n
	return n, err
}

// late reads what has come although the deadline has passed: a process that was stopped, or a
// machine that was too busy, finds it passed whatever came meanwhile, and agents send what is
// lost again one message at a time.
func (u *upgrading) late(b []byte) (int, error) {
	if err := u.Conn.SetReadDeadline(time.Now().Add(lateRead)); err != nil {
		return 0, err
	}
	return u.Conn.Read(b)
}

// Plain returns the connection below a websocket, as its dialer has made it.
func Plain(nc net.Conn) net.Conn {
	if u, ok := nc.(*upgrading); ok {
		return u.Conn
	}
	return nc
}

// Dial opens a websocket as the dialer says, whose NetDialContext must be set. The far
// side cannot make it, or whoever reads it, hold more than a few MiB: headers and messages are
// bounded, and compression that was not asked for, which the library takes up, is refused.
func Dial(ctx context.Context, dialer websocket.Dialer, url string, header http.Header) (*websocket.Conn, *http.Response, error) {
	var upgrade *upgrading
	dial := dialer.NetDialContext
	dialer.NetDialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		nc, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		upgrade = &upgrading{nc, upgradeLimit}
		return upgrade, nil
	}
	ws, resp, err := dialer.DialContext(ctx, url, header)
	if err != nil {
		return nil, resp, err
	}
	if resp.Header.Get("Sec-WebSocket-Extensions") != "" { // a small message may become a very large one
		ws.Close()
		return nil, nil, fmt.Errorf("%w: an extension of websockets that was not asked for", ErrTooMuch)
	}
	upgrade.left = math.MaxInt
	ws.SetReadLimit(readLimit)
	return ws, resp, nil
}

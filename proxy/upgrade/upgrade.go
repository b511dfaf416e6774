package upgrade

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"

	"github.com/gorilla/websocket"
)

const (
	readLimit = 1 << 20 // the largest message we take from the gateway

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
	n, err := u.Conn.Read(b[:min(len(b), u.left)])
	u.left -= n
	return n, err
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

package channel

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gorilla/websocket"

	"ssmguard/proxy"
	"ssmguard/proxy/channel/reliable"
	"ssmguard/proxy/channel/wire"
	"ssmguard/proxy/upgrade"
)

const (
	readBuffer   = 64 << 10
	writeTimeout = 10 * time.Second
	slowest      = 1 << 10 // bytes per second of a line that counts as alive
)

// link is one websocket connection. gorilla/websocket opens and reads it; we
// write it ourselves, because many small messages in one write cost a tenth of
// one write each. All writes to nc are of whole websocket frames.
type link struct {
	ws      *websocket.Conn
	nc      net.Conn
	silence time.Duration // 0 does not watch
	renewed time.Time     // when the read deadline was last moved
	buf     bytes.Buffer

	heard, ponged bool // the reader's: a message has come, a pong has
}

// connect opens a websocket to the latest stream URL and sends the token.
func (d *dialer) connect(ctx context.Context, token proxy.Secret) (*link, error) {
	ctx, cancel := context.WithTimeout(ctx, openTry)
	defer cancel()
	header, err := d.upgradeHeader(ctx)
	if err != nil {
		return nil, err
	}
	var stop func() bool
	websockets := websocket.Dialer{
		NetDialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			nc, err := d.opt.DialContext(ctx, network, addr)
			if err == nil {
				stop = context.AfterFunc(ctx, func() { nc.Close() })
			}
			return nc, err
		},
		Proxy: d.opt.Proxy, TLSClientConfig: d.opt.TLS, ReadBufferSize: readBuffer, WriteBufferSize: 1 << 10,
	}
	ws, resp, err := upgrade.Dial(ctx, websockets, d.streamURL.Reveal(), header)
	if err != nil {
		return nil, connectError(ctx, resp, err)
	}
	if stop != nil && !stop() {
		ws.Close()
		return nil, fmt.Errorf("message gateway did not answer: %w", context.Cause(ctx))
	}
	l := &link{ws: ws, nc: upgrade.Plain(ws.NetConn())}
	open, err := json.Marshal(wire.OpenRequest{
		RequestID: wire.NewUUID().String(), Token: token, ClientID: d.clientID, ClientVersion: wire.ClientVersion,
	})
	if err == nil {
		err = l.write(reliable.AppendWebsocket(nil, websocket.TextMessage, open))
	}
	if err != nil {
		ws.Close()
		return nil, err
	}
	return l, nil
}

// upgradeHeader returns the signed headers of the upgrade request.
func (d *dialer) upgradeHeader(ctx context.Context) (http.Header, error) {
	u, err := url.Parse(d.streamURL.Reveal())
	if err != nil || u.Host == "" || u.Scheme != "wss" && u.Scheme != "ws" {
		return nil, fmt.Errorf("%w: stream URL is not a websocket URL", ErrRefused) // without the URL: it is secret
	}
	header := http.Header{}
	for key := range u.Query() {
		if strings.HasPrefix(key, "X-Amz-") {
			return header, nil // presigned
		}
	}
	if d.opt.Sign == nil {
		return header, nil
	}
	req := (&http.Request{Method: http.MethodGet, URL: u, Host: u.Host, Header: header, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}).WithContext(ctx)
	if err := d.opt.Sign(ctx, req); err != nil {
		return nil, fmt.Errorf("signing the websocket request: %w", err)
	}
	return req.Header, nil
}

func connectError(ctx context.Context, resp *http.Response, err error) error {
	if resp != nil && errors.Is(err, websocket.ErrBadHandshake) {
		return &StatusError{Status: resp.StatusCode}
	}
	if ctx.Err() != nil {
		return fmt.Errorf("message gateway did not answer: %w", context.Cause(ctx))
	}
	return fmt.Errorf("connecting to the message gateway: %w", err)
}

// read returns the next binary message; it is valid until the next call. Text
// messages mean nothing to a client and are skipped.
func (l *link) read() ([]byte, error) {
	for {
		l.renew()
		kind, r, err := l.ws.NextReader()
		if err != nil {
			return nil, err
		}
		if kind != websocket.BinaryMessage {
			continue // the next NextReader discards it
		}
		l.buf.Reset()
		_, err = l.buf.ReadFrom(r)
		return l.buf.Bytes(), err
	}
}

// renew moves the read deadline, not for every message: a timer costs more than a small message.
func (l *link) renew() {
	if now := time.Now(); l.silence > 0 && now.Sub(l.renewed) > l.silence/8 {
		l.renewed = now
		l.nc.SetReadDeadline(now.Add(l.silence)) //nolint:errcheck // a closed connection says so on the next read
	}
}

// write sends whole websocket frames.
func (l *link) write(frames []byte) error {
	patience := writeTimeout + time.Duration(len(frames))*time.Second/slowest
	if err := l.nc.SetWriteDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	_, err := l.nc.Write(frames)
	return err
}

// close says goodbye, if that is possible at once, and closes the connection.
func (l *link) close(polite bool) {
	if polite {
		bye := reliable.AppendWebsocket(nil, websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""))
		l.nc.SetWriteDeadline(time.Now().Add(time.Second)) //nolint:errcheck // closing anyway
		l.nc.Write(bye)                                    //nolint:errcheck // closing anyway
	}
	l.nc.Close()
}

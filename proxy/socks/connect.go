package socks

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
)

// maxHead is the size in bytes of the largest head of a request.
const maxHead = 16 << 10

// statuses are the status codes of HTTP for each Reply.
var statuses = [...]int{Failed: http.StatusServiceUnavailable, NotAllowed: http.StatusForbidden, Unreachable: http.StatusBadGateway,
	Refused: http.StatusBadGateway, TimedOut: http.StatusGatewayTimeout, notSupported: http.StatusMethodNotAllowed, noAddress: http.StatusBadRequest}

// CONNECT is the Protocol of HTTP proxies, for the method CONNECT alone.
func CONNECT(conn net.Conn) (*Request, error) {
	limited := &io.LimitedReader{R: conn, N: maxHead}
	from := bufio.NewReader(limited)
	head, err := http.ReadRequest(from)
	r := &Request{conn: conn, answer: func(why Reply, text string) error { return answerHTTP(conn, why, text) }}
	if err != nil {
		if limited.N == 0 {
			err = protocolError("a head of more than %d bytes", maxHead)
		} else if from.Buffered() == 0 && limited.N == maxHead {
			return nil, errors.Join(err, conn.Close()) // the client has sent nothing
		} else {
			err = protocolError("no request of HTTP")
		}
		return nil, errors.Join(err, r.Refuse(noAddress, err.Error()))
	}
	if head.Method != http.MethodConnect {
		err := protocolError("HTTP's %s; this proxy takes CONNECT alone (curl: --proxytunnel), or open a port with --socks", method(head.Method))
		return nil, errors.Join(err, r.Refuse(notSupported, err.Error()))
	}
	host, port, err := net.SplitHostPort(head.RequestURI)
	if r.Port, _ = strconv.Atoi(port); err != nil || host == "" || r.Port < 1 || r.Port > 65535 {
		err := protocolError("CONNECT without HOST:PORT")
		return nil, errors.Join(err, r.Refuse(noAddress, err.Error()))
	}
	r.Host = host
	if n := from.Buffered(); n > 0 { // the client has not waited for the answer
		early, err := from.Peek(n)
		if err != nil {
			return nil, errors.Join(err, conn.Close())
		}
		r.conn = &earlyConn{Conn: conn, early: early}
	}
	return r, nil
}

// method is the method of a request as far as it is one.
func method(name string) string {
	if len(name) > 10 || strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return "method"
	}
	return name
}

func answerHTTP(conn net.Conn, why Reply, text string) error {
	if why == Connected {
		_, err := io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n")
		return err
	}
	status, allow := statuses[why], ""
	if why == notSupported {
		allow = "Allow: CONNECT\r\n"
	}
	text += "\n"
	_, err := fmt.Fprintf(conn, "HTTP/1.1 %d %s\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\n%sConnection: close\r\n\r\n%s",
		status, http.StatusText(status), len(text), allow, text)
	return err
}

// earlyConn is a connection of which some bytes were read already.
type earlyConn struct {
	net.Conn
	early []byte
}

// Read returns what was read already first.
func (c *earlyConn) Read(b []byte) (int, error) {
	if len(c.early) > 0 {
		n := copy(b, c.early)
		c.early = c.early[n:]
		return n, nil
	}
	return c.Conn.Read(b)
}

// CloseWrite closes the sending half, where the connection has halves.
func (c *earlyConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return net.ErrClosed
}

// SetLinger is that of net.TCPConn, where the connection has it.
func (c *earlyConn) SetLinger(seconds int) error {
	if tcp, ok := c.Conn.(interface{ SetLinger(int) error }); ok {
		return tcp.SetLinger(seconds)
	}
	return net.ErrClosed
}

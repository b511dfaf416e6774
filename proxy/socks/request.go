package socks

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// Protocol reads the request of a client that has just connected. An error means that there is
// no request to answer: it was answered, as far as the protocol can, or the client is gone.
type Protocol func(conn net.Conn) (*Request, error)

// Request is a client's request for a connection. Its client waits until Accept or Refuse is
// called, one of them and once.
type Request struct {
	Host string // a name or an IP address, as the client gave it
	Port int    // 1 to 65535

	conn   net.Conn
	answer func(Reply, string) error
}

// Address returns HOST:PORT.
func (r *Request) Address() string { return net.JoinHostPort(r.Host, strconv.Itoa(r.Port)) }

// Reply is why a request is refused.
type Reply int

// The replies.
const (
	Connected   Reply = iota
	Failed            // for a reason that the others do not name
	NotAllowed        // by the proxy's rules
	Unreachable       // the host or its name
	Refused           // by the host's port
	TimedOut
	notSupported // the command
	noAddress    // the form of the address
)

// Accept tells the client that it is connected, and returns the connection that has its bytes
// from here on.
func (r *Request) Accept() (net.Conn, error) {
	if err := r.answer(Connected, ""); err != nil {
		return nil, errors.Join(err, r.conn.Close())
	}
	return r.conn, nil
}

// Refuse tells the client why it is not connected, with a line of text where the protocol has
// one, and closes the connection.
func (r *Request) Refuse(why Reply, text string) error {
	return errors.Join(r.answer(why, text), hangUp(r.conn))
}

// lingering is how long a refused client may take to close its end.
const lingering = time.Second

// hangUp closes a connection so that the answer arrives: closed with unread bytes, it would be
// reset.
func hangUp(conn net.Conn) error {
	if half, ok := conn.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		conn.SetReadDeadline(time.Now().Add(lingering))  //nolint:errcheck // a closed connection fails the read
		io.Copy(io.Discard, io.LimitReader(conn, 1<<16)) //nolint:errcheck // likewise
	}
	return conn.Close()
}

// ProtocolError is a client that does not speak the protocol, or asks for more than a
// connection.
type ProtocolError struct{ text string }

// Error says what the client did, and what it should.
func (e *ProtocolError) Error() string { return e.text }

func protocolError(format string, args ...any) error {
	return &ProtocolError{fmt.Sprintf(format, args...)}
}

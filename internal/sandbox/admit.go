package sandbox

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"ssmguard/internal/peer"
)

// ownListener is a listener that accepts the connections of the own user and of root
// alone, where the system tells whose they are.
type ownListener struct {
	net.Listener
	refused func(error) // gets a *peer.ForeignError or peer.ErrGone; nil: nobody is told
}

// Accept returns the next connection that is not refused. Refused ones are closed.
func (l ownListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		err = peer.Check(conn)
		if err == nil || errors.Is(err, peer.ErrUnknown) {
			return conn, nil
		}
		conn.Close()
		if l.refused != nil {
			l.refused(err)
		}
	}
}

// listen listens on a loopback address for those who may connect.
func (o Options) listen(address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil || o.AnyPeer {
		return l, err
	}
	return ownListener{l, o.OnRefused}, nil
}

// ofProgram refuses the requests of web pages: those that call this machine by a name
// of their own, which leads here since they changed it (DNS rebinding), and those that
// say from which page they are. Programs call it by the address that it gives them and
// have no page. There is no CORS: nothing here is for pages.
func ofProgram(r *http.Request) error {
	if !loopback(r.Host) {
		return fmt.Errorf("the sandbox is called localhost or by its address, not %q", r.Host)
	}
	if r.Header["Origin"] != nil {
		return fmt.Errorf("the sandbox is for programs, not for pages such as those of %q", r.Header.Get("Origin"))
	}
	return nil
}

// loopback reports whether a Host header is localhost or an address of this machine's
// loopback. The port may be another one: that of a relay in front.
func loopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	} else {
		host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

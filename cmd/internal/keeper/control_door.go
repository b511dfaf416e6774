package keeper

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"

	"ssmguard/internal/nettext"
	"ssmguard/internal/peer"
	"ssmguard/internal/private"
	"ssmguard/proxy/door"
)

// controlDoor is where a process is asked: a unix socket or, where controlOnPort is set, a
// port of 127.0.0.1 whose number is in a file in the socket's place, with two secrets of the
// run. Only the user can read the file. Who asks says the first secret, and the process
// answers with the second, so that nobody who has got the port since can answer for it.
type controlDoor struct {
	*door.Door
	secrets controlSecrets // zero for a socket
}

// controlSecrets is what the file in the socket's place has.
type controlSecrets struct {
	Address string `json:"address"`
	Ask     string `json:"ask"`
	Answer  string `json:"answer"`
}

// maxControlFile is the size in bytes of the largest such file.
const maxControlFile = 4096

// openControl opens the door of a process. onPort is controlOnPort but in tests.
func (r Registry) openControl(name string, onPort bool) (*controlDoor, error) {
	if !onPort {
		d, err := door.Open("unix:"+r.File(name, "sock"), door.Options{})
		if err != nil {
			return nil, err
		}
		return &controlDoor{Door: d}, nil
	}
	d, err := door.Open("127.0.0.1:0", door.Options{})
	if err != nil {
		return nil, err
	}
	c := &controlDoor{d, controlSecrets{Address: d.String(), Ask: rand.Text(), Answer: rand.Text()}}
	text, err := json.Marshal(c.secrets)
	if err == nil {
		err = private.WriteFile(r.File(name, "sock"), text)
	}
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return c, nil
}

// Accept returns the next connection. One to a port fails at its first read unless the other
// end knows the secret.
func (c *controlDoor) Accept() (net.Conn, error) {
	conn, err := c.Door.Accept()
	if err != nil || c.secrets.Ask == "" {
		return conn, err
	}
	return &provenConn{Conn: conn, secrets: c.secrets}, nil
}

// provenConn is a connection whose other end proves first that it may ask.
type provenConn struct {
	net.Conn
	secrets controlSecrets
	once    sync.Once
	err     error
}

// Read implements io.Reader.
func (c *provenConn) Read(b []byte) (int, error) {
	c.once.Do(func() {
		if c.err = readSecret(c.Conn, c.secrets.Ask); c.err == nil {
			_, c.err = io.WriteString(c.Conn, c.secrets.Answer)
		}
	})
	if c.err != nil {
		return 0, c.err
	}
	return c.Conn.Read(b)
}

var errUnproven = errors.New("the other end does not know the secret of this run")

// readSecret reads a secret.
func readSecret(from io.Reader, secret string) error {
	got := make([]byte, len(secret))
	if _, err := io.ReadFull(from, got); err != nil {
		return err
	}
	if subtle.ConstantTimeCompare(got, []byte(secret)) != 1 {
		return errUnproven
	}
	return nil
}

// dial connects to the door of a process.
func (r Registry) dial(ctx context.Context, name string) (net.Conn, error) {
	path := r.File(name, "sock")
	if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() {
		return dialPort(ctx, path)
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", path)
	if err != nil {
		return nil, errors.New("the process does not answer: " + nettext.Of(err))
	}
	return ofUser(conn)
}

// ofUser closes a connection whose other end is of another user.
func ofUser(conn net.Conn) (net.Conn, error) {
	var foreign *peer.ForeignError
	if errors.As(peer.Check(conn), &foreign) {
		conn.Close()
		return nil, fmt.Errorf("its socket is not used: %w", foreign)
	}
	return conn, nil
}

// dialPort connects to a port that a file of ours names.
func dialPort(ctx context.Context, path string) (net.Conn, error) {
	text, err := private.ReadFile(path, maxControlFile)
	if err != nil {
		return nil, err
	}
	var s controlSecrets
	if err := json.Unmarshal(text, &s); err != nil || s.Ask == "" || s.Answer == "" {
		return nil, fmt.Errorf("%s does not say where the process is asked; remove it", path)
	}
	if host, _, err := net.SplitHostPort(s.Address); err != nil || !net.ParseIP(host).IsLoopback() {
		return nil, fmt.Errorf("%s names no address of this machine; remove it", path)
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", s.Address)
	if err != nil {
		return nil, errors.New("the process does not answer: " + nettext.Of(err))
	}
	if conn, err = ofUser(conn); err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	if _, err = io.WriteString(conn, s.Ask); err == nil {
		err = readSecret(conn, s.Answer)
	}
	if err != nil {
		conn.Close()
		return nil, errors.New("the process does not answer: " + nettext.OfConnection(err))
	}
	return conn, nil
}

package socks

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
)

// The numbers of RFC 1928.
const (
	version       = 5
	withoutLogin  = 0x00
	noMethod      = 0xff
	connect       = 1
	addressIPv4   = 1
	addressDomain = 3
	addressIPv6   = 4
)

// codes are the codes of SOCKS5 for each Reply.
var codes = [...]byte{Connected: 0, Failed: 1, NotAllowed: 2, Unreachable: 4, Refused: 5, TimedOut: 6, notSupported: 7, noAddress: 8}

// SOCKS5 is the Protocol of RFC 1928, without a login and for CONNECT alone. It reads the
// request and no byte more.
func SOCKS5(conn net.Conn) (*Request, error) {
	if err := negotiate(conn); err != nil {
		return nil, errors.Join(err, hangUp(conn))
	}
	r := &Request{conn: conn, answer: func(why Reply, _ string) error {
		_, err := conn.Write([]byte{version, codes[why], 0, addressIPv4, 0, 0, 0, 0, 0, 0})
		return err
	}}
	head := make([]byte, 4)
	if _, err := io.ReadFull(conn, head); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	var err error
	var wrong *ProtocolError
	if r.Host, err = readHost(conn, head[3]); errors.As(err, &wrong) {
		return nil, errors.Join(err, r.Refuse(noAddress, ""))
	} else if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	port := make([]byte, 2)
	if _, err := io.ReadFull(conn, port); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	r.Port = int(binary.BigEndian.Uint16(port))
	switch {
	case head[0] != version:
		return nil, errors.Join(protocolError("a request of SOCKS version %d", head[0]), r.Refuse(Failed, ""))
	case head[1] != connect:
		return nil, errors.Join(protocolError("SOCKS command %d; only CONNECT (1) is served, not BIND and UDP", head[1]), r.Refuse(notSupported, ""))
	case r.Port == 0:
		return nil, errors.Join(protocolError("port 0"), r.Refuse(Failed, ""))
	}
	return r, nil
}

// negotiate agrees on a login: none.
func negotiate(conn net.Conn) error {
	head := make([]byte, 2)
	if _, err := io.ReadFull(conn, head); err != nil {
		return err
	}
	switch {
	case head[0] == 4:
		conn.Write([]byte{0, 91, 0, 0, 0, 0, 0, 0}) //nolint:errcheck // the client is turned away
		return protocolError("SOCKS version 4, which resolves names on this machine; use version 5 (socks5h)")
	case head[0] >= 'A' && head[0] <= 'Z':
		return protocolError("HTTP on the port for SOCKS5; use socks5h://, or open a port with --http-proxy")
	case head[0] != version:
		return protocolError("the first byte is %d, and 5 in SOCKS5", head[0])
	}
	methods := make([]byte, head[1])
	if _, err := io.ReadFull(conn, methods); err != nil {
		return err
	}
	if bytes.IndexByte(methods, withoutLogin) < 0 {
		conn.Write([]byte{version, noMethod}) //nolint:errcheck // likewise
		return protocolError("the client insists on a login, and there is none; leave out user and password")
	}
	_, err := conn.Write([]byte{version, withoutLogin})
	return err
}

// readHost reads an address of a form.
func readHost(conn net.Conn, form byte) (string, error) {
	length := 0
	switch form {
	case addressIPv4:
		length = 4
	case addressIPv6:
		length = 16
	case addressDomain:
		one := make([]byte, 1)
		if _, err := io.ReadFull(conn, one); err != nil {
			return "", err
		}
		length = int(one[0])
	default:
		return "", protocolError("an address of form %d, which SOCKS5 does not have", form)
	}
	b := make([]byte, length)
	if _, err := io.ReadFull(conn, b); err != nil {
		return "", err
	}
	if form == addressDomain {
		return unbracketed(string(b)), nil
	}
	ip, _ := netip.AddrFromSlice(b)
	return ip.Unmap().String(), nil
}

// unbracketed returns the IPv6 address of a name that is one in brackets, as undici 7.30 sends
// the hosts of URLs (findings/undici-sends-an-ipv6-address-as-a-name.sh), and other names as they are.
func unbracketed(name string) string {
	inner, opens := strings.CutPrefix(name, "[")
	inner, closes := strings.CutSuffix(inner, "]")
	if ip, err := netip.ParseAddr(inner); opens && closes && err == nil && ip.Is6() && ip.Zone() == "" {
		return ip.Unmap().String()
	}
	return name
}

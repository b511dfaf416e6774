package configs

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// IsTarget reports whether a host, seen from a target, is the target itself: a tunnel then
// needs no document for remote hosts.
func IsTarget(host string) bool {
	switch strings.ToLower(strings.TrimSuffix(host, ".")) {
	case "", "localhost", "127.0.0.1", "::1":
		return true
	}
	return false
}

// credentialAddresses are those at which instances, tasks and pods get their credentials.
var credentialAddresses = []string{"169.254.169.254", "169.254.170.2", "169.254.170.23", "fd00:ec2::254", "fd00:ec2::23"}

// ForbiddenRemote returns why an agent forwards to no such remote host, "" if it may: from
// version 3.3.4851.0 on agents refuse loopback, and the addresses of credentials.
func ForbiddenRemote(host string) string {
	if strings.EqualFold(strings.TrimSuffix(host, "."), "localhost") {
		return "agents from 3.3.4851.0 on forward to no loopback address as a remote host"
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return ""
	}
	ip = ip.Unmap().WithZone("")
	if ip.IsLoopback() {
		return "agents from 3.3.4851.0 on forward to no loopback address as a remote host"
	}
	for _, address := range credentialAddresses {
		if ip == netip.MustParseAddr(address) {
			return "agents do not forward to the address where instances, tasks and pods get their credentials"
		}
	}
	return ""
}

// hostFault returns why a host cannot be that of a tunnel, and what was meant as far as that
// can be read; "" if it can. {host} and {port} stand for the keys.
func (t Tunnel) hostFault() string {
	if t.Host == "" || t.Host == "localhost" {
		return ""
	}
	if isHost(t.Host) {
		if why := ForbiddenRemote(t.Host); why != "" && !IsTarget(t.Host) {
			return fmt.Sprintf("{host} cannot be %q: %s", t.Host, why)
		}
		return ""
	}
	host, port := meantHost(t.Host)
	switch {
	case host == "":
		return "{host} is neither a host name nor an address" // not quoted: a pasted URL may have a password
	case port == 0:
		return fmt.Sprintf("{host} is a host name or an address alone; did you mean {host} %s?", host)
	}
	return fmt.Sprintf("{host} is a host name or an address alone; did you mean {host} %s and {port} %d?", host, port)
}

// isHost reports whether text is a host name, also of a container, or an IP address.
func isHost(text string) bool {
	if ip, err := netip.ParseAddr(text); err == nil {
		return ip.Zone() == "" || isHost(ip.Zone())
	}
	const named = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."
	return len(text) <= 254 && strings.Trim(text, named) == "" && !strings.HasPrefix(text, "-") && !strings.HasPrefix(text, ".") &&
		!strings.Contains(text, "..")
}

// schemePorts are the ports of URLs that name none.
var schemePorts = map[string]int{
	"http": 80, "https": 443, "postgres": 5432, "postgresql": 5432, "mysql": 3306, "mariadb": 3306, "redis": 6379, "rediss": 6379, "ssh": 22,
}

// meantHost reads the host and the port of text that is more than a host: a URL, HOST:PORT,
// an address in brackets, blanks around. The port is 0 if there is none, the host "" if there
// is none to be read.
func meantHost(text string) (host string, port int) {
	text = strings.TrimSpace(text)
	if scheme, rest, ok := strings.Cut(text, "://"); ok {
		scheme = strings.ToLower(scheme[strings.LastIndexByte(scheme, ':')+1:]) // jdbc:postgresql
		u, err := url.Parse("any://" + rest)
		if err != nil || !isHost(u.Hostname()) {
			return "", 0
		}
		port, _ = strconv.Atoi(u.Port())
		if port == 0 {
			port = schemePorts[scheme]
		}
		return u.Hostname(), port
	}
	host = text
	if h, p, err := net.SplitHostPort(text); err == nil {
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil {
			return "", 0
		}
		host, port = h, int(n)
	} else if inner, ok := strings.CutPrefix(text, "["); ok {
		host = strings.TrimSuffix(inner, "]")
	}
	if !isHost(host) {
		return "", 0
	}
	return host, port
}

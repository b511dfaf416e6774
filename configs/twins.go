package configs

import (
	"cmp"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
)

// TwinError means that two tunnels have one local end, so that only one of them can be
// open at a time.
type TwinError struct{ First, Second Tunnel }

// Error names both tunnels and what they share.
func (e *TwinError) Error() string {
	return fmt.Sprintf("%s (%s) and %s (%s) both listen on %s; give one of them another local_port",
		e.First.Name, e.First.From, e.Second.Name, e.Second.From, e.Second.LocalEnd())
}

// Twins returns a TwinError for each tunnel that has the local end of one before it.
func Twins(tunnels []Tunnel) (twins []*TwinError) {
	for i, t := range tunnels {
		at := slices.IndexFunc(tunnels[:i], func(before Tunnel) bool { return before.sharesEnd(t) })
		if at >= 0 {
			twins = append(twins, &TwinError{tunnels[at], t})
		}
	}
	return twins
}

// Twins returns the twins of all tunnels, in the order of their names.
func (c Config) Twins() []*TwinError {
	var all []Tunnel
	for _, name := range slices.Sorted(maps.Keys(c.Tunnels)) {
		all = append(all, c.Tunnels[name])
	}
	return Twins(all)
}

// sharesEnd reports whether two tunnels cannot listen at the same time.
func (t Tunnel) sharesEnd(other Tunnel) bool {
	host, port := t.localAddress()
	otherHost, otherPort := other.localAddress()
	return port != "" && port == otherPort && (host == otherHost || host == everyHost || otherHost == everyHost)
}

// Hosts of localAddress.
const (
	loopback  = "loopback"
	everyHost = "every"
)

// localAddress is where a tunnel listens, with all spellings of loopback and of all
// addresses as one. The port is "" for any free one, and the path of a socket.
func (t Tunnel) localAddress() (host, port string) {
	if t.LocalPort > 0 {
		return loopback, strconv.Itoa(t.LocalPort)
	}
	host, port, err := net.SplitHostPort(t.Listen)
	if err != nil { // a socket, or no address at all
		return "", t.Listen
	}
	if port == "0" {
		return "", ""
	}
	ip := net.ParseIP(host)
	switch {
	case host == "" || host == "localhost" || ip.IsLoopback() && (ip.Equal(net.IPv4(127, 0, 0, 1)) || ip.Equal(net.IPv6loopback)):
		host = loopback
	case ip != nil && ip.IsUnspecified():
		host = everyHost
	}
	return host, cmp.Or(port, "0")
}

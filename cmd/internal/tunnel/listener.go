package tunnel

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"ssmguard/cmd/internal/dial"
	"ssmguard/cmd/internal/exit"
	"ssmguard/configs"
	"ssmguard/proxy/channel"
	"ssmguard/proxy/door"
)

// listener is the local end of a tunnel, which outlives its sessions.
type listener struct {
	door  *door.Door     // of a proxy, one of the two below
	inlet *channel.Inlet // nil for a proxy
	undo  func()         // removes the directories that were made for sockets

	socks, httpProxy *door.Door // of a proxy; nil for a protocol that it does not serve
}

// listen opens a tunnel's local end. remote allows an address that other machines can
// reach. say gets a line for each other user whose connections are refused.
func listen(conf configs.Tunnel, remote bool, say func(string)) (listener, error) {
	options := door.Options{Remote: remote, AnyPeer: conf.Peer == configs.PeerAny, Peer: (&dial.Peers{Say: say}).Told}
	if conf.IsProxy() {
		return listenAsProxy(conf, options)
	}
	address := conf.Listen
	if address == "" {
		address = ":" + strconv.Itoa(max(conf.LocalPort, 0))
	}
	d, undo, err := openDoor(address, "--local-port", options)
	if err != nil {
		return listener{}, err
	}
	return listener{door: d, inlet: channel.NewInlet(d), undo: undo}, nil
}

// listenAsProxy opens the local ends of a proxy.
func listenAsProxy(conf configs.Tunnel, options door.Options) (l listener, err error) {
	l.undo = func() {}
	for _, end := range []struct {
		value, option string
		door          **door.Door
	}{{conf.SOCKS, "--socks", &l.socks}, {conf.HTTPProxy, "--http-proxy", &l.httpProxy}} {
		if end.value == "" {
			continue
		}
		d, undo, err := openDoor(configs.ProxyAddress(end.value), end.option, options)
		if err != nil {
			l.close()
			return listener{}, err
		}
		before := l.undo
		*end.door, l.undo = d, func() { before(); undo() }
	}
	l.door = cmp.Or(l.socks, l.httpProxy)
	return l, nil
}

// refused returns the number of connections of other users that were refused.
func (l listener) refused() (n int) {
	for _, d := range l.doors() {
		n += d.Refused()
	}
	return n
}

// doors are the listener's doors.
func (l listener) doors() (all []*door.Door) {
	for _, d := range []*door.Door{l.door, l.socks, l.httpProxy} {
		if d != nil && !slices.Contains(all, d) {
			all = append(all, d)
		}
	}
	return all
}

// openDoor opens a local end on an address; another one is given by an option.
func openDoor(address, option string, options door.Options) (_ *door.Door, undo func(), _ error) {
	address, err := socketAddress(address)
	if err != nil {
		return nil, nil, err
	}
	if undo, err = socketDir(address); err != nil {
		return nil, nil, err
	}
	d, err := door.Open(address, options)
	if err != nil {
		undo()
	}
	var reachable *door.RemoteError
	var taken *door.InUseError
	switch {
	case errors.As(err, &reachable):
		return nil, nil, exit.Usagef("%v; --allow-remote allows it", err)
	case errors.As(err, &taken):
		return nil, nil, fmt.Errorf("%w; end that program, or give another %s", err, option)
	}
	return d, undo, err
}

// close ends the listener, and the connections that wait for a session.
func (l listener) close() {
	if l.inlet != nil {
		l.inlet.Close() //nolint:errcheck // a listener that is closed already
	}
	for _, d := range l.doors() {
		d.Close() //nolint:errcheck // likewise
	}
	l.undo()
}

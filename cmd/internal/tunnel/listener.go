package tunnel

import (
	"errors"
	"fmt"
	"strconv"

	"ssmguard/cmd/internal/dial"
	"ssmguard/cmd/internal/exit"
	"ssmguard/configs"
	"ssmguard/proxy/channel"
	"ssmguard/proxy/door"
)

// listener is the local end of a tunnel, which outlives its sessions.
type listener struct {
	door  *door.Door
	inlet *channel.Inlet
	undo  func() // removes the directory that was made for a socket
}

// listen opens a tunnel's local end. remote allows an address that other machines can
// reach. say gets a line for each other user whose connections are refused.
func listen(conf configs.Tunnel, remote bool, say func(string)) (listener, error) {
	address := conf.Listen
	if address == "" {
		address = ":" + strconv.Itoa(max(conf.LocalPort, 0))
	}
	address, err := socketAddress(address)
	if err != nil {
		return listener{}, err
	}
	undo, err := socketDir(address)
	if err != nil {
		return listener{}, err
	}
	d, err := door.Open(address, door.Options{Remote: remote, AnyPeer: conf.Peer == configs.PeerAny, Peer: (&dial.Peers{Say: say}).Told})
	if err != nil {
		undo()
	}
	var reachable *door.RemoteError
	var taken *door.InUseError
	switch {
	case errors.As(err, &reachable):
		return listener{}, exit.Usagef("%v; --allow-remote allows it", err)
	case errors.As(err, &taken):
		return listener{}, fmt.Errorf("%w; end that program, or give another --local-port", err)
	case err != nil:
		return listener{}, err
	}
	return listener{d, channel.NewInlet(d), undo}, nil
}

// close ends the listener, and the connections that wait for a session.
func (l listener) close() {
	l.inlet.Close() //nolint:errcheck // a listener that is closed already
	l.undo()
}

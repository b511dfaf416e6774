package dial

import (
	"errors"
	"fmt"
	"runtime"
	"sync"

	"ssmguard/internal/peer"
)

// Peers says, once for each user, whose connections to a local port were refused.
type Peers struct {
	Say func(line string) // gets a line without prefix

	mu   sync.Mutex
	told map[string]bool
}

// maxPeersTold bounds the lines of one port.
const maxPeersTold = 8

// Told is for door.Options: err is that of peer.Check. A client that closed its own
// connection is not told of.
func (p *Peers) Told(err error) {
	var line string
	switch {
	case errors.Is(err, peer.ErrGone):
		return
	case !errors.Is(err, peer.ErrUnknown):
		line = fmt.Sprintf("refused: %v; the port is for your own processes and root's; --peer any admits every user of this machine", err)
	case runtime.GOOS == "linux": // other systems never tell
		line = fmt.Sprintf("%v, so every user of this machine is admitted", err)
	default:
		return
	}
	p.mu.Lock()
	first := !p.told[line] && len(p.told) < maxPeersTold
	if first {
		if p.told == nil {
			p.told = make(map[string]bool)
		}
		p.told[line] = true
	}
	p.mu.Unlock()
	if first {
		p.Say(line)
	}
}

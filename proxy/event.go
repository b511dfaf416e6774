package proxy

import (
	"fmt"
	"time"
)

// State is the state of a tunnel.
type State int

// The states of a tunnel, in their usual order.
const (
	// Idle: no session is wanted. With Listen, one will be opened for the first connection.
	Idle State = iota
	// Opening: a session is being started.
	Opening
	// Ready: connections are carried.
	Ready
	// Lost: a tunnel that was Ready has lost its session.
	Lost
	// Waiting: an attempt has failed; the next one comes after a pause.
	Waiting
	// Stopped: ended on request.
	Stopped
	// GaveUp: no further attempt can help; the event's Err says why.
	GaveUp
)

var stateNames = [...]string{"idle", "opening", "ready", "lost", "waiting", "stopped", "gaveup"}

// String returns the state's name in events: "idle", "opening", "ready", ...
func (s State) String() string {
	if s < 0 || int(s) >= len(stateNames) {
		return fmt.Sprintf("State(%d)", int(s))
	}
	return stateNames[s]
}

// MarshalText returns String.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (s *State) UnmarshalText(text []byte) error {
	for i, name := range stateNames {
		if name == string(text) {
			*s = State(i)
			return nil
		}
	}
	return fmt.Errorf("no state %q", text)
}

// Event is one change in the life of a tunnel.
type Event struct {
	At      time.Time
	Tunnel  string
	State   State
	Attempt int           // number of the attempt in a row, from 1; 0 outside Opening, Lost, Waiting and a Ready with After
	After   time.Duration // since the tunnel was lost, with Ready; 0 if it was not
	Session string        // id of the session, when there is one
	Listen  string        // host:port or unix:PATH of the local end, with Ready, and with Idle of a tunnel that waits for connections
	Leads   string        // where the tunnel leads, with Listen and with Err; "" when not known
	File    string        // the configuration file that has the tunnel, with Listen; "" for none
	Pause   time.Duration // until the next attempt, with Waiting
	Within  time.Duration // time left for further attempts, with Waiting; 0: no limit
	Err     error         // why, with Lost, Waiting and GaveUp
	Note    string        // a message without a change of state
}

// Listens reports whether the event says that the tunnel takes connections: it is Ready, or
// opens a session when one comes.
func (e Event) Listens() bool {
	return e.Note == "" && (e.State == Ready || e.State == Idle && e.Listen != "")
}

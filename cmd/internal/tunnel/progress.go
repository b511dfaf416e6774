package tunnel

import (
	"slices"
	"sync"
	"time"

	"ssmguard/cmd/internal/dial"
	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/keeper"
	"ssmguard/cmd/internal/report"
	"ssmguard/configs"
	"ssmguard/internal/nettext"
	"ssmguard/proxy"
	"ssmguard/proxy/channel"
)

// progress is the state of a tunnel with all its lanes, and sends its events.
type progress struct {
	conf    configs.Tunnel
	changes *keeper.Changes // of the process, nil for none

	mu         sync.Mutex
	events     *report.Outbox // nil until start
	early      []proxy.Event  // those before start
	lanes      []bool         // true for a lane that is ready
	everReady  bool
	rested     bool // it was idle since it was ready
	reconnects int  // how often it became ready again
	last       proxy.Event
	since      time.Time // since when it is not ready
	lost       bool      // it was ready before
	tries      int       // attempts since then
	why        error     // why it is not ready
	exit       int       // the exit code of a tunnel that gave up
}

func newProgress(conf configs.Tunnel) *progress {
	return &progress{conf: conf, lanes: make([]bool, max(conf.Lanes, 1))}
}

// start passes on the events so far, and those that follow.
func (g *progress) start(events *report.Outbox) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.events = events
	for _, e := range g.early {
		events.Put(e)
	}
	g.early = nil
}

// inLane passes on the events of a lane that change the tunnel's state: the tunnel is
// ready while one lane is.
func (g *progress) inLane(i int, e proxy.Event) {
	g.mu.Lock()
	defer g.mu.Unlock()
	before := slices.Contains(g.lanes, true)
	g.lanes[i] = e.State == proxy.Ready
	after := slices.Contains(g.lanes, true)
	switch e.State {
	case proxy.Ready:
		if before {
			return
		}
		if g.everReady && !g.rested {
			g.reconnects++
		}
		g.everReady, g.rested = true, false
	case proxy.Stopped, proxy.GaveUp:
		return // sent once for all lanes
	case proxy.Lost:
		if after || g.last.State != proxy.Ready {
			return // the loss of the session's connection was reported already
		}
	default:
		if after || i != 0 && !before {
			return
		}
		g.rested = g.rested || e.State == proxy.Idle
	}
	g.emitLocked(e)
}

// inSession passes on what happens within one session of a lane.
func (g *progress) inSession(lane int, s *proxy.Session, listen string, e channel.Event) {
	switch e.Kind {
	case channel.Lost:
		g.inLane(lane, proxy.Event{State: proxy.Lost, Attempt: 1, Session: s.ID, Err: e.Err})
	case channel.Resumed:
		g.tried()
		g.inLane(lane, proxy.Event{State: proxy.Ready, Session: s.ID, Listen: listen})
	default:
		g.say(dial.ChannelNote(e))
	}
}

// hindered passes on that a session of a lane could not be resumed; it is tried again.
func (g *progress) hindered(lane int, s *proxy.Session, err error) {
	g.tried()
	g.inLane(lane, proxy.Event{State: proxy.Waiting, Session: s.ID, Attempt: 1, Err: err})
}

// tried counts an attempt to resume a session, which no Opening comes before.
func (g *progress) tried() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.tries++
}

// ready passes on that a tunnel without lanes, a proxy, takes connections.
func (g *progress) ready(listen string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.everReady = true
	g.emitLocked(proxy.Event{State: proxy.Ready, Listen: listen})
}

// wasReady reports whether the tunnel has been ready.
func (g *progress) wasReady() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.everReady
}

// gaveUp passes on that an error has ended the tunnel.
func (g *progress) gaveUp(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.exit = exit.Code(err)
	g.emitLocked(proxy.Event{State: proxy.GaveUp, Err: eventError(err)})
}

// say sends a note that does not change the tunnel's state.
func (g *progress) say(note string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.emitLocked(proxy.Event{State: g.last.State, Note: note})
}

func (g *progress) emit(e proxy.Event) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.emitLocked(e)
}

// counted returns a change of state with how long the tunnel was lost and how many attempts
// that took, if it is ready again. The caller holds mu.
func (g *progress) counted(e proxy.Event) proxy.Event {
	if g.since.IsZero() && e.State != proxy.Ready {
		g.since = e.At
	}
	switch e.State {
	case proxy.Lost:
		g.lost, g.tries, g.why = true, 0, e.Err
	case proxy.Opening:
		g.tries++
	case proxy.Waiting:
		g.why = e.Err
	case proxy.Ready:
		if g.lost {
			e.After, e.Attempt = max(e.At.Sub(g.since), time.Millisecond), max(g.tries, 1)
		}
		g.since, g.lost, g.tries, g.why = time.Time{}, false, 0, nil
	case proxy.Idle: // what was lost is not missed until a session is wanted
		g.since, g.lost, g.tries, g.why = e.At, false, 0, nil
	}
	return e
}

func (g *progress) emitLocked(e proxy.Event) {
	if e.At.IsZero() {
		e.At = time.Now()
	}
	e.Tunnel, e.Err = g.conf.Name, nettext.Plain(e.Err)
	if e.Listens() {
		e.File = g.conf.File
	}
	if e.Listens() || e.Note == "" && e.Err != nil {
		e.Leads = g.conf.Leads()
	}
	if e.Note == "" {
		e = g.counted(e)
		g.last = e
		g.changes.Signal()
	}
	if g.events == nil {
		g.early = append(g.early, e)
		return
	}
	g.events.Put(e)
}

package dynamic

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"ssmguard/cmd/internal/dial"
	"ssmguard/internal/nettext"
	"ssmguard/proxy"
	"ssmguard/proxy/channel"
)

// destination is a host and a port with the session to them. It is there as long as the
// session is, or clients wait for one.
type destination struct {
	proxy *Proxy
	host  string
	port  int
	inlet *channel.Inlet
	end   context.CancelFunc
	ended chan struct{} // closed when there is no session any more
	err   error         // why, set before

	// The lock of proxy guards what follows.
	clients int // that wait, or are being handed over
	used    time.Time
	session *session      // nil: there is none
	changed chan struct{} // closed with the next change of session
}

func newDestination(p *Proxy, host string, port int) *destination {
	return &destination{proxy: p, host: host, port: port, inlet: channel.NewInlet(nil),
		ended: make(chan struct{}), used: time.Now(), changed: make(chan struct{})}
}

func (d *destination) address() string { return net.JoinHostPort(d.host, strconv.Itoa(d.port)) }

// start opens the session, and keeps one until nobody wants it.
func (d *destination) start(ctx context.Context) {
	ctx, d.end = context.WithCancel(ctx)
	wasReady := false
	s := proxy.Supervisor{
		Opener: d, Plugin: d, Backoff: proxy.DefaultBackoff, Wanted: d.wanted, Patience: patience,
		OnEvent: func(e proxy.Event) {
			wasReady = wasReady || e.State == proxy.Ready
			if e.State == proxy.Waiting && !wasReady {
				d.proxy.say(fmt.Sprintf("%s has no session yet, trying again: %s", d.address(), nettext.OfConnection(e.Err)))
			}
			if e.State == proxy.Lost {
				d.proxy.say(fmt.Sprintf("%s has lost its session, and its connections were reset: %s", d.address(), nettext.OfConnection(e.Err)))
			}
		},
		Final: func(err error) bool {
			refused := (*proxy.Refused)(nil)
			return !dial.Passes(err) && (!wasReady || errors.As(err, &refused) && !errors.Is(err, channel.ErrSessionGone))
		},
	}
	d.proxy.running.Go(func() {
		defer d.end()
		err := s.Run(ctx, proxy.Tunnel{Name: d.address()}, proxy.Streams{})
		if err == nil {
			err = errEnded
		}
		d.proxy.mu.Lock()
		d.forget()
		d.proxy.mu.Unlock()
		d.err = err
		close(d.ended)
		d.inlet.Close() //nolint:errcheck // it has no listener
	})
}

// errEnded is the error for a client whose destination was given up meanwhile.
var errEnded = errors.New("its session was ended")

// forget takes the destination out of the proxy's and ends it. The caller holds the lock.
func (d *destination) forget() {
	if d.proxy.destinations[d.address()] == d {
		delete(d.proxy.destinations, d.address())
	}
	d.end()
}

// closed is a channel that is closed.
var closed = func() <-chan struct{} { c := make(chan struct{}); close(c); return c }()

// wanted is for proxy.Supervisor. A destination that nobody wants is over.
func (d *destination) wanted() <-chan struct{} {
	d.proxy.mu.Lock()
	defer d.proxy.mu.Unlock()
	waits := d.inlet.Wanted()
	if d.clients > 0 {
		return closed
	}
	select {
	case <-waits:
		return closed
	default:
	}
	d.forget()
	return nil
}

// Open implements proxy.Opener.
func (d *destination) Open(ctx context.Context) (*proxy.Session, error) {
	select {
	case d.proxy.starting <- struct{}{}:
		defer func() { <-d.proxy.starting }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	return d.proxy.Start(ctx, d.host, d.port)
}

// Terminate implements proxy.Opener.
func (d *destination) Terminate(ctx context.Context, id string) error {
	return d.proxy.Dialer.API.Terminate(ctx, id)
}

// Run implements proxy.Plugin.
func (d *destination) Run(ctx context.Context, opened *proxy.Session, streams proxy.Streams, ready func()) error {
	s := &session{destination: d}
	f := &dial.Forwarding{Dialer: d.proxy.Dialer, Inlet: d.inlet, Traffic: d.proxy.Traffic, Idle: d.proxy.Idle,
		Opened: func(ctx context.Context, ch *channel.Channel, _ <-chan struct{}) error {
			s.ch, s.ctx = ch, ctx
			d.change(s)
			return nil
		},
		Note: func(_ *proxy.Session, e channel.Event) { s.note(e) },
		Hindered: func(_ *proxy.Session, err error) {
			d.proxy.say(fmt.Sprintf("a connection cannot be resumed yet: %s", nettext.OfConnection(err)))
		},
	}
	err := f.Run(ctx, opened, streams, ready)
	d.change(nil)
	s.probing.Wait()
	s.note(channel.Event{Kind: channel.Resumed}) // it is missed no longer
	return err
}

// change sets the session.
func (d *destination) change(s *session) {
	d.proxy.mu.Lock()
	defer d.proxy.mu.Unlock()
	d.session = s
	close(d.changed)
	d.changed = make(chan struct{})
}

// current returns the session, and waits until there is one.
func (d *destination) current(ctx context.Context) (*session, error) {
	for {
		d.proxy.mu.Lock()
		s, changed := d.session, d.changed
		d.proxy.mu.Unlock()
		if s != nil {
			return s, nil
		}
		select {
		case <-changed:
		case <-d.ended:
			return nil, d.err
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// session is one session of a destination.
type session struct {
	destination *destination
	ch          *channel.Channel
	ctx         context.Context // ends with the session
	probing     sync.WaitGroup

	mu      sync.Mutex
	reached bool // the target has connected to the destination
	lost    bool // its connection is being resumed
	probe   *probe
}

// probe is an attempt of the target to connect, which several clients may wait for.
type probe struct {
	done chan struct{}
	err  error // set before done is closed
}

// errSilent is the error for a destination that neither answers nor refuses.
var errSilent = fmt.Errorf("it did not answer within %v; can the target reach it?", reachTime)

// reach returns nil when the target can connect to the destination, which is tried for the
// first client of a session, and again after a refusal: the protocols tell a client of a refusal
// only before it is connected.
func (s *session) reach(ctx context.Context) error {
	s.mu.Lock()
	if s.reached {
		s.mu.Unlock()
		return nil
	}
	p := s.probe
	if p == nil {
		p = &probe{done: make(chan struct{})}
		s.probe = p
		s.probing.Go(func() { s.try(p) })
	}
	s.mu.Unlock()
	select {
	case <-p.done:
		return p.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (s *session) try(p *probe) {
	ctx, cancel := context.WithTimeoutCause(s.ctx, reachTime, errSilent)
	defer cancel()
	err := s.ch.Reach(ctx)
	switch {
	case errors.Is(err, errors.ErrUnsupported): // the agent does not tell
		err = nil
	case errors.Is(err, channel.ErrRemotePort):
		err = &unreachableError{err}
	}
	s.mu.Lock()
	s.reached, s.probe = err == nil, nil
	s.mu.Unlock()
	p.err = err
	close(p.done)
}

// unreachableError is a destination that the target could not connect to.
type unreachableError struct{ error }

// Error asks what may be wrong.
func (e *unreachableError) Error() string {
	return "the target could not connect; is a server listening there, and can the target reach and resolve it?"
}

// Unwrap returns the cause.
func (e *unreachableError) Unwrap() error { return e.error }

// note passes on what happens in the session.
func (s *session) note(e channel.Event) {
	p := s.destination.proxy
	s.mu.Lock()
	probing := s.probe != nil
	if e.Kind == channel.Refused {
		s.reached = false
	}
	turned := e.Kind == channel.Lost && !s.lost || e.Kind == channel.Resumed && s.lost
	if turned {
		s.lost = !s.lost
	}
	lost := s.lost
	s.mu.Unlock()
	switch e.Kind {
	case channel.Refused:
		if !probing { // else the client is told
			p.say(dial.ChannelNote(e))
		}
	case channel.Lost, channel.Resumed:
		if turned {
			p.lostSessions(lost, e.Err)
		}
	default:
		if text := dial.ChannelNote(e); text != "" {
			p.say(s.destination.address() + ": " + text)
		}
	}
}

// lostSessions counts the sessions whose connection is lost, and says when that begins and ends.
func (p *Proxy) lostSessions(more bool, err error) {
	p.mu.Lock()
	before := p.lost
	if more {
		p.lost++
	} else {
		p.lost--
	}
	now := p.lost
	p.mu.Unlock()
	switch {
	case before == 0 && more:
		p.Say(fmt.Sprintf("connection lost, resuming: %s", nettext.OfConnection(err)))
	case now == 0:
		p.Say("connection resumed")
	}
}

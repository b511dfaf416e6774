package dynamic

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"ssmguard/cmd/internal/dial"
	"ssmguard/configs"
	"ssmguard/internal/nettext"
	"ssmguard/proxy"
	"ssmguard/proxy/channel"
	"ssmguard/proxy/socks"
)

// Proxy connects clients to the destinations that they ask for.
type Proxy struct {
	Rules  configs.Rules
	Dialer *dial.Dialer
	// Start starts a session to a host, which the target resolves, and a port.
	Start   func(ctx context.Context, host string, port int) (*proxy.Session, error)
	Traffic *dial.Traffic
	Idle    time.Duration // how long a session is kept without a connection
	Limit   int           // of destinations with a session at a time; 0: DefaultLimit
	// Say gets a line for each client that is refused, and what happens to sessions; the same
	// line at most once a minute. It must not wait.
	Say func(line string)

	starting chan struct{} // has room for the sessions that are being started

	mu           sync.Mutex
	destinations map[string]*destination // by address
	lost         int                     // sessions whose connection is being resumed
	said         map[string]time.Time
	running      sync.WaitGroup
}

// DefaultLimit is how many destinations have a session at a time.
const DefaultLimit = 256

const (
	// startsAtOnce is how many sessions are started at the same time: AWS allows few a second.
	startsAtOnce = 4
	// requestTime is how long a client may take to send its request.
	requestTime = 30 * time.Second
	// patience is how long a client waits for a session, while AWS throttles or the target is
	// not connected.
	patience = time.Minute
	// reachTime is how long the target may take to connect to a destination.
	reachTime = 15 * time.Second
)

// Listener is where clients of a protocol come from.
type Listener struct {
	net.Listener
	Protocol socks.Protocol
}

// Serve serves the clients of listeners until ctx ends, or a listener fails, which is the
// error. It closes the listeners. None of its sessions is open when it returns.
func (p *Proxy) Serve(ctx context.Context, listeners ...Listener) error {
	asked := ctx
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	p.mu.Lock()
	p.starting = make(chan struct{}, startsAtOnce)
	p.destinations, p.said = make(map[string]*destination), make(map[string]time.Time)
	p.mu.Unlock()
	for _, l := range listeners {
		p.running.Go(func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					cancel(err)
					return
				}
				p.running.Go(func() { p.serve(ctx, conn, l.Protocol) })
			}
		})
	}
	<-ctx.Done()
	for _, l := range listeners {
		l.Close() //nolint:errcheck // it is closed already then
	}
	p.running.Wait()
	if asked.Err() != nil {
		return nil
	}
	return context.Cause(ctx)
}

// serve serves one client.
func (p *Proxy) serve(ctx context.Context, conn net.Conn, protocol socks.Protocol) {
	defer context.AfterFunc(ctx, func() { conn.SetReadDeadline(time.Now()) })() //nolint:errcheck // a closed connection needs none
	conn.SetDeadline(time.Now().Add(requestTime))                               //nolint:errcheck // likewise
	r, err := protocol(conn)
	var wrong *socks.ProtocolError
	if errors.As(err, &wrong) {
		p.say("a client was turned away: " + wrong.Error())
	}
	if err != nil {
		return
	}
	if err := p.connect(ctx, conn, r); err != nil {
		if ctx.Err() == nil {
			p.say(fmt.Sprintf("%s is refused: %s", r.Address(), nettext.OfConnection(err)))
		}
		conn.SetDeadline(time.Now().Add(requestTime)) //nolint:errcheck // likewise
		r.Refuse(replyFor(err), err.Error())          //nolint:errcheck // the client is gone
	}
}

// connect hands a client's connection to its destination. With an error the client has no
// answer yet.
func (p *Proxy) connect(ctx context.Context, conn net.Conn, r *socks.Request) error {
	if why := p.Rules.Denied(r.Host, r.Port); why != "" {
		return &deniedError{why}
	}
	d, err := p.enter(ctx, strings.ToLower(strings.TrimSuffix(r.Host, ".")), r.Port)
	if err != nil {
		return err
	}
	defer p.leave(d)
	waiting, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("no session within %v", patience))
	defer cancel()
	s, err := d.current(waiting)
	if err == nil {
		err = s.reach(waiting)
	}
	if err != nil {
		return err
	}
	conn.SetDeadline(time.Now().Add(requestTime)) //nolint:errcheck // a closed connection needs none
	accepted, err := r.Accept()
	if err != nil {
		return nil //nolint:nilerr // the client is gone
	}
	accepted.SetDeadline(time.Time{}) //nolint:errcheck // likewise
	d.inlet.Put(accepted)
	return nil
}

// deniedError is a destination that the rules do not allow.
type deniedError struct{ why string }

// Error says why.
func (e *deniedError) Error() string { return e.why }

// errBusy is the error for one more destination than Limit.
var errBusy = errors.New("too many destinations are in use")

// replyFor returns the protocols' reply for an error of connect.
func replyFor(err error) socks.Reply {
	var denied *deniedError
	var refused *proxy.Refused
	switch {
	case errors.As(err, &denied), errors.As(err, &refused) && !dial.Passes(err):
		return socks.NotAllowed
	case errors.Is(err, channel.ErrRemotePort):
		return socks.Refused
	case errors.Is(err, errSilent):
		return socks.TimedOut
	}
	return socks.Failed
}

// enter returns the destination of an address, with a client more that waits for it.
func (p *Proxy) enter(ctx context.Context, host string, port int) (*destination, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	address := net.JoinHostPort(host, fmt.Sprint(port))
	d := p.destinations[address]
	if d == nil {
		limit := cmp.Or(p.Limit, DefaultLimit)
		if len(p.destinations) >= limit && !p.evict() {
			return nil, fmt.Errorf("%w: %d, each with a session", errBusy, limit)
		}
		d = newDestination(p, host, port)
		p.destinations[address] = d
		d.start(ctx)
	}
	d.clients++
	return d, nil
}

// leave is for a client that has got its connection, or no longer waits.
func (p *Proxy) leave(d *destination) {
	p.mu.Lock()
	defer p.mu.Unlock()
	d.clients--
	d.used = time.Now()
}

// justUsed is how long a destination without a connection is not given up for another: its
// last one may be on its way.
const justUsed = 5 * time.Second

// evict ends the session of the destination that was not used for longest, and reports whether
// there was one without a connection. The caller holds the lock.
func (p *Proxy) evict() bool {
	var oldest *destination
	for _, d := range p.destinations {
		if d.clients == 0 && time.Since(d.used) > justUsed && (d.session == nil || d.session.ch.Stats().Open == 0) && (oldest == nil || d.used.Before(oldest.used)) {
			oldest = d
		}
	}
	if oldest == nil {
		return false
	}
	oldest.forget()
	return true
}

// Destinations returns the number of destinations that have a session, or are getting one.
func (p *Proxy) Destinations() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.destinations)
}

const (
	sayEvery = time.Minute
	mostSaid = 256
)

// say passes on a line that was not said within the last minute. Of more than mostSaid
// different lines in that time, the rest is not said.
func (p *Proxy) say(line string) {
	p.mu.Lock()
	now := time.Now()
	for said, at := range p.said {
		if len(p.said) >= mostSaid && now.Sub(at) >= sayEvery {
			delete(p.said, said)
		}
	}
	at, known := p.said[line]
	silent := known && now.Sub(at) < sayEvery || !known && len(p.said) >= mostSaid
	if !silent {
		p.said[line] = now
	}
	p.mu.Unlock()
	if !silent {
		p.Say(line)
	}
}

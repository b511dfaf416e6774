package tunnel

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"ssmguard/cmd/internal/awsconf"
	"ssmguard/cmd/internal/bastion"
	"ssmguard/cmd/internal/dial"
	"ssmguard/cmd/internal/dynamic"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/keeper"
	"ssmguard/cmd/internal/relay"
	"ssmguard/cmd/internal/trust"
	"ssmguard/configs"
	"ssmguard/internal/safetext"
	"ssmguard/proxy"
	"ssmguard/proxy/channel"
)

// tunnel is one tunnel of a command, from its local end to its sessions.
type tunnel struct {
	conf     configs.Tunnel
	stderr   io.Writer
	getenv   func(string) string
	retryFor time.Duration // until it is ready; see Verb.retryFor
	near     listener
	place    placement
	region   atomic.Pointer[string] // in which its place was looked for last
	progress *progress
	health   string // where the process answers for its tunnels, "" for nowhere
	traffic  dial.Traffic
	proxy    atomic.Pointer[dynamic.Proxy] // nil, and for a proxy only once it serves
	refused  chan struct{}                 // gets a value when the far side refuses a connection
	doubted  sync.Once                     // its way has been explained
}

// tunnels are the tunnels of one command.
type tunnels []*tunnel

// openTunnels opens the local end of every tunnel and asks the guard about it. No
// session is started. A fault that passes by itself is not an error: the tunnel finds
// its place later. After an error nothing is left open; the error of one tunnel is a
// *tunnelError. A tunnel that another process has open is an error, unless it shall listen
// elsewhere.
func openTunnels(ctx context.Context, p *env.Process, o *Options) (tunnels, error) {
	c, err := trust.LoadNeeded(ctx, p, len(o.Words) == 0, o.Words...)
	if err != nil {
		return nil, err
	}
	selected, err := o.together(c)
	if err != nil {
		return nil, err
	}
	if o.Spot.LocalPort < 0 && o.Spot.Listen == "" {
		if err := noneOpen(ctx, p, selected); err != nil {
			return nil, err
		}
	}
	if err := o.aim(ctx, p, selected); err != nil {
		return nil, err
	}
	return openThese(ctx, p, o, selected)
}

// openThese opens tunnels as openTunnels does.
func openThese(ctx context.Context, p *env.Process, o *Options, selected []configs.Tunnel) (_ tunnels, err error) {
	if err := wake(ctx, p, o, selected); err != nil {
		return nil, err
	}
	var ts tunnels
	defer func() {
		if err != nil {
			ts.close()
		}
	}()
	turn, changes := new(sync.Mutex), new(keeper.Changes)
	for _, conf := range selected {
		t := &tunnel{conf: conf, stderr: p.Stderr, getenv: p.Getenv, retryFor: o.RetryFor, progress: newProgress(conf), refused: make(chan struct{}, 1)}
		t.progress.changes = changes
		t.place = placement{turn: turn, done: make(chan struct{}), find: func(ctx context.Context) (*place, error) { return t.findPlace(ctx, p, o) }}
		if t.near, err = listen(conf, o.Open.Remote, t.progress.say); err != nil {
			return nil, t.failed(keeper.WhoHolds(ctx, p, err), true)
		}
		ts = append(ts, t)
	}
	for _, t := range ts {
		if _, err := t.place.get(ctx); err != nil && (ctx.Err() != nil || t.final(err)) {
			if exit.As[exit.StatusError](err) && len(ts) > 1 { // the denial was printed without the tunnel's name
				safetext.Fprintf(p.Notes(), "ssmguard: %s may not be opened, so none of the %d tunnels is\n", t.conf.Name, len(ts))
			}
			return nil, t.failed(err, len(ts) > 1)
		}
	}
	return ts, nil
}

// findPlace finds the tunnel's place, asks whether it is allowed, and finds the plugin
// for its sessions.
func (t *tunnel) findPlace(ctx context.Context, p *env.Process, o *Options) (_ *place, err error) {
	defer func() {
		if err != nil {
			p.ForgetAWSFiles() // the files may be corrected before the next attempt
		}
	}()
	found, err := enter(ctx, p, t.conf, o)
	region := p.Asked.Region
	t.region.Store(&region)
	if err != nil {
		return nil, err
	}
	if err = found.permitted(ctx); err == nil {
		found.carrier, err = t.carrier(ctx, found)
	}
	if err != nil {
		found.close()
		return nil, err
	}
	return found, nil
}

// carrier returns the plugin for the sessions of each lane.
func (t *tunnel) carrier(ctx context.Context, found *place) (func(lane int) proxy.Plugin, error) {
	wait := time.Duration(t.conf.Wait)
	if t.conf.Engine == configs.EnginePlugin {
		runner, err := found.far.line.Runner(ctx, found.far.aws, found.api)
		if err != nil {
			return nil, err
		}
		carried := &relay.Tunnel{Plugin: runner, Door: t.near.door, Inlet: t.near.inlet, Wait: wait, Idle: t.conf.IdleAfter(), Traffic: &t.traffic,
			Unreached: func(ctx context.Context) { t.explainFar(ctx, bastion.Doubt{}) }}
		if _, ok := runner.AtSocket(""); ok && runtime.GOOS != "windows" {
			carried.At = func(socket string) proxy.Plugin {
				at, _ := runner.AtSocket(socket)
				return at
			}
		}
		return func(int) proxy.Plugin { return carried }, err
	}
	dialer, err := dial.NewDialer(found.far.aws, found.api)
	if err != nil {
		return nil, err
	}
	dialer.Renew = func(ctx context.Context, _ string) error { return found.credentials.Renew(ctx) }
	found.dialer = dialer
	return func(lane int) proxy.Plugin {
		f := &dial.Forwarding{Dialer: dialer, Inlet: t.near.inlet, Traffic: &t.traffic, Idle: t.conf.IdleAfter(),
			Note: func(s *proxy.Session, e channel.Event) {
				t.progress.inSession(lane, s, t.near.door.String(), e)
				if e.Kind == channel.Refused {
					proxy.Signal(t.refused)
				}
			},
			Hindered: func(s *proxy.Session, err error) { t.progress.hindered(lane, s, err) }}
		if wait > 0 {
			f.Opened = func(ctx context.Context, ch *channel.Channel, refused <-chan struct{}) error {
				err := relay.Reached(ctx, ch, t.near.door, found.spec().RemoteEnd(), wait, refused)
				if err != nil && ctx.Err() == nil {
					t.explainFar(ctx, bastion.Doubt{})
				}
				return err
			}
		}
		return f
	}, nil
}

// tunnelError is the error of one of a command's tunnels.
type tunnelError struct {
	tunnel string
	shown  error // the error in an event
	error
	about string // what a text about it begins with, "" where the command has one tunnel
}

// Error names the tunnel if the command has several.
func (e *tunnelError) Error() string {
	if e.about != "" {
		return e.about + ": " + e.error.Error()
	}
	return e.error.Error()
}

// About returns the beginning of a text about the error.
func (e *tunnelError) About() string { return e.about }

// Unwrap returns the cause.
func (e *tunnelError) Unwrap() error { return e.error }

// failed wraps an error with this tunnel.
func (t *tunnel) failed(err error, named bool) error {
	about := ""
	if named {
		about = t.conf.Name
	}
	return &tunnelError{t.conf.Name, eventError(err), err, about}
}

// eventError is the form of an error in an event. A denial that was printed already is
// shortened to the first finding of the decision.
func eventError(err error) error {
	var conf *awsconf.Error
	if errors.As(err, &conf) {
		return conf // without the SDK's layers around it
	}
	var denied *deniedError
	if errors.As(err, &denied) {
		for _, f := range denied.decision.Findings {
			return fmt.Errorf("%s [%s]", f.Summary, f.Code)
		}
	}
	return err
}

// close releases everything. It is called after the sessions have ended.
func (ts tunnels) close() {
	for _, t := range ts {
		t.near.close()
		if found, known := t.place.known(); known {
			found.close()
		}
	}
}

package tunnel

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"

	"ssmguard/cmd/internal/ask"
	"ssmguard/cmd/internal/awscli"
	"ssmguard/cmd/internal/awsconf"
	"ssmguard/cmd/internal/dial"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/keeper"
	"ssmguard/cmd/internal/session"
	"ssmguard/configs"
	"ssmguard/guard"
	"ssmguard/proxy"
	"ssmguard/proxy/awsdb"
	"ssmguard/proxy/awsssm"
	"ssmguard/proxy/channel"
	"ssmguard/proxy/door"
)

// tunnel is one tunnel of a command, from its local end to its sessions.
type tunnel struct {
	*session.StartOptions // nil until the tunnel has its place in the account
	stderr                io.Writer
	conf                  configs.Tunnel
	door                  *door.Door
	inlet                 *channel.Inlet
	session               *awsconf.Session // the configuration in force
	endpoint              awsdb.Endpoint   // of a database that was looked up
	api                   *awsssm.Client
	carrier               func(lane int) proxy.Plugin
	decision              guard.Decision
	traffic               dial.Traffic
	events                *outbox
	retryFor              time.Duration // until it is ready; see tunnelVerb.retryFor

	placing *sync.Mutex                 // held while a tunnel of the command finds its place
	place   func(context.Context) error // finds it; nil when that is done
	placed  chan struct{}               // closed then

	mu          sync.Mutex
	credentials *ask.Renewing // nil until placed
	lanes       []bool        // which are ready
	everReady   bool
	reconnects  int // times it was ready again
	last        proxy.Event
}

// tunnels are those of one command.
type tunnels []*tunnel

// openTunnels opens the local end of every tunnel and asks the guard about it.
// Nothing is started in the account. What passes by itself is no error: then the
// tunnel finds its place later. On an error, a *tunnelError if it is about one of
// them, nothing is left open.
func openTunnels(ctx context.Context, p *env.Process, o *Options) (_ tunnels, err error) {
	c, err := loadConfig(p, len(o.Words) == 0, o.Words...)
	if err != nil {
		return nil, err
	}
	selected, err := o.selected(c)
	if err != nil {
		return nil, err
	}
	var ts tunnels
	defer func() {
		if err != nil {
			ts.close()
		}
	}()
	placing := new(sync.Mutex)
	for _, conf := range selected {
		t := &tunnel{stderr: p.Stderr, conf: conf, retryFor: o.RetryFor, placing: placing, placed: make(chan struct{})}
		t.place = func(ctx context.Context) error { return t.findPlace(ctx, p, o) }
		if err := t.openDoor(o.Remote); err != nil {
			return nil, t.failed(keeper.WhoHolds(ctx, p, err), true)
		}
		ts = append(ts, t)
	}
	for _, t := range ts {
		if err := t.takePlace(ctx); err != nil && (ctx.Err() != nil || t.final(err)) {
			if exit.As[exit.StatusError](err) && len(ts) > 1 { // it has been explained, without a name
				fmt.Fprintf(p.Stderr, "ssmguard: %s may not be opened, so none of the %d tunnels is\n", t.conf.Name, len(ts))
			}
			return nil, t.failed(err, len(ts) > 1)
		}
	}
	return ts, nil
}

// tunnelError says which of a command's tunnels could not be opened, or gave up.
type tunnelError struct {
	tunnel string
	told   error // as it is told in an event
	error
	named bool // there are others, so that the name says something
}

// Error names the tunnel if there are others.
func (e *tunnelError) Error() string {
	if e.named {
		return e.tunnel + ": " + e.error.Error()
	}
	return e.error.Error()
}

// Unwrap returns the cause.
func (e *tunnelError) Unwrap() error { return e.error }

// failed makes an error one about this tunnel.
func (t *tunnel) failed(err error, named bool) error {
	return &tunnelError{t.conf.Name, t.told(err), err, named}
}

// told is an error as it is told in an event: one that has been explained
// already is the first finding of the decision.
func (t *tunnel) told(err error) error {
	var conf *awsconf.Error
	if errors.As(err, &conf) {
		return conf // without the layers of the SDK around it
	}
	if exit.As[exit.StatusError](err) {
		for _, f := range t.decision.Findings {
			return fmt.Errorf("%s [%s]", f.Summary, f.Code)
		}
	}
	return err
}

func (t *tunnel) openDoor(remote bool) error {
	address := t.conf.Listen
	if address == "" {
		address = ":" + strconv.Itoa(max(t.conf.LocalPort, 0))
	}
	d, err := door.Open(address, remote)
	var reachable *door.RemoteError
	var taken *door.InUseError
	switch {
	case errors.As(err, &reachable):
		return exit.Usagef("%v; --allow-remote allows it", err)
	case errors.As(err, &taken):
		return fmt.Errorf("%w; end that or give another --local-port", err)
	case err != nil:
		return err
	}
	t.door, t.inlet = d, channel.NewInlet(d)
	return nil
}

// close lets go of everything. Sessions have ended by then.
func (ts tunnels) close() {
	for _, t := range ts {
		if t.inlet != nil {
			t.inlet.Close() //nolint:errcheck // a listener that is closed already
		}
		if t.StartOptions != nil && t.World != nil {
			t.World.Evidence.Close()
		}
	}
}

// The documents that forward ports.
const (
	portDocument   = "AWS-StartPortForwardingSession"
	remoteDocument = "AWS-StartPortForwardingSessionToRemoteHost"
)

// takePlace finds the tunnel's place in the account, if that is still to be done.
func (t *tunnel) takePlace(ctx context.Context) error {
	t.placing.Lock()
	defer t.placing.Unlock()
	if t.place == nil {
		return nil
	}
	if err := t.place(ctx); err != nil {
		return err
	}
	t.place = nil
	close(t.placed)
	return nil
}

// findPlace finds the tunnel's place and asks whether it may be opened.
func (t *tunnel) findPlace(ctx context.Context, p *env.Process, o *Options) error {
	err := t.enter(ctx, p, o)
	if err == nil {
		err = t.permitted(ctx)
	}
	if err != nil {
		p.ForgetAWSFiles() // the next attempt may find them mended
	}
	if err != nil && t.StartOptions != nil {
		t.World.Evidence.Close()
		t.StartOptions = nil
	}
	return err
}

// enter finds the tunnel's place in the account.
func (t *tunnel) enter(ctx context.Context, p *env.Process, o *Options) error {
	line, err := t.line(p, o)
	if err != nil {
		return err
	}
	conf, err := line.Configure(ctx)
	if err != nil {
		return err
	}
	credentials := line.Renewed(conf)
	credentials.Again = "open the tunnel"
	t.mu.Lock()
	t.credentials = credentials
	t.mu.Unlock()
	t.session = conf
	if line, err = t.found(ctx, p, o, line); err != nil {
		return err
	}
	w, err := line.Enter(ctx, conf)
	if err == nil {
		t.StartOptions = &session.StartOptions{Line: line, World: w}
	}
	return err
}

// permitted asks whether the tunnel may be opened, and finds what is to carry it.
func (t *tunnel) permitted(ctx context.Context) (err error) {
	if t.decision, err = t.Judged(ctx); err != nil {
		return err
	}
	conf := t.session
	t.api = awsssm.New(conf.SSM, "")
	if t.conf.Engine == ask.EnginePlugin {
		carrier, err := t.Runner(ctx, conf, t.api)
		t.carrier = func(int) proxy.Plugin {
			return &relayTunnel{plugin: carrier, door: t.door, inlet: t.inlet, wait: time.Duration(t.conf.Wait), traffic: &t.traffic}
		}
		return err
	}
	dial, err := dial.NewDialer(conf, t.api)
	if err != nil {
		return err
	}
	dial.Renew = t.credentials.Renew
	t.carrier = func(lane int) proxy.Plugin {
		return &nativeTunnel{Dialer: dial, door: t.door, inlet: t.inlet, wait: time.Duration(t.conf.Wait), traffic: &t.traffic,
			note: func(s *proxy.Session, e channel.Event) { t.inSession(lane, s, e) },
			hindered: func(s *proxy.Session, err error) {
				t.inLane(lane, proxy.Event{State: proxy.Waiting, Session: s.ID, Attempt: 1, Err: err})
			}}
	}
	return nil
}

// line is the session that the tunnel wants.
func (t *tunnel) line(p *env.Process, o *Options) (*ask.Line, error) {
	own, err := ask.OwnDefaults(p.Getenv)
	if err != nil {
		return nil, err
	}
	own.Guard, own.Plugin = cmp.Or(ask.GuardMode(t.conf.Guard), own.Guard), cmp.Or(o.Plugin, own.Plugin)
	own.Engine, own.NoCache = t.conf.Engine, own.NoCache || o.NoCache
	in := awscli.Input{Target: t.conf.Target, DocumentName: portDocument, Reason: t.conf.Reason}
	if t.conf.Host != "" {
		in.DocumentName, in.Parameters = remoteDocument, []awscli.Parameter{{Name: "host", Values: []string{t.conf.Host}}}
	}
	in.Parameters = append(in.Parameters, awscli.Parameter{Name: "portNumber", Values: []string{strconv.Itoa(t.conf.Port)}})
	globals := awscli.DefaultGlobals()
	if t.conf.Profile != "" {
		globals.Profile = &t.conf.Profile
	}
	if t.conf.Region != "" {
		globals.Region = &t.conf.Region
	}
	return ask.New(p, own, awscli.Start(globals, in)), nil
}

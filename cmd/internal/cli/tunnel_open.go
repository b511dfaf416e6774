package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"ssmguard/cmd/internal/awsconf"
	"ssmguard/cmd/internal/report"
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
	*startOptions
	conf        configs.Tunnel
	door        *door.Door
	inlet       *channel.Inlet
	credentials *renewing
	session     *awsconf.Session // the configuration in force
	endpoint    awsdb.Endpoint   // of a database that was looked up
	carrier     func(lane int) proxy.Plugin
	decision    guard.Decision
	traffic     traffic
	events      report.Events

	mu        sync.Mutex
	lanes     []bool // which are ready
	everReady bool
	last      proxy.Event
	failed    error // of events: nobody reads them any more
}

// tunnels are those of one command.
type tunnels []*tunnel

// openTunnels opens the local end of every tunnel and asks the guard about it.
// Nothing is started in the account. On an error nothing is left open.
func (p *process) openTunnels(ctx context.Context, o *tunnelOptions) (_ tunnels, err error) {
	c, err := p.loadConfig()
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
	for _, conf := range selected {
		t := &tunnel{conf: conf}
		if err := t.openDoor(o.Remote); err != nil {
			return nil, err
		}
		ts = append(ts, t)
	}
	for _, t := range ts {
		err := t.enter(ctx, p, o)
		if err == nil {
			err = t.permitted(ctx)
		}
		if err != nil {
			return nil, t.named(err, len(ts))
		}
	}
	return ts, nil
}

// named says which of several tunnels an error is about.
func (t *tunnel) named(err error, of int) error {
	if of == 1 || as[statusError](err) {
		return err
	}
	return fmt.Errorf("%s: %w", t.conf.Name, err)
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
		return usagef("%s: %v; --allow-remote allows it", t.conf.Name, err)
	case errors.As(err, &taken):
		return fmt.Errorf("%s: %w; end that or give another --local-port", t.conf.Name, err)
	case err != nil:
		return fmt.Errorf("%s: %w", t.conf.Name, err)
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
		if t.startOptions != nil && t.world != nil {
			t.world.evidence.Close()
		}
	}
}

// The documents that forward ports.
const (
	portDocument   = "AWS-StartPortForwardingSession"
	remoteDocument = "AWS-StartPortForwardingSessionToRemoteHost"
)

// enter finds the tunnel's place in the account.
func (t *tunnel) enter(ctx context.Context, p *process, o *tunnelOptions) error {
	line, err := t.line(p, o)
	if err != nil {
		return err
	}
	conf, err := line.configure(ctx)
	if err != nil {
		return err
	}
	t.credentials = line.renewed(conf)
	t.session = conf
	if line, err = t.found(ctx, p, o, line); err != nil {
		return err
	}
	t.startOptions = &startOptions{sessionLine: line}
	if t.world, err = line.enter(ctx, conf); err != nil {
		return err
	}
	return nil
}

// permitted asks whether the tunnel may be opened, and finds what is to carry it.
func (t *tunnel) permitted(ctx context.Context) (err error) {
	if t.decision, err = t.judged(ctx); err != nil {
		return err
	}
	conf := t.session
	api := awsssm.New(conf.SSM, "")
	t.world.opener = renewingOpener{api, t.credentials}
	if t.conf.Engine == enginePlugin {
		carrier, err := t.world.plugin(ctx)
		t.carrier = func(int) proxy.Plugin {
			return &relayTunnel{plugin: carrier, door: t.door, inlet: t.inlet, wait: time.Duration(t.conf.Wait), traffic: &t.traffic}
		}
		return err
	}
	dial, err := newDialer(conf, api)
	if err != nil {
		return err
	}
	dial.renew = t.credentials.Renew
	t.carrier = func(lane int) proxy.Plugin {
		return &nativeTunnel{dialer: dial, door: t.door, inlet: t.inlet, wait: time.Duration(t.conf.Wait), traffic: &t.traffic,
			note: func(s *proxy.Session, e channel.Event) { t.inSession(lane, s, e) }}
	}
	return nil
}

// line is the tunnel as a command line of start-session.
func (t *tunnel) line(p *process, o *tunnelOptions) (*sessionLine, error) {
	parameters := map[string][]string{"portNumber": {strconv.Itoa(t.conf.Port)}}
	document := portDocument
	if t.conf.Host != "" {
		document, parameters["host"] = remoteDocument, []string{t.conf.Host}
	}
	text, err := json.Marshal(parameters)
	if err != nil {
		return nil, err
	}
	words := []string{"ssm", "start-session", "--target=" + t.conf.Target, "--document-name", document, "--parameters", string(text)}
	for _, option := range []struct{ flag, value string }{
		{"--profile", t.conf.Profile}, {"--region", t.conf.Region}, {"--reason", t.conf.Reason},
		{"--guard", t.conf.Guard}, {"--engine", t.conf.Engine}, {"--plugin", o.Plugin},
	} {
		if option.value != "" {
			words = append(words, option.flag+"="+option.value)
		}
	}
	if o.NoCache {
		words = append(words, "--no-cache")
	}
	return p.sessionLine(words)
}

// renewingOpener opens sessions with newer credentials when AWS finds the ones
// it was given outdated.
type renewingOpener struct {
	proxy.Opener
	credentials *renewing
}

// Open implements proxy.Opener.
func (r renewingOpener) Open(ctx context.Context, s proxy.Spec) (*proxy.Session, error) {
	session, err := r.Opener.Open(ctx, s)
	if !isOutdated(err) || r.credentials.Renew(ctx) != nil {
		return session, err
	}
	return r.Opener.Open(ctx, s)
}

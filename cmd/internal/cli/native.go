package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"ssmguard/cmd/internal/awsconf"
	"ssmguard/proxy"
	"ssmguard/proxy/awsssm"
	"ssmguard/proxy/channel"
	"ssmguard/proxy/door"
	"ssmguard/proxy/plugin"
)

// dialer opens our own data channels to sessions of one configuration.
type dialer struct {
	options channel.Options // for every channel
	api     *awsssm.Client
	renew   func(context.Context) error // looks for newer credentials; nil: there are none
}

func newDialer(conf *awsconf.Session, api *awsssm.Client) (*dialer, error) {
	proxy, trusted, err := conf.Dialing()
	if err != nil {
		return nil, err
	}
	signed := conf.Config
	d := &dialer{api: api, options: channel.Options{
		Sign: awsssm.Sign(signed), GenerateDataKey: awsssm.DataKey(signed), Proxy: proxy, TLS: trusted,
	}}
	return d, nil
}

// dial opens a channel to a session. onEvent is told what happens to it.
func (d *dialer) dial(ctx context.Context, s *proxy.Session, onEvent func(channel.Event)) (*channel.Channel, error) {
	return d.dialWatched(ctx, s, onEvent, func(error) {})
}

// dialWatched is dial for somebody who wants to know what keeps a session from
// being resumed, attempt by attempt.
func (d *dialer) dialWatched(ctx context.Context, s *proxy.Session, onEvent func(channel.Event), onFailure func(error)) (*channel.Channel, error) {
	o := d.options
	o.Session, o.OnEvent = s, onEvent
	o.Resume = func(ctx context.Context, id string) (streamURL, token proxy.Secret, err error) {
		if streamURL, token, err = d.resume(ctx, id); err != nil && !errors.Is(err, context.Canceled) {
			onFailure(err)
		}
		return streamURL, token, err
	}
	return channel.Dial(ctx, o)
}

// resume asks for a new token. When AWS says that the session cannot be resumed,
// a new one is the way on.
func (d *dialer) resume(ctx context.Context, id string) (streamURL, token proxy.Secret, err error) {
	s, err := d.api.Resume(ctx, id)
	var refused *proxy.Refused
	switch {
	case err == nil:
		return s.StreamURL, s.Token, nil
	case isOutdated(err) && d.renew != nil:
		return streamURL, token, errors.Join(err, d.renew(ctx))
	case errors.As(err, &refused) && !passes(err) && !isOutdated(err):
		return streamURL, token, fmt.Errorf("%w: %w", channel.ErrSessionGone, err)
	}
	return streamURL, token, err
}

// nativeSession carries one session of start-session over our own data channel.
type nativeSession struct {
	*process
	*dialer
	terminal *terminal // set by Run, as is
	screen   *screen
}

// Run implements proxy.Plugin for every type of session.
func (n *nativeSession) Run(ctx context.Context, s *proxy.Session, io proxy.Streams, ready func()) error {
	ctx, stop := whileCarrying(ctx)
	defer stop()
	defer n.terminate(ctx, s.ID)
	local, err := localEnd(s.Spec.Parameters)
	if err != nil {
		return err
	}
	if local != nil {
		defer local.Close()
	}
	n.terminal, n.screen = newTerminal(io), newScreen(io.Out, n.stderr, n.errTerminal)
	n.options.OnPanic = n.terminal.restore
	ch, err := n.connect(ctx, s)
	if err != nil {
		return err
	}
	defer ch.Close()
	if ready != nil {
		ready()
	}
	info := ch.Info()
	switch {
	case info.SessionType == channel.Port && info.Properties.Type != "":
		return n.forward(ctx, ch, s, local)
	case info.SessionType == channel.Port:
		n.screen.beside()
		err := ch.Stdio(ctx, io.In, io.Out)
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		return sessionError(err)
	default:
		return n.shell(ctx, ch, s, io)
	}
}

// patience is how long the far side may say nothing before we tell that we wait.
const patience = 10 * time.Second

// connect opens a channel to the session, and waits for a program that has nothing
// to say yet for as long as the user does.
func (n *nativeSession) connect(ctx context.Context, s *proxy.Session) (*channel.Channel, error) {
	d := *n.dialer
	d.options.Silent = mayBeSilent(s.Spec)
	wait := time.AfterFunc(patience, func() { n.screen.note("nothing from the far side yet; Ctrl-C ends the session") })
	ch, err := d.dial(ctx, s, n.screen.event)
	wait.Stop()
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return nil, cause
	}
	return ch, sessionError(err)
}

// mayBeSilent tells whether a session may run and say nothing: a program does,
// a shell has its prompt, and ports shake hands.
func mayBeSilent(s proxy.Spec) bool {
	switch s.Document {
	case "AWS-StartSSHSession", "AWS-StartPortForwardingSession", "AWS-StartPortForwardingSessionToRemoteHost", "AWS-StartPortForwardingSessionToSocket":
		return false
	case "", "SSM-SessionManagerRunShell":
		return strings.HasPrefix(s.Target, "ecs:")
	}
	return true
}

// terminate ends a session in the account, even when ctx is over.
func (n *nativeSession) terminate(ctx context.Context, id string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), terminateTimeout)
	defer cancel()
	if err := n.api.Terminate(ctx, id); err != nil {
		fmt.Fprintf(n.stderr, "ssmguard: warning: %v\n", &plugin.LeftRunningError{ID: id, Err: err})
	}
}

// localEnd opens what the session's parameters name to listen on, nil if they name
// nothing: before the session is dialled, so that a port in use costs nothing.
func localEnd(parameters map[string][]string) (*door.Door, error) {
	if path := parameters["localUnixSocket"]; len(path) > 0 && path[0] != "" {
		return door.Open("unix:"+path[0], false)
	}
	if port := parameters["localPortNumber"]; len(port) > 0 {
		return door.Open(net.JoinHostPort("localhost", port[0]), false)
	}
	return nil, nil
}

// documentEnd opens what the session's document has to listen on.
func documentEnd(p channel.PortProperties) (*door.Door, error) {
	if p.LocalConnectionType == "unix" && p.LocalUnixSocket != "" {
		return door.Open("unix:"+p.LocalUnixSocket, false)
	}
	if p.LocalPortNumber != "" {
		return door.Open(net.JoinHostPort("localhost", p.LocalPortNumber), false)
	}
	return door.Open("", false)
}

func (n *nativeSession) forward(ctx context.Context, ch *channel.Channel, s *proxy.Session, local *door.Door) error {
	if local == nil {
		var err error
		if local, err = documentEnd(ch.Info().Properties); err != nil {
			return err
		}
		defer local.Close()
	}
	in := channel.NewInlet(local)
	defer in.Close()
	fmt.Fprintf(n.stderr, "ssmguard: forwarding %s, session %s\n", local, s.ID)
	further := &furtherSessions{dialer: n.dialer, spec: s.Spec, traffic: new(traffic)}
	defer further.wait()
	err := ch.Forward(ctx, in, channel.ForwardOptions{More: further.open})
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return sessionError(err)
}

// channelNote is an event of a channel in words.
func channelNote(e channel.Event) string {
	switch e.Kind {
	case channel.Lost:
		return fmt.Sprintf("connection lost, resuming: %v", e.Err)
	case channel.Resumed:
		return "connection resumed"
	case channel.Refused:
		return "the remote port refused a connection; is something listening there, and may the target reach it?"
	case channel.Dropped:
		return e.Text + " while others waited, and was reset; give it a session of its own"
	case channel.Unserved:
		return fmt.Sprintf("a connection was reset, there is no session to be had for it: %v", e.Err)
	case channel.Message:
		return e.Text
	}
	return ""
}

// sessionError makes of a channel's end what a command returns: nothing if it was in peace.
func sessionError(err error) error {
	var closed *channel.ClosedError
	switch {
	case err == nil, errors.Is(err, channel.ErrEscaped):
		return nil
	case errors.As(err, &closed) && strings.TrimSpace(closed.Output) != "":
		return errors.New(strings.TrimSpace(closed.Output))
	}
	return err
}

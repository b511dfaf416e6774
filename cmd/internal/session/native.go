package session

import (
	"context"
	"errors"
	"net"
	"strings"
	"time"

	"ssmguard/cmd/internal/dial"
	"ssmguard/cmd/internal/env"
	"ssmguard/internal/safetext"
	"ssmguard/proxy"
	"ssmguard/proxy/channel"
	"ssmguard/proxy/door"
)

// nativeSession carries one session of start-session over our own data channel.
type nativeSession struct {
	process  *env.Process
	dialer   *dial.Dialer
	anyPeer  bool      // every user may use a forwarded port
	speaks   bool      // stdout gets the lines of the official plugin, too
	terminal *terminal // set by Run, like screen and lines
	screen   *screen
	lines    *pluginLines // nil unless speaks
}

// Run implements proxy.Plugin for every type of session.
func (n *nativeSession) Run(ctx context.Context, s *proxy.Session, io proxy.Streams, ready func()) error {
	ctx, stop := whileCarrying(ctx)
	defer stop()
	defer func() {
		if err := proxy.End(ctx, n.dialer.API, s.ID); err != nil {
			safetext.Fprintf(n.process.Notes(), "ssmguard: warning: %v\n", err)
		}
	}()
	if n.speaks {
		n.lines, ctx = newPluginLines(ctx, io.Out, s.ID)
		defer n.lines.stop(nil)
	}
	var local *door.Door
	if !n.speaks { // the plugin opens its port after the handshake, and tells of both in this order
		var err error
		if local, err = localEnd(s.Spec.Parameters, n.admission()); err != nil {
			return err
		}
	}
	if local != nil {
		defer local.Close()
	}
	n.terminal, n.screen = newTerminal(io), newScreen(io.Out, n.process.Stderr, n.process.ErrTerminal)
	n.dialer.Options.OnPanic = n.terminal.restore
	ch, err := n.connect(ctx, s)
	if err != nil {
		return err
	}
	defer ch.Close()
	if ready != nil {
		ready()
	}
	err = n.carry(ctx, ch, s, io, local)
	ch.Close()
	return n.lines.ended(ctx, ch.Err(), err)
}

// carry joins the session to a port or to the streams, by its type, until one of them ends.
func (n *nativeSession) carry(ctx context.Context, ch *channel.Channel, s *proxy.Session, io proxy.Streams, local *door.Door) error {
	info := ch.Info()
	switch {
	case info.SessionType == channel.Port && info.Properties.Type != "":
		return n.forward(ctx, ch, s, local)
	case info.SessionType == channel.Port:
		n.screen.withOtherProgram()
		_, undo := n.lines.keys() // signals are nothing to a stream
		defer undo()
		err := ch.Stdio(ctx, io.In, io.Out)
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		return sessionError(err)
	default:
		return n.shell(ctx, ch, s, io)
	}
}

// silenceLimit is how long the far side may send nothing before a note is shown.
const silenceLimit = 10 * time.Second

// connect opens a channel to the session. For a program that may send nothing at first
// it waits until the user interrupts.
func (n *nativeSession) connect(ctx context.Context, s *proxy.Session) (*channel.Channel, error) {
	d := *n.dialer
	d.Options.Silent = mayBeSilent(s.Spec)
	shown := func() {}
	if n.lines == nil { // else what the official plugin prints is all
		shown = n.process.ShowStatus("connecting to "+s.Spec.Target, 0)
	}
	defer shown()
	wait := time.AfterFunc(silenceLimit, func() {
		shown()
		n.screen.note("nothing from the far side yet; Ctrl-C ends the session")
	})
	ch, err := d.Dial(ctx, s, func(e channel.Event) {
		shown()
		if !n.lines.event(e) {
			n.screen.event(e)
		}
	})
	wait.Stop()
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return nil, cause
	}
	return ch, sessionError(err)
}

// mayBeSilent reports whether a session may run without sending anything: a program
// may, but a shell sends its prompt, and a port session a handshake.
func mayBeSilent(s proxy.Spec) bool {
	switch s.Document {
	case "AWS-StartSSHSession", "AWS-StartPortForwardingSession", "AWS-StartPortForwardingSessionToRemoteHost", "AWS-StartPortForwardingSessionToSocket":
		return false
	case "", "SSM-SessionManagerRunShell":
		return strings.HasPrefix(s.Target, "ecs:")
	}
	return true
}

// admission says who may use the forwarded port.
func (n *nativeSession) admission() door.Options {
	peers := &dial.Peers{Say: func(line string) { safetext.Fprintf(n.process.Notes(), "ssmguard: %s\n", line) }}
	return door.Options{AnyPeer: n.anyPeer, Peer: peers.Told}
}

// localEnd opens the port or socket of the session's parameters, nil without one. It is
// opened before the session is dialled, so that a port in use is noticed first.
func localEnd(parameters map[string][]string, opt door.Options) (*door.Door, error) {
	if path := parameters["localUnixSocket"]; len(path) > 0 && path[0] != "" {
		return door.Open("unix:"+path[0], opt)
	}
	if port := parameters["localPortNumber"]; len(port) > 0 {
		return door.Open(net.JoinHostPort("localhost", port[0]), opt)
	}
	return nil, nil
}

// documentEnd opens the port or socket of the session's document.
func documentEnd(place string, p channel.PortProperties, opt door.Options) (*door.Door, error) {
	switch {
	case socketOf(p) != "":
		return door.Open("unix:"+place, opt)
	case place != "":
		return door.Open(net.JoinHostPort("localhost", place), opt)
	}
	return door.Open("", opt)
}

// socketOf is the path of a port session's unix socket, "" if it has a port.
func socketOf(p channel.PortProperties) string {
	if p.LocalConnectionType == "unix" {
		return p.LocalUnixSocket
	}
	return ""
}

func (n *nativeSession) forward(ctx context.Context, ch *channel.Channel, s *proxy.Session, local *door.Door) error {
	properties := ch.Info().Properties
	place, err := s.Spec.LocalEnd(properties.LocalPortNumber, socketOf(properties))
	if err != nil {
		return err
	}
	if local == nil {
		if local, err = documentEnd(place, properties, n.admission()); err != nil {
			return err
		}
		defer local.Close()
	}
	ctx, undo := n.lines.untilTerminated(ctx)
	defer undo()
	in := channel.NewInlet(n.lines.listening(local, ch.Info().Multiplexed))
	defer in.Close()
	if n.lines == nil {
		safetext.Fprintf(n.process.Notes(), "ssmguard: forwarding %s, session %s\n", local, s.ID)
	}
	further := &dial.FurtherSessions{Dialer: n.dialer, Spec: s.Spec, Traffic: new(dial.Traffic)}
	defer further.Wait()
	err = ch.Forward(ctx, in, channel.ForwardOptions{More: further.Open})
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return sessionError(err)
}

// sessionError turns the end of a channel into a command's error, nil after a normal
// end.
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

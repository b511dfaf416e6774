package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/aws/session-manager-plugin/src/config"
	"github.com/aws/session-manager-plugin/src/datachannel"
	"github.com/aws/session-manager-plugin/src/jsonutil"
	"github.com/aws/session-manager-plugin/src/log"
	"github.com/aws/session-manager-plugin/src/message"
	"github.com/aws/session-manager-plugin/src/sessionmanagerplugin/session"
	"github.com/aws/session-manager-plugin/src/sessionmanagerplugin/session/portsession"
	"github.com/aws/session-manager-plugin/src/sessionmanagerplugin/session/sessionutil"

	"ssmguard/internal/nettext"
	"ssmguard/internal/safetext"
	"ssmguard/proxy"
)

// execute does what session.Session's Execute does, with the official data
// channel and session types, and notices what that one does not: a refused
// websocket, a session that cannot be resumed, data that is never acknowledged.
func (c *child) execute() int {
	s := c.session
	if err := c.lead(); err != nil {
		c.abandon(nettext.OfConnection(err))
	}
	if c.events != nil {
		c.ask(event{Request: requestBegin})
	}
	safetext.Fprintf(os.Stdout, "\nStarting session with SessionId: %s\n", s.SessionId)
	s.DisplayMode = sessionutil.NewDisplayMode(c.log)
	channel := &dataChannel{DataChannel: &datachannel.DataChannel{}, child: c, resumed: make(chan struct{}, 1), acknowledged: make(chan struct{}, 1)}
	s.DataChannel = channel
	datachannel.SendAcknowledgeMessageCall = acknowledge
	if err := c.connect(); err != nil {
		c.fail("cannot connect to the session: " + nettext.OfConnection(err))
	}
	if err := c.authorize(""); err != nil {
		c.fail(nettext.OfConnection(err))
	}
	if c.events != nil {
		c.parentKeys()
	}
	if err := s.OpenDataChannel(c.log); err != nil {
		c.fail("cannot open the session's data channel: " + nettext.OfConnection(err))
	}
	if !channel.connected() {
		c.fail("cannot connect to the session: " + nettext.OfConnection(c.fault))
	}
	go func() {
		if <-s.DataChannel.IsStreamMessageResendTimeout() {
			c.abandon("the instance has not answered for five minutes")
		}
	}()
	err := errors.New("unable to determine SessionType")
	if <-s.DataChannel.IsSessionTypeSet() {
		err = c.run()
	}
	if (err == nil || errors.Is(err, io.EOF)) && !c.listens() {
		c.endInput(channel)
		return 0
	}
	if err == nil {
		return 0
	}
	safetext.Fprintf(os.Stdout, "Cannot perform start session: %s\n", err.Error()) // in the official plugin's words
	c.terminal()
	return c.status(1, nettext.OfConnection(err))
}

// How long a stream whose input has ended stays open without a byte from the far
// side, after the far side has answered and before, if it was asked.
const (
	answeredTime   = 2 * time.Second
	unansweredTime = 2 * time.Minute
)

// endInput is what follows the end of our own input, where the official session
// types leave and lose the output that is on its way. A terminal gets a key for it,
// and a command reads no input; both end their session, and with it the process.
// A stream has no end of one direction: there it is the silence of the far side.
func (c *child) endInput(d *dataChannel) {
	switch {
	case c.session.SessionType == config.PortPluginName:
		c.awaitSilence(d.lastTyped.Load() != 0)
		return
	case c.kind.Load() != config.NonInteractiveCommandsPluginName:
		last := d.lastTyped.Load() - 1
		whole := last < 0 || last == '\n' || last == '\r'
		proxy.EndInput(context.Background(), c.output, whole, func(key byte) {
			d.SendInputDataMessage(c.log, message.Output, []byte{key}) //nolint:errcheck // the end of the session is noticed elsewhere
		})
	}
	select {}
}

// awaitSilence returns when the far side has said nothing for some time.
func (c *child) awaitSilence(asked bool) {
	wait := answeredTime
	if asked && !c.answered.Load() {
		wait = unansweredTime
	}
	for {
		select {
		case <-c.output:
			wait = answeredTime
		case <-time.After(wait):
			return
		}
	}
}

// run hands over to the official session type, which comes back only when it
// stops for want of input or with an error.
func (c *child) run() error {
	s := c.session
	s.SessionType = s.DataChannel.GetSessionType()
	s.SessionProperties = s.DataChannel.GetSessionProperties()
	if c.listens() {
		if _, err := c.spec.LocalEnd(c.port().LocalPortNumber, c.socket()); err != nil {
			c.abandon(nettext.OfConnection(err))
		}
		keepOthersOut()
		if p := c.port(); c.instead != "" && c.socket() == "" {
			p.LocalConnectionType, p.LocalUnixSocket = "unix", c.instead
			s.SessionProperties = p
		}
	}
	if c.listens() {
		dir, remove, err := socketDir(os.TempDir(), socketDirs(os.Getenv)...)
		if err != nil {
			c.abandon(nettext.OfConnection(err))
		}
		if dir != "" {
			os.Setenv("TMPDIR", dir)
			c.removeTemp = remove
		}
	}
	c.plugin = session.SessionRegistry[s.SessionType]
	c.plugin.Initialize(c.log, s)
	shown := s.DataChannel.GetAgentVersion() == "" // without handshake the first output has been shown
	if shown || s.SessionType == config.PortPluginName && !c.listens() {
		c.events.report(event{Ready: true})
	}
	if err := c.canListen(); err != nil {
		return err
	}
	switch {
	case s.SessionType == config.ShellPluginName:
		c.forwardSignals()
	case c.listens() && c.events != nil:
		c.reportInterrupt()
	}
	return c.plugin.SetSessionHandlers(c.log)
}

// holdSignals takes up the session's signals for a terminal or a command. The official
// session type does so in a goroutine of its own, which on a busy machine comes long after
// the first output: what is ignored until then is lost.
func (c *child) holdSignals() { signal.Notify(c.signals, sessionutil.ControlSignals...) }

// forwardSignals sends the keys of the signals that are held, and of all that follow. The
// official session type is left without keys to send, lest it send them as well.
func (c *child) forwardSignals() {
	keys := maps.Clone(sessionutil.SignalsByteMap)
	clear(sessionutil.SignalsByteMap)
	go func() {
		for sig := range c.signals {
			if err := c.session.DataChannel.SendInputDataMessage(c.log, message.Output, []byte{keys[sig]}); err != nil {
				c.log.Errorf("cannot forward a signal: %v", err)
			}
		}
	}()
}

// reportInterrupt tells the parent that the session forwards a port, and of the signal that
// ends it, which the official session type, too, takes up next.
func (c *child) reportInterrupt() {
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, sessionutil.ControlSignals...)
	c.events.report(event{Forwards: true})
	go func() {
		<-interrupts
		c.events.report(event{Interrupted: true})
	}()
}

// listens reports whether a port session has a local listener; ssh has none.
func (c *child) listens() bool { return c.port().Type == portsession.LocalPortForwardingType }

// socket is the path of the unix socket that a port session listens on, "" if it has a port.
func (c *child) socket() string {
	if p := c.port(); p.LocalConnectionType == "unix" {
		return p.LocalUnixSocket
	}
	return ""
}

// port returns the properties of a port session as the official session type reads them:
// whatever the case of their names, and as far as they can be read.
func (c *child) port() (p portsession.PortParameters) {
	if c.session.SessionType == config.PortPluginName {
		jsonutil.Remarshal(c.session.SessionProperties, &p) //nolint:errcheck // the session type goes on, too
	}
	return p
}

// canListen tries what the session type is going to do: when that fails, the
// multiplexed one mostly waits for ever instead of saying so.
func (c *child) canListen() error {
	if !c.listens() {
		return nil
	}
	network, address := "tcp", "localhost:"+c.port().LocalPortNumber
	if socket := c.socket(); socket != "" {
		network, address = "unix", socket
	} else if c.port().LocalPortNumber == "" {
		return nil
	}
	l, err := net.Listen(network, address)
	if err != nil {
		return err
	}
	return l.Close()
}

// observe sees the payloads after the session type has processed them.
func (c *child) observe(m message.ClientMessage) {
	kind := message.PayloadType(m.PayloadType)
	if kind == message.Output || kind == message.StdErr {
		c.answered.Store(true)
		proxy.Signal(c.output)
	}
	switch kind {
	case message.Output:
		if c.session.SessionType == config.ShellPluginName {
			c.events.report(event{Ready: true})
		}
	case message.ExitCode:
		if n, err := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(string(m.Payload), "EXIT_CODE:"))); err == nil {
			c.events.report(event{ExitCode: &n})
		}
	}
}

// closed is called when the service has closed the session, before the official
// session type is told to stop.
func (c *child) closed(output string) {
	c.events.report(event{Closed: true, Reason: output})
	code := 0
	if output != "" && c.events != nil {
		code = 1
	}
	c.leave(code)
}

// abandon ends the session, unless a parent does it, and then the process. The end of the
// session that it causes does not hide the reason.
func (c *child) abandon(reason string) {
	if c.events == nil {
		safetext.Fprintf(os.Stderr, "ssmguard: %s\n", reason)
		c.ending.Store(1)
		c.terminate()
		c.leave(1)
	}
	c.fail(reason)
}

// terminate asks the service to end the session, for a few seconds at most. It is
// called where no parent can be asked for credentials: if those that it gave last
// have run out, our own may do.
func (c *child) terminate() {
	done := make(chan struct{})
	go func() {
		defer close(done)
		if c.terminateSession() != nil && c.events != nil {
			c.disown()
			c.terminateSession() //nolint:errcheck // its idle timeout ends it then
		}
	}()
	select {
	case <-done:
	case <-time.After(5 * time.Second):
	}
}

// watch ends the session when a signal says so that the official plugin does not
// know, and when the parent is gone.
func (c *child) watch() {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, endSignals...)
	go func() {
		sig := <-signals
		c.ending.Store(int32(signalStatus(sig)))
		if c.events == nil {
			c.terminate()
		}
		c.leave(signalStatus(sig))
	}()
	if c.life == nil {
		return
	}
	go func() {
		for answers := json.NewDecoder(c.life); ; {
			var a answer
			if answers.Decode(&a) != nil {
				break
			}
			c.answers <- a
		}
		c.terminate()
		c.leave(1)
	}()
}

// readinessLog is the official log. It alone says when a port can be used.
type readinessLog struct {
	log.T
	child *child
}

// Info is what the single-connection listener logs with.
func (l *readinessLog) Info(v ...any) {
	l.T.Info(v...)
	if len(v) == 1 {
		l.look(fmt.Sprint(v[0]))
	}
}

// Infof is what the multiplexed listener logs with.
func (l *readinessLog) Infof(format string, params ...any) {
	l.T.Infof(format, params...)
	l.look(format)
}

func (l *readinessLog) look(text string) {
	if strings.Contains(text, " opened for sessionId ") {
		l.child.events.report(event{Ready: true})
	}
}

// muxSocket is the official plugin's socket between the two halves of a
// multiplexed session; it is left behind when the process does not end by itself.
func muxSocket(session string) string {
	h := fnv.New32a()
	h.Write([]byte(session))
	return filepath.Join(os.TempDir(), fmt.Sprintf("%d_session_manager_plugin_mux.sock", h.Sum32()))
}

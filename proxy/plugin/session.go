package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/session-manager-plugin/src/communicator"
	"github.com/aws/session-manager-plugin/src/config"
	"github.com/aws/session-manager-plugin/src/datachannel"
	"github.com/aws/session-manager-plugin/src/log"
	"github.com/aws/session-manager-plugin/src/message"
	"github.com/aws/session-manager-plugin/src/sessionmanagerplugin/session"
	"github.com/aws/session-manager-plugin/src/sessionmanagerplugin/session/sessionutil"
	"github.com/gorilla/websocket"

	"ssmguard/proxy"
)

// execute does what session.Session's Execute does, with the official data
// channel and session types, and notices what that one does not: a refused
// websocket, a session that cannot be resumed, data that is never acknowledged.
func (c *child) execute() int {
	s := c.session
	fmt.Fprintf(os.Stdout, "\nStarting session with SessionId: %s\n", s.SessionId)
	s.DisplayMode = sessionutil.NewDisplayMode(c.log)
	channel := &dataChannel{DataChannel: &datachannel.DataChannel{}, child: c, resumed: make(chan struct{}, 1)}
	s.DataChannel = channel
	if err := c.authorize(""); err != nil {
		c.fail(err.Error())
	}
	if err := s.OpenDataChannel(c.log); err != nil {
		c.fail("cannot open the session's data channel: " + err.Error())
	}
	if !channel.connected() {
		c.fail(fmt.Sprintf("cannot connect to the session: %v", c.fault))
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
	fmt.Fprintf(os.Stdout, "Cannot perform start session: %v\n", err)
	c.terminal()
	return c.status(1, err.Error())
}

// How long a stream whose input has ended stays open without a byte from the far
// side, after the far side has answered and before, if it was asked.
const (
	answeredTime   = 2 * time.Second
	unansweredTime = 2 * time.Minute
)

// endInput is what follows the end of our own input, where the official session
// types leave and lose the output that is on its way. A terminal is told of it,
// and a command reads none; both end their session, and with it the process.
// A stream has no end of one direction: there it is the silence of the far side.
func (c *child) endInput(d *dataChannel) {
	switch {
	case c.session.SessionType == config.PortPluginName:
		c.awaitSilence(d.last.Load() != 0)
		return
	case c.kind.Load() != config.NonInteractiveCommandsPluginName:
		last := d.last.Load() - 1
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

// listens says whether a port session has a local listener; ssh has none.
func (c *child) listens() bool { return c.property("type") == "LocalPortForwarding" }

// property returns one of a port session's properties.
func (c *child) property(name string) string {
	p, _ := c.session.SessionProperties.(map[string]any)
	v, _ := p[name].(string)
	return v
}

// canListen tries what the session type is going to do: when that fails, the
// multiplexed one mostly waits for ever instead of saying so.
func (c *child) canListen() error {
	if !c.listens() {
		return nil
	}
	network, address := "tcp", "localhost:"+c.property("localPortNumber")
	if c.property("localConnectionType") == "unix" {
		network, address = "unix", c.property("localUnixSocket")
	} else if c.property("localPortNumber") == "" {
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

// abandon ends the session, unless a parent does it, and then the process.
func (c *child) abandon(reason string) {
	if c.events == nil {
		c.terminate()
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
		if c.session.TerminateSession(c.log) != nil && c.events != nil {
			c.disown()
			c.session.TerminateSession(c.log)
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

// dataChannel is the official data channel with our eyes on its ends.
type dataChannel struct {
	*datachannel.DataChannel
	child   *child
	greeted bool       // the first message has come
	turn    sync.Mutex // of those that wait for a lost connection
	sending sync.Mutex
	resumed chan struct{} // told when a lost connection is there again
	last    atomic.Int32  // the byte that was typed last, plus one; 0: none was
}

// SendInputDataMessage sends one message at a time. The keyboard, the window's
// size and signals come from goroutines of their own, which the official channel
// may give the same number: one of the two is lost then, the next number is never
// sent, and the agent waits for it for as long as the session lives.
//
// What cannot be sent waits until the session is resumed: the official session
// types end at an error, before it is known whether it can be.
func (d *dataChannel) SendInputDataMessage(log log.T, payload message.PayloadType, data []byte) error {
	if payload == message.Output && len(data) > 0 {
		d.last.Store(int32(data[len(data)-1]) + 1)
	}
	return d.send(true, func() error { return d.DataChannel.SendInputDataMessage(log, payload, data) })
}

// SendFlag takes its turn likewise. One that ends the session does not wait for it.
func (d *dataChannel) SendFlag(log log.T, flag message.PayloadTypeFlag) error {
	return d.send(flag != message.TerminateSession, func() error { return d.DataChannel.SendFlag(log, flag) })
}

func (d *dataChannel) send(waits bool, message func() error) error {
	once := func() (*websocket.Conn, error) {
		d.sending.Lock()
		defer d.sending.Unlock()
		return d.socket(), message()
	}
	if !waits {
		_, err := once()
		return err
	}
	d.turn.Lock()
	defer d.turn.Unlock()
	for {
		broken, err := once()
		if err == nil || broken == nil {
			return err
		}
		broken.Close() // so that the reader hears of it, too
		<-d.resumed
	}
}

// socket is the connection that is in use, nil if there is none to be resumed.
func (d *dataChannel) socket() *websocket.Conn {
	if ws, ok := d.DataChannel.GetWsChannel().(*communicator.WebSocketChannel); ok && d.resumed != nil {
		return ws.Connection
	}
	return nil
}

// connected says whether the websocket is there.
func (d *dataChannel) connected() bool {
	ws, ok := d.DataChannel.GetWsChannel().(*communicator.WebSocketChannel)
	return !ok || ws.IsOpen
}

// Open watches the connection from its first moment: an error before the
// official handler is in place would go unseen.
func (d *dataChannel) Open(log log.T) error {
	d.DataChannel.GetWsChannel().SetOnError(d.lost)
	return d.note(d.DataChannel.Open(log))
}

// Reconnect notes why it failed.
func (d *dataChannel) Reconnect(log log.T) error { return d.note(d.DataChannel.Reconnect(log)) }

func (d *dataChannel) note(err error) error {
	if err != nil {
		d.child.fault = rootCause(err)
	}
	return err
}

// GetWsChannel keeps our error handler in its place, and the reader alive.
func (d *dataChannel) GetWsChannel() communicator.IWebSocketChannel {
	return guarded{d.DataChannel.GetWsChannel()}
}

// RegisterOutputStreamHandler lets us see what a session type has processed. A
// handler of our own beside it would not do: the official channel skips one when
// its first handler, for sessions without handshake, removes itself.
func (d *dataChannel) RegisterOutputStreamHandler(handler datachannel.OutputStreamDataMessageHandler, specific bool) {
	if !specific {
		d.DataChannel.RegisterOutputStreamHandler(handler, specific)
		return
	}
	d.DataChannel.RegisterOutputStreamHandler(func(log log.T, m message.ClientMessage) (bool, error) {
		ready, err := handler(log, m)
		if ready && err == nil {
			d.child.observe(m)
		}
		return ready, err
	}, specific)
}

// guarded is a websocket whose handlers cannot make it deaf.
type guarded struct {
	communicator.IWebSocketChannel
}

// SetOnError does nothing: the error handler is ours.
func (guarded) SetOnError(func(error)) {}

// SetOnMessage loses a message for which the session type panics, which the
// multiplexed one does before it is set up. Nobody acknowledges it, so it comes
// again; without this the websocket would not be read any more.
func (g guarded) SetOnMessage(handle func([]byte)) {
	g.IWebSocketChannel.SetOnMessage(func(raw []byte) {
		defer func() { recover() }()
		handle(raw)
	})
}

// greet looks at the first message, before the official channel does: whether it
// is a handshake that wants credentials, and what the session is. Without handshake it is
// a terminal.
func (d *dataChannel) greet(log log.T, raw []byte) {
	var m message.ClientMessage
	if d.greeted || m.DeserializeClientMessage(log, raw) != nil || m.MessageType != message.OutputStreamMessage {
		return
	}
	d.greeted = true
	if message.PayloadType(m.PayloadType) != message.HandshakeRequestPayloadType {
		d.child.holdSignals()
		return
	}
	request, err := m.DeserializeHandshakeRequest(log)
	if err != nil {
		return
	}
	for _, action := range request.RequestedClientActions {
		switch action.ActionType {
		case message.KMSEncryption:
			if err := d.child.authorize(""); err != nil {
				d.child.fail("cannot encrypt the session: " + err.Error())
			}
		case message.SessionType:
			var t message.SessionTypeRequest
			json.Unmarshal(action.ActionParameters, &t) //nolint:errcheck // the official channel refuses it
			d.child.kind.Store(t.SessionType)
			if t.SessionType != config.PortPluginName {
				d.child.holdSignals()
			}
		}
	}
}

// OutputMessageHandler lets the official one work, but stops in its stead.
func (d *dataChannel) OutputMessageHandler(log log.T, _ datachannel.Stop, id string, raw []byte) error {
	d.greet(log, raw)
	stop := func() {
		var m message.ClientMessage
		var output string
		if m.DeserializeClientMessage(log, raw) == nil {
			if closed, err := m.DeserializeChannelClosedMessage(log); err == nil {
				output = closed.Output
			}
		}
		d.child.closed(output)
	}
	return d.DataChannel.OutputMessageHandler(log, stop, id, raw)
}

// lost resumes the session as often and as fast as the official plugin tries,
// and says so when that fails.
func (d *dataChannel) lost(cause error) {
	c := d.child
	pause := time.Duration(config.DataChannelRetryInitialDelayMillis+rand.IntN(config.DataChannelRetryInitialDelayMillis)) * time.Millisecond
	var err error
	refused := ""
	for range config.DataChannelNumMaxRetries + 1 {
		if err = c.authorize(refused); err == nil {
			err = d.resume()
			refused = refusal(err)
		}
		if err == nil {
			proxy.Signal(d.resumed)
			return
		}
		time.Sleep(pause)
		pause *= config.RetryBase
	}
	c.abandon(fmt.Sprintf("the connection was lost (%v) and the session could not be resumed: %v", cause, rootCause(err)))
}

// resume asks for a new token and connects with it.
func (d *dataChannel) resume() error {
	c := d.child
	token, err := c.session.GetResumeSessionParams(c.log)
	if err != nil {
		return err
	}
	if token == "" {
		fmt.Fprintf(os.Stdout, "Session: %s timed out.\n", c.session.SessionId)
		c.closed("the session has timed out")
	}
	if ws, ok := d.DataChannel.GetWsChannel().(*communicator.WebSocketChannel); ok {
		// The official plugin signs with the credentials of the start.
		ws.Signer, ws.Credentials = c.session.Signer, c.session.Credentials
		ws.ChannelToken = token
	}
	return d.Reconnect(c.log)
}

// rootCause is the innermost error: the outer ones tell how, not why, and some
// of the data channel's name the stream's URL, which is nobody's business.
func rootCause(err error) error {
	for inner := err; inner != nil; inner = errors.Unwrap(inner) {
		err = inner
	}
	const how = "with error: "
	if i := strings.LastIndex(err.Error(), how); i >= 0 {
		return errors.New(err.Error()[i+len(how):])
	}
	return err
}

// listener is the official log with our ear on it: readiness is said nowhere else.
type listener struct {
	log.T
	child *child
}

// Info hears the single-connection listener.
func (l *listener) Info(v ...any) {
	l.T.Info(v...)
	if len(v) == 1 {
		l.hear(fmt.Sprint(v[0]))
	}
}

// Infof hears the multiplexed listener.
func (l *listener) Infof(format string, params ...any) {
	l.T.Infof(format, params...)
	l.hear(format)
}

func (l *listener) hear(text string) {
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

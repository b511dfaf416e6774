package plugin

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/session-manager-plugin/src/communicator"
	"github.com/aws/session-manager-plugin/src/config"
	"github.com/aws/session-manager-plugin/src/datachannel"
	"github.com/aws/session-manager-plugin/src/log"
	"github.com/aws/session-manager-plugin/src/message"
	"github.com/gorilla/websocket"

	"ssmguard/internal/nettext"
	"ssmguard/internal/safetext"
	"ssmguard/proxy"
)

// dataChannel is the official data channel with its faults mended: messages with the
// same number, a connection whose loss ends the session, resuming without a reason.
type dataChannel struct {
	*datachannel.DataChannel
	child        *child
	begun        bool                          // the first message has come; the reader's, like what follows
	shaken       map[message.PayloadType]int64 // the numbers of the handshake's messages, which come once each
	early        int                           // bytes of messages that wait for one that is missing
	turn         sync.Mutex                    // of the messages that wait for a lost connection; taken before sending
	sending      sync.Mutex                    // of one message
	resumed      chan struct{}                 // gets a token when a lost connection is there again
	repaired     int64                         // below it everything that was overtaken has been sent again; the reader's
	acknowledged chan struct{}                 // gets a token when messages of ours have been acknowledged
	lastTyped    atomic.Int32                  // the byte that was typed last, plus one; 0: none was
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
		d.lastTyped.Store(int32(data[len(data)-1]) + 1)
	}
	return d.send(true, func() error { return d.DataChannel.SendInputDataMessage(log, payload, data) })
}

// SendFlag sends one message at a time, too. A flag that ends the session does not wait for it.
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
	d.awaitRoom()
	for {
		broken, err := once()
		if err == nil || broken == nil {
			return err
		}
		broken.Close() // so that the reader notices, too
		<-d.resumed
	}
}

// socket is the connection that is in use, nil if there is none to be resumed.
func (d *dataChannel) socket() *websocket.Conn {
	if ws := d.official(); ws != nil && d.resumed != nil {
		return ws.Connection
	}
	return nil
}

// official is the state of the websocket, nil if it is of another kind.
func (d *dataChannel) official() *communicator.WebSocketChannel {
	switch ws := d.DataChannel.GetWsChannel().(type) {
	case *webSocket:
		return ws.WebSocketChannel
	case *communicator.WebSocketChannel:
		return ws
	}
	return nil
}

// connected reports whether the websocket is there.
func (d *dataChannel) connected() bool {
	ws := d.official()
	return ws == nil || ws.IsOpen
}

// Open watches the connection from its first moment: an error before the
// official handler is in place would go unseen.
func (d *dataChannel) Open(log log.T) error {
	if ws, ok := d.DataChannel.GetWsChannel().(*communicator.WebSocketChannel); ok {
		d.DataChannel.SetWsChannel(&webSocket{WebSocketChannel: ws, clock: d.child.clock})
	}
	d.DataChannel.GetWsChannel().SetOnError(d.resumeSession)
	err := d.note(d.DataChannel.Open(log))
	if ws, ours := d.DataChannel.GetWsChannel().(*webSocket); ours && ws.untrusted != nil {
		// No certificate comes to be trusted by the official channel's further attempts.
		d.child.fail("cannot connect to the session: " + ws.untrusted.Error())
	}
	return err
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
	return guardedSocket{d.DataChannel.GetWsChannel()}
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

// guardedSocket is a websocket that is read on whatever a session type does.
type guardedSocket struct {
	communicator.IWebSocketChannel
}

// SetOnError does nothing: the error handler is ours.
func (guardedSocket) SetOnError(func(error)) {}

// SetOnMessage loses a message for which the session type panics, which the
// multiplexed one does before it is set up. It is not acknowledged, so it comes
// again; without this the websocket would not be read any more.
func (g guardedSocket) SetOnMessage(handle func([]byte)) {
	g.IWebSocketChannel.SetOnMessage(func(raw []byte) {
		defer func() { recover() }()
		handle(raw)
	})
}

// inspectFirst looks at the first message, before the official channel does: whether it
// is a handshake that wants credentials, and what the session is. Without handshake it is
// a terminal.
func (d *dataChannel) inspectFirst(log log.T, raw []byte) {
	var m message.ClientMessage
	if d.begun || m.DeserializeClientMessage(log, raw) != nil || m.MessageType != message.OutputStreamMessage {
		return
	}
	d.begun = true
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
				d.child.fail("cannot encrypt the session: " + nettext.Of(err))
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

// OutputMessageHandler is the official one, but for the end of the session.
func (d *dataChannel) OutputMessageHandler(log log.T, _ datachannel.Stop, id string, raw []byte) error {
	d.inspectFirst(log, raw)
	if !d.admits(raw) || d.had(raw) {
		return nil
	}
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
	waiting := len(d.IncomingMessageBuffer.Messages)
	_, ours := d.oldest()
	err := d.DataChannel.OutputMessageHandler(log, stop, id, raw)
	if _, now := d.oldest(); now < ours {
		proxy.Signal(d.acknowledged)
		d.repair(log, raw)
	}
	switch now := len(d.IncomingMessageBuffer.Messages); {
	case now > waiting:
		d.early += len(raw)
	case now == 0:
		d.early = 0
	}
	return err
}

// acknowledge acknowledges a message that has been processed. An acknowledgement that cannot
// be sent is a lost one: the message comes again, and had answers it. The official channel
// would process it again, which repeats what a port or a terminal has had.
func acknowledge(log log.T, d *datachannel.DataChannel, m message.ClientMessage) error {
	d.SendAcknowledgeMessage(log, m) //nolint:errcheck // the loss of the connection is noticed by its reader
	return nil
}

// had reports whether a message was processed before, and acknowledges it again, which the
// official channel does not: the agent, which sends its oldest message again until that is
// acknowledged, would send no other one.
func (d *dataChannel) had(raw []byte) bool {
	var m message.ClientMessage
	if m.DeserializeClientMessage(d.child.log, raw) != nil || m.MessageType != message.OutputStreamMessage || m.SequenceNumber >= d.ExpectedSequenceNumber {
		return false
	}
	acknowledge(d.child.log, d.DataChannel, m) //nolint:errcheck // it is nil
	return true
}

// mostEarly is how many bytes may wait for a message that is missing. The official channel
// counts messages.
const mostEarly = 16 << 20

// admits reports whether a message may be handed to the official channel. What is not
// admitted is not acknowledged, and comes again. A second handshake ends the session.
func (d *dataChannel) admits(raw []byte) bool {
	var m message.ClientMessage
	if m.DeserializeClientMessage(d.child.log, raw) != nil || m.MessageType != message.OutputStreamMessage {
		return true
	}
	kind := message.PayloadType(m.PayloadType)
	switch kind {
	case message.HandshakeRequestPayloadType, message.HandshakeCompletePayloadType, message.EncChallengeRequest:
		if before, came := d.shaken[kind]; came && before != m.SequenceNumber {
			d.child.abandon("the far side has begun another handshake")
		}
		if d.shaken == nil {
			d.shaken = make(map[message.PayloadType]int64)
		}
		d.shaken[kind] = m.SequenceNumber
	}
	return m.SequenceNumber <= d.ExpectedSequenceNumber || d.early+len(raw) <= mostEarly
}

// resumeSession resumes the session as often and as fast as the official plugin tries,
// and says so when that fails.
func (d *dataChannel) resumeSession(cause error) {
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
			d.resend(c.log, d.socket())
			proxy.Signal(d.resumed)
			return
		}
		time.Sleep(pause)
		pause *= config.RetryBase
	}
	c.abandon(fmt.Sprintf("the connection was lost (%v) and the session could not be resumed: %s", nettext.OfConnection(cause), nettext.OfConnection(rootCause(err))))
}

// resume asks for a new token and connects with it.
func (d *dataChannel) resume() error {
	c := d.child
	token, err := c.resumeToken()
	if err != nil {
		return err
	}
	if token == "" {
		safetext.Fprintf(os.Stdout, "Session: %s timed out.\n", c.session.SessionId)
		c.closed("the session has timed out")
	}
	if ws := d.official(); ws != nil {
		// The official plugin signs with the credentials of the start.
		ws.Signer, ws.Credentials = c.session.Signer, c.session.Credentials
		ws.ChannelToken = token
	}
	return d.Reconnect(c.log)
}

// rootCause is the innermost error: the outer ones tell how, not why, and some
// of the data channel's name the stream's URL, which is secret.
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

package gateway

import (
	"bufio"
	"bytes"
	"compress/flate"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"ssmguard/proxy"
	"ssmguard/proxy/channel/wire"
)

// Hostile is a message gateway with an agent that want the client's memory: it sends without
// end whatever a client may be made to keep. Make it with NewHostile and Close it.
type Hostile struct {
	mode     Mode
	limit    int64
	listener net.Listener
	links    sync.WaitGroup
	sent     atomic.Int64
	finished atomic.Bool
	writing  atomic.Int64 // since when the last write waits for the client; 0: it does not
	connects atomic.Int64
	look     func()
	every    int64 // bytes from one look to the next; 0: there is none

	mu    sync.Mutex
	conns []net.Conn
}

// Mode is one way to want memory.
type Mode struct {
	Name string
	Kind Kind // of the session that the client has asked for
	// deaf: the gateway does not read what the client sends; deflates: it answers that
	// messages may be compressed.
	deaf, deflates bool
	attack         func(*attack) error // after the upgrade; nil: it never ends
}

// Modes are the ways that there are.
func Modes() []Mode { return modes }

// modes lists them in the order in which a client gets to see what they send: the upgrade,
// the websocket, the handshake, the messages.
var modes = []Mode{
	{"endless headers", Shell, false, false, nil},
	{"compression that was not asked for", Shell, false, true, (*attack).bombs},
	{"a message of two exabytes", Shell, false, false, func(a *attack) error { return a.endless(0x82, 1<<61) }},
	{"a text of two exabytes", Shell, false, false, func(a *attack) error { return a.endless(0x81, 1<<61) }},
	{"fragments without end", Shell, false, false, (*attack).fragments},
	{"pings, and nobody reads the answers", Shell, true, false, func(a *attack) error {
		return a.again(frame(0x89, bytes.Repeat([]byte("p"), 125)))
	}},
	{"no messages", Shell, false, false, func(a *attack) error { return a.again(frame(0x82, bytes.Repeat([]byte("x"), 200))) }},
	{"handshakes without end", InteractiveCommands, false, false, (*attack).handshakes},
	{"handshakes without end after the first", InteractiveCommands, false, false, func(a *attack) error {
		if err := a.shake("InteractiveCommands", "{}"); err != nil {
			return err
		}
		return a.handshakes()
	}},
	{"a handshake that never ends", InteractiveCommands, false, false, func(a *attack) error {
		if err := a.json(wire.PayloadHandshakeRequest, request("InteractiveCommands", "{}")); err != nil {
			return err
		}
		return a.again(frame(0x89, nil))
	}},
	{"a handshake that wants much", InteractiveCommands, false, false, (*attack).wishes},
	{"challenges without end", InteractiveCommands, false, false, func(a *attack) error {
		return a.each(func() []byte { return a.next(wire.PayloadEncChallengeRequest, []byte(`{"Challenge":"AAAA"}`)) })
	}},
	{"small messages out of order", Shell, false, false, (*attack).smallUnordered},
	{"large messages out of order", Shell, false, false, (*attack).largeUnordered},
	{"messages of an agent's size out of order", Shell, false, false, (*attack).unordered},
	{"one message again and again, and nobody reads the acknowledgements", Shell, true, false, (*attack).repeated},
	{"acknowledgements of what was never sent", Shell, false, false, (*attack).acknowledgements},
	{"acknowledgements in another form", Shell, false, false, func(a *attack) error {
		return a.again(message0(wire.Frame{Type: wire.Acknowledge, Payload: fmt.Appendf(nil, `{"AcknowledgedMessageType":%q}`, strings.Repeat("x", 60<<10))}))
	}},
	{"nothing is acknowledged", Shell, false, false, func(a *attack) error {
		return a.each(func() []byte { return a.next(wire.PayloadOutput, []byte("$ ")) })
	}},
	{"empty output", Shell, false, false, func(a *attack) error { return a.each(func() []byte { return a.next(wire.PayloadOutput, nil) }) }},
	{"output and errors in turn", Shell, false, false, func(a *attack) error {
		return a.each(func() []byte { return a.next(wire.PayloadOutput+wire.PayloadType(a.seq%2)*10, []byte("x")) })
	}},
	{"payloads of unknown types", Shell, false, false, func(a *attack) error {
		return a.each(func() []byte { return a.next(wire.PayloadType(100+a.seq%1000), bytes.Repeat([]byte("x"), 1<<10)) })
	}},
	{"sizes and exit codes", Shell, false, false, func(a *attack) error {
		return a.each(func() []byte { return a.next(wire.PayloadExitCode, bytes.Repeat([]byte("7"), 1<<10)) })
	}},
	{"pauses", Shell, false, false, func(a *attack) error {
		return a.again(message0(wire.Frame{Type: wire.PausePublication}), message0(wire.Frame{Type: wire.StartPublication}))
	}},
	{"a message for the customer of a megabyte", InteractiveCommands, false, false, func(a *attack) error {
		if err := a.json(wire.PayloadHandshakeRequest, request("InteractiveCommands", "{}")); err != nil {
			return err
		}
		return a.json(wire.PayloadHandshakeComplete, wire.HandshakeComplete{CustomerMessage: strings.Repeat("x", 1000<<10)})
	}},
	{"many smux streams", Port, false, false, func(a *attack) error { return a.smux((*attack).streams) }},
	{"ends of smux streams that never were", Port, false, false, func(a *attack) error { return a.smux((*attack).ends) }},
	{"bytes for a smux stream that does not read", Port, false, false, func(a *attack) error { return a.smux((*attack).unread) }},
	{"bytes for a smux stream that does not read, in order and out of order", Port, false, false, func(a *attack) error {
		return a.smux((*attack).unreadUnordered)
	}},
	{"bytes for a smux stream that does not read, each time after a message that was missing", Port, false, false, func(a *attack) error {
		return a.smux((*attack).unreadLate)
	}},
	{"flags", Port, false, false, func(a *attack) error {
		return a.smux(func(a *attack) error {
			return a.each(func() []byte { return a.next(wire.PayloadFlag, wire.AppendFlag(nil, wire.ConnectToPortError)) })
		})
	}},
	{"a connection for each message", Shell, false, false, func(a *attack) error {
		if err := a.send(a.next(wire.PayloadOutput, []byte("$ "))); err != nil {
			return err
		}
		return errOver
	}},
}

// NewHostile listens on loopback and attacks whoever connects, until limit bytes were sent
// in all.
func NewHostile(mode Mode, limit int64) (*Hostile, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	h := &Hostile{mode: mode, limit: limit, listener: l}
	h.links.Go(h.accept)
	return h, nil
}

// Look has a function called after every so many bytes that were sent, while nothing is sent:
// what a client holds can be measured then without the garbage that sending makes. It must be
// set before a client connects.
func (h *Hostile) Look(every int64, look func()) { h.every, h.look = every, look }

// Session is a session to dial, with a token that opens it any number of times.
func (h *Hostile) Session() *proxy.Session {
	return &proxy.Session{ID: "hostile-1", StreamURL: proxy.NewSecret("ws://" + h.listener.Addr().String() + dataChannelPath + "hostile-1"),
		Token: proxy.NewSecret("token")}
}

// Finished reports whether a mode that has an end came to it.
func (h *Hostile) Finished() bool { return h.finished.Load() }

// Stalled reports whether the client has taken nothing for a second.
func (h *Hostile) Stalled() bool {
	since := h.writing.Load()
	return since != 0 && time.Since(time.Unix(0, since)) > time.Second
}

// Sent returns how many bytes were sent.
func (h *Hostile) Sent() int64 { return h.sent.Load() }

// Connects returns how often a client has connected.
func (h *Hostile) Connects() int64 { return h.connects.Load() }

// Close ends every connection and returns when nothing runs any more.
func (h *Hostile) Close() error {
	err := h.listener.Close()
	h.mu.Lock()
	for _, c := range h.conns {
		c.Close()
	}
	h.conns = nil
	h.mu.Unlock()
	h.links.Wait()
	return err
}

func (h *Hostile) accept() {
	for {
		conn, err := h.listener.Accept()
		if err != nil {
			return
		}
		h.connects.Add(1)
		h.mu.Lock()
		h.conns = append(h.conns, conn)
		h.mu.Unlock()
		h.links.Go(func() {
			defer conn.Close()
			h.serve(conn)
		})
	}
}

// errOver ends a connection, errEnough leaves it open without another byte.
var (
	errOver   = errors.New("gateway: this connection is over")
	errEnough = errors.New("gateway: enough was sent")
)

// serve upgrades a connection by hand, and attacks. A connection on which enough was sent
// stays until the client ends it.
func (h *Hostile) serve(conn net.Conn) {
	in := bufio.NewReader(conn)
	r, err := http.ReadRequest(in)
	if err != nil {
		return
	}
	a := &attack{h: h, conn: conn, input: make(chan struct{})}
	if h.mode.attack == nil {
		err = a.send([]byte("HTTP/1.1 101 Switching Protocols\r\n"))
		if err == nil {
			err = a.again([]byte("X-More: " + strings.Repeat("x", 4<<10) + "\r\n"))
		}
	} else {
		key := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) // RFC 6455, section 1.3
		answer := "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
			base64.StdEncoding.EncodeToString(key[:]) + "\r\n"
		if h.mode.deflates {
			answer += "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n"
		}
		read := make(chan struct{})
		go func() {
			defer close(read)
			if !h.mode.deaf {
				a.listen(in)
			}
		}()
		defer func() { <-read }()
		defer conn.Close()
		if err = a.send([]byte(answer + "\r\n")); err == nil {
			err = h.mode.attack(a)
		}
	}
	if err == nil {
		h.finished.Store(true)
	}
	if errors.Is(err, errEnough) || err == nil {
		for err = nil; err == nil; { // a close comes as an error, with what is left unread before it
			_, err = conn.Read(make([]byte, 4<<10))
		}
	}
}

// attack is one connection.
type attack struct {
	h     *Hostile
	conn  net.Conn
	seq   int64
	input chan struct{} // closed at the first input of the client, or when it has gone
}

// listen reads what the client sends until it has gone.
func (a *attack) listen(in *bufio.Reader) {
	heard := sync.OnceFunc(func() { close(a.input) })
	defer heard()
	for {
		payload, err := clientFrame(in)
		if err != nil {
			return
		}
		var f wire.Frame
		if f.Decode(payload) == nil && f.Type == wire.InputStreamData && f.PayloadType == wire.PayloadOutput {
			heard()
		}
	}
}

// clientFrame reads a frame of a client, which is masked: RFC 6455, section 5.3.
func clientFrame(in *bufio.Reader) ([]byte, error) {
	var head [2]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return nil, err
	}
	length := uint64(head[1] & 0x7f)
	more := map[uint64]int{126: 2, 127: 8}[length]
	var b [8 + 4]byte
	if _, err := io.ReadFull(in, b[8-more:]); err != nil {
		return nil, err
	}
	if more > 0 {
		length = binary.BigEndian.Uint64(b[:8])
	}
	if length > 1<<20 {
		return nil, errors.New("gateway: a frame of the client is too long")
	}
	payload := make([]byte, length)
	_, err := io.ReadFull(in, payload)
	for i := range payload {
		payload[i] ^= b[8+i%4]
	}
	return payload, err
}

// send writes bytes, as long as there is something left to send.
func (a *attack) send(b []byte) error {
	if a.h.sent.Load() >= a.h.limit {
		return errEnough
	}
	a.h.writing.Store(time.Now().UnixNano())
	n, err := a.conn.Write(b)
	a.h.writing.Store(0)
	sent := a.h.sent.Add(int64(n))
	if every := a.h.every; every > 0 && (sent-int64(n))/every < sent/every {
		a.h.look()
	}
	return err
}

// batch is how many bytes are written at once, so that the gateway is not what is slow.
const batch = 64 << 10

// each sends what next returns, again and again.
func (a *attack) each(next func() []byte) error {
	var buf []byte
	for {
		for buf = buf[:0]; len(buf) < batch; {
			buf = append(buf, next()...)
		}
		if err := a.send(buf); err != nil {
			return err
		}
	}
}

// again sends the same bytes again and again.
func (a *attack) again(parts ...[]byte) error {
	all := bytes.Join(parts, nil)
	return a.each(func() []byte { return all })
}

// frame is a whole websocket frame of a server: RFC 6455, section 5.2.
func frame(first byte, payload []byte) []byte {
	return append(header(first, uint64(len(payload))), payload...)
}

func header(first byte, length uint64) []byte {
	switch {
	case length < 126:
		return []byte{first, byte(length)}
	case length < 1<<16:
		return binary.BigEndian.AppendUint16([]byte{first, 126}, uint16(length))
	}
	return binary.BigEndian.AppendUint64([]byte{first, 127}, length)
}

// message0 is a whole message of the gateway.
func message0(f wire.Frame) []byte {
	f.ID, f.Created = wire.NewUUID(), uint64(time.Now().UnixMilli())
	return frame(0x82, f.Append(nil))
}

// next is the next message of the agent in order.
func (a *attack) next(kind wire.PayloadType, payload []byte) []byte {
	b := message0(wire.Frame{Type: wire.OutputStreamData, Seq: a.seq, PayloadType: kind, Payload: payload})
	a.seq++
	return b
}

func (a *attack) json(kind wire.PayloadType, v any) error { return a.send(a.next(kind, toJSON(v))) }

// request is a handshake request.
func request(session, properties string) wire.HandshakeRequest {
	return wire.HandshakeRequest{AgentVersion: "3.3.0.0", RequestedClientActions: []wire.RequestedAction{
		{ActionType: wire.ActionSessionType, ActionParameters: json.RawMessage(fmt.Sprintf(`{"SessionType":%q,"Properties":%s}`, session, properties))}}}
}

// shake is a whole handshake.
func (a *attack) shake(session, properties string) error {
	if err := a.json(wire.PayloadHandshakeRequest, request(session, properties)); err != nil {
		return err
	}
	return a.json(wire.PayloadHandshakeComplete, wire.HandshakeComplete{})
}

func (a *attack) handshakes() error {
	again := toJSON(request("InteractiveCommands", "{}"))
	return a.each(func() []byte { return a.next(wire.PayloadHandshakeRequest, again) })
}

// wishes asks for actions that nobody knows, and for many keys.
func (a *attack) wishes() error {
	r := request("InteractiveCommands", "{}")
	for i := range 5000 {
		r.RequestedClientActions = append(r.RequestedClientActions,
			wire.RequestedAction{ActionType: wire.ActionType(fmt.Sprintf("Unknown %d %s", i, strings.Repeat("x", 40))), ActionParameters: json.RawMessage("{}")},
			wire.RequestedAction{ActionType: wire.ActionKMSEncryption, ActionParameters: json.RawMessage(`{"KMSKeyId":"key-1"}`)})
	}
	if err := a.json(wire.PayloadHandshakeRequest, r); err != nil {
		return err
	}
	return a.again(frame(0x89, nil))
}

// endless begins a frame of a length that never comes.
func (a *attack) endless(first byte, length uint64) error {
	if err := a.send(header(first, length)); err != nil {
		return err
	}
	return a.again(bytes.Repeat([]byte("x"), batch))
}

// fragments is a message of frames of which none is the last.
func (a *attack) fragments() error {
	piece := bytes.Repeat([]byte("x"), 16<<10)
	if err := a.send(frame(0x02, piece)); err != nil {
		return err
	}
	return a.again(frame(0x00, piece))
}

// bomb is a message of 128 MiB that is small on the wire alone: RFC 7692, section 7.2.1.
var bomb = sync.OnceValue(func() []byte {
	var small bytes.Buffer
	w, err := flate.NewWriter(&small, flate.BestCompression)
	zeros := make([]byte, 1<<20)
	for range 128 {
		if err == nil {
			_, err = w.Write(zeros)
		}
	}
	if err == nil {
		err = w.Flush()
	}
	if err != nil {
		panic(err) // a buffer takes everything
	}
	return frame(0xc2, bytes.TrimSuffix(small.Bytes(), []byte("\x00\x00\xff\xff")))
})

func (a *attack) bombs() error { return a.again(bomb()) }

func (a *attack) smallUnordered() error {
	seq := int64(1)
	return a.each(func() []byte {
		seq++
		return message0(wire.Frame{Type: wire.OutputStreamData, Seq: seq, PayloadType: wire.PayloadOutput, Payload: []byte("x")})
	})
}

func (a *attack) largeUnordered() error {
	const size = 500 << 10
	message := message0(wire.Frame{Type: wire.OutputStreamData, PayloadType: wire.PayloadOutput, Payload: bytes.Repeat([]byte("x"), size)})
	at := len(message) - size - wire.HeaderSize + wire.OffSeq
	seq := uint64(1)
	return a.each(func() []byte {
		seq += 3
		binary.BigEndian.PutUint64(message[at:], seq)
		return message
	})
}

// unordered leaves the next message out, and sends all after it.
func (a *attack) unordered() error {
	a.seq++
	payload := bytes.Repeat([]byte("x"), 1<<10)
	return a.each(func() []byte { return a.next(wire.PayloadOutput, payload) })
}

func (a *attack) repeated() error {
	first := a.next(wire.PayloadOutput, []byte("$ "))
	return a.again(first)
}

func (a *attack) acknowledgements() error {
	seq := int64(0)
	return a.each(func() []byte {
		seq += 7
		id := wire.NewUUID()
		return message0(wire.Frame{Type: wire.Acknowledge, Payload: wire.AppendAck(nil, wire.InputStreamData, id, seq)})
	})
}

// smux opens a port session, waits for a stream of the client's, and attacks in it.
func (a *attack) smux(attack func(*attack) error) error {
	if err := a.shake("Port", `{"portNumber":"1","type":"LocalPortForwarding"}`); err != nil {
		return err
	}
	return attack(a)
}

func smuxFrame(command byte, stream uint32, data []byte) []byte {
	b := []byte{1, command}
	b = binary.LittleEndian.AppendUint16(b, uint16(len(data)))
	return append(binary.LittleEndian.AppendUint32(b, stream), data...)
}

func (a *attack) streams() error {
	id := uint32(0)
	return a.each(func() []byte {
		var b []byte
		for range 20 {
			id += 2
			b = append(b, smuxFrame(0, id, nil)...)
			b = append(b, smuxFrame(2, id, []byte("x"))...)
		}
		return a.next(wire.PayloadOutput, b)
	})
}

func (a *attack) ends() error {
	id := uint32(0)
	return a.each(func() []byte {
		var b []byte
		for range 50 {
			id++
			b = append(b, smuxFrame(1, id, nil)...)
		}
		return a.next(wire.PayloadOutput, b)
	})
}

// unread sends to the first stream of a client, which is number 3.
func (a *attack) unread() error {
	<-a.input
	return a.each(func() []byte { return a.next(wire.PayloadOutput, forFirst) })
}

// forFirst is output for the first stream of a client.
var forFirst = smuxFrame(2, 3, bytes.Repeat([]byte("x"), 1<<10))

// unreadUnordered fills what a client keeps for readers, as far as it takes it, and leaves
// a message out.
func (a *attack) unreadUnordered() error {
	<-a.input
	for range 30 << 10 {
		if err := a.send(a.next(wire.PayloadOutput, forFirst)); err != nil {
			return err
		}
	}
	a.seq++
	return a.each(func() []byte { return a.next(wire.PayloadOutput, forFirst) })
}

// unreadLate sends 40 MiB out of order, and then the message that was missing.
func (a *attack) unreadLate() error {
	<-a.input
	missing := a.next(wire.PayloadOutput, forFirst)
	n := 0
	return a.each(func() []byte {
		if n++; n%(40<<10) > 0 {
			return a.next(wire.PayloadOutput, forFirst)
		}
		last := missing
		missing = a.next(wire.PayloadOutput, forFirst)
		return last
	})
}

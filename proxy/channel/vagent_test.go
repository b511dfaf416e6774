package channel

import (
	"cmp"
	"encoding/json"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"ssmguard/proxy"
	"ssmguard/proxy/channel/wire"
)

// vagent is gateway and agent of one session on a vnet, with the manners of the
// real ones: every message is acknowledged on its own, old ones again; only the
// oldest is sent again; what is sent while no client is there is lost.
//
// It stands beside the gateway of internal/sandbox because that cannot run in a synctest
// bubble: xtaci/smux v1.5.56, which it multiplexes with, has one pool of channels for all
// sessions (resultChanPool), and a channel of one bubble must not be used in another; and
// its locks are held while something is waited for, which stops made-up time.
type vagent struct {
	noise   vnoise
	rnd     *rand.Rand // under mu
	shake   wire.HandshakeRequest
	in      chan wire.Frame // what clients sent
	bytes   chan []byte     // the session's bytes, for Read
	end     chan struct{}   // closed by stop
	wg      sync.WaitGroup
	server  http.Server
	pending []byte // of the Read under way

	mu      sync.Mutex
	changed chan struct{}
	conn    *vpeer
	token   string
	tokens  int
	refuse  int // upgrades
	seq     int64
	out     []vsent       // unacknowledged
	most    int           // of out, before the agent reads its sources no further
	pace    time.Duration // after each message
	trip    vtrip
	resent  int // messages that were sent again
	held    [][]byte
	flags   []wire.Flag
	opens   []wire.OpenRequest
	paths   []string // of the upgrade requests
}

// vnoise is what happens to messages; probabilities.
type vnoise struct{ loss, twice, late, bad float64 }

// vsent is a message under way, and when it was last sent.
type vsent struct {
	wire.Frame
	sent time.Time
}

// vtrip is the agent's measure of the round trip.
type vtrip struct {
	mean, deviation float64
	timeout         time.Duration
}

// took notes how long an acknowledgement took, of a repetition as of a first copy.
func (v *vtrip) took(trip time.Duration) {
	n := float64(trip)
	v.deviation = 0.75*v.deviation + 0.25*math.Abs(v.mean-n)
	v.mean = 0.875*v.mean + 0.125*n
	v.timeout = min(time.Second, time.Duration(v.mean+max(float64(10*time.Millisecond), 4*v.deviation)))
}

// vpeer is one websocket of a client.
type vpeer struct {
	ws    *websocket.Conn
	mu    sync.Mutex
	queue [][]byte
	wake  chan struct{}
}

func newVagent(net *vnet, shake wire.HandshakeRequest, noise vnoise, seed uint64) *vagent {
	a := &vagent{noise: noise, rnd: rand.New(rand.NewPCG(seed, 7)), shake: shake, in: make(chan wire.Frame), bytes: make(chan []byte),
		end: make(chan struct{}), changed: make(chan struct{}), token: "token-0",
		most: 2000, trip: vtrip{mean: float64(100 * time.Millisecond), timeout: 200 * time.Millisecond}}
	a.server.Handler = http.HandlerFunc(a.serve)
	a.wg.Go(func() { a.server.Serve(net) }) //nolint:errcheck // ends with stop
	a.wg.Go(a.resend)
	a.wg.Go(a.receive)
	return a
}

func (a *vagent) stop() {
	close(a.end)
	a.server.Close()
	a.mu.Lock()
	if a.conn != nil {
		a.conn.ws.Close()
	}
	a.mu.Unlock()
	a.wg.Wait()
}

// ticket is a fresh token; those before it are void.
func (a *vagent) ticket() proxy.Secret {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.tokens++
	a.token = wire.NewUUID().String()
	return proxy.NewSecret(a.token)
}

func (a *vagent) serve(w http.ResponseWriter, r *http.Request) {
	a.wg.Add(1)
	defer a.wg.Done()
	a.mu.Lock()
	a.paths = append(a.paths, r.URL.Path)
	refused := a.refuse > 0 && len(a.opens) > 0 // a session's own token is not tried again
	if refused {
		a.refuse--
	}
	a.mu.Unlock()
	if refused {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	up := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	ws, err := up.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer ws.Close()
	var open wire.OpenRequest
	if ws.ReadJSON(&open) != nil {
		return
	}
	p := &vpeer{ws: ws, wake: make(chan struct{}, 1)}
	if !a.attach(p, open) {
		return
	}
	gone := make(chan struct{})
	defer close(gone)
	a.wg.Go(func() { p.writeAll(gone) })
	ws.SetPingHandler(func(data string) error { p.push(append([]byte{websocket.PongMessage}, data...)); return nil })
	for {
		kind, b, err := ws.ReadMessage()
		if err != nil {
			a.detach(p)
			return
		}
		var f wire.Frame
		if kind != websocket.BinaryMessage || f.Decode(b) != nil || f.Verify() != nil {
			panic("client sent a bad message")
		}
		for range a.fate() {
			select {
			case a.in <- f:
			case <-a.end:
				return
			}
		}
	}
}

// attach makes p the session's only client, if its token is good.
func (a *vagent) attach(p *vpeer, open wire.OpenRequest) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.token == "" || open.Token.Reveal() != a.token {
		return false
	}
	a.token = ""
	a.opens = append(a.opens, open)
	if a.conn != nil {
		a.conn.ws.Close()
	}
	a.conn = p
	a.change()
	if a.seq == 0 {
		b, _ := json.Marshal(a.shake)
		a.queue(wire.PayloadHandshakeRequest, b)
	}
	return true
}

func (a *vagent) detach(p *vpeer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.conn == p {
		a.conn = nil
	}
}

func (a *vagent) change() {
	close(a.changed)
	a.changed = make(chan struct{})
}

// fate says how often a message of the client arrives.
func (a *vagent) fate() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	x := a.rnd.Float64()
	switch {
	case x < a.noise.loss:
		return 0
	case x < a.noise.loss+a.noise.twice:
		return 2
	}
	return 1
}

// transmit sends a message to the client, if one is there. The caller holds the lock.
func (a *vagent) transmit(f wire.Frame) {
	if a.conn == nil {
		return
	}
	f.Created, f.ID = uint64(time.Now().UnixMilli()), wire.NewUUID()
	b := f.Append([]byte{websocket.BinaryMessage})
	x := a.rnd.Float64()
	n := a.noise
	if x -= n.loss; x < 0 {
		return
	}
	if x -= n.late; x < 0 {
		a.held = append(a.held, b)
		return
	}
	if x -= n.bad; x < 0 && len(f.Payload) > 0 {
		b[1+wire.HeaderSize+a.rnd.IntN(len(f.Payload))] ^= 4
	}
	a.conn.push(b)
	if x -= n.twice; x < 0 {
		a.conn.push(b)
	}
	for _, h := range a.held {
		a.conn.push(h)
	}
	a.held = nil
}

func (p *vpeer) push(b []byte) {
	p.mu.Lock()
	p.queue = append(p.queue, b)
	p.mu.Unlock()
	proxy.Signal(p.wake)
}

// writeAll writes what was pushed; the first byte of each is its kind.
func (p *vpeer) writeAll(gone <-chan struct{}) {
	for {
		p.mu.Lock()
		queue := p.queue
		p.queue = nil
		p.mu.Unlock()
		for _, b := range queue {
			if p.ws.WriteMessage(int(b[0]), b[1:]) != nil {
				p.ws.Close()
				return
			}
		}
		if len(queue) > 0 {
			continue
		}
		select {
		case <-p.wake:
		case <-gone:
			return
		}
	}
}

// queue numbers and sends a payload. The caller holds the lock.
func (a *vagent) queue(kind wire.PayloadType, payload []byte) {
	f := wire.Frame{Type: wire.OutputStreamData, Seq: a.seq, PayloadType: kind, Payload: append([]byte(nil), payload...)}
	a.seq++
	a.out = append(a.out, vsent{f, time.Now()})
	a.transmit(f)
}

// say sends a payload once a client is there and not too much is under way.
func (a *vagent) say(kind wire.PayloadType, payload []byte) error {
	for {
		a.mu.Lock()
		if a.conn != nil && len(a.out) < a.most {
			a.queue(kind, payload)
			pace := a.pace
			a.mu.Unlock()
			time.Sleep(pace)
			return nil
		}
		changed := a.changed
		a.mu.Unlock()
		select {
		case <-changed:
		case <-a.end:
			return io.ErrClosedPipe
		}
	}
}

func (a *vagent) resend() {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			a.mu.Lock()
			if len(a.out) > 0 && a.conn != nil && time.Since(a.out[0].sent) > a.trip.timeout {
				a.out[0].sent = time.Now()
				a.resent++
				a.transmit(a.out[0].Frame)
			}
			a.mu.Unlock()
		case <-a.end:
			return
		}
	}
}

// receive puts the client's messages into order and handles them.
func (a *vagent) receive() {
	expected, early := int64(0), map[int64]wire.Frame{}
	for {
		var f wire.Frame
		select {
		case f = <-a.in:
		case <-a.end:
			return
		}
		if f.Type == wire.Acknowledge {
			a.acknowledged(f)
			continue
		}
		if f.Seq >= expected {
			early[f.Seq] = f
		}
		for {
			g, ok := early[expected]
			if !ok {
				break
			}
			delete(early, expected)
			expected++
			a.process(g)
		}
		a.mu.Lock()
		a.transmit(wire.Frame{Type: wire.Acknowledge, Flags: wire.FrameSyn | wire.FrameFin, Payload: wire.AppendAck(nil, f.Type, f.ID, f.Seq)})
		a.mu.Unlock()
	}
}

func (a *vagent) acknowledged(f wire.Frame) {
	k, err := wire.ParseAck(f.Payload)
	if err != nil {
		panic(err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	i, ok := slices.BinarySearchFunc(a.out, k.Seq, func(s vsent, seq int64) int { return cmp.Compare(s.Seq, seq) })
	if ok {
		a.trip.took(time.Since(a.out[i].sent))
		a.out = slices.Delete(a.out, i, i+1)
		a.change()
	}
}

func (a *vagent) process(f wire.Frame) {
	switch f.PayloadType {
	case wire.PayloadHandshakeResponse:
		a.mu.Lock()
		b, _ := json.Marshal(wire.HandshakeComplete{HandshakeTimeToComplete: time.Second})
		a.queue(wire.PayloadHandshakeComplete, b)
		a.mu.Unlock()
	case wire.PayloadOutput:
		select {
		case a.bytes <- f.Payload:
		case <-a.end:
		}
	case wire.PayloadFlag:
		flag, _ := wire.ParseFlag(f.Payload)
		a.mu.Lock()
		a.flags = append(a.flags, flag)
		a.mu.Unlock()
	}
}

// Read, Write and Close make a connection of the session's bytes.
func (a *vagent) Read(b []byte) (int, error) {
	if len(a.pending) == 0 {
		select {
		case a.pending = <-a.bytes:
		case <-a.end:
			return 0, io.EOF
		}
	}
	n := copy(b, a.pending)
	a.pending = a.pending[n:]
	return n, nil
}

func (a *vagent) Write(b []byte) (int, error) {
	for rest := b; len(rest) > 0; {
		n := min(1024, len(rest))
		if err := a.say(wire.PayloadOutput, rest[:n]); err != nil {
			return 0, err
		}
		rest = rest[n:]
	}
	return len(b), nil
}

func (a *vagent) Close() error { return nil }

package channel

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"ssmguard/proxy"
)

var (
	randomRuns = flag.Int("random.runs", 60, "how many schedules TestRandomFaults tries")
	randomSeed = flag.Uint64("random.seed", 0, "the first of them")
)

// TestRandomFaults runs random connections through a session whose network does
// random things, from before the handshake to the end. Every byte has to arrive
// once and in order; an end that looks like one has to be one.
func TestRandomFaults(t *testing.T) {
	for seed := *randomSeed; seed < *randomSeed+uint64(*randomRuns); seed++ {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { (&chaos{t: t, rnd: rand.New(rand.NewPCG(seed, 1))}).run(seed) })
		})
	}
}

// chaos is one run.
type chaos struct {
	t       *testing.T
	rnd     *rand.Rand // of the goroutine that makes the schedule
	net     *vnet      // to the gateway
	local   *vnet
	agent   *vagent
	scripts map[uint64]*script
	mayEnd  bool // the service may close the session

	mu      sync.Mutex
	wall    time.Duration // how far the wall clock is off
	resumes int           // to be refused
	gone    bool
	moved   int // times that the stream URL changed
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

func (k *chaos) run(seed uint64) {
	r := k.rnd
	k.net, k.local = newVnet(), newVnet()
	k.net.latency = pick(r, 0, time.Millisecond, 20*time.Millisecond, 150*time.Millisecond)
	noise := pick(r, vnoise{}, vnoise{}, vnoise{loss: 0.01}, vnoise{loss: 0.05, twice: 0.05, late: 0.05, bad: 0.02})
	k.agent = newVagent(k.net, request(newAgent, Port, portProps), noise, seed)
	k.mayEnd = r.IntN(5) == 0
	var todo sync.WaitGroup
	quiet := make(chan struct{})
	todo.Go(func() { k.disturb(rand.New(rand.NewPCG(seed, 2)), quiet) })
	defer todo.Wait()
	defer k.agent.stop()
	defer func() { k.net.each(func(c *vconn) { c.reset(net.ErrClosed) }) }() // those that went dead, too
	defer close(quiet)
	c, err := Dial(k.t.Context(), k.options())
	if err != nil {
		if !k.ended() {
			k.t.Errorf("Dial: %v", err)
		}
		return
	}
	defer c.Close()
	far := newVmux(k.agent)
	todo.Go(func() { k.serve(far) })
	in := NewInlet(k.local)
	defer in.Close()
	ctx, cancel := context.WithCancel(k.t.Context())
	forwarded := make(chan error, 1)
	go func() {
		err := c.Forward(ctx, in, ForwardOptions{})
		in.Close() // nobody else is going to serve it
		forwarded <- err
	}()
	k.connect(c)
	cancel()
	if err := <-forwarded; err != nil && !k.ended() {
		k.t.Errorf("Forward: %v", err)
	}
	if s := c.Stats(); s.Open != 0 || s.Buffered != 0 {
		k.t.Errorf("left over: %+v", s)
	}
}

func (k *chaos) options() Options {
	r := k.rnd
	return Options{
		Session:     &proxy.Session{ID: "sess-1", StreamURL: proxy.NewSecret("ws://mgs.test/0"), Token: proxy.NewSecret("token-0")},
		DialContext: k.net.dial, Resume: k.resume, OpenTimeout: time.Hour,
		MessageSize: pick(r, 0, 256, 1024, 16<<10), Unacked: pick(r, 0, 1, 256<<10),
		Buffer: pick(r, 0, 64<<10, 1<<20), Stall: 24 * time.Hour, Unanswered: 20 * time.Minute,
		wall: func() time.Time {
			k.mu.Lock()
			defer k.mu.Unlock()
			return time.Now().Round(0).Add(k.wall)
		},
	}
}

func (k *chaos) resume(ctx context.Context, _ string) (streamURL, token proxy.Secret, err error) {
	k.net.mu.Lock()
	down := k.net.down
	k.net.mu.Unlock()
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case k.gone:
		return streamURL, token, ErrSessionGone
	case down:
		return streamURL, token, &net.DNSError{Err: "server misbehaving", IsTemporary: true}
	case k.resumes > 0:
		k.resumes--
		return streamURL, token, errors.New("ThrottlingException")
	}
	if k.moved > 0 {
		streamURL = proxy.NewSecret(fmt.Sprintf("ws://mgs.test/%d", k.moved))
	}
	return streamURL, k.agent.ticket(), nil
}

func (k *chaos) ended() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.gone
}

// disturb breaks things for a while, and then leaves them in order.
func (k *chaos) disturb(r *rand.Rand, quiet <-chan struct{}) {
	pause := func(d time.Duration) bool {
		select {
		case <-time.After(time.Duration(r.Int64N(int64(d)) + 1)):
			return true
		case <-quiet:
			return false
		}
	}
	every := pick(r, 20*time.Millisecond, 200*time.Millisecond, 3*time.Second)
	for range 1 + r.IntN(12) {
		if !pause(every) {
			return
		}
		switch r.IntN(11) {
		case 0, 1:
			k.net.each(func(c *vconn) { c.reset(syscall.ECONNRESET) })
		case 2:
			k.net.each((*vconn).finish)
		case 3:
			k.net.each(func(c *vconn) { c.stall(true) })
		case 4:
			k.net.each(func(c *vconn) { c.w.change(func() { c.w.stalled = true }) }) // one way
		case 5:
			k.net.each(func(c *vconn) { c.stall(true) })
			pause(7 * time.Second)
			k.net.each(func(c *vconn) { c.stall(false) })
		case 6:
			k.agent.closeFrame(pick(r, websocket.CloseNormalClosure, websocket.CloseGoingAway))
		case 7:
			k.net.setDown(true)
			k.net.each(func(c *vconn) { c.reset(syscall.ECONNRESET) })
			pause(2 * time.Minute)
			k.net.setDown(false)
		case 8:
			k.mu.Lock()
			k.resumes, k.moved = r.IntN(4), k.moved+1
			first := k.moved == 1
			k.mu.Unlock()
			if first { // more refusals within one outage than the channel takes would end it
				k.agent.setRefuse(r.IntN(4))
			}
			k.net.each(func(c *vconn) { c.reset(syscall.ECONNRESET) })
		case 9:
			k.mu.Lock()
			k.wall += pick(r, -time.Hour, time.Hour)
			k.mu.Unlock()
		case 10:
			if k.mayEnd {
				k.mu.Lock()
				k.gone = true
				k.mu.Unlock()
				k.agent.closeChannel()
				k.net.each(func(c *vconn) { c.finish() })
			}
		}
	}
}

// closeFrame closes the websocket in order, as the service does about every hour.
func (a *vagent) closeFrame(code int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.conn != nil {
		a.conn.push(append([]byte{websocket.CloseMessage}, websocket.FormatCloseMessage(code, "")...))
	}
}

func (a *vagent) closeChannel() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.transmit(Frame{Type: ChannelClosed, Payload: []byte(`{"Output":"bye"}`)})
}

func (a *vagent) setRefuse(n int) {
	a.mu.Lock()
	a.refuse = n
	a.mu.Unlock()
}

// script is what one connection does.
type script struct {
	id       uint64
	up, down []byte
	how      manner
	pace     time.Duration // pauses of the reader of down
	first    bool          // the server speaks at once
	served   chan struct{} // closed when the server is done
}

type manner int

const (
	serverEnds  manner = iota // when both have said all
	halfCloses                // the client says that it has said all
	clientEnds                // when it has got all
	clientBails               // resets in the middle
	serverBails               // says all and ends without listening
	manners
)

// connect runs the connections and returns when they are over.
func (k *chaos) connect(c *Channel) {
	r := k.rnd
	k.mu.Lock()
	k.scripts = make(map[uint64]*script)
	k.mu.Unlock()
	var wg sync.WaitGroup
	for id := range uint64(1 + r.IntN(10)) {
		s := &script{
			id: id, how: manner(r.IntN(int(manners))), first: r.IntN(2) == 0,
			up: randomBytes(r.IntN(pick(r, 2, 2000, 60000))), down: randomBytes(r.IntN(pick(r, 2, 2000, 60000, 300000))),
			served: make(chan struct{}), pace: pick(r, 0, 0, time.Millisecond, 50*time.Millisecond),
		}
		k.mu.Lock()
		k.scripts[id] = s
		k.mu.Unlock()
		start := time.Duration(r.Int64N(int64(pick(r, time.Millisecond, 5*time.Second))))
		wg.Go(func() {
			time.Sleep(start)
			if err := k.use(s); err != nil {
				k.t.Errorf("connection %d, %d up, %d down, manner %d: %v; stats %+v", s.id, len(s.up), len(s.down), s.how, err, c.Stats())
			}
		})
	}
	wg.Wait()
}

// patience is in made-up time; nothing of what disturb does lasts as long.
const patience = time.Hour

// use is the local program.
func (k *chaos) use(s *script) error {
	nc, err := k.local.dial(k.t.Context(), "", "")
	if err != nil && k.ended() {
		return nil
	}
	if err != nil {
		return err
	}
	conn := nc.(*vconn)
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience)) //nolint:errcheck // it never fails
	said := make(chan error, 1)
	up := append(binary.BigEndian.AppendUint64(nil, s.id), s.up...)
	if s.how == clientBails {
		conn.Write(up[:8+len(s.up)/2]) //nolint:errcheck // it may be over
		if s.first {
			io.CopyN(io.Discard, conn, int64(len(s.down)/2)) //nolint:errcheck // likewise
		}
		conn.SetLinger(0) //nolint:errcheck // it never fails
		return nil
	}
	go func() {
		_, err := conn.Write(up)
		if err == nil && s.how == halfCloses {
			conn.CloseWrite() //nolint:errcheck // it never fails
		}
		said <- err
	}()
	got, err := s.listen(conn)
	if !bytes.HasPrefix(s.down, got) {
		return fmt.Errorf("the answer is not what was said, from byte %d on", differ(s.down, got))
	}
	if len(got) == len(s.down) && s.how == clientEnds {
		err = <-said
		conn.CloseWrite() //nolint:errcheck // it never fails
		select {
		case <-s.served:
		case <-time.After(patience):
			err = errors.New("the server is not done")
		}
		if k.ended() {
			return nil
		}
		return err
	}
	conn.Close()
	<-said
	switch {
	case k.ended() && (err != nil || len(got) == len(s.down)):
		return nil
	case err != nil:
		return fmt.Errorf("after %d bytes: %w", len(got), err)
	case len(got) < len(s.down):
		return fmt.Errorf("a clean end after %d bytes", len(got))
	}
	return nil
}

// listen reads what the server says, to its end; clientEnds does not wait for that.
func (s *script) listen(conn io.Reader) (got []byte, err error) {
	b := make([]byte, 8<<10)
	for {
		if s.how == clientEnds && len(got) == len(s.down) {
			return got, nil
		}
		n, err := conn.Read(b)
		got = append(got, b[:n]...)
		if err == io.EOF {
			return got, nil
		}
		if err != nil {
			return got, err
		}
		if s.pace > 0 {
			time.Sleep(s.pace)
		}
	}
}

func differ(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

// serve is the agent's side of the multiplexer and the server behind it.
func (k *chaos) serve(far *vmux) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		stream, err := far.AcceptStream()
		if err != nil {
			return
		}
		wg.Go(func() {
			defer stream.Close()
			if err := k.answer(stream); err != nil && !k.ended() {
				k.t.Error(err)
			}
		})
	}
}

func (k *chaos) answer(stream *vstream) error {
	stream.SetDeadline(time.Now().Add(patience))
	var id [8]byte
	if _, err := io.ReadFull(stream, id[:]); err != nil {
		return nil // the session is over, or the client bailed out
	}
	k.mu.Lock()
	s := k.scripts[binary.BigEndian.Uint64(id[:])]
	k.mu.Unlock()
	if s == nil {
		return fmt.Errorf("a connection begins with %x", id)
	}
	defer close(s.served)
	said := make(chan error, 1)
	speak := func() {
		_, err := stream.Write(s.down)
		said <- err
	}
	if s.first || s.how == serverBails {
		go speak()
	}
	if s.how == serverBails {
		<-said
		return nil
	}
	got := make([]byte, len(s.up))
	n, err := io.ReadFull(stream, got)
	if !bytes.HasPrefix(s.up, got[:n]) {
		return fmt.Errorf("connection %d: the server got something else, from byte %d on", s.id, differ(s.up, got[:n]))
	}
	if err != nil && s.how != clientBails {
		return fmt.Errorf("connection %d, manner %d: the server got %d bytes of %d, then %w", s.id, s.how, n, len(s.up), err)
	}
	if !s.first {
		go speak()
	}
	<-said
	if s.how == clientEnds || s.how == clientBails {
		if n, err := io.Copy(io.Discard, stream); n > 0 || err != nil && !errors.Is(err, io.ErrClosedPipe) {
			return fmt.Errorf("connection %d, manner %d, %d up, %d down: after its end came %d bytes, %v", s.id, s.how, len(s.up), len(s.down), n, err)
		}
	}
	return nil
}

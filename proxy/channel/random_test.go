package channel

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"ssmguard/proxy"
	"ssmguard/proxy/channel/wire"
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
		Limits: Limits{
			MessageSize: pick(r, 0, 256, 1024, 16<<10), Unacked: pick(r, 0, 1, 256<<10),
			Buffer: pick(r, 0, 64<<10, 1<<20), Stall: 24 * time.Hour, Unanswered: 20 * time.Minute,
		},
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
	a.transmit(wire.Frame{Type: wire.ChannelClosed, Payload: []byte(`{"Output":"bye"}`)})
}

func (a *vagent) setRefuse(n int) {
	a.mu.Lock()
	a.refuse = n
	a.mu.Unlock()
}

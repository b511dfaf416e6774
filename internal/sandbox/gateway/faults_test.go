package gateway

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/websocket"

	"ssmguard/proxy/channel/wire"
)

// passed sends n numbered messages through a line and returns what comes out.
func passed(f Faults, n int) (out []string) {
	l := newLine(f, Down)
	for i := range n {
		m := encode(wire.Frame{Type: wire.OutputStreamData, Seq: int64(i), PayloadType: wire.PayloadOutput, Payload: []byte{'x'}})
		l.pass(m, func(m *message) {
			mark := ""
			if wire, err := parse(m.raw); err != nil || wire.Verify() != nil {
				mark = "!"
			}
			out = append(out, fmt.Sprint(m.Seq, mark))
		}, func(a Action) { out = append(out, fmt.Sprintf("action%d", a)) })
	}
	l.close()
	return out
}

func TestRules(t *testing.T) {
	const data = wire.OutputStreamData
	for name, tc := range map[string]struct {
		rules []Rule
		want  string
	}{
		"none":           {nil, "0 1 2 3 4 5"},
		"drop":           {[]Rule{{Way: Down, At: 2, Do: Drop}}, "0 2 3 4 5"},
		"every":          {[]Rule{{Way: Down, At: 2, Every: 2, Do: Drop}}, "0 2 4"},
		"at most":        {[]Rule{{Way: Down, At: 1, Every: 1, Times: 2, Do: Drop}}, "2 3 4 5"},
		"other way":      {[]Rule{{Way: Up, At: 1, Do: Drop}}, "0 1 2 3 4 5"},
		"other message":  {[]Rule{{Way: Down, Message: wire.Acknowledge, At: 1, Do: Drop}}, "0 1 2 3 4 5"},
		"other payload":  {[]Rule{{Way: Down, Payload: wire.PayloadSize, At: 1, Do: Drop}}, "0 1 2 3 4 5"},
		"this message":   {[]Rule{{Way: Down, Message: data, Payload: wire.PayloadOutput, At: 6, Do: Drop}}, "0 1 2 3 4"},
		"duplicate":      {[]Rule{{Way: Down, At: 3, Do: Duplicate}}, "0 1 2 2 3 4 5"},
		"hold":           {[]Rule{{Way: Down, At: 3, Do: Hold}}, "0 1 3 2 4 5"},
		"hold two":       {[]Rule{{Way: Down, At: 3, Every: 1, Times: 2, Do: Hold}}, "0 1 4 2 3 5"},
		"corrupt":        {[]Rule{{Way: Down, At: 1, Do: Corrupt}}, "0! 1 2 3 4 5"},
		"cut loses":      {[]Rule{{Way: Down, At: 2, Do: CutRST}}, fmt.Sprintf("0 action%d 2 3 4 5", CutRST)},
		"first rule":     {[]Rule{{Way: Down, At: 2, Do: Drop}, {Way: Down, At: 2, Do: Duplicate}}, "0 2 3 4 5"},
		"both are count": {[]Rule{{Way: Down, At: 2, Do: Drop}, {Way: Down, At: 3, Do: Drop}}, "0 3 4 5"},
	} {
		if got := strings.Join(passed(Faults{Rules: tc.rules}, 6), " "); got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
}

func TestNoiseIsSeeded(t *testing.T) {
	noise := Noise{Loss: 0.1, Duplicate: 0.1, Reorder: 0.1, Corrupt: 0.1}
	a, b := passed(Faults{Seed: 7, Down: noise}, 1000), passed(Faults{Seed: 7, Down: noise}, 1000)
	if diff := cmp.Diff(a, b); diff != "" {
		t.Errorf("the same seed gives different faults: %s", diff)
	}
	if slices.Equal(a, passed(Faults{Seed: 8, Down: noise}, 1000)) {
		t.Error("another seed gives the same faults")
	}
	lost := 1000 - len(slices.Compact(slices.Sorted(slices.Values(a))))
	if lost < 20 || lost > 200 {
		t.Errorf("%d of 1000 lost or changed", lost)
	}
}

func TestDelayKeepsTheOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		l := newLine(Faults{Up: Noise{Delay: 40 * time.Millisecond}}, Up)
		var mu sync.Mutex
		var got []int64
		for i := range 100 {
			l.pass(encode(wire.Frame{Seq: int64(i)}), func(m *message) {
				mu.Lock()
				defer mu.Unlock()
				if d := time.Since(begun); i < 50 && d < 40*time.Millisecond {
					t.Errorf("message %d after %v", i, d)
				}
				got = append(got, m.Seq)
			}, nil)
			if i == 49 {
				time.Sleep(time.Second)
			}
		}
		l.close() // the messages under way arrive
		if len(got) != 100 || !slices.IsSorted(got) {
			t.Errorf("arrived: %v", got)
		}
	})
}

// sender returns the port of a server that sends data to every client, and hangs up.
func sender(t *testing.T, data []byte) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() { defer conn.Close(); conn.Write(data) }()
		}
	}()
	return port(l)
}

// A stream arrives whole, whatever is done to its messages and connections.
func TestStreamSurvives(t *testing.T) {
	data := make([]byte, 300<<10)
	rand.Read(data)
	const stream, ack = wire.OutputStreamData, wire.Acknowledge
	for name, f := range map[string]Faults{
		"nothing":           {},
		"loss":              {Down: Noise{Loss: 0.02}},
		"duplicates":        {Down: Noise{Duplicate: 0.2}},
		"reordering":        {Down: Noise{Reorder: 0.2}},
		"corruption":        {Down: Noise{Corrupt: 0.02}},
		"delay":             {Up: Noise{Delay: 5 * time.Millisecond}, Down: Noise{Delay: 5 * time.Millisecond}},
		"lost acks":         {Up: Noise{Loss: 0.02}},
		"freeze":            {Rules: []Rule{{Way: Down, Message: stream, At: 50, Do: Freeze, For: 300 * time.Millisecond}}},
		"resets":            {Rules: []Rule{{Way: Down, Message: stream, At: 40, Every: 90, Do: CutRST}}},
		"ends":              {Rules: []Rule{{Way: Down, Message: stream, At: 40, Every: 90, Do: CutFIN}}},
		"close frames":      {Rules: []Rule{{Way: Up, Message: ack, At: 40, Every: 90, Do: CutFrame}}},
		"broken frames":     {Rules: []Rule{{Way: Up, Message: ack, At: 40, Every: 90, Do: CutBroken}}},
		"cut in handshake":  {Rules: []Rule{{Way: Down, Payload: wire.PayloadHandshakeRequest, At: 1, Do: CutRST}}},
		"cut at its end":    {Rules: []Rule{{Way: Down, Payload: wire.PayloadHandshakeComplete, At: 1, Do: CutFIN}}},
		"everything":        {Seed: 3, Up: Noise{Loss: 0.01, Duplicate: 0.01}, Down: Noise{Loss: 0.01, Duplicate: 0.01, Reorder: 0.01}, Rules: []Rule{{Way: Down, At: 100, Every: 100, Do: CutRST}}},
		"lost handshake":    {Rules: []Rule{{Way: Down, Payload: wire.PayloadHandshakeRequest, At: 1, Do: Drop}}},
		"handshake doubled": {Rules: []Rule{{Way: Down, At: 1, Every: 1, Times: 3, Do: Duplicate}, {Way: Up, At: 1, Do: Duplicate}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := serve(t, Options{})
			p, s := start(t, g, SessionConfig{Kind: Port, Properties: Properties{PortNumber: sender(t, data)}, Faults: f})
			c := connect(t, p)
			for {
				c.await("the end or a cut", func() bool { return c.closed != nil || c.gone })
				c.mu.Lock()
				over := c.closed != nil
				c.mu.Unlock()
				if over {
					break
				}
				again, err := g.Resume(t.Context(), p.ID)
				if errors.Is(err, ErrNoSession) {
					break // the cut took the end of the session with it
				}
				if err != nil {
					t.Fatal(err)
				}
				c.again(again)
			}
			c.mu.Lock()
			defer c.mu.Unlock()
			if !bytes.Equal(c.out.Bytes(), data) {
				t.Errorf("%d bytes arrived, %d were sent", c.out.Len(), len(data))
			}
			if st := awaitDone(t, s); st.Down.Payload < int64(len(data)) || st.Streams != 0 {
				t.Errorf("status %+v", st)
			}
		})
	}
}

// What comes in twice or too early is acknowledged each time and used once, in order.
func TestInputIsPutInOrder(t *testing.T) {
	g := serve(t, Options{})
	p, s := start(t, g, SessionConfig{Kind: Port, Handshake: HandshakeNever, Properties: Properties{PortNumber: echoServer(t)}})
	c := connect(t, p)
	awaitStatus(t, s, "ready", func(st Status) bool { return st.Ready })
	for _, seq := range []int64{1, 3, 0, 0, 2, 1} {
		c.mu.Lock()
		c.seq = seq
		c.mu.Unlock()
		c.say(wire.PayloadOutput, fmt.Sprint(seq))
	}
	c.awaitOutput("0123")
	acks := func() (seqs []int64) {
		for _, f := range c.raw {
			if f.Type != wire.Acknowledge {
				continue
			}
			if f.Flags != wire.FrameSyn|wire.FrameFin {
				t.Errorf("an acknowledgement has flags %d", f.Flags)
			}
			a, _ := wire.ParseAck(f.Payload)
			seqs = append(seqs, a.Seq)
		}
		return seqs
	}
	c.await("six acknowledgements", func() bool { return len(acks()) == 6 })
	if diff := cmp.Diff([]int64{1, 3, 0, 0, 2, 1}, acks()); diff != "" {
		t.Error(diff)
	}
	if c.out.String() != "0123" || s.Status().Up.Resent != 2 {
		t.Errorf("out %q, status %+v", c.out.String(), s.Status())
	}
}

// Only the oldest unacknowledged message is sent again, paced or not, and also when a
// client is back.
func TestOnlyTheFrontIsResent(t *testing.T) {
	for name, paced := range map[string]bool{"paced": true, "unpaced": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := serve(t, Options{})
			p, s := start(t, g, SessionConfig{Kind: Port, Unpaced: !paced, Handshake: HandshakeNever, Properties: Properties{PortNumber: sender(t, make([]byte, 8*chunk))}})
			c := &client{t: t, changed: make(chan struct{}), early: make(map[int64]wire.Frame), silent: true}
			c.again(p)
			c.awaitFront(3)
			s.Cut(CutFIN)
			c.await("the cut", func() bool { return c.gone })
			again, err := g.Resume(t.Context(), p.ID)
			if err != nil {
				t.Fatal(err)
			}
			c.again(again)
			c.awaitFront(6)
			if st := s.Status(); st.Down.Resent < 5 {
				t.Errorf("%+v", st.Down)
			}
			g.Terminate(t.Context(), p.ID)
			awaitDone(t, s)
		})
	}
}

// awaitFront waits until message 0 has come n times, and sees that the others came once.
func (c *client) awaitFront(n int) {
	c.t.Helper()
	count := make(map[int64]int)
	c.await("the resent ones", func() bool {
		clear(count)
		for _, f := range c.raw {
			if f.Type == wire.OutputStreamData {
				count[f.Seq]++
			}
		}
		return count[0] >= n
	})
	for seq, n := range count {
		if n > 1 && seq > 0 {
			c.t.Errorf("message %d was sent %d times", seq, n)
		}
	}
}

// A stalled connection answers nothing, not even pings, until a new one comes.
func TestStall(t *testing.T) {
	g := serve(t, Options{})
	p, s := start(t, g, SessionConfig{Kind: Port, Handshake: HandshakeNever, Properties: Properties{PortNumber: echoServer(t)}})
	c := connect(t, p)
	awaitStatus(t, s, "ready", func(st Status) bool { return st.Ready })
	pongs := make(chan string, 2)
	c.conn.SetPongHandler(func(data string) error { pongs <- data; return nil })
	c.conn.WriteControl(websocket.PingMessage, []byte("1"), time.Now().Add(patience))
	if got := <-pongs; got != "1" {
		t.Errorf("pong %q", got)
	}
	s.Cut(Stall)
	c.conn.WriteControl(websocket.PingMessage, []byte("2"), time.Now().Add(patience))
	c.say(wire.PayloadOutput, "lost")
	again, err := g.Resume(t.Context(), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	c.await("its being there", func() bool { return !c.gone })
	second := connect(t, again)
	c.await("the end of the stalled one", func() bool { return c.gone })
	second.say(wire.PayloadOutput, "found")
	second.awaitOutput("found")
	if len(pongs) > 0 || second.out.String() != "found" {
		t.Errorf("%d pongs, output %q", len(pongs), second.out.String())
	}
}

// While no client is there the agent waits, and reads no further.
func TestPublicationStopsWithoutClient(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	g := serve(t, Options{})
	p, s := start(t, g, SessionConfig{Kind: Port, Handshake: HandshakeNever, Properties: Properties{PortNumber: port(l)}})
	c := connect(t, p)
	far, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	s.Publish(false)
	s.Publish(true)
	c.await("both notices", func() bool { return len(c.raw) == 2 })
	if c.raw[0].Type != wire.PausePublication || c.raw[1].Type != wire.StartPublication {
		t.Errorf("frames %+v", c.raw)
	}
	s.Cut(CutFIN)
	awaitStatus(t, s, "the loss", func(st Status) bool { return st.State == Disconnected })
	io.WriteString(far, "kept for you")
	if st := s.Status(); st.Down.Resent > 0 {
		t.Errorf("sent while nobody was there: %+v", st)
	}
	again, err := g.Resume(t.Context(), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	c.again(again)
	c.awaitOutput("kept for you")
}

func TestServiceClosesByRule(t *testing.T) {
	g := serve(t, Options{})
	p, s := start(t, g, SessionConfig{Kind: Shell, Faults: Faults{Rules: []Rule{{Way: Up, Payload: wire.PayloadSize, At: 1, Do: Close}}}})
	c := connect(t, p)
	c.say(wire.PayloadSize, `{"cols":1,"rows":1}`)
	c.awaitClosed()
	awaitDone(t, s)
}

func TestNewer(t *testing.T) {
	for _, tc := range []struct {
		version, than string
		want          bool
	}{
		{"3.1.0.0", "3.0.196.0", true}, {"3.0.196.0", "3.0.196.0", false}, {"3.0.195.9", "3.0.196.0", false},
		{"3.1", "3.0.196.0", false}, {"x.1.2.3", "1.1.1.1", false}, {"", "1.1.1.1", false}, {"10.0.0.0", "9.9.9.9", true},
	} {
		if got := newer(tc.version, tc.than); got != tc.want {
			t.Errorf("newer(%q, %q) = %v", tc.version, tc.than, got)
		}
	}
}

func TestIncomplete(t *testing.T) {
	for text, want := range map[string]int{"": 0, "a": 0, "ä": 0, "a\xc3": 1, "\xe2\x82": 2, "\xf0\x9f\x92": 3, "€": 0, "\x80\x80": 0, "\xff": 0} {
		if got := incomplete([]byte(text)); got != want {
			t.Errorf("incomplete(%q) = %d, want %d", text, got, want)
		}
	}
}

// A client that sends faster than its session is policed is paused, started again once the
// queue is empty, and in the end shown the door if it never lets it get empty.
func TestPolice(t *testing.T) {
	message := strings.Repeat("x", 900)
	open := func(patience time.Duration) (*client, *Session) {
		g := serve(t, Options{})
		p, s := start(t, g, SessionConfig{Kind: Port, Handshake: HandshakeNever, Properties: Properties{PortNumber: echoServer(t)},
			Police: Police{Rate: 20_000, Queue: 2500, Patience: patience}})
		c := connect(t, p)
		awaitStatus(t, s, "ready", func(st Status) bool { return st.Ready })
		return c, s
	}
	c, s := open(0)
	for range 6 {
		c.say(wire.PayloadOutput, message)
	}
	var told []wire.MessageType
	c.await("pause and start", func() bool {
		told = nil
		for _, f := range c.raw {
			if f.Type == wire.PausePublication || f.Type == wire.StartPublication {
				told = append(told, f.Type)
			}
		}
		return len(told) > 0 && told[len(told)-1] == wire.StartPublication
	})
	if told[0] != wire.PausePublication {
		t.Errorf("told %v", told)
	}
	if st := s.Status(); st.Pauses == 0 || st.Overflow == 0 {
		t.Errorf("status %+v", st)
	}
	c, s = open(time.Nanosecond)
	for range 6 {
		c.say(wire.PayloadOutput, message)
	}
	c.awaitClosed()
	if st := awaitDone(t, s); st.Reason != "overflow" {
		t.Errorf("ended by %q", st.Reason)
	}
}

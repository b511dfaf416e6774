package channel

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/websocket"

	"ssmguard/internal/memtest"
	"ssmguard/proxy/channel/reliable"
	"ssmguard/proxy/channel/wire"
)

func TestEscaper(t *testing.T) {
	for _, tc := range []struct {
		in, out string
		left    bool
	}{
		{"ls\r", "ls\r", false},
		{"~.", "", true},
		{"a\r~.b", "a\r", true},
		{"a\n~.", "a\n", true},
		{"a~.", "a~.", false},
		{"~~.", "~.", false},
		{"~x", "~x", false},
		{"~?y", "y", false},
		{"~?~.", "", true},
		{"~\r~.", "~\r", true},
	} {
		for cut := range len(tc.in) + 1 { // wherever the read ends
			e := escaper{char: '~', on: func(b byte) bool { return b == '?' }}
			var out []byte
			left := false
			for _, part := range []string{tc.in[:cut], tc.in[cut:]} {
				if left {
					break
				}
				buf := make([]byte, len(part)+1)
				copy(buf[1:], part)
				var keep []byte
				keep, left = e.filter(buf[:0], buf[1:])
				out = append(out, keep...)
			}
			if string(out) != tc.out || left != tc.left {
				t.Errorf("%q cut at %d: %q, %v; want %q, %v", tc.in, cut, out, left, tc.out, tc.left)
			}
		}
	}
	off := escaper{}
	if out, left := off.filter(nil, []byte("~.\x00")); string(out) != "~.\x00" || left {
		t.Errorf("without an escape character: %q, %v", out, left)
	}
}

func TestEncryption(t *testing.T) {
	key := bytes.Repeat([]byte{1}, 32)
	key = append(key, bytes.Repeat([]byte{2}, 32)...)
	client, err := newEncryption(key)
	if err != nil {
		t.Fatal(err)
	}
	agent, err := newEncryption(append(bytes.Clone(key[32:]), key[:32]...)) // the same keys, the other way round
	if err != nil {
		t.Fatal(err)
	}
	for _, plain := range []string{"", "\n", "hello"} {
		sealed := client.seal([]byte(plain))
		if len(sealed) != len(plain)+overhead {
			t.Errorf("%d bytes became %d", len(plain), len(sealed))
		}
		if again := client.seal([]byte(plain)); bytes.Equal(again[:12], sealed[:12]) {
			t.Error("two messages have one nonce")
		}
		if got, err := agent.open(sealed); err != nil || string(got) != plain {
			t.Errorf("%q, %v", got, err)
		}
		sealed[len(sealed)-1] ^= 1
		if _, err := agent.open(sealed); err == nil {
			t.Error("a changed message was opened")
		}
	}
	if _, err := client.open([]byte("short")); err == nil {
		t.Error("opened a message without a nonce")
	}
	if _, err := newEncryption(key[:32]); err == nil {
		t.Error("took half a key")
	}
}

// Our websocket frames are read by the library that the other side may well use.
func TestWebsocketFrames(t *testing.T) {
	near, far := net.Pipe()
	defer near.Close()
	go func() {
		defer far.Close()
		var b []byte
		for _, n := range []int{0, 1, 7, 8, 125, 126, 127, 1536, 65535, 65536, 70001} {
			b = reliable.AppendWebsocket(b, websocket.BinaryMessage, bytes.Repeat([]byte{byte(n)}, n))
		}
		far.Write(b) //nolint:errcheck // the reader notices
	}()
	for _, n := range []int{0, 1, 7, 8, 125, 126, 127, 1536, 65535, 65536, 70001} {
		if got := readMasked(t, near); !bytes.Equal(got, bytes.Repeat([]byte{byte(n)}, n)) {
			t.Errorf("%d bytes arrived as %d", n, len(got))
		}
	}
}

// readMasked reads one frame as RFC 6455 has it.
func readMasked(t *testing.T, r net.Conn) []byte {
	t.Helper()
	read := func(n int) []byte {
		b := make([]byte, n)
		for k := 0; k < n; {
			m, err := r.Read(b[k:])
			if err != nil {
				t.Fatal(err)
			}
			k += m
		}
		return b
	}
	h := read(2)
	if h[0] != 0x82 || h[1]&0x80 == 0 {
		t.Fatalf("header %x", h)
	}
	n := int(h[1] & 0x7f)
	switch n {
	case 126:
		n = int(binary.BigEndian.Uint16(read(2)))
	case 127:
		n = int(binary.BigEndian.Uint64(read(8)))
	}
	key := read(4)
	b := read(n)
	for i := range b {
		b[i] ^= key[i%4]
	}
	return b
}

// The multiplexer's input may be cut anywhere, and nonsense ends the session.
func TestMuxInput(t *testing.T) {
	frame := func(command byte, id uint32, data string) []byte {
		b := make([]byte, muxHeader)
		putMuxHeader(b, command, len(data), id)
		return append(b, data...)
	}
	lines := bytes.Join([][]byte{
		frame(muxNop, 0, ""), frame(muxData, 3, "hello"), frame(muxData, 99, "for nobody"), frame(muxData, 3, " world"), frame(muxFin, 3, ""), frame(muxFin, 99, ""),
	}, nil)
	for _, size := range []int{1, 3, 7, 8, 9, len(lines)} {
		m := newMux(t.Context(), newChannel(t.Context(), Options{}))
		s := newStream(m.ports, 3, nil, framing{})
		m.add(s)
		for rest := lines; len(rest) > 0; {
			n := min(size, len(rest))
			if err := m.output(wire.PayloadOutput, rest[:n]); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		var got []byte
		for _, k := range s.queue {
			got = append(got, k.data[:k.n]...)
		}
		if string(got) != "hello world" || !s.remoteEnd || m.buffered != len(got) {
			t.Errorf("in pieces of %d: %q, end %v", size, got, s.remoteEnd)
		}
	}
	for name, b := range map[string][]byte{
		"version 2": {2, muxData, 0, 0, 0, 0, 0, 0}, "command 4": {1, 4, 0, 0, 0, 0, 0, 0}, "end with data": {1, muxFin, 1, 0, 0, 0, 0, 0},
	} {
		m := newMux(t.Context(), newChannel(t.Context(), Options{}))
		if err := m.output(wire.PayloadOutput, b); !errors.Is(err, errProtocol) || !final(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzMuxInput(f *testing.F) {
	f.Add([]byte{1, 2, 1, 0, 3, 0, 0, 0, 'x', 1, 1, 0, 0, 3, 0, 0, 0}, 3)
	f.Fuzz(func(t *testing.T, b []byte, size int) {
		defer memtest.Bounded(t, len(b))()
		if size < 1 {
			return
		}
		m := newMux(context.Background(), newChannel(t.Context(), Options{}))
		s := newStream(m.ports, 3, nil, framing{})
		m.add(s)
		for len(b) > 0 {
			n := min(size, len(b))
			if m.output(wire.PayloadOutput, b[:n]) != nil {
				return
			}
			b = b[n:]
		}
		if m.buffered != s.size {
			t.Errorf("%d bytes are held, %d counted", s.size, m.buffered)
		}
	})
}

// An Inlet gives a connection to the taker with the least load, and loses none.
func TestInlet(t *testing.T) {
	in := tcpInlet(t)
	type taken struct {
		by   int
		conn net.Conn
		err  error
	}
	got := make(chan taken, 3)
	ctx, cancel := context.WithCancel(t.Context())
	accept := func(ctx context.Context, by, load int) {
		conn, err := in.Accept(ctx, func() int { return load })
		got <- taken{by, conn, err}
	}
	for by, load := range []int{5, 2, 9} {
		go accept(ctx, by, load)
	}
	for in.Takers() < 3 {
		time.Sleep(time.Millisecond)
	}
	dialInlet(t, in)
	if x := <-got; x.by != 1 || x.err != nil {
		t.Errorf("taken by %d, %v", x.by, x.err)
	}
	cancel()
	for range 2 {
		if x := <-got; !errors.Is(x.err, context.Canceled) {
			t.Errorf("%+v", x)
		}
	}
	waiting := dialInlet(t, in) // nobody is there: it waits
	go accept(t.Context(), 3, 0)
	x := <-got
	if x.err != nil || x.conn.RemoteAddr().String() != waiting.LocalAddr().String() {
		t.Errorf("%+v", x)
	}
	go accept(t.Context(), 4, 0)
	in.Close()
	if x := <-got; !errors.Is(x.err, net.ErrClosed) {
		t.Errorf("%+v", x)
	}
	if _, err := in.Accept(t.Context(), func() int { return 0 }); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// A connection that came as its channel ended is the next one's, in its turn.
func TestInletTakesBack(t *testing.T) {
	in := tcpInlet(t)
	dialInlet(t, in)
	none := func() int { return 0 }
	conn, err := in.Accept(t.Context(), none)
	if err != nil {
		t.Fatal(err)
	}
	in.back(conn)
	dialInlet(t, in)
	again, err := in.Accept(t.Context(), none)
	if again != conn || err != nil {
		t.Errorf("%v, %v", again, err)
	}
	ended := newChannel(t.Context(), Options{})
	ended.out.live.up, ended.out.live.down = context.WithCancel(ended.quit)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	in.back(conn)
	if got, err := ended.accept(ctx, in, none); got != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("a channel that has ended took %v, %v", got, err)
	}
	if again, err = in.Accept(t.Context(), none); again != conn || err != nil {
		t.Errorf("%v, %v", again, err)
	}
	in.back(conn)
	in.Close()
	if _, err := conn.Write([]byte("x")); err == nil {
		t.Error("a connection that nobody took is open after Close")
	}
}

// A connection that came just as its channel lost its own goes to another one.
func TestInletTakesBackWhatCameWithALoss(t *testing.T) {
	in := tcpInlet(t)
	none := func() int { return 0 }
	dialInlet(t, in)
	conn, err := in.Accept(t.Context(), none)
	if err != nil {
		t.Fatal(err)
	}
	in.back(conn)
	c := newChannel(t.Context(), Options{})
	c.out.live.up, c.out.live.down = context.WithCancel(c.quit)
	lost := make(chan struct{})
	losing := sync.OnceFunc(func() {
		c.out.disconnected()
		close(lost)
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	took := make(chan net.Conn, 1)
	go func() {
		got, _ := c.accept(ctx, in, func() int { losing(); return 0 }) //nolint:errcheck // it is to wait until ctx ends
		cancel()
		took <- got
	}()
	<-lost // while the connection is handed over
	if got, err := in.Accept(ctx, none); got != conn || err != nil {
		t.Errorf("another channel got %v, %v", got, err)
	}
	cancel()
	if got := <-took; got != nil {
		t.Error("a channel that has lost its connection took another")
	}
}

func TestOptionsStayInBounds(t *testing.T) {
	for _, n := range []int{-1, 0, 1, 1536, 1 << 20} {
		o := Options{Limits: Limits{MessageSize: n, Silence: time.Second, PingEvery: time.Minute}}.withDefaults()
		if o.MessageSize < minMessageSize || o.MessageSize > maxMessageSize || o.Unacked < 64*o.MessageSize || o.Silence < o.PingEvery {
			t.Errorf("MessageSize %d: %+v", n, o)
		}
	}
	if diff := cmp.Diff(1536, Options{}.withDefaults().MessageSize); diff != "" {
		t.Error(diff)
	}
}

// The reader pauses in long paced downloads, and in nothing else.
func TestTrickle(t *testing.T) {
	const full = wire.HeaderSize + 1024
	for name, tc := range map[string]struct {
		gap    time.Duration
		size   func(i int) int
		spoke  func(i int) uint64
		n      int
		pauses bool
	}{
		"paced download":    {time.Millisecond, func(int) int { return full }, nil, 1000, true},
		"with remainders":   {time.Millisecond, func(i int) int { return full - i%8/7*1000 }, nil, 1000, true},
		"in bursts":         {800 * time.Microsecond, func(int) int { return full }, nil, 1000, true},
		"short answer":      {time.Millisecond, func(int) int { return full }, nil, 60, false},
		"conversation":      {time.Millisecond, func(int) int { return full }, func(i int) uint64 { return uint64(i / 50) }, 1000, false},
		"fast download":     {20 * time.Microsecond, func(int) int { return full }, nil, 50000, false},
		"slow stream":       {10 * time.Millisecond, func(int) int { return full }, nil, 1500, false},
		"small queries":     {time.Millisecond, func(int) int { return 200 }, nil, 1500, false},
		"download and acks": {500 * time.Microsecond, func(i int) int { return full - i%2*1000 }, nil, 1500, false},
	} {
		var x trickle
		now := time.Unix(1e9, 0)
		begin, paused := now, false
		for i := range tc.n {
			now = now.Add(tc.gap)
			var spoke uint64
			if tc.spoke != nil {
				spoke = tc.spoke(i)
			}
			pause := x.came(tc.size(i), spoke, now)
			paused = paused || pause > 0
			if share := now.Sub(begin) / trickleShare; pause > min(share, tricklePause) {
				t.Fatalf("%s: a pause of %v after %v", name, pause, now.Sub(begin))
			}
		}
		if paused != tc.pauses {
			t.Errorf("%s: paused %v", name, paused)
		}
	}
}

// A panic is told before it goes on its way.
func TestGuarded(t *testing.T) {
	told := 0
	c := &Channel{opt: Options{OnPanic: func() { told++ }}}
	c.guarded(func() {})
	if told != 0 {
		t.Error("told without a panic")
	}
	defer func() {
		if recover() == nil || told != 1 {
			t.Errorf("told %d times", told)
		}
	}()
	c.guarded(func() { panic("bug") })
}

package channel

import (
	"context"
	"encoding/binary"
	"testing"

	"ssmguard/proxy/channel/reliable"
	"ssmguard/proxy/channel/wire"
)

// bare is a channel without a connection, for what can be handed to it.
func bare() *Channel {
	c := &Channel{
		opt: Options{}.withDefaults(), kick: make(chan struct{}, 1), talking: make(chan struct{}, 1),
		shake: make(chan step, 8), talk: make(chan struct{}), attached: make(chan struct{}), ended: make(chan struct{}),
	}
	c.live.changed = make(chan struct{})
	c.tx.Window = reliable.NewWindow(c.opt.Unacked / c.opt.MessageSize)
	c.quit, c.stop = context.WithCancelCause(context.Background())
	return c
}

// FuzzHandle gives a channel whatever a gateway could send, whole frames with any
// content and mere noise: it must not panic, nor take a byte twice, nor hold more
// than it may.
func FuzzHandle(f *testing.F) {
	f.Add([]byte("\x00\x00\x05\x05{}\x00\x01\x01\x03abc\x00\x01\x01\x03abc"))
	f.Add([]byte("\x01\x00\x00\x02{}\x02\x00\x00\x00\x03\x00\x00\x00\x04\x00\x00\x01x"))
	f.Add([]byte("\x00\x02\x01\x01b\x00\x01\x01\x01a\x00\x00\x01\x01-"))
	types := []wire.MessageType{wire.OutputStreamData, wire.Acknowledge, wire.PausePublication, wire.StartPublication, wire.ChannelClosed, wire.InputStreamData, "", "nonsense"}
	f.Fuzz(func(t *testing.T, b []byte) {
		c := bare()
		m := newMux(t.Context(), c)
		if len(b)%2 == 0 {
			m.add(newStream(m.ports, 3, nil))
			if err := c.attach(m); err != nil {
				t.Fatal(err)
			}
		}
		fresh, seen := 0, map[int64]bool{}
		for len(b) >= 4 {
			n := min(int(b[3]), len(b)-4)
			frame := wire.Frame{Type: types[int(b[0])%len(types)], Seq: int64(int8(b[1])), PayloadType: wire.PayloadType(b[2]), Payload: b[4 : 4+n]}
			lines := frame.Append(nil)
			if b[0] >= 128 { // with anything in its header
				binary.BigEndian.PutUint32(lines[int(b[1])%(wire.HeaderSize-4):], binary.BigEndian.Uint32(b))
				fresh += n // it may have become another one
			} else if frame.Type == wire.OutputStreamData && frame.Seq >= 0 && !seen[frame.Seq] {
				seen[frame.Seq] = true
				fresh += n
			}
			if c.handle(lines) != nil {
				return // the session is over
			}
			if c.handle(b) != nil { // mere noise
				return
			}
			b = b[4+n:]
		}
		if held := c.early + m.buffered + c.rx.Bytes; held > fresh {
			t.Errorf("%d bytes are held, %d came", held, fresh)
		}
	})
}

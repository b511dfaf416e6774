package channel

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"ssmguard/internal/memtest"
	"ssmguard/proxy"
	"ssmguard/proxy/channel/wire"
)

// FuzzHandle gives a channel whatever a gateway could send, whole frames with any
// content and mere noise: it must not panic, nor take a byte twice, nor hold more
// than it may.
func FuzzHandle(f *testing.F) {
	f.Add([]byte("\x00\x00\x05\x05{}\x00\x01\x01\x03abc\x00\x01\x01\x03abc"))
	f.Add([]byte("\x01\x00\x00\x02{}\x02\x00\x00\x00\x03\x00\x00\x00\x04\x00\x00\x01x"))
	f.Add([]byte("\x00\x02\x01\x01b\x00\x01\x01\x01a\x00\x00\x01\x01-"))
	types := []wire.MessageType{wire.OutputStreamData, wire.Acknowledge, wire.PausePublication, wire.StartPublication, wire.ChannelClosed, wire.InputStreamData, "", "nonsense"}
	f.Fuzz(func(t *testing.T, b []byte) {
		defer memtest.Bounded(t, len(b))()
		c := newChannel(context.Background(), Options{})
		m := newMux(t.Context(), c)
		if len(b)%2 == 0 {
			m.add(newStream(m.ports, 3, nil, framing{}))
			if err := c.in.attach(m); err != nil {
				t.Fatal(err)
			}
		}
		fresh, messages, seen := 0, 0, map[int64]bool{}
		for len(b) >= 4 {
			n := min(int(b[3]), len(b)-4)
			frame := wire.Frame{Type: types[int(b[0])%len(types)], Seq: int64(int8(b[1])), PayloadType: wire.PayloadType(b[2]), Payload: b[4 : 4+n]}
			lines := frame.Append(nil)
			messages++
			if b[0] >= 128 { // with anything in its header
				binary.BigEndian.PutUint32(lines[int(b[1])%(wire.HeaderSize-4):], binary.BigEndian.Uint32(b))
				fresh += n // it may have become another one
			} else if frame.Type == wire.OutputStreamData && frame.Seq >= 0 && !seen[frame.Seq] {
				seen[frame.Seq] = true
				fresh += n
			}
			if c.in.handle(lines) != nil {
				return // the session is over
			}
			if c.in.handle(b) != nil { // mere noise
				return
			}
			b = b[4+n:]
		}
		held := c.in.early + m.buffered
		for _, a := range c.in.receiver.Early {
			held += len(a.Payload)
		}
		if held > fresh+messages*arrivalSize {
			t.Errorf("%d bytes are held, %d came in %d messages", held, fresh, messages)
		}
	})
}

// FuzzHandshake: whatever an agent says in a handshake, the session has a type that is
// known when the handshake is complete, or the handshake failed.
func FuzzHandshake(f *testing.F) {
	const port = `{"AgentVersion":"3.3.0.0","RequestedClientActions":[{"ActionType":"SessionType","ActionParameters":{"SessionType":"Port","Properties":{"portNumber":"80","type":"LocalPortForwarding"}}}]}`
	for _, seed := range [][3]string{
		{port, "", `{"HandshakeTimeToComplete":1,"CustomerMessage":"hello"}`},
		{`{"AgentVersion":"3","RequestedClientActions":[{"ActionType":"KMSEncryption","ActionParameters":{"KMSKeyId":"k"}},{"ActionType":"SessionType","ActionParameters":{"SessionType":"Standard_Stream"}}]}`, `{"Challenge":"AAAA"}`, "{}"},
		{`{"RequestedClientActions":[{"ActionType":"Dance"},{"ActionType":"Dance"}]}`, "{", "null"},
		{`{"RequestedClientActions":[{"ActionType":"SessionType","ActionParameters":{"SessionType":"Opera"}}]}`, "", "{}"},
		{"[]", "", `{"CustomerMessage":1}`}, {"", "", ""},
	} {
		f.Add([]byte(seed[0]), []byte(seed[1]), []byte(seed[2]))
	}
	known := []string{Port, StandardStream, InteractiveCommands, NonInteractiveCommands}
	f.Fuzz(func(t *testing.T, request, challenge, complete []byte) {
		defer memtest.Bounded(t, len(request)+len(challenge)+len(complete))()
		c := newChannel(t.Context(), Options{Session: &proxy.Session{ID: "ann-1"}, GenerateDataKey: func(context.Context, string, map[string]string) (plain, wrapped []byte, err error) {
			return make([]byte, 64), []byte("wrapped"), nil
		}})
		h := &handshake{c: c, ctx: t.Context()}
		for _, s := range []handshakeStep{{wire.PayloadHandshakeRequest, request}, {wire.PayloadEncChallengeRequest, challenge}, {wire.PayloadHandshakeComplete, complete}} {
			if s.kind == wire.PayloadEncChallengeRequest && len(challenge) == 0 {
				continue
			}
			done, err := h.answer(s)
			if err != nil {
				var handshake *HandshakeError
				if done || !errors.As(err, &handshake) {
					t.Errorf("%v, %v", done, err)
				}
				return
			}
			if done && !slices.Contains(known, h.info.SessionType) {
				t.Errorf("a session of type %q", h.info.SessionType)
			}
		}
	})
}

package gateway

import (
	"encoding/json"
	"math/rand/v2"
	"time"

	"ssmguard/proxy/channel/wire"
)

// message is a frame together with its bytes on the wire.
type message struct {
	wire.Frame
	raw []byte
}

// parse reads a message from the wire. It does not look at the digest: neither
// does the agent.
func parse(raw []byte) (*message, error) {
	m := &message{raw: raw}
	return m, m.Decode(raw)
}

// encode makes the message of a frame.
func encode(f wire.Frame) *message {
	f.Created = uint64(time.Now().UnixMilli())
	m := &message{Frame: f, raw: f.Append(make([]byte, 0, wire.HeaderSize+len(f.Payload)))}
	m.Payload = m.raw[wire.HeaderSize:]
	return m
}

// corrupted is the message with one bit of its payload flipped.
func (m *message) corrupted(rnd *rand.Rand) *message {
	if len(m.Payload) == 0 {
		return m
	}
	c := &message{raw: append([]byte(nil), m.raw...)}
	bit := rnd.IntN(8 * len(m.Payload))
	c.raw[wire.HeaderSize+bit/8] ^= 1 << (bit % 8)
	if c.Decode(c.raw) != nil {
		return m
	}
	return c
}

// control is a message of the service itself; such messages are not numbered.
func control(t wire.MessageType, payload []byte) *message {
	return encode(wire.Frame{Type: t, ID: wire.NewUUID(), Payload: payload})
}

// acknowledgement answers a stream message as the agent does, with both flags set.
func acknowledgement(m *message) *message {
	return encode(wire.Frame{Type: wire.Acknowledge, ID: wire.NewUUID(), Flags: wire.FrameSyn | wire.FrameFin,
		Payload: wire.AppendAck(nil, m.Type, m.ID, m.Seq)})
}

// channelClosed tells a client that its session is over.
func channelClosed(session, output string) *message {
	return control(wire.ChannelClosed, toJSON(wire.Closed{
		MessageID: wire.NewUUID().String(), CreatedDate: time.Now().UTC().Format(time.RFC3339),
		DestinationID: "client", SessionID: session, MessageType: string(wire.ChannelClosed), SchemaVersion: 1, Output: output,
	}))
}

// toJSON encodes values whose types cannot fail.
func toJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

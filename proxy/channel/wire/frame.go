package wire

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
)

// The binary frame of the data channel, the same in both directions. All
// integers are big endian.
//
//	0    header length, 116: what stands before the payload length
//	4    message type, 32 bytes, padded with spaces (NUL is accepted)
//	36   schema version, 1
//	40   created, milliseconds since 1970
//	48   sequence number, signed
//	56   flags
//	64   message id: a UUID with its low half first
//	80   SHA-256 of the payload
//	112  payload type
//	116  payload length
//	120  payload
const (
	// HeaderSize is the number of bytes before the payload.
	HeaderSize = 120

	headerLength = 116
	offType      = 4
	offSchema    = 36
	offCreated   = 40
	OffSeq       = 48
	offFlags     = 56
	offID        = 64
	offDigest    = 80
	offPayType   = 112
	offPayLength = 116
	typeSize     = offSchema - offType
	schema       = 1
)

// MessageType says what a frame is for.
type MessageType string

// The message types that a client sends or gets.
const (
	InputStreamData  MessageType = "input_stream_data"  // client to agent, numbered from 0
	OutputStreamData MessageType = "output_stream_data" // agent to client, numbered from 0
	Acknowledge      MessageType = "acknowledge"        // both ways, payload Ack
	ChannelClosed    MessageType = "channel_closed"     // gateway to both, payload Closed
	StartPublication MessageType = "start_publication"  // gateway: the far side is there
	PausePublication MessageType = "pause_publication"  // gateway: the far side is away
)

// PayloadType says what the payload of a stream message is.
type PayloadType uint32

// The payload types.
const (
	PayloadOutput               PayloadType = 1 // bytes of the session, in either direction
	PayloadError                PayloadType = 2
	PayloadSize                 PayloadType = 3 // Size
	PayloadParameter            PayloadType = 4
	PayloadHandshakeRequest     PayloadType = 5
	PayloadHandshakeResponse    PayloadType = 6
	PayloadHandshakeComplete    PayloadType = 7
	PayloadEncChallengeRequest  PayloadType = 8
	PayloadEncChallengeResponse PayloadType = 9
	PayloadFlag                 PayloadType = 10 // Flag, 4 bytes
	PayloadStdErr               PayloadType = 11
	PayloadExitCode             PayloadType = 12 // text "EXIT_CODE: n"
)

// Flag is the payload of a PayloadFlag message.
type Flag uint32

// The flags of port sessions.
const (
	DisconnectToPort   Flag = 1 // client: the local connection is gone
	TerminateSession   Flag = 2 // client: end the session
	ConnectToPortError Flag = 3 // agent: the remote port cannot be reached
)

// Bits of Frame.Flags. An agent marks its message 0 with FrameSyn;
// acknowledgements carry both; a client's stream messages none.
const (
	FrameSyn uint64 = 1
	FrameFin uint64 = 2
)

// ErrFrame is wrapped by every error about bytes that are no frame.
var ErrFrame = errors.New("malformed data channel frame")

// ErrDigest says that the payload of a frame is not what its sender hashed.
var ErrDigest = errors.New("data channel frame with a wrong payload digest")

// Frame is one binary message of the data channel.
type Frame struct {
	Type        MessageType
	Created     uint64 // milliseconds since 1970
	Seq         int64
	Flags       uint64
	ID          UUID
	PayloadType PayloadType
	Payload     []byte
	Digest      [sha256.Size]byte // as received; the encoder computes its own
}

// Append encodes f behind dst and returns the extended slice. A message type
// longer than 32 bytes is cut, no constant of this package is.
func (f *Frame) Append(dst []byte) []byte {
	start := len(dst)
	dst = append(dst, make([]byte, HeaderSize)...)
	f.PutHeader(dst[start:])
	return append(dst, f.Payload...)
}

// PutHeader writes the header of f, with the digest and length of f.Payload,
// into the first HeaderSize bytes of dst, for callers that keep room for it in
// front of a payload. It allocates nothing; a shorter dst panics.
func (f *Frame) PutHeader(dst []byte) {
	_ = dst[HeaderSize-1]
	binary.BigEndian.PutUint32(dst, headerLength)
	n := copy(dst[offType:offSchema], f.Type)
	for i := offType + n; i < offSchema; i++ {
		dst[i] = ' '
	}
	binary.BigEndian.PutUint32(dst[offSchema:], schema)
	binary.BigEndian.PutUint64(dst[offCreated:], f.Created)
	binary.BigEndian.PutUint64(dst[OffSeq:], uint64(f.Seq))
	binary.BigEndian.PutUint64(dst[offFlags:], f.Flags)
	copy(dst[offID:], f.ID[8:])
	copy(dst[offID+8:], f.ID[:8])
	digest := sha256.Sum256(f.Payload)
	copy(dst[offDigest:], digest[:])
	binary.BigEndian.PutUint32(dst[offPayType:], uint32(f.PayloadType))
	binary.BigEndian.PutUint32(dst[offPayLength:], uint32(len(f.Payload)))
}

// Decode reads one whole message. Payload keeps pointing into b. An error
// wraps ErrFrame; the digest is not looked at, see Verify. Of the publication
// messages only the type is read: the gateway leaves the rest empty.
func (f *Frame) Decode(b []byte) error {
	if len(b) < HeaderSize {
		return fmt.Errorf("%w: %d bytes, a header has %d", ErrFrame, len(b), HeaderSize)
	}
	*f = Frame{Type: decodeType(b[offType:offSchema])}
	if f.Type == StartPublication || f.Type == PausePublication {
		return nil
	}
	if hl := binary.BigEndian.Uint32(b); hl != headerLength {
		return fmt.Errorf("%w: header length %d, not %d", ErrFrame, hl, headerLength)
	}
	if n := binary.BigEndian.Uint32(b[offPayLength:]); uint64(n) != uint64(len(b)-HeaderSize) {
		return fmt.Errorf("%w: payload length %d, but %d bytes follow", ErrFrame, n, len(b)-HeaderSize)
	}
	f.Created = binary.BigEndian.Uint64(b[offCreated:])
	f.Seq = int64(binary.BigEndian.Uint64(b[OffSeq:]))
	f.Flags = binary.BigEndian.Uint64(b[offFlags:])
	copy(f.ID[8:], b[offID:])
	copy(f.ID[:8], b[offID+8:])
	copy(f.Digest[:], b[offDigest:])
	f.PayloadType = PayloadType(binary.BigEndian.Uint32(b[offPayType:]))
	f.Payload = b[HeaderSize:]
	return nil
}

// Verify compares the digest of a decoded frame with its payload. An empty
// payload is not hashed by every sender and passes.
func (f *Frame) Verify() error {
	if len(f.Payload) > 0 && sha256.Sum256(f.Payload) != f.Digest {
		return ErrDigest
	}
	return nil
}

// decodeType returns the constant itself for the known types: no allocation per message.
func decodeType(field []byte) MessageType {
	name := bytes.Trim(field, "\x00 \t\r\n\v\f")
	for _, t := range [...]MessageType{OutputStreamData, Acknowledge, InputStreamData, ChannelClosed, StartPublication, PausePublication} {
		if string(name) == string(t) {
			return t
		}
	}
	return MessageType(name)
}

// AppendFlag encodes a flag as the payload of a PayloadFlag message.
func AppendFlag(dst []byte, f Flag) []byte { return binary.BigEndian.AppendUint32(dst, uint32(f)) }

// ParseFlag decodes the payload of a PayloadFlag message; ok is false if it has not four bytes.
func ParseFlag(payload []byte) (f Flag, ok bool) {
	if len(payload) != 4 {
		return 0, false
	}
	return Flag(binary.BigEndian.Uint32(payload)), true
}

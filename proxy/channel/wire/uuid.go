package wire

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
)

// UUID is an RFC 9562 identifier in its usual byte order; on the wire its
// halves are swapped.
type UUID [16]byte

// NewUUID returns a random (version 4) UUID. It names messages and is no secret.
func NewUUID() UUID {
	var u UUID
	binary.BigEndian.PutUint64(u[:], rand.Uint64())
	binary.BigEndian.PutUint64(u[8:], rand.Uint64())
	u[6] = u[6]&0x0f | 0x40
	u[8] = u[8]&0x3f | 0x80
	return u
}

// String returns the canonical form: 36 characters, lower case.
func (u UUID) String() string { return string(u.append(nil)) }

func (u UUID) append(dst []byte) []byte {
	for i, part := range [...][]byte{u[:4], u[4:6], u[6:8], u[8:10], u[10:]} {
		if i > 0 {
			dst = append(dst, '-')
		}
		dst = hex.AppendEncode(dst, part)
	}
	return dst
}

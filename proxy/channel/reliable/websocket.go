package reliable

import (
	"encoding/binary"
	"math/rand/v2"
)

// AppendWebsocket appends payload as one masked frame of RFC 6455, section 5.2.
func AppendWebsocket(dst []byte, opcode int, payload []byte) []byte {
	const final, masked = 0x80, 0x80
	dst = append(dst, final|byte(opcode))
	switch n := len(payload); {
	case n < 126:
		dst = append(dst, masked|byte(n))
	case n < 1<<16:
		dst = binary.BigEndian.AppendUint16(append(dst, masked|126), uint16(n))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, masked|127), uint64(n))
	}
	key := rand.Uint32()
	dst = binary.LittleEndian.AppendUint32(dst, key)
	wide := uint64(key)<<32 | uint64(key)
	for len(payload) >= 8 {
		dst = binary.LittleEndian.AppendUint64(dst, binary.LittleEndian.Uint64(payload)^wide)
		payload = payload[8:]
	}
	for i, b := range payload {
		dst = append(dst, b^byte(key>>(8*(i%4))))
	}
	return dst
}

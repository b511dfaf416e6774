package channel

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"sync/atomic"

	"ssmguard/proxy/channel/wire"
)

// dataKeySize is what GenerateDataKey is asked for: two AES-256 keys, the first
// to decrypt what the agent sends, the second to encrypt what we send.
const dataKeySize = 64

// encryption is the AES-GCM pair of an encrypted session. A message is a
// 12-byte nonce and the sealed payload.
type encryption struct {
	in, out cipher.AEAD
}

// sessionKey is the encryption that the handshake has agreed on; nil before, and in a
// session without encryption.
type sessionKey = atomic.Pointer[encryption]

func newEncryption(dataKey []byte) (*encryption, error) {
	if len(dataKey) != dataKeySize {
		return nil, fmt.Errorf("KMS gave a data key of %d bytes, want %d", len(dataKey), dataKeySize)
	}
	in, err := newGCM(dataKey[:dataKeySize/2])
	if err != nil {
		return nil, err
	}
	out, err := newGCM(dataKey[dataKeySize/2:])
	if err != nil {
		return nil, err
	}
	return &encryption{in, out}, nil
}

func newGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// seal returns plain encrypted, in a slice of its own.
func (e *encryption) seal(plain []byte) []byte {
	nonce := make([]byte, e.out.NonceSize(), e.out.NonceSize()+len(plain)+e.out.Overhead())
	rand.Read(nonce) //nolint:errcheck // never fails, it crashes the program instead
	return e.out.Seal(nonce, nonce, plain, nil)
}

// open returns sealed decrypted.
func (e *encryption) open(sealed []byte) ([]byte, error) {
	n := e.in.NonceSize()
	if len(sealed) < n {
		return nil, errors.New("encrypted payload is too short")
	}
	return e.in.Open(nil, sealed[:n], sealed[n:], nil)
}

// encrypted reports which payloads an encrypted session encrypts.
func encrypted(t wire.PayloadType) bool {
	return t == wire.PayloadOutput || t == wire.PayloadStdErr || t == wire.PayloadExitCode
}

package gateway

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
)

// crypt encrypts an agent's side of a session: AES-GCM with a random nonce in
// front. Of the data key's 64 bytes the client reads with the first half and
// writes with the second, so the agent does the reverse.
type crypt struct {
	write, read cipher.AEAD
	challenge   []byte // what the client must prove that it can read
}

const dataKeySize = 64

func newCrypt(dataKey []byte) (*crypt, error) {
	if len(dataKey) != dataKeySize {
		return nil, fmt.Errorf("the data key has %d bytes, not %d", len(dataKey), dataKeySize)
	}
	c := &crypt{challenge: make([]byte, dataKeySize)}
	rand.Read(c.challenge)
	var err error
	if c.write, err = gcm(dataKey[:dataKeySize/2]); err != nil {
		return nil, err
	}
	c.read, err = gcm(dataKey[dataKeySize/2:])
	return c, err
}

func gcm(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

func (c *crypt) seal(plain []byte) []byte {
	nonce := make([]byte, c.write.NonceSize())
	rand.Read(nonce)
	return c.write.Seal(nonce, nonce, plain, nil)
}

func (c *crypt) open(sealed []byte) ([]byte, error) {
	n := c.read.NonceSize()
	if len(sealed) < n {
		return nil, errors.New("an encrypted payload without nonce")
	}
	return c.read.Open(nil, sealed[:n], sealed[n:], nil)
}

// proves reports whether answer is the challenge, encrypted by the client.
func (c *crypt) proves(answer []byte) bool {
	plain, err := c.open(answer)
	return err == nil && bytes.Equal(plain, c.challenge)
}

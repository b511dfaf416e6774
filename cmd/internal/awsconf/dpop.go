package awsconf

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"time"

	smithyrand "github.com/aws/smithy-go/rand"
)

// parseLoginKey reads the private key of a login: P-256, in PEM (SEC 1).
func parseLoginKey(text string) (*ecdsa.PrivateKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("no PEM block")
	}
	key, err := x509.ParseECPrivateKey(block.Bytes)
	if err == nil && key.Curve != elliptic.P256() {
		err = errors.New("not a P-256 key")
	}
	return key, err
}

// dpop is the proof that the sender of a POST to uri holds the key (RFC 9449): a JWT
// with the public key, signed with ES256.
func dpop(key *ecdsa.PrivateKey, uri string, now time.Time) (string, error) {
	public, err := key.PublicKey.ECDH()
	if err != nil {
		return "", err
	}
	point := public.Bytes() // the byte 4, then both coordinates of 32 bytes
	encode := base64.RawURLEncoding.EncodeToString
	header, err := json.Marshal(map[string]any{"typ": "dpop+jwt", "alg": "ES256",
		"jwk": map[string]string{"kty": "EC", "crv": "P-256", "x": encode(point[1:33]), "y": encode(point[33:])}})
	if err != nil {
		return "", err
	}
	id, err := smithyrand.NewUUID(rand.Reader).GetUUID()
	if err != nil {
		return "", err
	}
	payload, err := json.Marshal(map[string]any{"htm": "POST", "htu": uri, "iat": now.Unix(), "jti": id})
	if err != nil {
		return "", err
	}
	text := encode(header) + "." + encode(payload)
	sum := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		return "", err
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return text + "." + encode(signature), nil
}

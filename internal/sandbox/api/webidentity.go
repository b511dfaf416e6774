package api

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
)

// WebClaims are the claims of a web identity token that the account reads.
type WebClaims struct {
	Issuer  string `json:"iss"` // URL of the identity provider
	Subject string `json:"sub"`
	Expires int64  `json:"exp,omitempty"` // seconds since 1970; 0 never
}

// Errors of ReadWebToken.
var (
	// ErrNoWebToken: the text is no JSON Web Token.
	ErrNoWebToken = errors.New("no JSON Web Token")
	// ErrForeignWebToken: the token was not issued by this account.
	ErrForeignWebToken = errors.New("a token that this account did not issue")
)

// webHeader is the JOSE header of every token.
var webHeader = base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`))

// webIdentities signs web identity tokens (RFC 7519) with a key that is made up at each
// run, because a stand-in has no identity provider whose key it could ask for.
type webIdentities struct{ key [32]byte }

func newWebIdentities() *webIdentities {
	w := new(webIdentities)
	rand.Read(w.key[:]) // never fails
	return w
}

// WebToken issues a web identity token.
func (w *webIdentities) WebToken(claims WebClaims) string {
	body, _ := json.Marshal(claims) // texts and a number: never fails
	signed := webHeader + "." + base64.RawURLEncoding.EncodeToString(body)
	return signed + "." + base64.RawURLEncoding.EncodeToString(w.sign(signed))
}

// ReadWebToken returns the claims of a token that WebToken issued; other texts are
// ErrNoWebToken or ErrForeignWebToken. The header is not asked for the algorithm: a
// token has to have this account's signature, whatever it says.
func (w *webIdentities) ReadWebToken(token string) (WebClaims, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return WebClaims{}, ErrNoWebToken
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || !hmac.Equal(signature, w.sign(parts[0]+"."+parts[1])) {
		return WebClaims{}, ErrForeignWebToken
	}
	var claims WebClaims
	body, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(body, &claims) != nil {
		return WebClaims{}, ErrNoWebToken
	}
	return claims, nil
}

func (w *webIdentities) sign(text string) []byte {
	m := hmac.New(sha256.New, w.key[:])
	m.Write([]byte(text))
	return m.Sum(nil)
}

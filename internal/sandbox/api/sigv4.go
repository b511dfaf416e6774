package api

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Signature Version 4 as the general reference describes it ("Signature Version
// 4 signing process"), header form, for services that escape the path twice.

// What Signature Version 4 writes: its name, and times.
const (
	SigAlgorithm = "AWS4-HMAC-SHA256"
	SigTime      = "20060102T150405Z"
	sigSkew      = 5 * time.Minute // how far the signer's clock may be off
)

// Signature is a parsed Authorization header.
type Signature struct {
	KeyID, Date, Region, Service string
	Headers                      []string
	value                        string
}

// Scope is the credential scope: date, region, service.
func (s Signature) Scope() string {
	return strings.Join([]string{s.Date, s.Region, s.Service, "aws4_request"}, "/")
}

// ParseSignature reads the Authorization header; ok is false when there is none or it is malformed.
func ParseSignature(header string) (s Signature, ok bool) {
	rest, ok := strings.CutPrefix(header, SigAlgorithm)
	if !ok {
		return s, false
	}
	for part := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "Credential":
			f := strings.Split(value, "/")
			if len(f) != 5 || f[4] != "aws4_request" {
				return s, false
			}
			s.KeyID, s.Date, s.Region, s.Service = f[0], f[1], f[2], f[3]
		case "SignedHeaders":
			s.Headers = strings.Split(value, ";")
		case "Signature":
			s.value = value
		}
	}
	return s, s.KeyID != "" && len(s.Headers) > 0 && s.value != ""
}

// Matches reports whether the signature of r, whose body is given, was made with secret.
func (s Signature) Matches(r *http.Request, body []byte, secret string) bool {
	want := s.Compute(r, body, secret)
	return hmac.Equal([]byte(want), []byte(s.value))
}

// Compute returns the hexadecimal signature of r under secret.
func (s Signature) Compute(r *http.Request, body []byte, secret string) string {
	sum := sha256.Sum256(body)
	canonical := strings.Join([]string{
		r.Method, canonicalPath(r.URL), canonicalQuery(r.URL.Query()), canonicalHeaders(r, s.Headers),
		strings.Join(s.Headers, ";"), hex.EncodeToString(sum[:]),
	}, "\n")
	hashed := sha256.Sum256([]byte(canonical))
	toSign := strings.Join([]string{SigAlgorithm, r.Header.Get("X-Amz-Date"), s.Scope(), hex.EncodeToString(hashed[:])}, "\n")
	key := []byte("AWS4" + secret)
	for _, part := range []string{s.Date, s.Region, s.Service, "aws4_request", toSign} {
		m := hmac.New(sha256.New, key)
		m.Write([]byte(part))
		key = m.Sum(nil)
	}
	return hex.EncodeToString(key)
}

func canonicalPath(u *url.URL) string {
	if u.EscapedPath() == "" {
		return "/"
	}
	segments := strings.Split(u.EscapedPath(), "/")
	for i, s := range segments {
		segments[i] = EscapeRFC3986(s)
	}
	return strings.Join(segments, "/")
}

func canonicalQuery(q url.Values) string {
	escaped := make(map[string][]string, len(q))
	for k, values := range q {
		for _, v := range values {
			escaped[EscapeRFC3986(k)] = append(escaped[EscapeRFC3986(k)], EscapeRFC3986(v))
		}
	}
	var pairs []string
	for _, k := range slices.Sorted(maps.Keys(escaped)) {
		for _, v := range slices.Sorted(slices.Values(escaped[k])) {
			pairs = append(pairs, k+"="+v)
		}
	}
	return strings.Join(pairs, "&")
}

// canonicalHeaders returns the signed headers with their trailing newline.
func canonicalHeaders(r *http.Request, names []string) string {
	var b strings.Builder
	for _, name := range names {
		values := slices.Clone(r.Header.Values(name))
		switch name {
		case "host":
			values = []string{r.Host}
		case "content-length":
			if len(values) == 0 {
				values = []string{strconv.FormatInt(r.ContentLength, 10)}
			}
		}
		for i, v := range values {
			values[i] = strings.Join(strings.Fields(v), " ")
		}
		b.WriteString(name + ":" + strings.Join(values, ",") + "\n")
	}
	return b.String()
}

// EscapeRFC3986 escapes everything but unreserved characters, as AWS's
// signatures and IAM's policy documents do.
func EscapeRFC3986(s string) string {
	return strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
}

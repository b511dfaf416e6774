package awsconf

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	loginSession = "arn:aws:iam::123456789012:user/alice"
	loginConfig  = "[default]\nlogin_session = " + loginSession + "\n"
)

// signinFake is a fake of AWS Sign-In: it checks each request and answers.
type signinFake struct {
	*httptest.Server
	t      *testing.T
	key    *ecdsa.PrivateKey
	bodies []map[string]string
	proofs map[string]bool // their ids
	status []int           // of the answers; 200 when there are no more
	header string          // X-Amzn-ErrorType
	answer string
}

func newSignin(t *testing.T) *signinFake {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s := &signinFake{t: t, key: key, proofs: map[string]bool{}, answer: `{"accessToken":{"accessKeyId":"ASIANEW","secretAccessKey":"s2","sessionToken":"t2"},
		"tokenType":"aws_sigv4","expiresIn":900,"refreshToken":"refresh2"}`}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *signinFake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body map[string]string
	data, _ := io.ReadAll(r.Body)
	if err := json.Unmarshal(data, &body); err != nil || r.Method != http.MethodPost || r.URL.Path != "/v1/token" {
		s.t.Errorf("%s %s: %s", r.Method, r.URL, data)
	}
	if r.Header.Get("Authorization") != "" {
		s.t.Error("the call is signed")
	}
	s.bodies = append(s.bodies, body)
	s.verify(r.Header.Get("DPoP"))
	status := http.StatusOK
	if len(s.status) > 0 {
		status, s.status = s.status[0], s.status[1:]
	}
	if s.header != "" {
		w.Header().Set("X-Amzn-ErrorType", s.header)
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, s.answer)
}

// verify checks a proof as RFC 9449 says.
func (s *signinFake) verify(proof string) {
	parts := strings.Split(proof, ".")
	if len(parts) != 3 {
		s.t.Fatalf("proof %q", proof)
	}
	decode := func(text string) []byte {
		b, err := base64.RawURLEncoding.DecodeString(text)
		if err != nil {
			s.t.Fatal(err)
		}
		return b
	}
	var header struct {
		Typ, Alg string
		Jwk      struct{ Kty, Crv, X, Y string }
	}
	var payload struct {
		Htm, Htu, Jti string
		Iat           int64
	}
	if err := json.Unmarshal(decode(parts[0]), &header); err != nil {
		s.t.Fatal(err)
	}
	if err := json.Unmarshal(decode(parts[1]), &payload); err != nil {
		s.t.Fatal(err)
	}
	x, y := decode(header.Jwk.X), decode(header.Jwk.Y)
	if header.Typ != "dpop+jwt" || header.Alg != "ES256" || header.Jwk.Kty != "EC" || header.Jwk.Crv != "P-256" ||
		!bytes.Equal(x, s.key.X.FillBytes(make([]byte, 32))) || !bytes.Equal(y, s.key.Y.FillBytes(make([]byte, 32))) {
		s.t.Errorf("header %+v", header)
	}
	if payload.Htm != "POST" || payload.Htu != s.URL+"/v1/token" || payload.Iat == 0 || len(payload.Jti) != 36 || s.proofs[payload.Jti] {
		s.t.Errorf("payload %+v", payload)
	}
	s.proofs[payload.Jti] = true
	signature, sum := decode(parts[2]), sha256.Sum256([]byte(parts[0]+"."+parts[1]))
	if len(signature) != 64 || !ecdsa.Verify(&s.key.PublicKey, sum[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])) {
		s.t.Error("the signature does not fit")
	}
}

// login writes the file that `aws login` would, with credentials that end in left.
func (s *signinFake) login(h *home, left time.Duration) string {
	der, err := x509.MarshalECPrivateKey(s.key)
	if err != nil {
		s.t.Fatal(err)
	}
	file, err := json.Marshal(map[string]any{
		"accessToken": map[string]string{"accessKeyId": "ASIAOLD", "secretAccessKey": "s", "sessionToken": "t", "accountId": "123456789012",
			"expiresAt": h.now.Add(left).UTC().Format(time.RFC3339)},
		"tokenType": "aws_sigv4", "clientId": "arn:aws:signin:::devtools/same-device", "refreshToken": "refresh1", "idToken": "kept",
		"dpopKey": string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	name := "login/cache/" + sha256Hex(loginSession) + ".json"
	h.write(s.t, name, string(file))
	h.env["AWS_ENDPOINT_URL_SIGNIN"] = s.URL
	return filepath.Join(h.dir, ".aws", name)
}

// TestLogin: credentials serve until five minutes before their end; then they are
// renewed once, and the file serves again.
func TestLogin(t *testing.T) {
	s := newSignin(t)
	h := newHome(t, newCloud(t), loginConfig)
	h.now = time.Now().Truncate(time.Second)
	path := s.login(h, 6*time.Minute)
	if key, err := h.key(); key != "ASIAOLD" || err != nil || len(s.bodies) != 0 {
		t.Fatalf("%s %v, %d calls", key, err, len(s.bodies))
	}
	h.now = h.now.Add(time.Minute)
	for range 2 {
		if key, err := h.key(); key != "ASIANEW" || err != nil {
			t.Fatalf("%s %v", key, err)
		}
	}
	want := []map[string]string{{"clientId": "arn:aws:signin:::devtools/same-device", "grantType": "refresh_token", "refreshToken": "refresh1"}}
	if diff := cmp.Diff(want, s.bodies); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	var file struct {
		AccessToken           map[string]string
		RefreshToken, IDToken string
	}
	if err := readJSON(path, &file); err != nil {
		t.Fatal(err)
	}
	wantKeys := map[string]string{"accessKeyId": "ASIANEW", "secretAccessKey": "s2", "sessionToken": "t2", "accountId": "123456789012",
		"expiresAt": h.now.Add(15 * time.Minute).UTC().Format(time.RFC3339)}
	if diff := cmp.Diff(wantKeys, file.AccessToken); diff != "" || file.RefreshToken != "refresh2" || file.IDToken != "kept" {
		t.Errorf("file %+v\n%s", file, diff)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

// TestLoginKeyWithZeros: the coordinates of a public key have 32 bytes, also where
// the first ones are zero (RFC 7518, 6.2.1.2). logincreds of the SDK sends fewer.
func TestLoginKeyWithZeros(t *testing.T) {
	s := newSignin(t)
	for s.key.X.BitLen() > 248 {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		s.key = key
	}
	h := newHome(t, newCloud(t), loginConfig)
	s.login(h, 0)
	if key, err := h.key(); key != "ASIANEW" || err != nil || len(s.proofs) != 1 {
		t.Errorf("%s %v, %d proofs", key, err, len(s.proofs))
	}
}

// TestLoginFaults: the CLI's words. A refusal leaves the file alone.
func TestLoginFaults(t *testing.T) {
	refused := func(reason string) string { return `{"error":"` + reason + `","message":"no"}` }
	for name, tc := range map[string]struct {
		status         []int
		header, answer string
		want           string
		calls          int
	}{
		"expired": {[]int{400}, "AccessDeniedException", refused("TOKEN_EXPIRED"),
			"Your session has expired. Please reauthenticate using 'aws login'.", 1},
		"changed": {[]int{400}, "AccessDeniedException:http://internal/", refused("USER_CREDENTIALS_CHANGED"),
			"Unable to refresh login credentials because of a change in your password. Please reauthenticate with your new password using 'aws login'.", 1},
		"not allowed": {[]int{403}, "AccessDeniedException", refused("INSUFFICIENT_PERMISSIONS"),
			"Unable to create or refresh login credentials due to insufficient permissions. You may be missing permission for the 'signin:CreateOAuth2Token' action.", 1},
		"other refusal": {[]int{403}, "AccessDeniedException", refused("AUTHCODE_EXPIRED"),
			"An unspecified error happened when resolving AWS credentials or refreshing a login session profile.", 1},
		"bad request": {[]int{400}, "ValidationException", refused("x"),
			"An error occurred (ValidationException) when calling the CreateOAuth2Token operation: no", 1},
		"passing": {[]int{500}, "InternalServerException", "", "", 2},
		"empty answer": {nil, "", "{}", "Error loading login session token: Unable to refresh access token due to an invalid service response. " +
			"Please try running 'aws login' again. If the issue persists, there may be a temporary signin service problem.", 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSignin(t)
			s.status, s.header = tc.status, tc.header
			if tc.answer != "" {
				s.answer = tc.answer
			}
			h := newHome(t, newCloud(t), loginConfig)
			h.env["AWS_MAX_ATTEMPTS"] = "2"
			path := s.login(h, time.Minute)
			before, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			_, err = h.key()
			if message := text(err); message != tc.want || len(s.bodies) != tc.calls {
				t.Errorf("%q after %d calls, want %q after %d", message, len(s.bodies), tc.want, tc.calls)
			}
			after, err := os.ReadFile(path)
			if err != nil || (string(after) == string(before)) != (tc.want != "") {
				t.Errorf("file %s, %v", after, err)
			}
		})
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestLoginFile: a fault of the file is reported before any call.
func TestLoginFile(t *testing.T) {
	for name, tc := range map[string]struct{ file, want string }{
		"none": {"", "Error loading login session token: Unable to load a existing login session for session " + loginSession +
			", Please reauthenticate with 'aws login'."},
		"members": {`{"accessToken":{"accessKeyId":"A"},"clientId":"c"}`,
			"Error loading login session token: Failed to load access token from token cache, missing required fields: refreshToken, dpopKey."},
		"key": {`{"accessToken":{"accessKeyId":"A","secretAccessKey":"s","expiresAt":"2001-01-01T00:00:00Z"},"clientId":"c","refreshToken":"r","dpopKey":"k"}`,
			"Error loading login session token: Unable to load private key from cached token."},
	} {
		h := newHome(t, newCloud(t), loginConfig)
		if tc.file != "" {
			h.write(t, "login/cache/"+sha256Hex(loginSession)+".json", tc.file)
		}
		if _, err := h.key(); text(err) != tc.want {
			t.Errorf("%s: %v, want %s", name, err, tc.want)
		}
	}
}

// TestSigninEndpoint: AWS Sign-In has domains of its own.
func TestSigninEndpoint(t *testing.T) {
	for region, want := range map[string]string{
		"eu-west-1":      "https://eu-west-1.signin.aws.amazon.com",
		"cn-north-1":     "https://cn-north-1.signin.amazonaws.cn",
		"us-gov-west-1":  "https://us-gov-west-1.signin.amazonaws-us-gov.com",
		"eusc-de-east-1": "https://eusc-de-east-1.signin.amazonaws-eusc.eu",
		"fips-us-east-1": "https://signin-fips.us-east-1.amazonaws.com",
	} {
		h := newHome(t, newCloud(t), loginConfig)
		newSignin(t).login(h, 0)
		delete(h.env, "AWS_ENDPOINT_URL_SIGNIN")
		var asked []string // through a proxy that refuses
		proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked = append(asked, "https://"+strings.TrimSuffix(r.Host, ":443"))
			w.WriteHeader(http.StatusForbidden)
		}))
		h.env["AWS_REGION"], h.env["HTTPS_PROXY"] = region, proxy.URL
		key, err := h.key()
		proxy.Close()
		if len(asked) != 1 || asked[0] != want || key != "" || err == nil {
			t.Errorf("%s: %s %v, %s %v, want %s", region, asked, want, key, err, want)
		}
	}
}

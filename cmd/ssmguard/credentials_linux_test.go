package main

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	aws "ssmguard/internal/sandbox"
	"ssmguard/internal/sandbox/api"
	"ssmguard/internal/sandbox/gateway"
	"ssmguard/internal/sandbox/world"
)

// renewedWorld has a login by a role, whose credentials run out, and a user that may assume
// it. Its service answers each line with the same line.
const renewedWorld = `account: "111122223333"
region: eu-west-1
default: ann
users:
  ulla: {inline: {all: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "*", Resource: "*"}]}}}
roles:
  ann:
    trust: ["111122223333", "federated:token.example.com"]
    inline: {all: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "*", Resource: "*"}]}}
logins: {ann: {as: role/ann}, ulla: {as: user/ulla}}
instances: [{id: i-0123456789abcdef0, profile: ssm-node}]
services: {"db.internal:5432": {}}
`

// stay is the life of one session, from its first credentials to its second.
type stay struct {
	t    *testing.T
	box  *aws.Sandbox
	home string
	env  []string

	mu  sync.Mutex
	now api.Credentials // what stand-ins for AWS hand out
	was api.Credentials // and did before
}

// credentialSources are where a session's credentials can come from. set prepares home and
// environment; turn, where it is not nil, is what happens there when others are issued.
var credentialSources = map[string]struct {
	set  func(s *stay)
	turn func(s *stay)
}{
	"a file that changes": {set: (*stay).writeKeys, turn: (*stay).writeKeys},
	"process": {set: func(s *stay) {
		s.writeProcess()
		s.config("[default]\ncredential_process = cat " + s.path("process.json") + "\n")
	}, turn: (*stay).writeProcess},
	"assume role": {set: func(s *stay) {
		ulla, err := s.box.Login("ulla")
		if err != nil {
			s.t.Fatal(err)
		}
		s.write("credentials", fmt.Sprintf("[ulla]\naws_access_key_id = %s\naws_secret_access_key = %s\n", ulla.AccessKeyID, ulla.SecretAccessKey))
		s.config("[default]\nrole_arn = arn:aws:iam::111122223333:role/ann\nsource_profile = ulla\n")
	}, turn: (*stay).expireCache},
	"web identity": {set: func(s *stay) {
		token := s.box.Account.WebToken(api.WebClaims{Issuer: "https://token.example.com", Subject: "ann"})
		s.write("token", token)
		s.config("[default]\nrole_arn = arn:aws:iam::111122223333:role/ann\nweb_identity_token_file = " + s.path("token") + "\n")
	}, turn: (*stay).expireCache},
	"SSO": {set: func(s *stay) {
		s.env = append(s.env, "AWS_ENDPOINT_URL_SSO="+s.serve(func(c api.Credentials) (string, any) {
			return "/federation/credentials", map[string]any{"roleCredentials": map[string]any{
				"accessKeyId": c.AccessKeyID, "secretAccessKey": c.SecretAccessKey, "sessionToken": c.SessionToken, "expiration": c.Expires.UnixMilli()}}
		}))
		sum := sha1.Sum([]byte("corp"))
		s.write("sso/cache/"+hex.EncodeToString(sum[:])+".json", `{"accessToken":"bearer","expiresAt":"2099-01-01T00:00:00Z","startUrl":"https://corp.awsapps.com/start"}`)
		s.config("[default]\nsso_session = corp\nsso_account_id = 111122223333\nsso_role_name = ann\n" +
			"[sso-session corp]\nsso_start_url = https://corp.awsapps.com/start\nsso_region = eu-west-1\n")
	}, turn: (*stay).expireCache},
	"container": {set: func(s *stay) {
		s.env = append(s.env, "AWS_CONTAINER_CREDENTIALS_FULL_URI="+s.serve(func(c api.Credentials) (string, any) { return "/creds", s.role(c) })+"/creds")
	}},
	"instance": {set: func(s *stay) {
		s.env = append(s.env, "AWS_EC2_METADATA_DISABLED=false", "AWS_METADATA_SERVICE_TIMEOUT=120",
			"AWS_EC2_METADATA_SERVICE_ENDPOINT="+s.serve(func(c api.Credentials) (string, any) {
				return "/latest/meta-data/iam/security-credentials/node", s.role(c)
			}))
	}},
	"login": {set: func(s *stay) {
		s.env = append(s.env, "AWS_ENDPOINT_URL_SIGNIN="+s.serve(func(c api.Credentials) (string, any) {
			return "/v1/token", map[string]any{"accessToken": map[string]string{"accessKeyId": c.AccessKeyID, "secretAccessKey": c.SecretAccessKey,
				"sessionToken": c.SessionToken}, "tokenType": "aws_sigv4", "expiresIn": 900, "refreshToken": "next"}
		}))
		s.config("[default]\nlogin_session = " + loginSession + "\n")
		s.writeLogin(s.now, time.Hour)
	}, turn: func(s *stay) { s.writeLogin(s.was, 0) }},
}

const loginSession = "arn:aws:iam::111122223333:user/ann"

// TestCredentialsAreRenewed: whatever the credentials of a session come from, a session that
// outlives them is resumed with those that come after them, by each engine.
func TestCredentialsAreRenewed(t *testing.T) {
	for name, source := range credentialSources {
		for _, engine := range []string{"plugin", "native"} {
			t.Run(name+", "+engine, func(t *testing.T) {
				t.Parallel()
				s := newStay(t)
				source.set(s)
				conn := s.forward(engine)
				s.echo(conn, "before")
				first := s.connects()[0].AccessKey
				s.renew()
				if source.turn != nil {
					source.turn(s)
				}
				far, _ := s.box.Gateway.Session(s.box.Gateway.Sessions()[0].ID)
				far.Cut(gateway.CutRST)
				s.echo(conn, "after")
				all := s.connects()
				if last := all[len(all)-1].AccessKey; len(all) < 2 || first == "" || last == "" || last == first {
					t.Errorf("the session's connections: %+v", all)
				}
			})
		}
	}
}

func newStay(t *testing.T) *stay {
	t.Helper()
	dir, err := os.MkdirTemp("", "stay") // short: the plugin has a socket in it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s := &stay{t: t, home: dir}
	s.write("world.yaml", renewedWorld)
	w, err := world.Load(s.path("world.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if s.box, err = aws.Open(w, aws.Options{}); err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	ctx, cancel := context.WithCancel(context.Background())
	go func() { served <- s.box.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-served, s.box.Close()); err != nil {
			t.Error(err)
		}
	})
	s.env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + dir, "GOCOVERDIR=" + dir, "AWS_REGION=eu-west-1",
		"AWS_ENDPOINT_URL=" + s.box.Endpoint(), "AWS_EC2_METADATA_DISABLED=true", "SSMGUARD_GUARD=off", "SSMGUARD_NO_CACHE=true"}
	if s.now, err = s.box.Login("ann"); err != nil {
		t.Fatal(err)
	}
	return s
}

// renew ends the life of all that was issued, and issues others.
func (s *stay) renew() {
	s.box.Account.Expire()
	next, err := s.box.Account.Issue(world.Login{Name: "ann", Principal: "role/ann"})
	if err != nil {
		s.t.Fatal(err)
	}
	s.mu.Lock()
	s.was, s.now = s.now, next
	s.mu.Unlock()
}

func (s *stay) current() api.Credentials {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func (s *stay) connects() []gateway.Connect { return s.box.Gateway.Sessions()[0].Connects }

// forward starts a session that forwards a port, and returns a connection through it.
func (s *stay) forward(engine string) net.Conn {
	s.t.Helper()
	cmd := exec.Command("ssmguard", "start-session", "--engine", engine, "--plugin-output", "--target", "i-0123456789abcdef0",
		"--document-name", "AWS-StartPortForwardingSessionToRemoteHost", "--parameters", "host=db.internal,portNumber=5432,localPortNumber=0")
	cmd.Env, cmd.Dir = s.env, s.home
	stderr := newScreen()
	cmd.Stderr = stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	kill := time.AfterFunc(patience, func() { cmd.Process.Kill() }) // the reading ends then
	s.t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait() //nolint:errcheck // ended by the signal
		kill.Stop()
		if s.t.Failed() {
			s.t.Logf("stderr: %s", stderr)
		}
	})
	port := ""
	for lines := bufio.NewScanner(out); port == "" && lines.Scan(); {
		if m := regexp.MustCompile(`^Port (\d+) opened for sessionId`).FindStringSubmatch(lines.Text()); m != nil {
			port = m[1]
		}
	}
	conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience)) //nolint:errcheck // the reads fail then
	return conn
}

// echo sends a line and awaits the same line.
func (s *stay) echo(conn net.Conn, line string) {
	s.t.Helper()
	_, err := fmt.Fprintln(conn, line)
	got := make([]byte, len(line)+1)
	for n := 0; err == nil && n < len(got); {
		var more int
		more, err = conn.Read(got[n:])
		n += more
	}
	if string(got) != line+"\n" || err != nil {
		s.t.Fatalf("%q of %q came back, %v", got, line, err)
	}
}

// serve answers at one path with what answer makes of the credentials of now, and returns its URL.
func (s *stay) serve(answer func(api.Credentials) (path string, body any)) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path, body := answer(s.current())
		switch {
		case r.Method == http.MethodPut: // of a token, at an instance
			w.Header().Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "21600")
			fmt.Fprint(w, "token")
		case r.URL.Path == path:
			json.NewEncoder(w).Encode(body) //nolint:errcheck // the client has gone
		case strings.HasPrefix(path, r.URL.Path): // the name of an instance's role
			fmt.Fprint(w, "node")
		default:
			http.NotFound(w, r)
		}
	}))
	s.t.Cleanup(server.Close)
	return server.URL
}

// role is how containers and instances are given credentials.
func (s *stay) role(c api.Credentials) map[string]string {
	return map[string]string{"Code": "Success", "AccessKeyId": c.AccessKeyID, "SecretAccessKey": c.SecretAccessKey, "Token": c.SessionToken,
		"Expiration": c.Expires.UTC().Format(time.RFC3339)}
}

func (s *stay) path(name string) string { return filepath.Join(s.home, ".aws", name) }

func (s *stay) write(name, text string) {
	s.t.Helper()
	if err := os.MkdirAll(filepath.Dir(s.path(name)), 0o700); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(s.path(name), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stay) config(text string) { s.write("config", text) }

func (s *stay) writeKeys() {
	c := s.current()
	s.write("credentials", fmt.Sprintf("[default]\naws_access_key_id = %s\naws_secret_access_key = %s\naws_session_token = %s\n", c.AccessKeyID, c.SecretAccessKey, c.SessionToken))
}

func (s *stay) writeProcess() {
	c := s.current()
	s.write("process.json", fmt.Sprintf(`{"Version": 1, "AccessKeyId": %q, "SecretAccessKey": %q, "SessionToken": %q, "Expiration": %q}`,
		c.AccessKeyID, c.SecretAccessKey, c.SessionToken, c.Expires.UTC().Format(time.RFC3339)))
}

// writeLogin writes what `aws login` keeps, with credentials that have some time left.
func (s *stay) writeLogin(c api.Credentials, left time.Duration) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		s.t.Fatal(err)
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		s.t.Fatal(err)
	}
	text, err := json.Marshal(map[string]any{
		"accessToken": map[string]string{"accessKeyId": c.AccessKeyID, "secretAccessKey": c.SecretAccessKey, "sessionToken": c.SessionToken,
			"accountId": "111122223333", "expiresAt": time.Now().Add(left).UTC().Format(time.RFC3339)},
		"tokenType": "aws_sigv4", "clientId": "arn:aws:signin:::devtools/same-device", "refreshToken": "first", "idToken": "kept",
		"dpopKey": string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(loginSession))
	s.write("login/cache/"+hex.EncodeToString(sum[:])+".json", string(text))
}

// expireCache lets the AWS CLI's cache know that what it has has run out.
func (s *stay) expireCache() {
	files, _ := filepath.Glob(s.path("cli/cache/*.json"))
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			s.t.Fatal(err)
		}
		text = regexp.MustCompile(`"Expiration": ?"[^"]*"`).ReplaceAll(text, []byte(`"Expiration": "2001-01-01T00:00:00Z"`))
		if err := os.WriteFile(file, text, 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
}

//go:build unix

package plugin_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/creack/pty"

	"ssmguard/internal/sandbox/gateway"
	"ssmguard/proxy"
	"ssmguard/proxy/awsssm"
	"ssmguard/proxy/plugin"
)

// The test binary is three programs: the tests, the plugin, and a driver that
// hands one session over as ssmguard does, so that it can be given a terminal
// and signals of its own.
const driverVariable = "SSMGUARD_TEST_DRIVER"

func TestMain(m *testing.M) {
	switch {
	case plugin.Named(os.Args[0]):
		os.Exit(plugin.Main(os.Args))
	case os.Getenv(driverVariable) != "":
		os.Exit(drive(os.Getenv(driverVariable)))
	}
	dir, err := os.MkdirTemp("", "races")
	if err != nil {
		panic(err)
	}
	os.Setenv(racesVariable, dir)
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// racesVariable names the directory for what the race detector says of the official plugin,
// which has data races. The detector makes the directory of such a report if it is missing,
// and ends the name at a comma, so it is none of a test's own.
const racesVariable = "SSMGUARD_TEST_RACES"

// unraced is the variable that has the race detector report into files, and end no program.
func unraced() string {
	return "GORACE=exitcode=0 log_path=" + filepath.Join(os.Getenv(racesVariable), "report")
}

// order is what the driver is to do.
type order struct {
	ID, StreamURL, Token string
	Spec                 proxy.Spec
	External             string
	Profile              string // left to the plugin's arguments, with other credentials
	Socket               string // see Runner.AtSocket
	Login                string // how the credentials change, see login
	CABundle, Proxy      string // of the connection
	Lends                bool   // the credentials, to an external plugin
	Begins               bool   // say on stdout when the plugin begins to write there
}

// login returns credentials as somebody's source of them does.
func (o order) login() func(ctx context.Context, refused string) (plugin.Credentials, error) {
	calls := 0
	return func(_ context.Context, refused string) (plugin.Credentials, error) {
		key := accessKey
		calls++
		switch {
		case o.Login == "changes": // all the time
			key = fmt.Sprint(accessKey, calls)
		case o.Login == "replaced" && refused == "ExpiredTokenException":
			key = accessKey + "NEW"
		case o.Login == "gone", o.Login == "expires" && calls > 1:
			return plugin.Credentials{}, errors.New("credentials have expired; log in again")
		}
		return plugin.Credentials{AccessKeyID: key, SecretAccessKey: proxy.NewSecret("s3cret"), SessionToken: proxy.NewSecret("t0ken")}, nil
	}
}

const accessKey = "AKIDCHECKED"

// drive runs one session; "ready" and the result are said on stderr.
func drive(text string) int {
	os.Unsetenv(driverVariable)
	var o order
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		panic(err)
	}
	ctx := context.Background()
	// The official plugin has data races; ours are in this process.
	r, err := plugin.Embedded(append(os.Environ(), unraced()))
	if o.External != "" {
		r, err = plugin.External(ctx, o.External, nil, os.Stderr)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "result:", err)
		return 1
	}
	if o.Socket != "" {
		r, _ = r.AtSocket(o.Socket)
	}
	r.Terminator = terminator(o.Spec.Endpoint)
	given := plugin.Credentials{AccessKeyID: accessKey, SecretAccessKey: proxy.NewSecret("s3cret")}
	login := o.login()
	r.Credentials = func(ctx context.Context, refused string) (plugin.Credentials, error) {
		c, err := login(ctx, refused)
		if err == nil {
			given = c
		}
		return c, err
	}
	cfg := aws.Config{Region: "eu-west-1", BaseEndpoint: &o.Spec.Endpoint, Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: given.AccessKeyID, SecretAccessKey: given.SecretAccessKey.Reveal(), SessionToken: given.SessionToken.Reveal()}, nil
	})}
	r.Lends = o.Lends
	if o.Begins {
		r.Begins = func() { fmt.Println("begins") }
	}
	r.Calls = &plugin.Calls{Resume: awsssm.New(cfg).Resume, DataKey: awsssm.DataKey(cfg)}
	if r.Connection = (&plugin.Connection{CABundle: o.CABundle}); o.Proxy != "" {
		u, err := url.Parse(o.Proxy)
		if err != nil {
			panic(err)
		}
		r.Connection.Proxy = http.ProxyURL(u)
	}
	s := &proxy.Session{ID: o.ID, StreamURL: proxy.NewSecret(o.StreamURL), Token: proxy.NewSecret(o.Token), Spec: o.Spec}
	err = r.Run(ctx, s, proxy.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}, func() { fmt.Fprintln(os.Stderr, "ready") })
	if err == nil {
		fmt.Fprintln(os.Stderr, "result: well")
		return 0
	}
	fmt.Fprintf(os.Stderr, "result: %T %v\n", err, err)
	if exit, ok := errors.AsType[*plugin.ExitError](err); ok {
		return exit.Code
	}
	return 1
}

func terminator(endpoint string) *awsssm.Client {
	return awsssm.New(aws.Config{Region: "eu-west-1", BaseEndpoint: &endpoint, Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: accessKey, SecretAccessKey: "s3cret", SessionToken: "t0ken"}, nil
	})})
}

// stage is a gateway with the API calls that the plugin and the driver make.
type stage struct {
	t       *testing.T
	gateway *gateway.Gateway
	api     *httptest.Server
	home    string
	environ []string // of its programs, beside those of command

	mu    sync.Mutex
	calls []string          // operation and signing key
	keys  map[string][]byte // KMS: ciphertext to plaintext
	deny  map[string]bool   // operations to refuse
	gone  map[string]bool   // keys that have expired
}

func newStage(t *testing.T) *stage {
	t.Helper()
	st := &stage{t: t, home: t.TempDir(), keys: make(map[string][]byte), deny: make(map[string]bool), gone: make(map[string]bool)}
	g, err := gateway.New(gateway.Options{Decrypt: st.decrypt, Env: []string{"PATH=" + os.Getenv("PATH"), "PS1=$ ", "TERM=dumb"}})
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- g.Serve(context.Background()) }()
	st.gateway = g
	st.api = httptest.NewServer(http.HandlerFunc(st.answer))
	t.Cleanup(func() {
		st.api.Close()
		g.Close()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return st
}

func (st *stage) decrypt(_ context.Context, key string, cipherText []byte, c map[string]string) ([]byte, error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	plain, ok := st.keys[key+"/"+string(cipherText)+"/"+c["aws:ssm:SessionId"]+"/"+c["aws:ssm:TargetId"]]
	if !ok {
		return nil, errors.New("InvalidCiphertextException")
	}
	return plain, nil
}

// answer serves ResumeSession, TerminateSession and GenerateDataKey.
func (st *stage) answer(w http.ResponseWriter, r *http.Request) {
	_, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	_, key, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	key, _, _ = strings.Cut(key, "/")
	var in struct {
		SessionID, KeyID  string
		EncryptionContext map[string]string
	}
	json.NewDecoder(r.Body).Decode(&in)
	st.mu.Lock()
	st.calls = append(st.calls, op+" "+key)
	denied, expired := st.deny[op], st.gone[key]
	st.mu.Unlock()
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	fail := func(code string) {
		w.WriteHeader(400)
		fmt.Fprintf(w, `{"__type":%q,"message":"no"}`, code)
	}
	switch {
	case denied:
		fail("AccessDeniedException")
		return
	case expired:
		fail("ExpiredTokenException")
		return
	}
	switch op {
	case "ResumeSession":
		s, err := st.gateway.Resume(r.Context(), in.SessionID)
		if err != nil {
			fail("DoesNotExistException")
			return
		}
		json.NewEncoder(w).Encode(map[string]string{"SessionId": s.ID, "TokenValue": s.Token.Reveal(), "StreamUrl": s.StreamURL.Reveal()})
	case "TerminateSession":
		st.gateway.Terminate(r.Context(), in.SessionID)
		json.NewEncoder(w).Encode(map[string]string{"SessionId": in.SessionID})
	case "GenerateDataKey":
		plain, cipherText := make([]byte, 64), make([]byte, 32)
		rand.Read(plain)
		rand.Read(cipherText)
		st.mu.Lock()
		st.keys[in.KeyID+"/"+string(cipherText)+"/"+in.EncryptionContext["aws:ssm:SessionId"]+"/"+in.EncryptionContext["aws:ssm:TargetId"]] = plain
		st.mu.Unlock()
		json.NewEncoder(w).Encode(map[string]any{"KeyId": in.KeyID, "Plaintext": plain, "CiphertextBlob": cipherText})
	default:
		fail("UnknownOperationException")
	}
}

func (st *stage) refuse(operation string) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.deny[operation] = true
}

func (st *stage) expire(key string) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.gone[key] = true
}

func (st *stage) called() []string {
	st.mu.Lock()
	defer st.mu.Unlock()
	return append([]string(nil), st.calls...)
}

// start begins a session at the far end.
func (st *stage) start(c gateway.SessionConfig) (order, *gateway.Session) {
	st.t.Helper()
	c.Target = "i-0123"
	p, err := st.gateway.Start(st.t.Context(), c)
	if err != nil {
		st.t.Fatal(err)
	}
	s, _ := st.gateway.Session(p.ID)
	document, parameters := asked(c)
	return order{ID: p.ID, StreamURL: p.StreamURL.Reveal(), Token: p.Token.Reveal(),
		Spec: proxy.Spec{Target: "i-0123", Document: document, Parameters: parameters, Region: "eu-west-1", Endpoint: st.api.URL}}, s
}

// asked is the request for such a session.
func asked(c gateway.SessionConfig) (document string, parameters map[string][]string) {
	switch {
	case c.Kind != gateway.Port:
		return "", nil
	case c.Properties.Type == "":
		return "AWS-StartSSHSession", nil
	case c.Properties.LocalConnectionType == "unix":
		return "AWS-StartPortForwardingSessionToSocket", map[string][]string{"localUnixSocket": {c.Properties.LocalUnixSocket}}
	}
	return "AWS-StartPortForwardingSession", map[string][]string{"localPortNumber": {c.Properties.LocalPortNumber}}
}

// requested is the request as the plugin gets it.
func requested(s proxy.Spec) string {
	text := `{"Target": "i-0123"`
	if s.Document != "" {
		text += fmt.Sprintf(`, "DocumentName": %q`, s.Document)
	}
	for name, values := range s.Parameters {
		text += fmt.Sprintf(`, "Parameters": {%q: [%q]}`, name, values[0])
	}
	return text + "}"
}

// command is a driver that is to carry out an order.
func (st *stage) command(o order) *exec.Cmd {
	text, _ := json.Marshal(o)
	cmd := exec.Command(os.Args[0])
	cmd.Env = []string{
		driverVariable + "=" + string(text), racesVariable + "=" + os.Getenv(racesVariable), "PATH=" + os.Getenv("PATH"), "HOME=" + st.home, "TMPDIR=" + st.home, "TERM=dumb",
		"AWS_ACCESS_KEY_ID=AKIDSTALE", "AWS_SECRET_ACCESS_KEY=x", "AWS_EC2_METADATA_DISABLED=true", "AWS_ENDPOINT_URL_KMS=" + st.api.URL, "AWS_ENDPOINT_URL_SSM=" + st.api.URL,
		"AWS_SSM_START_SESSION_RESPONSE=stale", "GOCOVERDIR=" + st.home,
	}
	cmd.Env = append(cmd.Env, st.environ...)
	return cmd
}

// driver is a running driver with what it says.
type driver struct {
	t      *testing.T
	cmd    *exec.Cmd
	tty    *os.File // its terminal, or nil
	in     io.WriteCloser
	out    *spoken
	err    *spoken // without terminal
	ended  chan struct{}
	result error
}

// spoken is output that can be waited for.
type spoken struct {
	mu      sync.Mutex
	buf     bytes.Buffer
	changed chan struct{}
}

func newSpoken() *spoken { return &spoken{changed: make(chan struct{})} }

func (s *spoken) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.buf.Write(p)
	close(s.changed)
	s.changed = make(chan struct{})
	return len(p), nil
}

func (s *spoken) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.String()
}

// run starts a driver on pipes.
func (st *stage) run(o order) *driver {
	st.t.Helper()
	d := &driver{t: st.t, cmd: st.command(o), out: newSpoken(), err: newSpoken(), ended: make(chan struct{})}
	in, err := d.cmd.StdinPipe()
	if err != nil {
		st.t.Fatal(err)
	}
	d.in = in
	d.cmd.Stdout, d.cmd.Stderr = d.out, d.err
	d.cmd.WaitDelay = patience // for a plugin that outlives its driver and holds the pipes
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := d.cmd.Start(); err != nil {
		st.t.Fatal(err)
	}
	d.watch(func() { d.result = d.cmd.Wait() })
	return d
}

// runTTY starts a driver with a terminal of its own.
func (st *stage) runTTY(o order) *driver {
	st.t.Helper()
	d := &driver{t: st.t, cmd: st.command(o), out: newSpoken(), ended: make(chan struct{})}
	d.err = d.out
	tty, err := pty.StartWithSize(d.cmd, &pty.Winsize{Rows: 33, Cols: 111})
	if err != nil {
		st.t.Fatal(err)
	}
	d.tty, d.in = tty, tty
	read := make(chan struct{})
	go func() { defer close(read); io.Copy(d.out, tty) }()
	d.watch(func() { d.result = d.cmd.Wait(); <-read })
	return d
}

func (d *driver) watch(wait func()) {
	go func() { defer close(d.ended); wait() }()
	d.t.Cleanup(func() {
		d.cmd.Process.Kill()
		if d.tty == nil {
			d.in.Close()
		}
		<-d.ended
		if d.tty != nil {
			d.tty.Close()
		}
	})
}

const patience = 2 * time.Minute

func (d *driver) await(s *spoken, part string) {
	d.t.Helper()
	late := time.After(patience)
	for {
		s.mu.Lock()
		changed, found := s.changed, strings.Contains(s.buf.String(), part)
		s.mu.Unlock()
		if found {
			return
		}
		select {
		case <-changed:
		case <-d.ended:
			if !strings.Contains(s.String(), part) {
				d.t.Fatalf("ended without saying %q:\nstdout %q\nstderr %q", part, d.out, d.err)
			}
		case <-late:
			d.t.Fatalf("waiting for %q:\nstdout %q\nstderr %q", part, d.out, d.err)
		}
	}
}

// wait returns the driver's exit status.
func (d *driver) wait() int {
	d.t.Helper()
	select {
	case <-d.ended:
	case <-time.After(patience):
		d.t.Fatalf("does not end:\nstdout %q\nstderr %q", d.out, d.err)
	}
	return d.cmd.ProcessState.ExitCode()
}

// sayAndExit has the far shell say something, and exit once that has come: what a
// terminal has not passed on when its first process exits may be lost in the kernel,
// which throws a hung-up terminal's buffers away.
func (d *driver) sayAndExit() {
	d.say("echo sum=$((20+22))\n")
	d.await(d.out, "sum=42")
	d.say("exit\n")
}

func (d *driver) say(text string) {
	d.t.Helper()
	if _, err := io.WriteString(d.in, text); err != nil {
		d.t.Fatal(err)
	}
}

func awaitStatus(t *testing.T, s *gateway.Session, what string, ok func(gateway.Status) bool) gateway.Status {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	st, err := s.Await(ctx, ok)
	if err != nil {
		t.Fatalf("waiting for %s: %+v", what, st)
	}
	return st
}

func awaitEnd(t *testing.T, s *gateway.Session) gateway.Status {
	t.Helper()
	return awaitStatus(t, s, "its end", func(st gateway.Status) bool { return st.State == gateway.Ended })
}

// echoServer returns the port of a server that sends back what it gets.
func echoServer(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() { defer conn.Close(); io.Copy(conn, conn) }()
		}
	}()
	return fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
}

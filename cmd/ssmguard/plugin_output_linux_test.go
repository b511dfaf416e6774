package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/google/go-cmp/cmp"

	"ssmguard/internal/sandbox/gateway"
	"ssmguard/proxy"
)

// spoken is what a program has written to stdout, and how it has ended: by its exit code or
// by a signal.
type spoken struct {
	Stdout string `json:"stdout"`
	Ends   string `json:"ends"`
}

// linesFile holds what the official plugin, the one that is built in, has written in each of
// lineCases, by how it is called. UPDATE_SCRIPTS=1 records it again.
var linesFile = filepath.Join("testdata", "plugin-output", "lines.json")

// The two ways in which a session is started.
const (
	byOthers = "session-manager-plugin" // by the AWS CLI, which calls the plugin
	byUs     = "start-session"
)

// TestPluginOutput: our own data channel writes to stdout what the official plugin writes, in
// the same order, and ends as it does, whoever has started the session.
func TestPluginOutput(t *testing.T) {
	recorded := make(map[string]map[string]spoken)
	data, err := os.ReadFile(linesFile)
	if err == nil {
		err = json.Unmarshal(data, &recorded)
	}
	record := os.Getenv("UPDATE_SCRIPTS") != ""
	if err != nil && !record {
		t.Fatal(err)
	}
	var mu sync.Mutex // of recorded
	if record {
		clear(recorded)
	}
	t.Run("cases", func(t *testing.T) {
		for _, c := range lineCases {
			for _, caller := range []string{byOthers, byUs} {
				if c.only != "" && c.only != caller {
					continue
				}
				t.Run(c.name+" "+caller, func(t *testing.T) {
					t.Parallel()
					got := c.run(t, caller, "plugin")
					mu.Lock()
					if record {
						if recorded[c.name] == nil {
							recorded[c.name] = make(map[string]spoken)
						}
						recorded[c.name][caller] = got
					}
					want := recorded[c.name][caller]
					mu.Unlock()
					if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("the plugin is not as recorded (-recorded +now):\n%s", diff)
					}
					if d, differs := c.native[caller]; differs {
						if d.want == want || d.why == "" {
							t.Error("a difference is listed that is none, or without reason")
						}
						want = d.want
					}
					if diff := cmp.Diff(want, c.run(t, caller, "native")); diff != "" {
						t.Errorf("our own data channel (-plugin +native):\n%s", diff)
					}
				})
			}
		}
	})
	if record && !t.Failed() {
		text, err := json.MarshalIndent(recorded, "", "\t")
		if err == nil {
			err = os.WriteFile(linesFile, append(text, '\n'), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// lineCase is one session.
type lineCase struct {
	name     string
	config   gateway.SessionConfig
	document string
	with     map[string][]string // the document's parameters
	api      map[string]string   // operation: the error that it answers; "none": ResumeSession gives no token
	terminal bool                // stdin is a terminal
	refused  bool                // the gateway refuses every connection
	keyless  bool                // there are no credentials
	killed   bool                // by a signal: whether the plugin still writes its last line is chance
	prepare  func(s *farSession, c *lineCase)
	do       func(s *farSession) // until the program ends by itself; nil: nothing but the end of stdin
	only     string              // byOthers or byUs; "" is both
	native   map[string]differs  // what our own data channel does otherwise, by caller
}

// differs is how our own data channel ends a case otherwise than the plugin, and why.
type differs struct {
	why  string
	want spoken
}

// farSession is the far end of a session, with the program that carries it.
type farSession struct {
	t       *testing.T
	gateway *gateway.Gateway
	dir     string
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     *screen
}

const (
	lineSession = "ann-0123456789abcdef0"
	lastLine    = "\n\nExiting session with sessionId: " + lineSession + ".\n\n"
)

// afterTheEnd is what the plugin may write after its last line: it closes its own socket
// before it exits, and whether the goroutine that reads there still complains is chance.
var afterTheEnd = regexp.MustCompile(regexp.QuoteMeta(lastLine) +
	`Cannot perform start session: [^\n]*(?:use of closed network connection|closed pipe|context canceled|EOF)\n(?:` + regexp.QuoteMeta(lastLine) + `)?\z`)

// run plays a case with one of the engines.
func (c lineCase) run(t *testing.T, caller, engine string) spoken {
	t.Helper()
	dir, err := os.MkdirTemp("", "lines") // short: the plugin has a socket in it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s := &farSession{t: t, dir: dir, out: newScreen()}
	if c.config.Kind == "" {
		c.config.Kind = gateway.Shell
	}
	if c.prepare != nil {
		c.prepare(s, &c)
	}
	c.config.ID, c.config.Target = lineSession, "i-0123456789abcdef0"
	keys := make(map[string][]byte) // of KMS, by ciphertext
	g, err := gateway.New(gateway.Options{Shell: []string{"/bin/sh", "-c", `printf 'word? '; read x; echo "got $x"`},
		Decrypt: func(_ context.Context, _ string, cipherText []byte, _ map[string]string) ([]byte, error) {
			return keys[string(cipherText)], nil
		}})
	if err != nil {
		t.Fatal(err)
	}
	s.gateway = g
	served := make(chan error, 1)
	go func() { served <- g.Serve(context.Background()) }()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { c.answer(s, keys, w, r) }))
	defer func() {
		api.Close()
		if err := errors.Join(g.Close(), <-served); err != nil {
			t.Error(err)
		}
	}()
	s.command(c, caller, engine, api.URL)
	var stderr bytes.Buffer
	s.cmd.Stderr = &stderr
	in, err := s.start(c.terminal)
	if err != nil {
		t.Fatal(err)
	}
	s.in = in
	ended := make(chan struct{})
	defer func() {
		s.cmd.Process.Kill()
		<-ended
		if t.Failed() {
			t.Logf("%s, stderr: %s", engine, stderr.String())
		}
	}()
	go func() {
		defer close(ended)
		s.cmd.Wait() //nolint:errcheck // the state of the process says more
	}()
	if c.do != nil {
		c.do(s)
	}
	if c.killed {
		defer in.Close() // the signal ends it, and not the end of stdin
	} else {
		in.Close()
	}
	select {
	case <-ended:
	case <-time.After(patience):
		s.cmd.Process.Kill()
		<-ended
		t.Errorf("%s: it does not end; stdout so far: %q", engine, s.out.String())
	}
	text := s.neutral(s.out.raw())
	if engine == "plugin" {
		text = afterTheEnd.ReplaceAllString(text, lastLine)
	}
	if c.killed {
		text = strings.TrimSuffix(text, lastLine)
	}
	return spoken{text, strings.TrimPrefix(s.cmd.ProcessState.String(), "exit status ")}
}

// command makes the command that carries the session.
func (s *farSession) command(c lineCase, caller, engine, api string) {
	environ := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "TMPDIR=" + s.dir, "AWS_EC2_METADATA_DISABLED=true", "AWS_REGION=eu-west-1",
		"AWS_ACCESS_KEY_ID=AKIDX", "AWS_SECRET_ACCESS_KEY=x", "AWS_ENDPOINT_URL=" + api, "GOCOVERDIR=" + s.dir, "TERM=dumb",
		"SSMGUARD_GUARD=off", "SSMGUARD_ENGINE=" + engine, "GORACE=exitcode=0 log_path=" + filepath.Join(s.dir, "races")}
	if c.keyless {
		environ = slices.DeleteFunc(environ, func(v string) bool { return strings.HasPrefix(v, "AWS_ACCESS") || strings.HasPrefix(v, "AWS_SECRET") })
	}
	words := []string{byUs, "--target", c.config.Target, "--plugin-output"}
	request := map[string]any{"Target": c.config.Target}
	if c.document != "" {
		with, err := json.Marshal(c.with)
		if err != nil {
			s.t.Fatal(err)
		}
		words = append(words, "--document-name", c.document, "--parameters", string(with))
		request["DocumentName"], request["Parameters"] = c.document, c.with
	}
	name := "ssmguard"
	if caller == byOthers {
		name = byOthers
		opened, err := c.open(s)
		if err != nil {
			s.t.Fatal(err)
		}
		response, err := json.Marshal(map[string]string{"SessionId": opened.ID, "TokenValue": opened.Token.Reveal(), "StreamUrl": opened.StreamURL.Reveal()})
		if err != nil {
			s.t.Fatal(err)
		}
		asked, err := json.Marshal(request)
		if err != nil {
			s.t.Fatal(err)
		}
		words = []string{"AWS_SSM_START_SESSION_RESPONSE", "eu-west-1", "StartSession", "", string(asked), api}
		environ = append(environ, "AWS_SSM_START_SESSION_RESPONSE="+string(response))
	}
	s.cmd = exec.Command(name, words...)
	if caller == byOthers { // with signals as the AWS CLI has them
		s.cmd = exec.Command("sh", append([]string{"-c", `trap "" INT QUIT TSTP; exec "$@"`, "sh", name}, words...)...)
	}
	s.cmd.Env, s.cmd.Dir = environ, s.dir
	s.cmd.Stdout = s.out
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}

// open starts the session at the far end.
func (c lineCase) open(s *farSession) (*proxy.Session, error) {
	opened, err := s.gateway.Start(context.Background(), c.config)
	if err == nil && c.refused {
		s.far().RefuseConnects(1000)
	}
	return opened, err
}

// start starts the program. It returns what is typed into it.
func (s *farSession) start(terminal bool) (in io.WriteCloser, err error) {
	if !terminal {
		if in, err = s.cmd.StdinPipe(); err != nil {
			return nil, err
		}
		return in, s.cmd.Start()
	}
	term, tty, err := pty.Open()
	if err != nil {
		return nil, err
	}
	defer tty.Close()
	s.t.Cleanup(func() { term.Close() })
	s.cmd.Stdin = tty
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	return keyboard{term}, s.cmd.Start()
}

// keyboard is the terminal of a program. It has no end.
type keyboard struct{ io.Writer }

func (keyboard) Close() error { return nil }

// answer is the API.
func (c lineCase) answer(s *farSession, keys map[string][]byte, w http.ResponseWriter, r *http.Request) {
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	fail := func(code string) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"__type":%q,"message":"no"}`, code)
	}
	if code := c.api[operation]; code != "" && code != "none" {
		fail(code)
		return
	}
	give := func(p *proxy.Session, err error) {
		if err != nil {
			fail("DoesNotExistException")
			return
		}
		answer := map[string]string{"SessionId": p.ID, "StreamUrl": p.StreamURL.Reveal()}
		if c.api[operation] == "" {
			answer["TokenValue"] = p.Token.Reveal()
		}
		json.NewEncoder(w).Encode(answer) //nolint:errcheck // the client notices
	}
	switch operation {
	case "StartSession":
		give(c.open(s))
	case "ResumeSession":
		give(s.gateway.Resume(r.Context(), lineSession))
	case "TerminateSession":
		s.gateway.Terminate(r.Context(), lineSession) //nolint:errcheck // it may have ended
		fmt.Fprintf(w, `{"SessionId":%q}`, lineSession)
	case "GenerateDataKey":
		plain, cipherText := bytes.Repeat([]byte("k"), 64), []byte("sealed")
		keys[string(cipherText)] = plain
		json.NewEncoder(w).Encode(map[string]any{"KeyId": "k", "Plaintext": plain, "CiphertextBlob": cipherText}) //nolint:errcheck // the client notices
	default:
		s.t.Errorf("asked for %s", operation)
	}
}

// far is the session at its far end.
func (s *farSession) far() *gateway.Session {
	far, ok := s.gateway.Session(lineSession)
	if !ok {
		s.t.Error("no session was started")
	}
	return far
}

// acknowledged waits until the agent knows that its first message has come: else it sends that again
// after a cut, and some versions of the plugin show it again.
func (s *farSession) acknowledged() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	if _, err := s.far().Await(ctx, func(st gateway.Status) bool { return st.Up.Acks > 0 }); err != nil {
		s.t.Fatal(err)
	}
}

// expect waits until stdout, beyond what was expected before, matches. It returns the first group.
func (s *farSession) expect(pattern string) string {
	s.t.Helper()
	group, err := s.out.expect(regexp.MustCompile(pattern))
	if err != nil {
		s.t.Fatalf("%s: %v in %q", pattern, err, s.out.String())
	}
	return group
}

func (s *farSession) typed(text string) {
	s.t.Helper()
	if _, err := io.WriteString(s.in, text); err != nil {
		s.t.Error(err)
	}
}

// signal sends a signal to the program and its children, as a terminal does.
func (s *farSession) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := syscall.Kill(-s.cmd.Process.Pid, sig); err != nil {
		s.t.Error(err)
	}
}

// local waits for the local port and returns its address.
func (s *farSession) local() (network, address string) {
	s.t.Helper()
	return "tcp", "127.0.0.1:" + s.expect(`Port (\d+) opened for sessionId`)
}

// talk sends a line through a forwarded port and waits until it comes back.
func (s *farSession) talk(network, address string) {
	s.t.Helper()
	conn, err := net.Dial(network, address)
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience)) //nolint:errcheck // a read that hangs is an error
	answer := make([]byte, len("hello\n"))
	if _, err := io.WriteString(conn, "hello\n"); err != nil {
		s.t.Error(err)
	}
	if _, err := io.ReadFull(conn, answer); err != nil {
		s.t.Error(err)
	}
}

// neutral replaces what differs from run to run. The plugin writes its last line once more if
// the service answers before the process has ended.
func (s *farSession) neutral(text string) string {
	text = regexp.MustCompile(`(Port |127\.0\.0\.1:)\d+`).ReplaceAllString(text, "${1}N")
	text = strings.ReplaceAll(text, lastLine+lastLine, lastLine)
	return strings.ReplaceAll(text, s.dir, "DIR")
}

const (
	agentOfOneConnection = "3.0.0.0"
	agentWithoutEnd      = "2.3.0.0" // does not know the flag that ends a session
)

// forwarded is a forwarded port whose far end sends back what it gets.
func forwarded(agent string) gateway.SessionConfig {
	return gateway.SessionConfig{Kind: gateway.Port, AgentVersion: agent,
		Properties: gateway.Properties{Type: "LocalPortForwarding", PortNumber: "80", LocalPortNumber: "0"}, Dial: echoes}
}

// echoes connects to a far port that sends back what it gets.
func echoes(context.Context, string, string) (net.Conn, error) {
	here, there := net.Pipe()
	go func() {
		defer there.Close()
		io.Copy(there, there) //nolint:errcheck // until the connection is closed
	}()
	return here, nil
}

func refuses(context.Context, string, string) (net.Conn, error) { return nil, syscall.ECONNREFUSED }

func program(kind gateway.Kind, text string) gateway.SessionConfig {
	return gateway.SessionConfig{Kind: kind, Properties: gateway.Properties{Linux: &gateway.Commands{Commands: text, SeparateOutputStream: true}}}
}

const (
	portDocument    = "AWS-StartPortForwardingSession"
	socketDocument  = "AWS-StartPortForwardingSessionToSocket"
	commandDocument = "AWS-StartNonInteractiveCommand"
)

var anyPort = map[string][]string{"portNumber": {"80"}, "localPortNumber": {"0"}}

// inDir makes a socket of the session's document and of its parameters.
func inDir(s *farSession, c *lineCase) string {
	path := filepath.Join(s.dir, "db")
	c.config.Properties.LocalConnectionType, c.config.Properties.LocalUnixSocket = "unix", path
	c.with = map[string][]string{"localUnixSocket": {path}}
	return path
}

const (
	startLine    = "\nStarting session with SessionId: " + lineSession + "\n"
	refusedByAWS = "AWS's refusal ends the session at once, is told on stderr alone, and gives the exit code of a refusal"
)

// lineCases are the sessions of which the plugin's output is recorded.
var lineCases = []lineCase{
	{name: "shell", do: func(s *farSession) {
		s.expect(`word\? `)
		s.typed("here\n")
		s.expect("Exiting")
	}},
	{name: "shell, on a terminal", terminal: true, do: func(s *farSession) {
		s.expect(`word\? `)
		s.typed("here\r")
		s.expect("Exiting")
	}},
	{name: "shell, the end of stdin"},
	{name: "shell, with a message for the user", config: gateway.SessionConfig{Kind: gateway.Shell, Handshake: gateway.HandshakeAlways,
		CustomerMessage: "This session is logged."}, do: func(s *farSession) {
		s.expect(`word\? `)
		s.typed("here\n")
		s.expect("Exiting")
	}},
	{name: "shell, encrypted", config: gateway.SessionConfig{Kind: gateway.Shell, KMSKeyID: "alias/k",
		CustomerMessage: "This session is encrypted using AWS KMS."}, do: func(s *farSession) {
		s.expect(`word\? `)
		s.typed("here\n")
		s.expect("Exiting")
	}},
	{name: "shell, no key for its encryption", config: gateway.SessionConfig{Kind: gateway.Shell, KMSKeyID: "alias/k"},
		api: map[string]string{"GenerateDataKey": "AccessDeniedException"}, native: map[string]differs{
			byOthers: {why: refusedByAWS, want: spoken{startLine, "1"}},
			byUs:     {why: refusedByAWS, want: spoken{startLine, "254"}},
		}},
	{name: "shell, refused by the gateway", refused: true},
	{name: "shell, interrupted", config: program(gateway.InteractiveCommands, "trap 'echo interrupted; exit' INT; echo ready; while :; do sleep 0.1; done"),
		do: func(s *farSession) {
			s.expect("ready")
			s.signal(syscall.SIGINT)
			s.expect("Exiting")
		}},
	{name: "shell, terminated by a signal", killed: true, do: func(s *farSession) {
		s.expect(`word\? `)
		s.signal(syscall.SIGTERM)
	}},
	{name: "shell, terminated from elsewhere", do: func(s *farSession) {
		s.expect(`word\? `)
		s.gateway.Terminate(s.t.Context(), lineSession) //nolint:errcheck // the next line notices
		s.expect("Exiting")
	}},
	{name: "shell, idle for too long", do: func(s *farSession) {
		s.expect(`word\? `)
		s.far().Finish("Your session timed out due to inactivity.")
		s.expect("inactivity")
	}},
	{name: "shell, cut", do: func(s *farSession) {
		s.expect(`word\? `)
		s.acknowledged()
		s.far().Cut(gateway.CutRST)
		s.typed("here\n")
		s.expect("Exiting")
	}},
	{name: "shell, cut and over", api: map[string]string{"ResumeSession": "none"}, do: func(s *farSession) {
		s.expect(`word\? `)
		s.far().Cut(gateway.CutRST)
		s.expect("timed out")
	}},
	{name: "shell, cut and not to be resumed", api: map[string]string{"ResumeSession": "AccessDeniedException"}, do: func(s *farSession) {
		s.expect(`word\? `)
		s.acknowledged()
		s.far().Cut(gateway.CutRST)
	}, native: map[string]differs{byUs: {why: refusedByAWS, want: spoken{startLine + "word? ", "254"}}}},
	{name: "command", config: program(gateway.NonInteractiveCommands, "echo far; exit 3"), document: commandDocument,
		with: map[string][]string{"command": {"echo far; exit 3"}}},
	{name: "interactive command", config: program(gateway.InteractiveCommands, "echo far; exit 3"), document: "AWS-StartInteractiveCommand",
		with: map[string][]string{"command": {"echo far; exit 3"}}, do: func(s *farSession) { s.expect("Exiting") }},
	{name: "port", config: forwarded(""), document: portDocument, with: anyPort, do: func(s *farSession) {
		network, address := s.local()
		s.expect("Waiting for connections")
		s.talk(network, address)
		s.expect("Connection accepted")
		s.talk(network, address)
		s.signal(syscall.SIGINT)
		s.expect("Exiting")
	}},
	{name: "port, without credentials", only: byOthers, keyless: true, config: forwarded(""), document: portDocument, with: anyPort, do: func(s *farSession) {
		s.expect("Waiting for connections")
		s.signal(syscall.SIGINT)
		s.expect("Exiting")
	}},
	{name: "port, without a connection", config: forwarded(""), document: portDocument, with: anyPort, do: func(s *farSession) {
		s.expect("Waiting for connections")
		s.signal(syscall.SIGQUIT)
		s.expect("Exiting")
	}},
	{name: "port, of an agent with one connection", config: forwarded(agentOfOneConnection), document: portDocument, with: anyPort, do: func(s *farSession) {
		network, address := s.local()
		s.talk(network, address)
		s.expect("Connection accepted")
		s.signal(syscall.SIGINT)
		s.expect("Exiting")
	}},
	{name: "port, of an agent that cannot be told the end", config: forwarded(agentWithoutEnd), document: portDocument, with: anyPort, do: func(s *farSession) {
		s.local()
		s.signal(syscall.SIGINT)
		s.expect("Exiting")
	}},
	{name: "port, in use", config: forwarded(""), document: portDocument, prepare: func(s *farSession, c *lineCase) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			s.t.Fatal(err)
		}
		s.t.Cleanup(func() { l.Close() })
		_, held, _ := net.SplitHostPort(l.Addr().String()) //nolint:errcheck // it is a listener's
		c.config.Properties.LocalPortNumber, c.with = held, map[string][]string{"portNumber": {"80"}, "localPortNumber": {held}}
	}},
	{name: "port, the far one closed", config: func() gateway.SessionConfig { c := forwarded(""); c.Dial = refuses; return c }(),
		document: portDocument, with: anyPort, do: func(s *farSession) {
			network, address := s.local()
			for range 2 {
				conn, err := net.Dial(network, address)
				if err != nil {
					s.t.Fatal(err)
				}
				s.expect("Connection to destination port failed")
				conn.Close()
			}
			s.signal(syscall.SIGINT)
			s.expect("Exiting")
		}},
	{name: "port, cut", config: forwarded(""), document: portDocument, with: anyPort, do: func(s *farSession) {
		network, address := s.local()
		s.expect("Waiting for connections")
		s.talk(network, address)
		s.far().Cut(gateway.CutFIN)
		s.talk(network, address)
		s.signal(syscall.SIGINT)
		s.expect("Exiting")
	}},
	{name: "port, cut and over", config: forwarded(""), document: portDocument, with: anyPort, api: map[string]string{"ResumeSession": "none"}, do: func(s *farSession) {
		s.expect("Waiting for connections")
		s.far().Cut(gateway.CutRST)
		s.expect("timed out")
	}},
	{name: "port, terminated by a signal", killed: true, config: forwarded(""), document: portDocument, with: anyPort, do: func(s *farSession) {
		s.expect("Waiting for connections")
		s.signal(syscall.SIGTERM)
	}},
	{name: "port, terminated from elsewhere", config: forwarded(""), document: portDocument, with: anyPort, do: func(s *farSession) {
		s.expect("Waiting for connections")
		s.gateway.Terminate(s.t.Context(), lineSession) //nolint:errcheck // the next line notices
		s.expect("Exiting")
	}},
	{name: "port, idle for too long", config: forwarded(""), document: portDocument, with: anyPort, do: func(s *farSession) {
		s.expect("Waiting for connections")
		s.far().Finish("Your session timed out due to inactivity.")
		s.expect("inactivity")
	}},
	{name: "socket", config: forwarded(""), document: socketDocument, prepare: func(s *farSession, c *lineCase) { inDir(s, c) }, do: func(s *farSession) {
		s.expect("Waiting for connections")
		s.talk("unix", filepath.Join(s.dir, "db"))
		s.expect("Connection accepted")
		s.signal(syscall.SIGINT)
		s.expect("Exiting")
	}},
	{name: "socket, in use", config: forwarded(""), document: socketDocument, prepare: func(s *farSession, c *lineCase) {
		l, err := net.Listen("unix", inDir(s, c))
		if err != nil {
			s.t.Fatal(err)
		}
		s.t.Cleanup(func() { l.Close() })
	}},
	{name: "ssh", config: gateway.SessionConfig{Kind: gateway.Port, Properties: gateway.Properties{PortNumber: "22"}, Dial: echoes},
		document: "AWS-StartSSHSession", with: map[string][]string{"portNumber": {"22"}}, do: func(s *farSession) {
			s.typed("SSH-2.0-here\n")
			s.expect("SSH-2.0-here")
		}},
	{name: "ssh, interrupted", config: gateway.SessionConfig{Kind: gateway.Port, Properties: gateway.Properties{PortNumber: "22"}, Dial: echoes},
		document: "AWS-StartSSHSession", with: map[string][]string{"portNumber": {"22"}}, do: func(s *farSession) {
			s.typed("SSH-2.0-here\n")
			s.expect("SSH-2.0-here")
			s.signal(syscall.SIGINT)
			s.typed("more\n")
			s.expect("more")
		}},
	{name: "ssh, closed by the far side", config: gateway.SessionConfig{Kind: gateway.Port, Properties: gateway.Properties{PortNumber: "22"}, Dial: closes},
		document: "AWS-StartSSHSession", with: map[string][]string{"portNumber": {"22"}}, do: func(s *farSession) { s.expect("Exiting") }},
}

// closes connects to a far port that says something and closes.
func closes(context.Context, string, string) (net.Conn, error) {
	here, there := net.Pipe()
	go func() {
		defer there.Close()
		io.WriteString(there, "go away\n") //nolint:errcheck // the far side may be gone
	}()
	return here, nil
}

package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"ssmguard/internal/sandbox"
	"ssmguard/internal/sandbox/gateway"
	"ssmguard/internal/sandbox/world"
)

// outcome is what came of a cell.
type outcome string

const (
	passed    outcome = "passed"
	lost      outcome = "lost"      // the connection broke, and the client said so or ended with an error
	unsaid    outcome = "unsaid"    // the connection broke, and the client said nothing
	truncated outcome = "truncated" // an orderly end before the last byte
	corrupted outcome = "corrupted" // other bytes than were sent
	slow      outcome = "slow"      // not all bytes in time, though they still came
	hung      outcome = "hung"      // no end, and no bytes any more
	unstarted outcome = "unstarted" // no connection that worked, before any strike
)

// outcomes is what each outcome means, for the table's foot.
var outcomes = []struct {
	outcome outcome
	means   string
}{
	{passed, "all bytes arrived, unchanged"},
	{lost, "the connection broke, and the client said so or ended with an error"},
	{unsaid, "the connection broke, and the client said nothing"},
	{truncated, "the connection ended as if it were complete, before the last byte"},
	{corrupted, "other bytes arrived than were sent"},
	{slow, "not all bytes arrived in time, though they still came at the end of it; with the part that did"},
	{hung, "no bytes came any more for a third of the time, and no end either; with the part that did"},
	{unstarted, "no connection worked, in three attempts"},
}

// result is the outcome of one cell.
type result struct {
	outcome outcome
	took    time.Duration
	tries   int     // attempts to start
	part    float64 // of the bytes, that has arrived
	said    string  // the client's last line
	at, day string  // revision, and when
}

func (r result) String() string {
	switch r.outcome {
	case unstarted:
		return string(r.outcome)
	case slow, hung:
		return fmt.Sprintf("%s at %.0f %%", r.outcome, 100*r.part)
	}
	text := fmt.Sprintf("%s %.1f s", r.outcome, r.took.Seconds())
	if r.tries > 1 {
		text += fmt.Sprintf(", start %d", r.tries)
	}
	return text
}

const attempts = 3

// fill runs a cell. A client that does not come to work is started again: the plugin
// sends so soon after the handshake that agents sometimes throw its first bytes away.
func fill(ctx context.Context, s settings, who client, r *row) (result, error) {
	last := result{outcome: unstarted}
	for try := range attempts {
		one, err := attempt(ctx, s, who, r)
		if err != nil || ctx.Err() != nil {
			return one, cmp.Or(err, context.Cause(ctx))
		}
		one.tries = try + 1
		if one.outcome != unstarted {
			return one, nil
		}
		last = one
	}
	return last, nil
}

// cell is one client with one fault, while it runs.
type cell struct {
	ctx     context.Context
	sandbox *sandbox.Sandbox
	server  *far
	process *process
	work    string // folder of its own
	space   *space // of the client, if it has one of its own
	strikes sync.WaitGroup
}

const region = "eu-west-1"

// account is the world of a cell: a caller with temporary credentials who may do all.
const account = `account: "111122223333"
region: ` + region + `
default: ann
roles:
  ann:
    trust: ["111122223333"]
    inline: {all: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "*", Resource: "*"}]}}
logins: {ann: {as: role/ann}}
instances: [{id: i-0123456789abcdef0, tags: {Name: bastion}, profile: ssm-node}]
services: {"db.internal:5432": {address: "%s"}}
`

func attempt(ctx context.Context, s settings, who client, r *row) (got result, err error) {
	err = withCell(ctx, s, who, r.fault, func(c *cell) error {
		got = c.transfer(c.ctx, s, r, c.server, c.process)
		return nil
	})
	return got, err
}

// withCell starts a client with a fault, calls do with its cell, and ends all of it.
func withCell(ctx context.Context, s settings, who client, f *fault, do func(*cell) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	work, err := os.MkdirTemp(s.work, "cell-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	server, err := newFar()
	if err != nil {
		return err
	}
	defer server.close()
	var apart *space
	if f.apart {
		if apart, err = newSpace(); err != nil {
			return err
		}
		defer apart.close()
	}
	box, err := open(work, server, f, apart)
	if err != nil {
		return err
	}
	served := make(chan error, 1)
	go func() { served <- box.Serve(ctx) }()
	defer func() { cancel(); <-served; box.Close() }()
	c := &cell{ctx: ctx, sandbox: box, server: server, work: work, space: apart}
	p, err := c.start(ctx, s, who, f)
	if err != nil {
		return err
	}
	defer p.stop()
	c.process = p
	defer func() { cancel(); c.strikes.Wait() }()
	return do(c)
}

// open opens a sandbox of the cell's own whose agent is paced as the real one.
func open(work string, server *far, f *fault, apart *space) (box *sandbox.Sandbox, err error) {
	file := filepath.Join(work, "world.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, account, server.listener.Addr()), 0o600); err != nil {
		return nil, err
	}
	w, err := world.Load(file)
	if err != nil {
		return nil, err
	}
	// Whose a connection within another namespace is cannot be seen from here.
	o := sandbox.Options{AnyPeer: apart != nil, Configure: func(c *gateway.SessionConfig) {
		if f.configure != nil {
			f.configure(c)
		}
	}}
	err = apart.do(func() (err error) {
		box, err = sandbox.Open(w, o)
		return err
	})
	return box, err
}

// clockVariable names the file whose appearance sets the clock of a client ahead.
const clockVariable = "CLOCK_JUMP_FILE"

// clock is that file.
func (c *cell) clock() string { return filepath.Join(c.work, "clock-is-set") }

// process is a running client.
type process struct {
	cmd   *exec.Cmd
	said  *lines
	port  string
	space *space // of its network, nil if it is ours
	gone  chan struct{}
}

// lines keeps what a client prints.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// start runs the client.
func (c *cell) start(ctx context.Context, s settings, who client, f *fault) (*process, error) {
	work, programs := c.work, s.work
	if f.clock {
		programs = filepath.Join(s.work, "clock")
	}
	login, err := c.sandbox.Login("")
	if err != nil {
		return nil, err
	}
	var port string
	if err := c.space.do(func() (err error) { port, err = freePort(); return err }); err != nil {
		return nil, err
	}
	p := &process{said: &lines{}, port: port, space: c.space, gone: make(chan struct{})}
	names := map[string]string{"BIN": programs, "PORT": port, "ENDPOINT": c.sandbox.Endpoint(), "WORK": work}
	var argv []string
	for _, a := range who.Argv {
		argv = append(argv, os.Expand(a, func(name string) string { return names[name] }))
	}
	p.cmd = exec.Command(argv[0], argv[1:]...)
	p.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + work, "XDG_RUNTIME_DIR=" + work, clockVariable + "=" + c.clock()}
	for _, v := range c.sandbox.Environment(login) {
		p.cmd.Env = append(p.cmd.Env, v.Name+"="+v.Value)
	}
	if who.Response {
		api := ssm.New(ssm.Options{
			Region: region, BaseEndpoint: aws.String(c.sandbox.Endpoint()),
			Credentials: credentials.NewStaticCredentialsProvider(login.AccessKeyID, login.SecretAccessKey, login.SessionToken),
			HTTPClient: &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
				return c.space.dial(ctx, address)
			}}},
		})
		answer, err := api.StartSession(ctx, &ssm.StartSessionInput{
			Target: aws.String("i-0123456789abcdef0"), DocumentName: aws.String("AWS-StartPortForwardingSessionToRemoteHost"),
			Parameters: map[string][]string{"host": {"db.internal"}, "portNumber": {"5432"}, "localPortNumber": {port}},
		})
		if err != nil {
			return nil, err
		}
		response, err := json.Marshal(map[string]*string{"SessionId": answer.SessionId, "StreamUrl": answer.StreamUrl, "TokenValue": answer.TokenValue})
		if err != nil {
			return nil, err
		}
		p.cmd.Env = append(p.cmd.Env, "AWS_SSM_START_SESSION_RESPONSE="+string(response))
	}
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = work, p.said, p.said
	p.cmd.WaitDelay = time.Second
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := c.space.do(p.cmd.Start); err != nil {
		return nil, err
	}
	go func() {
		p.cmd.Wait() //nolint:errcheck // ProcessState has it
		close(p.gone)
	}()
	return p, nil
}

// stop ends the client, and its children with it.
func (p *process) stop() {
	group := -p.cmd.Process.Pid
	syscall.Kill(group, syscall.SIGCONT)  //nolint:errcheck // it may have gone
	p.cmd.Process.Signal(syscall.SIGTERM) //nolint:errcheck // likewise
	select {
	case <-p.gone:
	case <-time.After(5 * time.Second):
	}
	syscall.Kill(group, syscall.SIGKILL) //nolint:errcheck // likewise
	<-p.gone
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}

const (
	starting = 20 * time.Second // until the first connection has worked
	perMiB   = 3 * time.Second  // more than the timeout; the real agent's pace is half of it
	telling  = 5 * time.Second  // until a client has said that a connection broke
	settling = 2 * time.Second  // from a strike at rest to the first byte
)

// transfer moves the bytes and says what came of it.
func (c *cell) transfer(ctx context.Context, s settings, r *row, server *far, p *process) result {
	conn := p.connect()
	if conn == nil {
		return result{outcome: unstarted, said: p.last(0)}
	}
	defer conn.Close()
	mib := cmp.Or(r.fault.mib, s.mib)
	n, limit := int64(mib*(1<<20)), s.timeout+time.Duration(mib*float64(perMiB))
	progress := server.meter // of what comes up
	if r.way != up {
		progress = &meter{}
	}
	if r.way != idle && r.fault.strike != nil {
		progress.strike = func() { c.strikes.Go(func() { r.fault.strike(c) }) }
		for _, at := range r.fault.points {
			progress.marks = append(progress.marks, int64(at*float64(n)))
		}
	}
	before := len(p.said.String())
	begin := time.Now()
	conn.SetDeadline(begin.Add(limit)) //nolint:errcheck // the transfer fails then
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	var err error
	switch r.way {
	case up:
		err = send(conn, n, r.fault.half)
	case down:
		err = receive(conn, n, progress)
	case idle:
		c.strikes.Go(func() { r.fault.strike(c) })
		c.rest(settling)
		err = receive(conn, n, progress)
	}
	moved, at := progress.state()
	out := result{took: time.Since(begin), part: float64(moved) / float64(n)}
	switch {
	case err == nil:
		out.outcome = passed
	case errors.Is(err, errOther):
		out.outcome = corrupted
	case errors.Is(err, errShort):
		out.outcome = truncated
	case errors.Is(err, os.ErrDeadlineExceeded):
		out.outcome = hung
		if time.Since(at) < limit/3 {
			out.outcome = slow
		}
	default:
		out.outcome = unsaid
		if p.tells(before) {
			out.outcome = lost
		}
	}
	out.said = p.last(before)
	return out
}

// connect returns a connection through the client that has carried a few bytes, nil if
// none did in time.
func (p *process) connect() net.Conn {
	for limit := time.Now().Add(starting); time.Now().Before(limit); time.Sleep(50 * time.Millisecond) {
		select {
		case <-p.gone:
			return nil
		default:
		}
		conn, err := p.space.dial(context.Background(), net.JoinHostPort("127.0.0.1", p.port))
		if err != nil {
			continue
		}
		conn.SetDeadline(limit) //nolint:errcheck // the transfer fails then
		if receive(conn, 1<<10, io.Discard) == nil {
			return conn
		}
		conn.Close()
		return nil
	}
	return nil
}

// tells reports whether the client prints something, or ends with an error, soon.
func (p *process) tells(before int) bool {
	for limit := time.Now().Add(telling); time.Now().Before(limit); time.Sleep(50 * time.Millisecond) {
		if len(p.said.String()) > before {
			return true
		}
		select {
		case <-p.gone:
			return len(p.said.String()) > before || !p.cmd.ProcessState.Success()
		default:
		}
	}
	return false
}

// last returns the last line that the client has printed since the given length.
func (p *process) last(before int) string {
	text := strings.TrimSpace(p.said.String()[before:])
	return text[strings.LastIndexByte(text, '\n')+1:]
}

// session is the cell's session.
func (c *cell) session() *gateway.Session {
	all := c.sandbox.Gateway.Sessions()
	s, _ := c.sandbox.Gateway.Session(all[len(all)-1].ID)
	return s
}

// signal sends a signal to the client and its children.
func (c *cell) signal(s syscall.Signal) {
	syscall.Kill(-c.process.cmd.Process.Pid, s) //nolint:errcheck // it may have gone
}

// stallAnother opens a connection that asks for much and reads none of it, until the
// cell ends.
func (c *cell) stallAnother() {
	conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", c.process.port))
	if err != nil {
		return // the client has gone, as the transfer will show
	}
	defer conn.Close()
	if ask(conn, 'd', 16<<20) == nil {
		<-c.ctx.Done()
	}
}

// rest waits, but not longer than the cell lives.
func (c *cell) rest(d time.Duration) {
	select {
	case <-time.After(d):
	case <-c.ctx.Done():
	}
}

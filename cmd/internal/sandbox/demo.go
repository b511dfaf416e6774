package sandbox

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/program"
	"ssmguard/internal/sandbox"
	"ssmguard/internal/sandbox/world"
	"ssmguard/internal/self"
	"ssmguard/proxy/plugin"
)

// The scene of the demo: a role that may start sessions only on targets with a tag, a
// bastion with that tag, and a database behind it.
const (
	demoWorld    = "seed2-tag-only"
	demoTarget   = "i-0123456789abcdef0"
	demoRole     = "role/dev"
	demoDocument = "AWS-StartPortForwardingSessionToRemoteHost"
	demoHost     = "db.internal"
	demoPort     = "3306"
	demoLimit    = 2 * time.Minute // for the whole demo, which takes a second; a busy machine takes longer
)

func runDemo(ctx context.Context, p *env.Process) error {
	w, err := world.Load(demoWorld)
	if err != nil {
		return err
	}
	self, err := self.Path()
	if err != nil {
		return err
	}
	s, err := sandbox.Open(w, sandbox.Options{})
	if err != nil {
		return err
	}
	login, err := s.Login("")
	if err != nil {
		return errors.Join(err, s.Close())
	}
	d := &demo{out: &lockedWriter{w: p.Stdout}, sandbox: s, self: self, env: slices.DeleteFunc(inside(p, s.Environment(login)), ours)}
	d.env = append(d.env, "SSMGUARD_NO_CACHE=1")
	if width := env.Width(p.Stdout); width > 0 {
		d.env = append(d.env, "COLUMNS="+strconv.Itoa(width))
	}
	err = within(ctx, p, s, func(context.Context) error {
		limited, cancel := context.WithTimeout(ctx, demoLimit)
		defer cancel()
		return d.play(limited)
	})
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// ours reports whether an environment entry is an option of ssmguard, which could
// change the demo.
func ours(entry string) bool {
	return strings.HasPrefix(entry, "SSMGUARD_") && !strings.HasPrefix(entry, "SSMGUARD_SANDBOX=")
}

// demo prints its text on out and runs its commands as children.
type demo struct {
	out     io.Writer
	sandbox *sandbox.Sandbox
	self    string // our own executable
	env     []string
}

func (d *demo) play(ctx context.Context) error {
	d.say(`An AWS account on this machine, %s. The role dev may start sessions
wherever the tag Name is "bastion-db-maintenance", the bastion has that tag, and
behind it is a database. Here is the policy:`, d.sandbox.Endpoint())
	d.show("%s", d.sandbox.World.Roles.Named("dev").Inline.Named("ssm").Document)
	fix, err := d.refused(ctx)
	if err != nil {
		return err
	}
	d.say("Somebody who administers %s adds exactly that statement:", demoRole)
	document := `{"Version": "2012-10-17", "Statement": [` + string(fix) + `]}`
	d.show("$ aws iam put-role-policy --role-name dev --policy-name tunnel --policy-document '%s'", document)
	if err := d.sandbox.Account.PutInline(demoRole, "tunnel", document); err != nil {
		return fmt.Errorf("the printed fix was not accepted: %w", err)
	}
	d.say("The same command again:")
	if err := d.tunnel(ctx); err != nil {
		return err
	}
	d.say("That was a real tunnel: the official plugin, built into ssmguard, spoke to a\ngateway and an agent on this machine. `ssmguard sandbox` gives you all of it to try.")
	return nil
}

func (d *demo) say(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	fmt.Fprintf(d.out, "\n# %s\n", strings.ReplaceAll(text, "\n", "\n# "))
}

func (d *demo) show(format string, args ...any) { fmt.Fprintf(d.out, format+"\n", args...) }

// session shows the demo's command and returns it as a child process.
func (d *demo) session(ctx context.Context) *exec.Cmd {
	args := []string{
		"start-session", "--target", demoTarget, "--document-name", demoDocument,
		"--parameters", "host=" + demoHost + ",portNumber=" + demoPort + ",localPortNumber=0",
	}
	d.show("$ ssmguard %s \\\n    %s \\\n    %s", strings.Join(args[:3], " "), strings.Join(args[3:5], " "), strings.Join(args[5:], " "))
	cmd := exec.CommandContext(ctx, d.self, args...)
	cmd.Args[0], cmd.Env = "ssmguard", d.env
	program.OwnGroup(cmd)
	cmd.Cancel = func() error { return program.InterruptGroup(cmd) }
	cmd.WaitDelay = insideGrace
	return cmd
}

// refused starts a session that the policy denies, and returns the statement of the fix
// in the explanation.
func (d *demo) refused(ctx context.Context) (json.RawMessage, error) {
	d.say("A tunnel to the database:")
	cmd := d.session(ctx)
	var said bytes.Buffer
	both := io.MultiWriter(&said, d.out)
	cmd.Stdout, cmd.Stderr = both, both
	err := cmd.Run()
	var ended *exec.ExitError
	if !errors.As(err, &ended) || ended.ExitCode() != exit.Refused {
		return nil, fmt.Errorf("the session should have been refused with exit code %d, got: %v", exit.Refused, err)
	}
	d.show("$ echo $?\n%d", exit.Refused)
	return printedStatement(said.String())
}

// printedStatement reads the statement under "fix" in an explanation: the lines with a
// plus, those of the first repair alone.
func printedStatement(text string) (json.RawMessage, error) {
	var added strings.Builder
	within := false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		plus, isAdded := strings.CutPrefix(strings.TrimLeft(line, " "), "+ ")
		switch {
		case strings.HasPrefix(line, "  fix "):
			within = true
		case within && isAdded:
			added.WriteString(plus + "\n")
		case added.Len() > 0:
			within = false
		}
	}
	if added.Len() == 0 {
		return nil, errors.New("the denial was explained without a fix")
	}
	var statement json.RawMessage
	if err := json.Unmarshal([]byte(added.String()), &statement); err != nil {
		return nil, fmt.Errorf("the printed fix is not a statement: %w", err)
	}
	return statement, nil
}

// tunnel runs the session in the background, sends bytes through it and ends it.
func (d *demo) tunnel(ctx context.Context) error {
	cmd := d.session(ctx)
	opened := make(chan string, 1)
	watch := &plugin.PortWatch{Out: d.out, Opened: func(port string) { opened <- port }}
	cmd.Stdout, cmd.Stderr = watch, watch
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case port := <-opened:
		err := d.talk(ctx, port)
		d.say("Ctrl-C in the first terminal:")
		err = errors.Join(err, program.InterruptGroup(cmd))
		late := time.AfterFunc(insideGrace, func() { cmd.Process.Kill() }) //nolint:errcheck // it may have ended
		defer late.Stop()
		return errors.Join(err, program.Interrupted(<-ended))
	case err := <-ended:
		return fmt.Errorf("the tunnel ended before it was open: %w", errors.Join(err, ctx.Err()))
	}
}

// talk connects to the local end of the tunnel and shows the answer.
func (d *demo) talk(ctx context.Context, port string) error {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	from := bufio.NewReader(conn)
	greeting, err := from.ReadString('\n')
	if err != nil {
		return fmt.Errorf("no bytes came through the tunnel: %w", err)
	}
	const hello = "select 'hello through the bastion'\n"
	if _, err := io.WriteString(conn, hello); err != nil {
		return err
	}
	echo, err := from.ReadString('\n')
	if err == nil && echo != hello {
		err = fmt.Errorf("the tunnel gave back %q for %q", echo, hello)
	}
	d.say("In another terminal:")
	d.show("$ nc 127.0.0.1 %s\n%s%s%s", port, greeting, hello, strings.TrimSuffix(echo, "\n"))
	return err
}

// lockedWriter is a writer for the demo and its child at the same time.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

// Write writes b.
func (l *lockedWriter) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}

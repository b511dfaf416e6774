package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/sync/errgroup"

	"ssmguard/configs"
	"ssmguard/guard/account"
	"ssmguard/guard/policy"
)

// sandboxOptions are the options of `ssmguard sandbox`.
type sandboxOptions struct {
	World, Listen, As, Output string
	List, Show, Log           bool
	Command                   []string // to run inside; none: serve until interrupted
}

func sandboxCommand(p *process) *cli.Command {
	var o sandboxOptions
	return &cli.Command{
		Name:      "sandbox",
		Usage:     "serve an AWS account on this machine",
		UsageText: "ssmguard sandbox [options] [-- COMMAND [ARG...]]",
		Description: `Serves an in-memory AWS account on a loopback port, with a gateway and an
agent behind it, and prints the shell lines that point the AWS CLI, its plugin
and ssmguard to it. It serves until it is interrupted. With a command, it runs
the command inside and ends with it. A shell session opened in the sandbox is a
shell of yours on this machine. SIGUSR1 cuts the connections of all sessions, as
a change of network does; SIGUSR2 lets temporary credentials run out first.

  eval "$(ssmguard sandbox --world default &)"; aws sts get-caller-identity; kill $SSMGUARD_SANDBOX
  ssmguard sandbox --world seed2-tag-only -- aws ssm start-session --target i-0123456789abcdef0`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "world", Value: "default", Usage: "name of a world, or a `FILE` ending in .yaml", Destination: &o.World},
			&cli.StringFlag{Name: "listen", Value: "127.0.0.1:0", Usage: "loopback `ADDRESS` to serve on", Destination: &o.Listen},
			&cli.StringFlag{Name: "as", Usage: "`LOGIN` of the world to be; each is a profile, too", Destination: &o.As},
			&cli.StringFlag{Name: "output", Value: "text", Usage: "`FORMAT`: text (shell lines) or json", Destination: &o.Output},
			&cli.BoolFlag{Name: "log", Usage: "tell on stderr of every call", Destination: &o.Log, DisableDefaultText: true},
			&cli.BoolFlag{Name: "list", Usage: "list the worlds and end", Destination: &o.List, DisableDefaultText: true},
			&cli.BoolFlag{Name: "show", Usage: "print the world's file, to make one of your own, and end", Destination: &o.Show, DisableDefaultText: true},
		},
		Action: func(c *cli.Context) error {
			o.Command = c.Args().Slice()
			if err := o.complete(); err != nil {
				return err
			}
			return p.runSandbox(c.Context, o)
		},
	}
}

// complete checks what can be checked without opening anything.
func (o *sandboxOptions) complete() error {
	if o.Output != "text" && o.Output != "json" {
		return usagef("--output %s: want text or json", o.Output)
	}
	host, _, err := net.SplitHostPort(o.Listen)
	if err != nil {
		return usagef("--listen %s: want HOST:PORT", o.Listen)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return usagef("--listen %s: the sandbox gives out shells, so it listens on loopback addresses only", o.Listen)
	}
	if len(o.Command) > 0 {
		if _, err := exec.LookPath(o.Command[0]); err != nil {
			return usagef("%v; a world is named with --world", err)
		}
	}
	return nil
}

func (p *process) runSandbox(ctx context.Context, o sandboxOptions) error {
	switch {
	case o.List:
		return p.listWorlds()
	case o.Show:
		return p.showWorld(o.World)
	}
	w, err := configs.LoadWorld(o.World)
	if err != nil {
		return worldError(err)
	}
	var onCall func(account.Call)
	if o.Log {
		onCall = func(c account.Call) { p.logCall(c) }
	}
	s, err := openSandbox(w, o.Listen, onCall)
	if errors.As(err, new(*policy.SyntaxError)) {
		return worldError(err)
	}
	if err != nil {
		return err
	}
	login, err := s.login(o.As)
	if err != nil {
		return errors.Join(usagef("%v", err), s.close())
	}
	if len(o.Command) > 0 {
		return p.within(ctx, s, func(ctx context.Context) error { return p.runInside(ctx, o.Command, s.environment(login)) })
	}
	if err := p.tellEnvironment(o.Output, s, login); err != nil {
		return errors.Join(err, s.close())
	}
	fmt.Fprintf(p.stderr, "ssmguard: world %s is served at %s until interrupted\n", w.Name, s.endpoint())
	return errors.Join(s.serve(ctx), s.close())
}

// logCall writes one line per call: when, what, by whom, and how it ended.
func (p *process) logCall(c account.Call) {
	outcome, who := c.Error, c.Principal
	if outcome == "" {
		outcome = "ok"
	}
	if who == "" {
		who = "unknown caller"
	}
	fmt.Fprintf(p.stderr, "ssmguard: %s %s %s %s %s\n", c.At.Format("15:04:05.000"), c.Region, c.Operation, who, outcome)
}

// within serves the sandbox while do runs. An interrupt from the terminal is for
// what runs inside; any other signal ends do, and is then what within returns.
func (p *process) within(ctx context.Context, s *sandbox, do func(ctx context.Context) error) error {
	inside, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	var g errgroup.Group
	g.Go(func() error { return s.serve(inside) })
	doing, end := context.WithCancel(inside)
	defer end()
	defer context.AfterFunc(ctx, func() {
		if context.Cause(ctx) != (signalled{syscall.SIGINT}) {
			end()
		}
	})()
	err := do(doing)
	if doing.Err() != nil {
		err = context.Cause(ctx)
	}
	cancel()
	return errors.Join(err, g.Wait(), s.close())
}

// insideGrace is how long a command may take to end once it was told to.
const insideGrace = 5 * time.Second

// runInside runs a command with an environment; its exit code, or the signal that
// ended it, becomes ours.
func (p *process) runInside(ctx context.Context, command []string, env []variable) error {
	cmd, err := program(ctx, p.inside(env), command[0], command[1:]...)
	if err != nil {
		return err
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = p.stdin, p.stdout, p.stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = insideGrace
	err = cmd.Run()
	if cmd.ProcessState == nil {
		return err // it did not start
	}
	return commandStatus(cmd.ProcessState, err)
}

// worldError gives a world that cannot be opened its exit code: a name that is
// none is the command line's fault, the rest the file's.
func worldError(err error) error {
	if errors.As(err, new(configs.Faults)) || errors.As(err, new(*policy.SyntaxError)) {
		return coded(err.Error(), exitConfig)
	}
	return usagef("%v", err)
}

// login finds the credentials of a login; "" is the world's default.
func (s *sandbox) login(name string) (account.Credentials, error) {
	if name == "" {
		name = s.world.Default
	}
	logins := s.account.Logins()
	names := make([]string, len(logins))
	for i, l := range logins {
		if names[i] = l.Login; name == "" || l.Login == name {
			return l, nil
		}
	}
	if near := configs.Nearest(name, names); near != "" {
		return account.Credentials{}, fmt.Errorf("no login %q in world %s, did you mean %q?", name, s.world.Name, near)
	}
	return account.Credentials{}, fmt.Errorf("no login %q in world %s, known are: %v", name, s.world.Name, names)
}

func (p *process) listWorlds() error {
	worlds, err := configs.Worlds()
	if err != nil {
		return err
	}
	t := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	for _, w := range worlds {
		fmt.Fprintf(t, "%s\t%s\n", w.Name, w.About)
	}
	return t.Flush()
}

func (p *process) showWorld(name string) error {
	_, data, err := configs.ReadWorld(name)
	if err != nil {
		return usagef("%v", err)
	}
	_, err = p.stdout.Write(data)
	return err
}

// tellEnvironment prints how to use the sandbox and closes stdout, so that a
// shell that reads it goes on.
func (p *process) tellEnvironment(output string, s *sandbox, login account.Credentials) error {
	text := shellLines(s.environment(login))
	if output == "json" {
		var err error
		if text, err = s.describe(login); err != nil {
			return err
		}
	}
	if _, err := io.WriteString(p.stdout, text); err != nil {
		return err
	}
	if c, ok := p.stdout.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// sandboxLogin is one login in JSON.
type sandboxLogin struct {
	Name            string `json:"name"`
	ARN             string `json:"arn"`
	AccessKeyID     string `json:"accessKeyId"`
	SecretAccessKey string `json:"secretAccessKey"`
	SessionToken    string `json:"sessionToken,omitempty"`
}

// describe is everything a script needs to know, as one line of JSON.
func (s *sandbox) describe(login account.Credentials) (string, error) {
	out := struct {
		World       string            `json:"world"`
		Endpoint    string            `json:"endpoint"`
		Region      string            `json:"region"`
		Account     string            `json:"account"`
		Login       string            `json:"login"`
		Environment map[string]string `json:"environment"`
		Logins      []sandboxLogin    `json:"logins"`
	}{World: s.world.Name, Endpoint: s.endpoint(), Region: s.world.Region, Account: s.world.Account, Login: login.Login, Environment: make(map[string]string)}
	for _, v := range s.environment(login) {
		out.Environment[v.name] = v.value
	}
	for _, l := range s.account.Logins() {
		out.Logins = append(out.Logins, sandboxLogin{l.Login, l.ARN, l.AccessKeyID, l.SecretAccessKey, l.SessionToken})
	}
	b, err := json.Marshal(out)
	return string(b) + "\n", err
}

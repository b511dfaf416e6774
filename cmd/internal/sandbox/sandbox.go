package sandbox

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/sync/errgroup"

	"ssmguard/cmd/internal/command"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/program"
	"ssmguard/configs"
	"ssmguard/guard/policy"
	"ssmguard/internal/peer"
	"ssmguard/internal/safetext"
	"ssmguard/internal/sandbox"
	"ssmguard/internal/sandbox/api"
	"ssmguard/internal/sandbox/world"
	"ssmguard/internal/yamlfile"
)

// sandboxOptions are the options of `ssmguard sandbox`.
type sandboxOptions struct {
	World, Listen, As, Output, Peer string
	Shell                           safetext.Shell
	List, Show, Log                 bool
	Command                         []string // to run inside; none: serve until interrupted
}

// Commands declares `ssmguard sandbox` and `ssmguard demo`.
func Commands() []*command.Command {
	o := new(sandboxOptions)
	return []*command.Command{
		{
			Command: cli.Command{
				Name: "demo", Category: command.Trying,
				Usage: "play a refused session, its repair and a tunnel, on this machine",
				Description: `Opens a sandbox and plays a story in it: a policy that looks right, the denial explained,
the printed fix applied, and a tunnel through the bastion to a database. It needs no AWS
account and no input.`,
			},
			Examples: []command.Example{{Line: "ssmguard demo", Text: "play the story"}},
			Run:      func(ctx context.Context, p *env.Process, _ []string) error { return runDemo(ctx, p) },
		},
		{
			Command: cli.Command{
				Name: "sandbox", Category: command.Trying, ArgsUsage: "[options] [-- COMMAND [ARG...]]",
				Usage: "serve an AWS account on this machine",
				Description: `Serves an in-memory AWS account on a loopback port, with a gateway and an agent behind
it, and prints the shell lines that point the AWS CLI, its plugin and ssmguard to it. It
serves until it is interrupted. With a command, it runs the command inside and ends with
it. A shell session opened in the sandbox is a shell of yours on this machine, so every
call has to be signed with the keys that it prints, which are made up at each run, and on
Linux the connections of other users are refused. Each login of the world is a profile;
a role that trusts web identities is one, too, with a token of its own:
ROLE-web-identity. SIGUSR1 cuts the connections of all sessions, as a change of network
does; SIGUSR2 lets temporary credentials run out first.`,
			},
			Words: "COMMAND",
			Run: func(ctx context.Context, p *env.Process, words []string) error {
				o.Command = words
				if err := o.complete(); err != nil {
					return err
				}
				return runSandbox(ctx, p, *o)
			},
			Options: o.flags,
			Examples: []command.Example{
				{Line: "ssmguard sandbox -- bash", Text: "a shell for which AWS is this machine"},
				{Line: "ssmguard sandbox --world seed2-tag-only -- aws ssm start-session --target i-0123456789abcdef0", Text: "one command in a world of its own"},
				{Line: `eval "$(ssmguard sandbox --world default &)"; aws sts get-caller-identity; kill $SSMGUARD_SANDBOX`, Text: "a stand-in for AWS beside the shell, for a while"},
			},
		},
	}
}

func (o *sandboxOptions) flags() []command.Flag {
	o.World, o.Listen, o.Output, o.Peer = "default", "127.0.0.1:0", "text", configs.PeerOwn
	return []command.Flag{
		{Name: "--world", Value: "WORLD", Default: o.World, Text: "name of a world, or a file ending in .yaml", Set: command.Text(&o.World)},
		{Name: "--listen", Value: "ADDRESS", Default: o.Listen, Text: "loopback address to serve on", Set: command.Text(&o.Listen)},
		{Name: "--as", Value: "LOGIN", Text: "login of the world to be; each is a profile, too", Set: command.Text(&o.As)},
		{Name: "--peer", Choices: configs.Peers, Default: o.Peer, Text: "whose connections are taken, on Linux: your own and root's, or any user's of this machine; calls need the keys in any case", Set: command.Text(&o.Peer)},
		{Name: "--output", Choices: []string{"text", "json"}, Default: o.Output, Text: "shell lines, or JSON", Set: command.Text(&o.Output)},
		{Name: "--shell", Value: "SHELL", Choices: safetext.Shells, Text: "what reads the shell lines: posix, fish, powershell or cmd; without it, on Windows the shell that it is typed in, elsewhere posix", Set: command.Text(&o.Shell)},
		{Name: "--log", Text: "tell on stderr of every call", Set: command.Switch(&o.Log)},
		{Name: "--list", Text: "list the worlds and end", Set: command.Switch(&o.List)},
		{Name: "--show", Text: "print the world's file, to make one of your own, and end", Set: command.Switch(&o.Show)},
	}
}

// complete checks the options without opening anything.
func (o *sandboxOptions) complete() error {
	host, _, err := net.SplitHostPort(o.Listen)
	if err != nil {
		return exit.Usagef("--listen %s: give HOST:PORT", o.Listen)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return exit.Usagef("--listen %s: the sandbox gives out shells, so it listens on loopback addresses only", o.Listen)
	}
	if len(o.Command) > 0 {
		if _, err := exec.LookPath(o.Command[0]); err != nil {
			return exit.Usagef("%v; a world is named with --world", err)
		}
	}
	return nil
}

func runSandbox(ctx context.Context, p *env.Process, o sandboxOptions) error {
	switch {
	case o.List:
		return listWorlds(p)
	case o.Show:
		return showWorld(p, o.World)
	}
	w, err := world.Load(o.World)
	if err != nil {
		return worldError(err)
	}
	opening := sandbox.Options{Listen: o.Listen, AnyPeer: o.Peer == configs.PeerAny, OnRefused: tellFirst(p)}
	if o.Log {
		opening.OnCall = func(c api.Call) { logCall(p, c) }
	}
	s, err := sandbox.Open(w, opening)
	if errors.As(err, new(*policy.SyntaxError)) {
		return worldError(err)
	}
	if err != nil {
		return err
	}
	login, err := s.Login(o.As)
	if err != nil {
		return errors.Join(exit.Usagef("%v", err), s.Close())
	}
	if len(o.Command) > 0 {
		return within(ctx, p, s, func(ctx context.Context) error { return runInside(ctx, p, o.Command, s.Environment(login)) })
	}
	if err := tellEnvironment(p, o.Output, cmp.Or(o.Shell, p.Shell()), s, login); err != nil {
		return errors.Join(err, s.Close())
	}
	safetext.Fprintf(p.Notes(), "ssmguard: world %s is served at %s until interrupted\n", w.Name, s.Endpoint())
	return errors.Join(s.Serve(ctx), s.Close())
}

// tellFirst returns a function that tells of the first connection of another user.
func tellFirst(p *env.Process) func(error) {
	var once sync.Once
	return func(err error) {
		if errors.As(err, new(*peer.ForeignError)) {
			once.Do(func() {
				safetext.Fprintf(p.Notes(), "ssmguard: refused: %v; --peer any admits every user of this machine\n", err)
			})
		}
	}
}

// logCall writes one line per call: time, operation, caller and outcome.
func logCall(p *env.Process, c api.Call) {
	outcome, who := c.Error, c.Principal
	if outcome == "" {
		outcome = "ok"
	}
	if who == "" {
		who = "unknown caller"
	}
	safetext.Fprintf(p.Notes(), "ssmguard: %s %s %s %s %s\n", c.At.Format("15:04:05.000"), c.Region, c.Operation, who, outcome)
}

// within serves the sandbox while do runs. An interrupt from the terminal is left to
// the command inside; any other signal ends do, and within returns it.
func within(ctx context.Context, p *env.Process, s *sandbox.Sandbox, do func(ctx context.Context) error) error {
	inside, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	var g errgroup.Group
	g.Go(func() error { return s.Serve(inside) })
	doing, end := context.WithCancel(inside)
	defer end()
	defer context.AfterFunc(ctx, func() {
		if context.Cause(ctx) != (env.Signalled{Signal: syscall.SIGINT}) {
			end()
		}
	})()
	err := do(doing)
	if doing.Err() != nil {
		err = context.Cause(ctx)
	}
	cancel()
	return errors.Join(err, g.Wait(), s.Close())
}

// insideGrace is how long a command may take to end after a signal.
const insideGrace = 5 * time.Second

// runInside runs a command with an environment, and returns its exit code or signal as
// our end.
func runInside(ctx context.Context, p *env.Process, command []string, env []sandbox.Variable) error {
	cmd, err := program.Program(ctx, inside(p, env), command[0], command[1:]...)
	if err != nil {
		return err
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = p.Stdin, p.Stdout, p.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = insideGrace
	interrupts := make(chan os.Signal, 1) // the command's, however many there are
	signal.Notify(interrupts, os.Interrupt)
	defer signal.Stop(interrupts)
	err = cmd.Run()
	if cmd.ProcessState == nil {
		return err // it did not start
	}
	return program.CommandStatus(cmd.ProcessState, err)
}

// worldError gives an error of opening a world its exit code: Usage for an unknown
// name, Config for a faulty file.
func worldError(err error) error {
	if errors.As(err, new(yamlfile.Faults)) || errors.As(err, new(*policy.SyntaxError)) {
		return exit.WithCode(err, exit.Config)
	}
	return exit.Usagef("%v", err)
}

func listWorlds(p *env.Process) error {
	worlds, err := world.Shipped()
	if err != nil {
		return err
	}
	t := tabwriter.NewWriter(p.Stdout, 0, 0, 2, ' ', 0)
	for _, w := range worlds {
		safetext.Fprintf(t, "%s\t%s\n", w.Name, w.About)
	}
	return t.Flush()
}

func showWorld(p *env.Process, name string) error {
	_, data, err := world.Read(name)
	if err != nil {
		return exit.Usagef("%v", err)
	}
	_, err = p.Stdout.Write(data)
	return err
}

// tellEnvironment prints how to use the sandbox and closes stdout, so that a shell that
// reads it continues.
func tellEnvironment(p *env.Process, output string, shell safetext.Shell, s *sandbox.Sandbox, login api.Credentials) error {
	text, err := shellLines(shell, s.Environment(login))
	if output == "json" {
		text, err = describe(s, login)
	}
	if err != nil {
		return err
	}
	if _, err := io.WriteString(p.Stdout, text); err != nil {
		return err
	}
	if c, ok := p.Stdout.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// Login is one login in JSON.
type Login struct {
	Name            string `json:"name"`
	ARN             string `json:"arn"`
	AccessKeyID     string `json:"accessKeyId"`
	SecretAccessKey string `json:"secretAccessKey"`
	SessionToken    string `json:"sessionToken,omitempty"`
}

// describe returns one line of JSON with everything that a script needs.
func describe(s *sandbox.Sandbox, login api.Credentials) (string, error) {
	out := struct {
		World       string            `json:"world"`
		Endpoint    string            `json:"endpoint"`
		Region      string            `json:"region"`
		Account     string            `json:"account"`
		Login       string            `json:"login"`
		Environment map[string]string `json:"environment"`
		Logins      []Login           `json:"logins"`
	}{World: s.World.Name, Endpoint: s.Endpoint(), Region: s.World.Region, Account: s.World.Account, Login: login.Login, Environment: make(map[string]string)}
	for _, v := range s.Environment(login) {
		out.Environment[v.Name] = v.Value
	}
	for _, l := range s.Account.Logins() {
		out.Logins = append(out.Logins, Login{l.Login, l.ARN, l.AccessKeyID, l.SecretAccessKey, l.SessionToken})
	}
	b, err := json.Marshal(out)
	return string(b) + "\n", err
}

// shellLines returns the environment as lines for eval.
func shellLines(shell safetext.Shell, env []sandbox.Variable) (string, error) {
	var b strings.Builder
	for _, v := range env {
		line, err := shell.Set(v.Name, v.Value)
		if err != nil {
			return "", err
		}
		b.WriteString(line)
	}
	var stray []string
	for _, name := range sandbox.Outside {
		if !slices.ContainsFunc(env, func(v sandbox.Variable) bool { return v.Name == name }) {
			stray = append(stray, name)
		}
	}
	b.WriteString(shell.Unset(stray...))
	return b.String(), nil
}

// inside returns the environment of a command that runs in the sandbox.
func inside(p *env.Process, env []sandbox.Variable) []string {
	all := slices.DeleteFunc(slices.Clone(p.Environ), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return slices.Contains(sandbox.Outside, name) || slices.ContainsFunc(env, func(v sandbox.Variable) bool { return v.Name == name })
	})
	for _, v := range env {
		all = append(all, v.Name+"="+v.Value)
	}
	return all
}

package tunnel

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/program"
	"ssmguard/cmd/internal/report"
)

// commandGrace is how long a command may take to end after a signal.
const commandGrace = 10 * time.Second

// tunnelRun opens tunnels, runs a command while they are open, and closes them. It ends
// with the command's exit code.
func tunnelRun(ctx context.Context, p *env.Process, o *Options) error {
	if len(o.Command) == 0 {
		return exit.Usagef("tunnel run needs a command: ssmguard tunnel run NAME... -- COMMAND")
	}
	path, err := exec.LookPath(o.Command[0])
	if err != nil {
		return exit.Usagef("%v", err)
	}
	if _, err := program.Program(ctx, nil, path, o.Command[1:]...); err != nil {
		return err // before a tunnel is opened
	}
	defer failingPipes()()
	if err := o.choose(ctx, p); err != nil {
		return err
	}
	reused, err := o.reuse(ctx, p)
	if err != nil {
		return err
	}
	var environ []string
	for _, t := range reused {
		environ = append(environ, variables(t.name, t.listen, t.server)...)
	}
	if reused != nil && len(o.Words) == 0 {
		o.ran = true
		return runBeside(p, path, o.Command, environ)
	}
	ts, err := openTunnels(ctx, p, o)
	if err != nil {
		return err
	}
	defer ts.close()
	keeping, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	ready := ts.readiness()
	kept := make(chan error, 1)
	go func() {
		kept <- ts.keep(keeping, several{ready, ignoringErrors{report.NewEventText(p.Stderr, "ssmguard: ")}})
	}()
	select {
	case <-ready.all:
		o.ran = true
		err = runBeside(p, path, o.Command, append(environ, ts.environment()...))
		stop()
		<-kept // the command's end decides
		return err
	case err := <-kept:
		return err
	case <-ctx.Done():
		stop()
		<-kept
		return context.Cause(ctx)
	}
}

// runBeside runs a command to its end and leaves signals to it: signals of the terminal
// reach the whole foreground group, and the others are passed on.
func runBeside(p *env.Process, path string, command, environ []string) error {
	cmd, err := program.Program(context.Background(), slices.Concat(p.Environ, environ), path, command[1:]...)
	if err != nil {
		return err
	}
	cmd.Args[0] = command[0]
	cmd.Stdin, cmd.Stdout, cmd.Stderr = p.Stdin, p.Stdout, p.Stderr
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, append(env.Endings(), syscall.SIGQUIT)...)
	defer signal.Stop(signals)
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	shared := env.IsTerminal(p.Stdin)
	var late <-chan time.Time
	for {
		select {
		case s := <-signals:
			fromKeyboard := s == syscall.SIGINT || s == syscall.SIGQUIT
			if !shared || !fromKeyboard {
				cmd.Process.Signal(s) //nolint:errcheck // it may have ended
			}
			if !fromKeyboard && late == nil {
				late = time.After(commandGrace)
			}
		case <-late:
			cmd.Process.Kill() //nolint:errcheck // it may have ended
		case err := <-ended:
			return program.CommandStatus(cmd.ProcessState, err)
		}
	}
}

// environment returns the variables with which a command finds the tunnels.
func (ts tunnels) environment() (environ []string) {
	for _, t := range ts {
		server := ""
		if found, known := t.place.known(); known {
			server = found.far.conf.Host
		}
		environ = append(environ, variables(t.conf.Name, t.near.door.String(), server)...)
	}
	return environ
}

// variables returns the variables with which a command finds a tunnel: SSMGUARD_NAME_HOST and
// SSMGUARD_NAME_PORT, or SSMGUARD_NAME_SOCKET, and SSMGUARD_NAME_SERVER with the remote host,
// whose name is in the certificate.
func variables(tunnel, listen, server string) (environ []string) {
	name := variableName(tunnel)
	if server != "" {
		environ = append(environ, fmt.Sprintf("SSMGUARD_%s_SERVER=%s", name, server))
	}
	if path, ok := strings.CutPrefix(listen, "unix:"); ok {
		return append(environ, fmt.Sprintf("SSMGUARD_%s_SOCKET=%s", name, path))
	}
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return environ
	}
	return append(environ, fmt.Sprintf("SSMGUARD_%s_HOST=%s", name, host), fmt.Sprintf("SSMGUARD_%s_PORT=%s", name, port))
}

// variableName is a tunnel's name as part of a variable's name: letters in upper case,
// and _ for other characters.
func variableName(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, strings.ToUpper(name))
}

package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"ssmguard/cmd/internal/report"
)

// commandGrace is how long a command may take to end after a signal was passed on.
const commandGrace = 10 * time.Second

// tunnelRun opens tunnels, runs a command while they are open, and closes them.
// The command's exit code is ours.
func (p *process) tunnelRun(ctx context.Context, o *tunnelOptions) error {
	if len(o.Command) == 0 {
		return usagef("tunnel run needs a command: ssmguard tunnel run NAME... -- COMMAND")
	}
	path, err := exec.LookPath(o.Command[0])
	if err != nil {
		return usagef("%v", err)
	}
	ts, err := p.openTunnels(ctx, o)
	if err != nil {
		return err
	}
	defer ts.close()
	keeping, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	ready := ts.readiness()
	kept := make(chan error, 1)
	go func() { kept <- ts.keep(keeping, several{ready, report.NewEventText(p.stderr, "ssmguard: ")}) }()
	select {
	case <-ready.all:
		err = p.runBeside(ctx, path, o.Command, ts.environment())
		stop()
		<-kept // the command's own end is what counts
		return err
	case err := <-kept:
		return err
	case <-ctx.Done():
		stop()
		<-kept
		return context.Cause(ctx)
	}
}

// runBeside runs a command. A signal that is meant to end us is passed on to it;
// the terminal's own reach it anyway.
func (p *process) runBeside(ctx context.Context, path string, command, env []string) error {
	cmd := exec.CommandContext(ctx, path, command[1:]...)
	cmd.Args[0] = command[0]
	cmd.Stdin, cmd.Stdout, cmd.Stderr = p.stdin, p.stdout, p.stderr
	cmd.Env = append(append([]string{}, p.environ...), env...)
	cmd.WaitDelay = commandGrace
	cmd.Cancel = func() error {
		var sig signalled
		if errors.As(context.Cause(ctx), &sig) {
			return cmd.Process.Signal(sig.signal)
		}
		return cmd.Process.Signal(os.Interrupt)
	}
	err := cmd.Run()
	state := cmd.ProcessState
	if state == nil {
		return err
	}
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return statusError{128 + int(status.Signal())}
	}
	if code := state.ExitCode(); code != 0 {
		return statusError{code}
	}
	return nil
}

// environment tells a command where the tunnels are: SSMGUARD_NAME_HOST and
// SSMGUARD_NAME_PORT for each, or SSMGUARD_NAME_SOCKET.
func (ts tunnels) environment() []string {
	var env []string
	for _, t := range ts {
		name := variableName(t.conf.Name)
		if path, ok := strings.CutPrefix(t.door.String(), "unix:"); ok {
			env = append(env, fmt.Sprintf("SSMGUARD_%s_SOCKET=%s", name, path))
			continue
		}
		host, port, err := net.SplitHostPort(t.door.String())
		if err != nil {
			continue
		}
		env = append(env, fmt.Sprintf("SSMGUARD_%s_HOST=%s", name, host), fmt.Sprintf("SSMGUARD_%s_PORT=%s", name, port))
	}
	return env
}

// variableName is a tunnel's name as part of a variable's: letters in upper
// case, and _ for what no variable may have.
func variableName(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, strings.ToUpper(name))
}

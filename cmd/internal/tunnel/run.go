package tunnel

import (
	"context"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"ssmguard/cmd/internal/database"
	"ssmguard/cmd/internal/dynamic"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/keeper"
	"ssmguard/cmd/internal/program"
	"ssmguard/cmd/internal/report"
	"ssmguard/configs"
)

// commandGrace is how long a command may take to end after a signal.
const commandGrace = 10 * time.Second

// tunnelRun opens tunnels, runs a command while they are open, and closes them. It ends
// with the command's exit code.
func tunnelRun(ctx context.Context, p *env.Process, o *Options) error {
	if len(o.Command) == 0 && len(o.Words) > 1 && !slices.Contains(o.raw, "--") {
		return exit.Usagef("a command follows %q: ssmguard tunnel run %s -- %s", "--", o.Words[0], strings.Join(o.Words[1:], " "))
	}
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
	selected, open, err := o.reached(ctx, p)
	if err != nil {
		return err
	}
	return whileOpen(ctx, p, o, selected, func(ts tunnels) error {
		environ, err := environment(p, append(ts.Statuses(), open...), o.Command[0])
		if err != nil {
			return err
		}
		return runBeside(p, path, o.Command, environ)
	})
}

// whileOpen opens tunnels, calls then when all are ready, and closes them after it.
func whileOpen(ctx context.Context, p *env.Process, o *Options, selected []configs.Tunnel, then func(tunnels) error) error {
	if len(selected) == 0 {
		o.ran = true
		return then(nil)
	}
	ts, err := openThese(ctx, p, o, selected)
	if err != nil {
		return err
	}
	defer ts.close()
	keeping, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	ready := ts.readiness()
	kept := make(chan error, 1)
	go func() {
		kept <- ts.keep(keeping, several{ready, ignoringErrors{ending{report.NewEventText(p.Stderr, "ssmguard: "), true}}})
	}()
	select {
	case <-ready.all:
		o.ran = true
		err = then(ts)
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
// reach the whole foreground group, and the others are passed on. environ are changes of its
// variables: NAME=VALUE sets one, NAME alone removes it.
func runBeside(p *env.Process, path string, command, environ []string) error {
	cmd, err := program.Program(context.Background(), changed(p.Environ, environ), path, command[1:]...)
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

// changed returns variables with changes: NAME=VALUE sets one, NAME alone removes it.
func changed(environ, changes []string) []string {
	kept := slices.DeleteFunc(slices.Clone(environ), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return slices.ContainsFunc(changes, func(change string) bool {
			other, _, _ := strings.Cut(change, "=")
			return name == other
		})
	})
	for _, change := range changes {
		if strings.Contains(change, "=") {
			kept = append(kept, change)
		}
	}
	return kept
}

// environment returns the variables with which a command finds the tunnels: those of
// database.Access.Variables for each, and the ones by which clients of an engine connect
// where one tunnel alone leads to an engine of its family. Beside a proxy it has the
// variables by which programs find that.
func environment(p *env.Process, open []keeper.Status, command string) (environ []string, err error) {
	all := make([]database.Access, len(open))
	count := make(map[database.Family]int)
	for i, s := range open {
		if all[i], err = accessOf(p, s); err != nil {
			return nil, err
		}
		if !isProxy(s) {
			count[all[i].Engine.Family]++
		}
	}
	for i, a := range all {
		environ = append(environ, a.Variables()...)
		if isProxy(open[i]) {
			vars, _ := dynamic.Clients{SOCKS: open[i].SOCKS, HTTPProxy: open[i].HTTPProxy}.Variables(p.Getenv("NO_PROXY")) //nolint:errcheck // there are none for a unix socket
			for _, v := range vars {
				environ = append(environ, v.Name+"="+v.Value)
			}
			continue
		}
		if count[a.Engine.Family] == 1 {
			environ = append(environ, a.ClientVariables(command)...)
		}
	}
	return environ, nil
}

// isProxy reports whether an open tunnel is a proxy.
func isProxy(s keeper.Status) bool { return s.SOCKS != "" || s.HTTPProxy != "" }

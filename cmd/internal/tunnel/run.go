package tunnel

import (
	"context"
	"os/exec"
	"slices"
	"strings"

	"ssmguard/cmd/internal/database"
	"ssmguard/cmd/internal/dynamic"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/keeper"
	"ssmguard/cmd/internal/program"
	"ssmguard/cmd/internal/report"
	"ssmguard/configs"
)

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
		return program.Beside(p, path, o.Command, environ)
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
		kept <- ts.keep(keeping, several{ready, ignoringErrors{ending{report.NewEventText(p.Notes(), "ssmguard: "), true}}})
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

// environment returns the variables with which a command finds the tunnels: those of
// database.Access.Variables for each, and the ones by which clients of an engine connect
// where one tunnel alone leads to an engine of its family. Beside a proxy it has the
// variables by which programs find that.
func environment(p *env.Process, open []keeper.Status, command string) (environ []string, err error) {
	all := make([]database.Access, len(open))
	count := make(map[database.Family]int)
	for i, s := range open {
		if all[i], err = s.Access(p.Getenv); err != nil {
			return nil, err
		}
		if !s.IsProxy() {
			count[all[i].Engine.Family]++
		}
	}
	for i, a := range all {
		environ = append(environ, a.Variables()...)
		if open[i].IsProxy() {
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

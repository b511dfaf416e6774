package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"ssmguard/cmd/internal/report"
	"ssmguard/proxy"
	"ssmguard/proxy/door"
)

// Variables by which a background process learns what it is.
const (
	processVariable = "SSMGUARD_TUNNEL_PROCESS" // its name
	readyFile       = 3                         // the descriptor on which it tells that it is ready
	readyWord       = "ready"
)

// upBackground starts a process for each name and returns when all are ready.
// One that runs already is left as it is.
func (p *process) upBackground(ctx context.Context, o *tunnelOptions) error {
	r, err := p.registry()
	if err != nil {
		return err
	}
	names := o.Words
	if len(names) == 0 {
		c, err := p.loadConfig()
		if err != nil {
			return err
		}
		t, err := o.described(c)
		if err != nil {
			return err
		}
		names = []string{t.Name}
	}
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	for _, name := range names {
		if r.alive(name) {
			fmt.Fprintf(p.stderr, "ssmguard: %s is open in the background already\n", name)
			continue
		}
		if err := p.launch(ctx, name, dir, o.raw); err != nil {
			return err
		}
	}
	return nil
}

// launch starts one background process and waits until its tunnels are ready. Up
// to then it speaks on our standard streams.
func (p *process) launch(ctx context.Context, name, dir string, words []string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	ours, theirs, err := os.Pipe()
	if err != nil {
		return err
	}
	defer ours.Close()
	cmd := exec.Command(self, append([]string{"tunnel", "up"}, words...)...)
	cmd.Args[0] = "ssmguard"
	cmd.Dir = dir
	cmd.Stdin, cmd.Stdout, cmd.Stderr = p.stdin, p.stdout, p.stderr
	cmd.ExtraFiles = []*os.File{theirs}
	cmd.Env = append(slices.Clone(p.environ), processVariable+"="+name)
	ownSession(cmd)
	err = cmd.Start()
	theirs.Close()
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { cmd.Process.Signal(os.Interrupt) })() //nolint:errcheck // it may have ended
	if told, err := io.ReadAll(ours); err == nil && strings.TrimSpace(string(told)) == readyWord {
		return cmd.Process.Release()
	}
	err = cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() > 0 {
		return statusError{exit.ExitCode()}
	}
	return fmt.Errorf("the background process of %s ended: %w", name, errors.Join(err, context.Cause(ctx)))
}

// background is a process that keeps tunnels open with nobody looking on.
type background struct {
	*process
	registry
	record
	log *os.File
}

// tunnelProcess is `tunnel up` in a background process.
func (p *process) tunnelProcess(ctx context.Context, o *tunnelOptions, name string) error {
	r, err := p.registry()
	if err != nil {
		return err
	}
	unlock, err := r.lock(name)
	if err != nil {
		return err
	}
	defer unlock()
	b := &background{process: p, registry: r, record: record{Name: name, PID: os.Getpid(), Started: time.Now(), Words: o.raw}}
	if b.log, err = r.openLog(name); err != nil {
		return err
	}
	defer b.log.Close()
	if len(o.Words) > 0 {
		o.Words = []string{name}
	}
	return b.run(ctx, o)
}

// run opens the tunnels, says so, leaves the terminal, and keeps them.
func (b *background) run(ctx context.Context, o *tunnelOptions) error {
	ts, err := b.openTunnels(ctx, o)
	if err != nil {
		return err
	}
	defer ts.close()
	control, err := door.Open("unix:"+b.file(b.Name, "sock"), false)
	if err != nil {
		return err
	}
	if err := b.register(ts); err != nil {
		return errors.Join(err, control.Close())
	}
	asked := ctx
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answering, quiet := context.WithCancel(context.WithoutCancel(ctx))
	closed, served := make(chan struct{}), make(chan struct{})
	go func() { defer close(served); ts.serve(answering, control, cancel, closed) }()
	ready := ts.readiness()
	kept := make(chan error, 1)
	go func() {
		kept <- ts.keep(ctx, several{report.NewEventText(stamped{b.log}, ""), b.greeting(o), ready})
	}()
	detached := false
	select {
	case <-ready.all:
		detached = b.detach() == nil
		err = <-kept
	case err = <-kept:
	}
	if ctx.Err() != nil && asked.Err() == nil {
		err = nil // closed by `down`
	}
	err = b.end(ctx, err, detached)
	close(closed)
	quiet()
	<-served
	return err
}

func (b *background) register(ts tunnels) error {
	var err error
	for _, t := range ts {
		b.Tunnels = append(b.Tunnels, t.conf.Name)
	}
	if b.Dir, err = os.Getwd(); err != nil {
		return err
	}
	return b.write(b.record)
}

// greeting is what whoever started us is told: the events up to the time when
// all is ready.
func (b *background) greeting(o *tunnelOptions) report.Events {
	if o.Output == "json" {
		return report.NewEventJSON(b.stdout)
	}
	return onlyReady{report.NewEventText(b.stdout, "")}
}

// onlyReady passes on that tunnels are ready.
type onlyReady struct{ report.Events }

// Event implements report.Events.
func (o onlyReady) Event(e proxy.Event) error {
	if e.State != proxy.Ready || e.Note != "" {
		return nil
	}
	return o.Events.Event(e)
}

// detach leaves the terminal, or whatever our streams were, and tells whoever
// started us.
func (b *background) detach() error {
	err := redirect(b.process.stdin, b.process.stdout, b.process.stderr, b.log)
	told := os.NewFile(readyFile, "ready")
	fmt.Fprintln(told, readyWord)
	return errors.Join(err, told.Close())
}

// end leaves a record only when it was not on request that the tunnels closed.
func (b *background) end(ctx context.Context, err error, detached bool) error {
	if err == nil || ctx.Err() != nil || !detached {
		return errors.Join(err, b.forget(b.Name))
	}
	b.GaveUp = strings.Join(strings.Fields(err.Error()), " ")
	return errors.Join(err, b.write(b.record))
}

// stamped puts the time before every line.
type stamped struct{ io.Writer }

// Write implements io.Writer.
func (s stamped) Write(line []byte) (int, error) {
	if _, err := fmt.Fprintf(s.Writer, "%s %s", time.Now().Format(time.RFC3339), line); err != nil {
		return 0, err
	}
	return len(line), nil
}

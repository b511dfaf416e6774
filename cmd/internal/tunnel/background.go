package tunnel

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/keeper"
	"ssmguard/cmd/internal/report"
	"ssmguard/configs"
	"ssmguard/proxy"
)

// Variables by which a background process learns what it is.
const (
	processVariable = "SSMGUARD_TUNNEL_PROCESS" // its name
	readyFile       = 3                         // the descriptor on which it tells how it went
	readyWord       = "ready"
	tryingWord      = "trying"
)

// callerPatience is how long whoever opens tunnels in the background waits for
// them to be ready, beside what the tunnels' wait allows the remote ports.
const callerPatience = 30 * time.Second

// upBackground starts a process for each name and returns when all are ready.
// One that runs already is left as it is. Its error is that of the first process
// that did not become ready; the others are started all the same.
func upBackground(ctx context.Context, p *env.Process, o *Options) error {
	r, err := keeper.Writable(p)
	if err != nil {
		return gaveUp(p, o, err)
	}
	names, err := processes(p, o)
	if err != nil {
		return gaveUp(p, o, err)
	}
	dir, err := os.Getwd()
	if err != nil {
		return gaveUp(p, o, err)
	}
	var first error
	for _, name := range names {
		var err error
		if rec, open := r.InBackground(name); open {
			err = already(ctx, p, r, rec, name, o)
		} else {
			err = launch(ctx, p, name, dir, o.raw)
		}
		first = cmp.Or(first, err)
		if ctx.Err() != nil {
			break
		}
	}
	return first
}

// processes are the names of the processes that a command line asks for: its
// words, each once, or the tunnel that it describes.
func processes(p *env.Process, o *Options) ([]string, error) {
	c, err := loadConfig(p, len(o.Words) == 0, o.Words...)
	if err != nil {
		return nil, err
	}
	if len(o.Words) == 0 {
		t, err := o.described(c)
		return []string{t.Name}, err
	}
	_, err = o.selected(c)
	return unique(o.Words), err
}

// unique are words without those that came before.
func unique(words []string) (once []string) {
	for _, w := range words {
		if !slices.Contains(once, w) {
			once = append(once, w)
		}
	}
	return once
}

// already tells where tunnels stand that are open; an error is that they are not ready.
func already(ctx context.Context, p *env.Process, r keeper.Registry, rec keeper.Record, name string, o *Options) error {
	part, change := "", ""
	if rec.Name != name {
		part = " as part of " + rec.Name
	}
	wanted := o.Spot
	wanted.Guard = "" // a variable may have given it
	if wanted != (configs.Tunnel{LocalPort: -1}) && !slices.Equal(rec.Words, o.raw) {
		change = fmt.Sprintf("; close it to change it: %q", "ssmguard tunnel down "+rec.Name)
	}
	fmt.Fprintf(p.Stderr, "ssmguard: %s is open in the background already%s%s\n", name, part, change)
	greet := newGreeting(p, o)
	var notReady error
	for _, s := range r.StatusesOf(ctx, rec) {
		if rec.Name != name && s.Tunnel != name {
			continue
		}
		if s.Name != proxy.Ready.String() {
			notReady = exit.EndWith(exit.Other)
			fmt.Fprintf(p.Stderr, "ssmguard: %s: %s\n", s.Tunnel, strings.TrimSuffix(s.Name+": "+s.Error, ": "))
			continue
		}
		if err := greet.Event(proxy.Event{At: s.Since, Tunnel: s.Tunnel, State: proxy.Ready, Session: s.Session, Listen: s.Listen}); err != nil {
			return err
		}
	}
	return notReady
}

// launch starts one background process and waits until its tunnels are ready. Up
// to then it speaks on our standard streams.
func launch(ctx context.Context, p *env.Process, name, dir string, words []string) error {
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
	cmd.Stdin, cmd.Stdout, cmd.Stderr = p.Stdin, p.Stdout, p.Stderr
	cmd.ExtraFiles = []*os.File{theirs}
	cmd.Env = append(slices.Clone(p.Environ), processVariable+"="+name)
	keeper.OwnSession(cmd)
	err = cmd.Start()
	theirs.Close()
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { cmd.Process.Signal(os.Interrupt) })() //nolint:errcheck // it may have ended
	told, err := io.ReadAll(ours)
	switch strings.TrimSpace(string(told)) {
	case readyWord:
		return errors.Join(err, cmd.Process.Release())
	case tryingWord:
		fmt.Fprintf(p.Stderr, "ssmguard: %s is not open yet; trying again in the background; see %q, end it with %q\n",
			name, "ssmguard tunnel ls", "ssmguard tunnel down "+name)
		return errors.Join(cmd.Process.Release(), exit.EndWith(exit.Other))
	}
	err = errors.Join(cmd.Wait(), context.Cause(ctx))
	var ended *exec.ExitError
	switch {
	case errors.As(err, &ended) && ended.ExitCode() > 0:
		return exit.EndWith(ended.ExitCode())
	case err == nil:
		return fmt.Errorf("%s was closed before it was ready", name)
	}
	return fmt.Errorf("the background process of %s ended: %w", name, err)
}

// background is a process that keeps tunnels open with nobody looking on.
type background struct {
	process  *env.Process
	registry keeper.Registry
	record   keeper.Record
	log      *os.File
	greeting *greeting
}

// tunnelProcess is `tunnel up` in a background process.
func tunnelProcess(ctx context.Context, p *env.Process, o *Options, name string) error {
	r, err := keeper.FindRegistry(p)
	if err != nil {
		return err
	}
	unlock, err := r.Lock(ctx, name)
	if err != nil {
		return gaveUp(p, o, err)
	}
	defer unlock()
	b := &background{process: p, registry: r, greeting: newGreeting(p, o),
		record: keeper.Record{Name: name, PID: os.Getpid(), Started: time.Now(), Words: o.raw}}
	if b.log, err = r.OpenLog(name); err != nil {
		return gaveUp(p, o, err)
	}
	defer b.log.Close()
	if len(o.Words) > 0 {
		o.Words = []string{name}
	}
	return b.run(ctx, o)
}

// run opens the tunnels, says so, leaves the terminal, and keeps them.
func (b *background) run(ctx context.Context, o *Options) error {
	ts, err := openTunnels(ctx, b.process, o)
	if err != nil {
		return gaveUp(b.process, o, err)
	}
	defer ts.close()
	a, err := b.registry.Announce(b.record, ts)
	if err != nil {
		return gaveUp(b.process, o, err)
	}
	b.record = a.Record
	detached := false
	return a.During(ctx,
		func(ctx context.Context) (err error) {
			detached, err = b.keep(ctx, ts)
			return err
		},
		func(err error, asked bool) error {
			if asked {
				err = nil
			}
			return b.end(ctx, err, detached)
		})
}

// keep keeps the tunnels, and lets go of whoever started us when they are ready
// or have taken too long.
func (b *background) keep(ctx context.Context, ts tunnels) (detached bool, err error) {
	ready := ts.readiness()
	kept := make(chan error, 1)
	go func() {
		kept <- ts.keep(ctx, several{unminded{report.NewEventText(stamped{b.log}, "")}, unminded{b.greeting}, ready})
	}()
	patience := callerPatience
	for _, t := range ts {
		patience = max(patience, callerPatience+time.Duration(t.conf.Wait))
	}
	word := readyWord
	select {
	case <-ready.all:
	case <-time.After(patience):
		word = tryingWord
	case err := <-kept:
		return false, err
	}
	detached = b.detach(word) == nil
	return detached, <-kept
}

// unminded are events that nobody has to be able to read.
type unminded struct{ report.Events }

// Event implements report.Events.
func (u unminded) Event(e proxy.Event) error {
	u.Events.Event(e) //nolint:errcheck // a full disk closes no tunnel
	return nil
}

// greeting is what whoever starts a background process is told until it detaches:
// on stdout what is ready, on stderr what is in the way; everything, to a program.
type greeting struct {
	mu       sync.Mutex
	out, err report.Events
	over     bool
}

func newGreeting(p *env.Process, o *Options) *greeting {
	if o.Output == "json" {
		all := report.NewEventJSON(p.Stdout)
		return &greeting{out: all, err: all}
	}
	return &greeting{out: report.NewEventText(p.Stdout, ""), err: report.NewEventText(p.Stderr, "ssmguard: ")}
}

// Event implements report.Events.
func (g *greeting) Event(e proxy.Event) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	_, program := g.out.(*report.EventJSON)
	switch {
	case g.over:
		return nil
	case e.State == proxy.Ready && e.Note == "":
		return g.out.Event(e)
	case program || e.State == proxy.Waiting || e.State == proxy.Lost || e.Note != "":
		return g.err.Event(e)
	}
	return nil
}

// end is the end of what is told.
func (g *greeting) end() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.over = true
}

// detach leaves the terminal, or whatever our streams were, and tells whoever
// started us.
func (b *background) detach(word string) error {
	b.greeting.end()
	err := redirect(b.process.Stdin, b.process.Stdout, b.process.Stderr, b.log)
	told := os.NewFile(readyFile, "ready")
	fmt.Fprintln(told, word)
	return errors.Join(err, told.Close())
}

// end leaves a record only when it was not on request that the tunnels closed.
func (b *background) end(ctx context.Context, err error, detached bool) error {
	if err == nil || ctx.Err() != nil || !detached {
		return errors.Join(err, b.registry.Forget(b.record))
	}
	b.record.GaveUp = strings.Join(strings.Fields(err.Error()), " ")
	return errors.Join(err, b.registry.Write(b.record))
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

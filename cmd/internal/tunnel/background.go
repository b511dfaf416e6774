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
	"ssmguard/cmd/internal/trust"
	"ssmguard/configs"
	"ssmguard/internal/safetext"
	"ssmguard/internal/self"
	"ssmguard/proxy"
)

// What a background process gets from the command that starts it.
const (
	processVariable = "SSMGUARD_TUNNEL_PROCESS" // the variable with the process's name
	readyWord       = "ready"
	tryingWord      = "trying"
	gaveUpWord      = "gaveup " // and the reason
)

// readyLimit is how long `tunnel up --background` waits for its tunnels to be ready, in
// addition to the tunnels' wait for the remote ports.
const readyLimit = 30 * time.Second

// upBackground starts a process for each name and returns when all are ready. A process
// that runs already is not changed. The error is that of the first process that did not
// become ready; the others are still started.
func upBackground(ctx context.Context, p *env.Process, o *Options) error {
	r, err := keeper.Writable(p)
	if err != nil {
		return gaveUp(p, o, err)
	}
	names, err := processes(ctx, p, o)
	if err != nil {
		return gaveUp(p, o, err)
	}
	if len(names) > 1 && o.Health != "" {
		return gaveUp(p, o, exit.Usagef("--health is an address of one process, and %d are started; give the name of a group, or one after the other", len(names)))
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

// processes returns the names of the processes for a command line: its words, each
// once, or the tunnel that it describes.
func processes(ctx context.Context, p *env.Process, o *Options) ([]string, error) {
	c, err := trust.LoadNeeded(ctx, p, len(o.Words) == 0, o.Words...)
	if err != nil {
		return nil, err
	}
	names, selected := unique(o.Words), []configs.Tunnel(nil)
	if len(o.Words) == 0 {
		t, err := o.described(c)
		if err != nil {
			return nil, err
		}
		names, selected = []string{t.Name}, []configs.Tunnel{t}
	} else if selected, err = o.together(c); err != nil {
		return nil, err
	}
	if len(selected) == 1 && selected[0].Target == "" {
		if err := o.aim(ctx, p, selected); err != nil {
			return nil, err
		}
		o.typed("--target", selected[0].Target)
	}
	return names, wake(ctx, p, o, selected)
}

// unique returns words without duplicates.
func unique(words []string) (once []string) {
	for _, w := range words {
		if !slices.Contains(once, w) {
			once = append(once, w)
		}
	}
	return once
}

// already prints the states of tunnels that are open; the error means that they are not
// ready, or lead elsewhere.
func already(ctx context.Context, p *env.Process, r keeper.Registry, rec keeper.Record, name string, o *Options) error {
	part, change := "", ""
	if rec.Name != name {
		part = " as part of " + rec.Name
	}
	if was, err := (verb{flags: (*Options).upFlags}).parse(rec.Words, p.Getenv); err == nil && was.Spot.FarEnd() != o.Spot.FarEnd() {
		return gaveUp(p, o, exit.Usagef("%s is open in the background already%s, and leads elsewhere; close it first: %q", name, part, "ssmguard tunnel down "+rec.Name))
	}
	wanted := o.Spot
	wanted.Guard = "" // it may come from a variable
	if wanted != (configs.Tunnel{LocalPort: -1}) && !slices.Equal(rec.Words, o.raw) {
		change = fmt.Sprintf("; close it to change it: %q", "ssmguard tunnel down "+rec.Name)
	}
	safetext.Fprintf(p.Notes(), "ssmguard: %s is open in the background already%s%s\n", name, part, change)
	greet := newGreeting(p, o)
	var notReady error
	for _, s := range r.StatusesOf(ctx, rec) {
		if rec.Name != name && s.Tunnel != name {
			continue
		}
		state := proxy.Ready
		if s.Name == proxy.Idle.String() { // it is lazy
			state = proxy.Idle
		} else if s.Name != proxy.Ready.String() {
			notReady = exit.EndWith(exit.Other)
			safetext.Fprintf(p.Notes(), "ssmguard: %s: %s\n", s.Tunnel, strings.TrimSuffix(s.Name+": "+s.Error, ": "))
			continue
		}
		if err := greet.Event(proxy.Event{At: s.Since, Tunnel: s.Tunnel, State: state, Session: s.Session, Listen: s.Listen, Leads: s.Leads, File: s.File}); err != nil {
			return err
		}
	}
	return notReady
}

// launch starts one background process and waits until its tunnels are ready. Until
// then the process writes to our standard streams.
func launch(ctx context.Context, p *env.Process, name, dir string, words []string) error {
	self, err := self.Path()
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
	cmd.Env = append(slices.Clone(p.Environ), processVariable+"="+name)
	keeper.OwnSession(cmd)
	if err = passReady(cmd, theirs); err == nil {
		err = cmd.Start()
	}
	theirs.Close()
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { interrupt(cmd) })()
	told, err := io.ReadAll(ours)
	switch strings.TrimSpace(string(told)) {
	case readyWord:
		return errors.Join(err, cmd.Process.Release())
	case tryingWord:
		safetext.Fprintf(p.Notes(), "ssmguard: %s is not open yet; trying again in the background; see %q, end it with %q\n",
			name, "ssmguard tunnel ls", "ssmguard tunnel down "+name)
		return errors.Join(cmd.Process.Release(), exit.EndWith(exit.Other))
	}
	err = errors.Join(cmd.Wait(), context.Cause(ctx))
	var ended *exec.ExitError
	reason, _ := strings.CutPrefix(strings.TrimSpace(string(told)), gaveUpWord)
	switch {
	case errors.As(err, &ended) && ended.ExitCode() > 0:
		return &launchError{exit.EndWith(ended.ExitCode()), reason}
	case err == nil:
		return fmt.Errorf("%s was closed before it was ready", name)
	}
	return fmt.Errorf("the background process of %s ended: %w", name, err)
}

// launchError is the end of a background process before its tunnels were ready. It has
// said why.
type launchError struct {
	error
	reason string // in one line, "" if the process did not tell
}

// Unwrap returns the exit status.
func (e *launchError) Unwrap() error { return e.error }

// background is a process that keeps tunnels open without a terminal.
type background struct {
	process  *env.Process
	registry keeper.Registry
	record   keeper.Record
	log      *os.File
	greeting *greeting
	kept     bool // the tunnels' events go to the log
	detached bool // from the command that started the process
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
	detachable(p)
	b := &background{process: p, registry: r, greeting: newGreeting(p, o),
		record: keeper.Record{Name: name, PID: os.Getpid(), Started: time.Now(), Words: o.raw}}
	if b.log, err = r.OpenLog(name); err != nil {
		return gaveUp(p, o, err)
	}
	defer b.log.Close()
	if len(o.Words) > 0 {
		o.Words = []string{name}
	}
	if err = b.run(ctx, o); err != nil && !b.detached {
		b.tell(ctx, err)
	}
	return err
}

// tell writes the reason of an end before the tunnels were ready to the log, where it is
// not yet, and to the command that started the process.
func (b *background) tell(ctx context.Context, err error) {
	reason := strings.Join(strings.Fields(eventError(err).Error()), " ")
	if failed := (*tunnelError)(nil); errors.As(err, &failed) {
		reason = failed.tunnel + ": " + strings.Join(strings.Fields(failed.shown.Error()), " ")
	}
	if ctx.Err() != nil {
		reason = fmt.Sprintf("ended by %v", context.Cause(ctx))
	}
	if !b.kept {
		safetext.Fprintf(stamped{b.log}, "not opened: %s\n", reason)
	}
	told := readyReport(b.process)
	safetext.Fprintf(told, "%s%s\n", gaveUpWord, reason)
	told.Close() //nolint:errcheck // the process ends
}

// run opens the tunnels, reports them ready, leaves the terminal, and keeps them open.
func (b *background) run(ctx context.Context, o *Options) error {
	ts, err := openTunnels(ctx, b.process, o)
	if err != nil {
		return gaveUp(b.process, o, err)
	}
	defer ts.close()
	keep, err := ts.answering(o, func(ctx context.Context) error { return b.keep(ctx, ts) })
	if err != nil {
		return gaveUp(b.process, o, err)
	}
	a, err := b.registry.Announce(b.record, ts)
	if err != nil {
		return gaveUp(b.process, o, err)
	}
	b.record = a.Record
	return a.During(ctx, keep,
		func(err error, asked bool) error {
			if asked {
				safetext.Fprintf(stamped{b.log}, "closed by %q\n", "ssmguard tunnel down")
				err = nil
			}
			return b.end(ctx, err)
		})
}

// keep keeps the tunnels open, and detaches from the command that started the process
// when the tunnels are ready or have taken too long.
func (b *background) keep(ctx context.Context, ts tunnels) error {
	b.kept = true
	ready := ts.readiness()
	kept := make(chan error, 1)
	go func() {
		kept <- ts.keep(ctx, several{ignoringErrors{report.NewEventText(stamped{b.log}, "")}, ignoringErrors{b.greeting}, ready})
	}()
	limit := readyLimit
	for _, t := range ts {
		limit = max(limit, readyLimit+time.Duration(t.conf.Wait))
	}
	word := readyWord
	select {
	case <-ready.all:
	case <-time.After(limit):
		word = tryingWord
	case err := <-kept:
		return err
	}
	b.detached = b.detach(word) == nil
	return <-kept
}

// ignoringErrors are events whose write errors are ignored.
type ignoringErrors struct{ report.Events }

// Event implements report.Events.
func (u ignoringErrors) Event(e proxy.Event) error {
	u.Events.Event(e) //nolint:errcheck // a full disk must not close a tunnel
	return nil
}

// greeting shows the events of a background process to the command that started it,
// until the process detaches: on stdout the tunnels that are ready, on stderr what
// delays the others; as JSON everything on stdout.
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
	return &greeting{out: report.NewEventText(p.Stdout, ""), err: report.NewEventText(p.Notes(), "ssmguard: ")}
}

// Event implements report.Events.
func (g *greeting) Event(e proxy.Event) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	_, program := g.out.(*report.EventJSON)
	switch {
	case g.over:
		return nil
	case e.Listens():
		return g.out.Event(e)
	case program || e.State == proxy.Waiting || e.State == proxy.Lost || e.Note != "":
		return g.err.Event(e)
	}
	return nil
}

// end ends the output.
func (g *greeting) end() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.over = true
}

// detach leaves the terminal, or what the standard streams were, and reports word to
// the command that started the process.
func (b *background) detach(word string) error {
	b.greeting.end()
	err := redirect(b.process, b.log)
	told := readyReport(b.process)
	fmt.Fprintln(told, word)
	return errors.Join(err, told.Close())
}

// end removes the record when the tunnels were closed on request, and otherwise keeps
// it with the reason and the time.
func (b *background) end(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		err = errors.Join(err, context.Cause(ctx))
		safetext.Fprintf(stamped{b.log}, "ended by %v\n", context.Cause(ctx))
	}
	if err == nil || !b.detached {
		return errors.Join(err, b.registry.Forget(b.record))
	}
	b.record.GaveUp, b.record.Ended, b.record.Exit = env.OneLine(err), time.Now(), exit.Code(err)
	if ctx.Err() != nil {
		b.record.GaveUp = fmt.Sprintf("ended by %v", context.Cause(ctx))
	}
	return errors.Join(err, b.registry.Write(b.record))
}

// stamped writes the time before every line.
type stamped struct{ io.Writer }

// Write implements io.Writer.
func (s stamped) Write(line []byte) (int, error) {
	if _, err := fmt.Fprintf(s.Writer, "%s %s", time.Now().Format(time.RFC3339), line); err != nil {
		return 0, err
	}
	return len(line), nil
}

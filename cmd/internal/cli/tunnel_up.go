package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/term"

	"ssmguard/cmd/internal/report"
	"ssmguard/proxy"
)

// tunnelUp opens tunnels and keeps them open until it is interrupted.
func (p *process) tunnelUp(ctx context.Context, o *tunnelOptions) error {
	defer failingPipes()()
	switch name := p.getenv(processVariable); {
	case o.Background && name != "":
		return p.tunnelProcess(ctx, o, name)
	case o.Background:
		return p.upBackground(ctx, o)
	}
	ts, err := p.openTunnels(ctx, o)
	if err != nil {
		return p.gaveUp(o, err)
	}
	defer ts.close()
	return p.inForeground(ctx, o, ts, func(ctx context.Context) error { return p.shown(ctx, o, ts) })
}

// failingPipes makes writing to a pipe that nobody reads an error, where it would
// end the process with its sessions open. It is undone by what it returns.
func failingPipes() (undo func()) {
	unread := make(chan os.Signal, 1)
	signal.Notify(unread, syscall.SIGPIPE)
	return func() { signal.Stop(unread) }
}

// shown keeps tunnels and shows their life on stdout.
func (p *process) shown(ctx context.Context, o *tunnelOptions, ts tunnels) error {
	switch {
	case o.Output == "json":
		return ts.keep(ctx, report.NewEventJSON(p.stdout))
	case !isTerminal(p.stdout) || p.getenv("TERM") == "dumb":
		return ts.keep(ctx, report.NewEventText(p.stdout, ""))
	}
	out := fileOf(p.stdout)
	width := func() int {
		columns, _, err := term.GetSize(int(out.Fd()))
		if err != nil {
			return 0
		}
		return columns
	}
	live := report.NewLive(out, width, ts.rows)
	if p.errTerminal { // what is said meanwhile, of a denial for instance, goes above the lines
		stderr := p.stderr
		p.stderr, p.errTerminal = live, false
		defer func() { p.stderr, p.errTerminal = stderr, true }()
	}
	showing, stop := context.WithCancel(context.WithoutCancel(ctx))
	var seen sync.WaitGroup
	seen.Go(func() { live.Run(showing) })
	err := ts.keep(ctx, live)
	stop()
	seen.Wait()
	return err
}

// rows is what a terminal shows of the tunnels.
// status tells where the tunnel stands.
func (t *tunnel) status() tunnelStatus {
	numbers := t.traffic.counts()
	t.mu.Lock()
	defer t.mu.Unlock()
	var expires time.Time
	if t.credentials != nil {
		expires = t.credentials.expires()
	}
	s := tunnelStatus{
		Tunnel: t.conf.Name, State: t.last.State, Name: t.last.State.String(), Listen: t.door.String(),
		Session: t.last.Session, Since: t.last.At, Expires: expires, Reconnects: t.reconnects, counts: numbers,
	}
	if t.last.Err != nil {
		s.Error = t.last.Err.Error()
	}
	return s
}

// names implements keptTunnels.
func (ts tunnels) names() []string {
	names := make([]string, len(ts))
	for i, t := range ts {
		names[i] = t.conf.Name
	}
	return names
}

// statuses implements keptTunnels.
func (ts tunnels) statuses() []tunnelStatus {
	all := make([]tunnelStatus, len(ts))
	for i, t := range ts {
		all[i] = t.status()
	}
	return all
}

func (ts tunnels) rows() []report.LiveRow {
	var rows []report.LiveRow
	for _, s := range ts.statuses() {
		rows = append(rows, report.LiveRow{
			Tunnel: s.Tunnel, State: s.State, Listen: s.Listen, Open: s.Open, Up: s.Up, Down: s.Down, Reconnects: s.Reconnects, Expires: s.Expires,
		})
	}
	return rows
}

// gaveUp tells, where events are read by programs, that tunnels were not opened,
// and returns why.
func (p *process) gaveUp(o *tunnelOptions, err error) error {
	if o.Output != "json" {
		return err
	}
	names := o.Words
	if len(names) == 0 {
		names = []string{spotName}
		if o.Spot.Name != "" {
			names = []string{o.Spot.Name}
		}
	}
	if c, configErr := p.readConfig(); configErr == nil && len(o.Words) > 0 {
		if selected, err := c.Select(o.Words...); err == nil {
			names = nil
			for _, t := range selected {
				names = append(names, t.Name)
			}
		}
	}
	p.tellGaveUp(names, err)
	return err
}

// tellGaveUp writes the last event of each of the tunnels of a command that
// opened none.
func (p *process) tellGaveUp(names []string, err error) {
	events := report.NewEventJSON(p.stdout)
	var one *tunnelError
	for _, name := range names {
		why := errors.New(strings.ReplaceAll(err.Error(), "\nssmguard: ", "; "))
		if errors.As(err, &one) {
			if why = one.told; one.tunnel != name {
				why = fmt.Errorf("not opened, because %s was not", one.tunnel)
			}
		}
		events.Event(proxy.Event{At: time.Now(), Tunnel: name, State: proxy.GaveUp, Err: why}) //nolint:errcheck // the error of the command counts
	}
}

// asksForJSON tells what a command line that cannot be parsed wants for an output.
func asksForJSON(words []string) bool {
	at := slices.Index(words, "--output")
	return at >= 0 && at+1 < len(words) && words[at+1] == "json" || slices.Contains(words, "--output=json")
}

// firstWords are the names of a command line that cannot be parsed: those before
// its first option.
func firstWords(words []string) []string {
	at := slices.IndexFunc(words, func(w string) bool { return strings.HasPrefix(w, "-") })
	if at > 0 {
		words = words[:at]
	}
	if at == 0 || len(words) == 0 {
		return []string{spotName}
	}
	return words
}

package tunnel

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

	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/keeper"
	"ssmguard/cmd/internal/live"
	"ssmguard/cmd/internal/report"
	"ssmguard/cmd/internal/trust"
	"ssmguard/proxy"
)

// tunnelUp opens tunnels and keeps them open until an interrupt.
func tunnelUp(ctx context.Context, p *env.Process, o *Options) error {
	defer failingPipes()()
	if p.Getenv(processVariable) == "" {
		if err := o.choose(ctx, p); err != nil {
			return err
		}
	}
	switch name := p.Getenv(processVariable); {
	case o.Background && name != "":
		return tunnelProcess(ctx, p, o, name)
	case o.Background:
		return upBackground(ctx, p, o)
	}
	ts, err := openTunnels(ctx, p, o)
	if err != nil {
		return gaveUp(p, o, err)
	}
	defer ts.close()
	keep, err := ts.answering(o, func(ctx context.Context) error { return shown(ctx, p, o, ts) })
	if err != nil {
		return gaveUp(p, o, err)
	}
	return inForeground(ctx, p, o, ts, keep)
}

// failingPipes makes a write to a pipe without a reader an error, which would otherwise
// end the process with its sessions open. undo restores the default.
func failingPipes() (undo func()) {
	unread := make(chan os.Signal, 1)
	signal.Notify(unread, syscall.SIGPIPE)
	return func() { signal.Stop(unread) }
}

// shown keeps tunnels open and shows their events on stdout.
func shown(ctx context.Context, p *env.Process, o *Options, ts tunnels) error {
	switch {
	case o.Output == "json":
		return ts.keep(ctx, report.NewEventJSON(p.Stdout))
	case !env.IsTerminal(p.Stdout) || p.Getenv("TERM") == "dumb":
		return ts.keep(ctx, ending{Events: report.NewEventText(p.Stdout, "")})
	}
	foot := "Ctrl-C closes it"
	if len(ts) > 1 {
		foot = fmt.Sprintf("Ctrl-C closes all %d", len(ts))
	}
	display := live.New(p.Stdout, live.Terminal{Size: func() (int, int) { return env.Size(p.Stdout) }, Colour: p.Colour()}, ts.rows, foot)
	if p.ErrTerminal { // messages meanwhile, such as a denial, go above the live lines
		stderr := p.Stderr
		p.Stderr, p.ErrTerminal = display, false
		defer func() { p.Stderr, p.ErrTerminal = stderr, true }()
	}
	showing, stop := context.WithCancel(context.WithoutCancel(ctx))
	var seen sync.WaitGroup
	seen.Go(func() { display.Run(showing) })
	err := ts.keep(ctx, ending{Events: display})
	stop()
	seen.Wait()
	return err
}

// status returns the tunnel's state.
func (t *tunnel) status() keeper.Status {
	s := keeper.Status{Tunnel: t.conf.Name, Listen: t.near.door.String(), Leads: t.conf.Leads(), File: t.conf.File,
		Counts: t.traffic.Counts(), Refused: t.near.refused(), Health: t.health}
	if t.near.socks != nil {
		s.SOCKS = t.near.socks.String()
	}
	if t.near.httpProxy != nil {
		s.HTTPProxy = t.near.httpProxy.String()
	}
	if p := t.proxy.Load(); p != nil {
		s.Destinations = p.Destinations()
	}
	if found, known := t.place.known(); known {
		s.Expires = found.credentials.Expires()
		s.Far = found.far.known(t.getenv)
	} else {
		s.Far = far{conf: t.conf}.known(t.getenv)
	}
	g := t.progress
	g.mu.Lock()
	defer g.mu.Unlock()
	s.State, s.Name, s.Session, s.Since, s.Reconnects = g.last.State, g.last.State.String(), g.last.Session, g.last.At, g.reconnects
	s.Lazy, s.Exit = s.State == proxy.Idle && g.last.Listen != "", g.exit
	switch s.State {
	case proxy.Opening, proxy.Lost, proxy.Waiting:
		s.Unready, s.Attempt = g.since, max(g.tries, 1)
		if s.State != proxy.Opening { // the next attempt
			s.Attempt = g.tries + 1
		}
		if g.last.Pause > 0 {
			s.Next = g.last.At.Add(g.last.Pause)
		}
		if g.why != nil {
			s.Error = g.why.Error()
		}
	default:
		if g.last.Err != nil {
			s.Error = g.last.Err.Error()
		}
	}
	return s
}

// Names implements keptTunnels.
func (ts tunnels) Names() []string {
	names := make([]string, len(ts))
	for i, t := range ts {
		names[i] = t.conf.Name
	}
	return names
}

// Statuses implements keptTunnels.
func (ts tunnels) Statuses() []keeper.Status {
	all := make([]keeper.Status, len(ts))
	for i, t := range ts {
		all[i] = t.status()
	}
	return all
}

// Changed implements keptTunnels.
func (ts tunnels) Changed() <-chan struct{} { return ts[0].progress.changes.Next() }

// rows returns the rows of the live display.
func (ts tunnels) rows() []live.Row {
	var rows []live.Row
	for _, t := range ts {
		s := t.status()
		r := live.Row{
			Tunnel: s.Tunnel, State: s.State, Listen: s.Listen, Target: t.conf.Target,
			Since: s.Unready, Attempt: s.Attempt, Next: s.Next, Why: s.Error,
			Open: s.Open, Sent: s.Up, Received: s.Down, Rate: s.Rate, Reconnects: s.Reconnects, Expires: s.Expires,
		}
		var isTarget bool
		if r.Far, isTarget = t.conf.Far(); isTarget {
			r.Target = ""
		}
		rows = append(rows, r)
	}
	return rows
}

// gaveUp writes, for JSON output, the events of tunnels that were not opened, and
// returns err.
func gaveUp(p *env.Process, o *Options, err error) error {
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
	if c, configErr := trust.LoadConfigHere(p); configErr == nil && len(o.Words) > 0 {
		if members, err := c.Members(o.Words...); err == nil {
			names = members
		}
	}
	tellGaveUp(p, names, err)
	return err
}

// tellGaveUp writes the last event of each tunnel of a command that opened none.
func tellGaveUp(p *env.Process, names []string, err error) {
	events := report.NewEventJSON(p.Stdout)
	var one *tunnelError
	for _, name := range names {
		why := errors.New(strings.ReplaceAll(env.OneLine(err), " ssmguard: ", "; "))
		if errors.As(err, &one) {
			if why = one.shown; one.tunnel != name {
				why = fmt.Errorf("not opened, because %s was not", one.tunnel)
			}
		}
		events.Event(proxy.Event{At: time.Now(), Tunnel: name, State: proxy.GaveUp, Err: why}) //nolint:errcheck // the command's error is returned
	}
}

// asksForJSON reports whether a command line that cannot be parsed has --output json.
func asksForJSON(words []string) bool {
	at := slices.Index(words, "--output")
	return at >= 0 && at+1 < len(words) && words[at+1] == "json" || slices.Contains(words, "--output=json")
}

// firstWords returns the names of a command line that cannot be parsed: the words
// before its first option.
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

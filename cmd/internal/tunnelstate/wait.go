package tunnelstate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/keeper"
	"ssmguard/cmd/internal/report"
	"ssmguard/cmd/internal/trust"
	"ssmguard/configs"
	"ssmguard/internal/safetext"
	"ssmguard/proxy"
)

// DefaultTimeout is how long Wait waits.
const DefaultTimeout = time.Minute

// Wait waits until the named tunnels, groups and processes take connections, in whichever
// process of the user, and prints where they listen. What is not open yet is waited for,
// too, and so is a tunnel that ended before: something may open it again. One that ends
// meanwhile is an error with the exit code of its end.
func Wait(ctx context.Context, p *env.Process, names []string, timeout time.Duration, asJSON bool) error {
	if len(names) == 0 {
		return exit.Usagef("tunnel wait needs a name: ssmguard tunnel wait NAME...")
	}
	for _, name := range names {
		if err := configs.CheckName(name); err != nil {
			return exit.Usagef("no tunnel is called %q: %v", name, err)
		}
	}
	r, err := keeper.FindRegistry(p)
	if err != nil {
		return err
	}
	c, faulty := trust.LoadConfigHere(p) // what is in no file may be open all the same
	w := &waiting{process: p, config: c, names: wanted(c, names), said: func() {}}
	defer func() { w.said() }()
	late := &lateError{}
	limited, cancel := context.WithTimeoutCause(ctx, timeout, late)
	defer cancel()
	if timeout > 0 {
		w.until = time.Now().Add(timeout)
		err = r.Watch(limited, w.see)
	} else if rows, lookErr := r.Statuses(ctx); lookErr != nil {
		err = lookErr
	} else {
		err = cmp.Or(w.see(rows), error(late))
	}
	w.said()
	switch {
	case errors.Is(err, errAllReady):
		return w.tell(asJSON)
	case errors.Is(err, late):
		return errors.Join(faulty, w.late(timeout))
	}
	return err
}

// errAllReady ends the wait.
var errAllReady = errors.New("all are ready")

// lateError is the end of the time to wait.
type lateError struct{}

// Error implements error.
func (*lateError) Error() string { return "not ready in time" }

// wanted returns the names of tunnels and processes that are meant: those of a group are its
// members, unless it is open as one.
func wanted(c configs.Config, names []string) (all []string) {
	for _, name := range names {
		members, err := c.Members(name)
		if err != nil {
			members = []string{name} // of a tunnel that is in no file
		}
		for _, member := range members {
			if !slices.Contains(all, member) {
				all = append(all, member)
			}
		}
	}
	return all
}

// waiting is what Wait knows of the tunnels.
type waiting struct {
	process *env.Process
	config  configs.Config
	names   []string
	until   time.Time
	before  []keeper.Status // those that had ended when it began
	rows    []keeper.Status
	looked  bool
	text    string // of the line on the terminal
	said    func() // erases it
}

// see takes the present states; the error ends the wait.
func (w *waiting) see(rows []keeper.Status) error {
	w.rows = rows
	if !w.looked {
		w.begin()
	}
	var missing []string
	for _, name := range w.names {
		of := w.of(name)
		if of.ready() {
			continue
		}
		if ended := w.endedMeanwhile(of); ended != nil {
			return endError(*ended)
		}
		missing = append(missing, safetext.Sprintf("%s (%s)", name, of.state()))
	}
	if len(missing) == 0 {
		return errAllReady
	}
	if text := "waiting for " + strings.Join(missing, ", "); text != w.text {
		w.said()
		w.text, w.said = text, w.process.ShowStatus(text, time.Until(w.until).Round(time.Second))
	}
	return nil
}

// begin notes which tunnels had ended before, and tells of names that nothing has so far.
func (w *waiting) begin() {
	w.looked = true
	for _, s := range w.rows {
		if !s.Ended.IsZero() {
			w.before = append(w.before, s)
		}
	}
	for _, name := range w.names {
		if _, err := w.config.Members(name); err != nil && len(w.of(name).rows) == 0 {
			safetext.Fprintf(w.process.Notes(), "ssmguard: warning: %v; waiting for a tunnel of that name all the same\n", err)
		}
	}
}

// named are the tunnels that a name means.
type named struct {
	rows []keeper.Status
	all  bool // the name is that of a process, which has to have all of them ready
}

// of returns the tunnels of a name or, if there are none, those of the process of that name.
func (w *waiting) of(name string) (of named) {
	var process []keeper.Status
	for _, s := range w.rows {
		if s.Tunnel == name {
			of.rows = append(of.rows, s)
		}
		if s.Process == name {
			process = append(process, s)
		}
	}
	if len(of.rows) == 0 && len(process) > 0 {
		return named{process, true}
	}
	return of
}

// ready reports whether connections are taken.
func (of named) ready() bool {
	if of.all {
		return !slices.ContainsFunc(of.rows, func(s keeper.Status) bool { return !s.Takes() })
	}
	return slices.ContainsFunc(of.rows, keeper.Status.Takes)
}

// hasEnded reports whether a tunnel is not on its way to be ready.
func hasEnded(s keeper.Status) bool { return !s.Ended.IsZero() || s.Name == proxy.GaveUp.String() }

// endedMeanwhile returns the tunnel that has ended since the wait began, if nothing of its name
// is still on its way; nil for none.
func (w *waiting) endedMeanwhile(of named) *keeper.Status {
	var ended *keeper.Status
	for i, s := range of.rows {
		switch {
		case !hasEnded(s) && !of.all:
			return nil
		case hasEnded(s) && !slices.ContainsFunc(w.before, func(b keeper.Status) bool { return b.Tunnel == s.Tunnel && b.Ended.Equal(s.Ended) }):
			ended = &of.rows[i]
		}
	}
	return ended
}

// state is that of the tunnels for a person.
func (of named) state() string {
	for _, s := range of.rows {
		if !s.Takes() && !hasEnded(s) {
			return s.Name
		}
	}
	return "not open"
}

// endError is the error of a tunnel that has ended, with the exit code of its end.
func endError(s keeper.Status) error {
	why := ""
	if s.Error != "" {
		why = ": " + strings.Join(strings.Fields(s.Error), " ")
	}
	text := s.Tunnel + " gave up" + why
	if s.Name == keeper.StateCrashed {
		text = s.Tunnel + " has ended" + why
	}
	return exit.Coded(text, cmp.Or(s.Exit, exit.Other))
}

// late is the error of tunnels that were not ready in time.
func (w *waiting) late(timeout time.Duration) error {
	var all []error
	code := 0
	for _, name := range w.names {
		of := w.of(name)
		if of.ready() {
			continue
		}
		text := name + " is not ready"
		if timeout > 0 {
			text = fmt.Sprintf("%s was not ready within %v", name, timeout)
		}
		at := slices.IndexFunc(of.rows, func(s keeper.Status) bool { return !s.Takes() && !hasEnded(s) })
		switch {
		case at >= 0:
			text += ": " + of.rows[at].Name
			if note := note(of.rows[at], time.Now()); note != "" {
				text += ", " + note
			}
		case len(of.rows) == 0:
			text += fmt.Sprintf(": it is not open; %q opens it", "ssmguard tunnel up "+name+" --background")
		default:
			text += ": it is not open; " + endError(of.rows[0]).Error()
			code = cmp.Or(code, of.rows[0].Exit)
		}
		all = append(all, errors.New(text))
	}
	return exit.WithCode(errors.Join(all...), cmp.Or(code, exit.Other))
}

// tell prints where the tunnels listen.
func (w *waiting) tell(asJSON bool) error {
	var events report.Events = report.NewEventText(w.process.Stdout, "")
	if asJSON {
		events = report.NewEventJSON(w.process.Stdout)
	}
	for _, name := range w.names {
		for _, s := range w.of(name).rows {
			if !s.Takes() {
				continue
			}
			state := proxy.Ready
			if s.Name == proxy.Idle.String() {
				state = proxy.Idle
			}
			if err := events.Event(proxy.Event{At: s.Since, Tunnel: s.Tunnel, State: state, Session: s.Session, Listen: s.Listen, Leads: s.Leads, File: s.File}); err != nil {
				return err
			}
		}
	}
	return nil
}

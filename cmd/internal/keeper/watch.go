package keeper

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"reflect"
	"slices"
	"sync"
	"time"
)

// Changes tells of the changes of a process's tunnels. The zero Changes is ready to use, and
// nil tells of none.
type Changes struct {
	mu   sync.Mutex
	next chan struct{}
}

// Signal tells of a change.
func (c *Changes) Signal() {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.next != nil {
		close(c.next)
		c.next = nil
	}
}

// Next returns a channel that is closed with the next change.
func (c *Changes) Next() <-chan struct{} {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.next == nil {
		c.next = make(chan struct{})
	}
	return c.next
}

// tellEvery is how often the states are told while they do not change: bytes are counted
// without a signal.
const tellEvery = time.Second

// tell writes the states of a process's tunnels to a connection, at each change and a last
// time when done is closed, until its other end closes it.
func tell(ctx context.Context, ts keptTunnels, conn net.Conn, done <-chan struct{}) {
	left := make(chan struct{})
	defer func() {
		conn.Close()
		<-left
	}()
	conn.SetReadDeadline(time.Time{}) //nolint:errcheck // a broken connection fails the next write
	go func() {
		defer close(left)
		io.Copy(io.Discard, conn) //nolint:errcheck // either way it is over
	}()
	tick := time.NewTicker(tellEvery)
	defer tick.Stop()
	enc := json.NewEncoder(conn)
	for last := false; ; {
		changed := ts.Changed()
		conn.SetWriteDeadline(time.Now().Add(askTime)) //nolint:errcheck // likewise
		if enc.Encode(ts.Statuses()) != nil || last {
			return
		}
		select {
		case <-changed:
		case <-tick.C:
		case <-left:
			return
		case <-done:
			last = true
		case <-ctx.Done():
			last = true
		}
	}
}

// lookEvery is how often Watch looks for processes that have started: the system does not
// tell of new files on every platform.
const lookEvery = 100 * time.Millisecond

// Watch calls see with the states of the tunnels of all processes, at once and whenever one
// is other than before, what has passed through it included. It returns see's error, or the
// cause of ctx's end.
func (r Registry) Watch(ctx context.Context, see func([]Status) error) error {
	ctx, cancel := context.WithCancel(ctx)
	w := watch{registry: r, told: make(chan told), open: make(map[string]*watched)}
	defer w.readers.Wait()
	defer cancel()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	var before []Status
	for first := true; ; {
		rows, whole, err := w.look(ctx)
		if err != nil {
			return err
		}
		if whole && (first || !reflect.DeepEqual(before, rows)) {
			first, before = false, rows
			if err := see(slices.Clone(rows)); err != nil {
				return err
			}
		}
		select {
		case t := <-w.told:
			if t.ended {
				delete(w.open, t.of)
			} else {
				w.open[t.of].rows = t.rows
			}
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// watch follows the processes of a registry.
type watch struct {
	registry Registry
	readers  sync.WaitGroup
	told     chan told
	open     map[string]*watched // by the process's name and number
}

// watched is a process that runs, and what it said last; nil before it has said anything.
type watched struct {
	rec  Record
	rows []Status
}

// told is what a process has said, or that it has ended.
type told struct {
	of    string
	rows  []Status
	ended bool
}

// look returns the states of all tunnels, and begins to follow processes that have started
// meanwhile. They are not whole before each of those has answered once.
func (w *watch) look(ctx context.Context) (rows []Status, whole bool, err error) {
	recs, err := w.registry.All()
	if err != nil {
		return nil, false, err
	}
	known := make(map[string]Record)
	for _, rec := range recs {
		known[rec.instance()] = rec
		if w.open[rec.instance()] == nil && w.registry.Alive(rec.Name) {
			w.open[rec.instance()] = &watched{rec: rec}
			w.readers.Go(func() { w.follow(ctx, rec) })
		}
	}
	for id, process := range w.open { // one that has ended may have last words
		known[id] = process.rec
	}
	whole = true
	for _, id := range slices.Sorted(maps.Keys(known)) {
		switch process := w.open[id]; {
		case process == nil:
			rows = append(rows, w.registry.StatusesOf(ctx, known[id])...)
		case process.rows == nil:
			whole = false
		default:
			rows = append(rows, process.rows...)
		}
	}
	return rows, whole, nil
}

// instance tells a process from an earlier one of its name.
func (rec Record) instance() string {
	return fmt.Sprintf("%s %d %d", rec.Name, rec.PID, rec.Started.UnixNano())
}

// follow passes on what a process says until it has ended.
func (w *watch) follow(ctx context.Context, rec Record) {
	pass := func(t told) {
		t.of = rec.instance()
		select {
		case w.told <- t:
		case <-ctx.Done():
		}
	}
	for ctx.Err() == nil {
		answered := false
		w.registry.listen(ctx, rec, func(rows []Status) { //nolint:errcheck // a process that does not answer is told of below
			answered = true
			pass(told{rows: rows})
		})
		if now, err := w.registry.read(rec.Name); err == nil && now.instance() != rec.instance() || w.registry.ends(ctx, rec.Name) {
			pass(told{ended: true})
			return
		}
		if !answered && ctx.Err() == nil {
			pass(told{rows: w.registry.StatusesOf(ctx, rec)})
		}
	}
}

// listen asks a process for the states of its tunnels, now and at each change, until it ends.
func (r Registry) listen(ctx context.Context, rec Record, hear func([]Status)) error {
	conn, err := r.dial(ctx, rec.Name)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if _, err := fmt.Fprintln(conn, watchRequest); err != nil {
		return err
	}
	for from := json.NewDecoder(conn); ; {
		var rows []Status
		conn.SetReadDeadline(time.Now().Add(tellEvery + askTime)) //nolint:errcheck // a broken connection fails the next read
		if err := from.Decode(&rows); err != nil {
			return err
		}
		hear(rec.own(rows))
	}
}

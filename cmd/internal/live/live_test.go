package live

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"ssmguard/internal/safetext/safetexttest"
	"ssmguard/proxy"
)

var now = time.Date(2026, 11, 21, 8, 30, 0, 0, time.UTC)

// display is a Display on a terminal of a size that the test changes.
func display(out *bytes.Buffer, columns, rows *int, tunnels ...*Row) *Display {
	all := func() (shown []Row) {
		for _, r := range tunnels {
			shown = append(shown, *r)
		}
		return shown
	}
	return New(out, Terminal{Size: func() (int, int) { return *columns, *rows }}, all, "Ctrl-C closes it")
}

func TestDisplay(t *testing.T) {
	row := &Row{Tunnel: "orders", State: proxy.Ready, Listen: "127.0.0.1:15432", Far: "db.internal:5432", Target: "bastion"}
	columns, rows := 120, 24
	var out bytes.Buffer
	d := display(&out, &columns, &rows, row)
	d.draw(now, true)
	row.Open, row.Sent, row.Received = 2, 512, 3<<20
	d.draw(now.Add(time.Second), true)
	row.Sent, row.Received, row.Reconnects, row.Expires = 2560, 4<<20, 1, now.Add(9*time.Minute+2*time.Second)
	columns = 160
	d.draw(now.Add(3*time.Second), true)
	ready := proxy.Event{At: now, Tunnel: "web", State: proxy.Ready, Listen: "127.0.0.1:2", Leads: "port 80 of i-1", File: "/p/.ssmguard.yaml"}
	mended := ready
	mended.After, mended.Attempt = 2400*time.Millisecond, 3
	down := errors.New("no route")
	for _, e := range []proxy.Event{
		ready,
		{At: now, Tunnel: "web", State: proxy.Lost, Err: errors.New("reset")},
		mended,
		{At: now, Tunnel: "orders", State: proxy.Lost, Err: errors.New("reset")},
		{At: now, Tunnel: "orders", State: proxy.Waiting, Pause: time.Second, Err: down},
		{At: now, Tunnel: "orders", State: proxy.Waiting, Pause: 2 * time.Second, Err: down},
	} {
		if err := d.Event(e); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := fmt.Fprintln(d, "ssmguard: warning: slow"); err != nil {
		t.Fatal(err)
	}
	row.State, row.Since, row.Attempt, row.Next, row.Why = proxy.Waiting, now, 3, now.Add(7500*time.Millisecond), "no route"
	d.draw(now.Add(4*time.Second), true)
	columns = 40
	d.draw(now.Add(5*time.Second), true)
	d.draw(now.Add(6*time.Second), false)
	want := "orders  ready    127.0.0.1:15432 to db.internal:5432 through bastion\nCtrl-C closes it\n" +
		"\r\x1b[2A\x1b[J" +
		"orders  ready    127.0.0.1:15432 to db.internal:5432 through bastion  2 open  up 512 B 512 B/s  down 3.0 MiB 3.0 MiB/s\nCtrl-C closes it\n" +
		"\r\x1b[2A\x1b[J" +
		"orders  ready    127.0.0.1:15432 to db.internal:5432 through bastion  2 open  up 2.5 KiB 1.0 KiB/s  down 4.0 MiB 512.0 KiB/s  reconnects 1  credentials 8m\nCtrl-C closes it\n" +
		"\r\x1b[2A\x1b[J08:30:00 web: ready on 127.0.0.1:2 (to port 80 of i-1, of /p/.ssmguard.yaml)\n" +
		"08:30:00 web: connection lost: reset\n" +
		"08:30:00 web: mended after 2.4s, attempt 3\n" +
		"08:30:00 orders: connection lost: reset\n" +
		"08:30:00 orders: trying again until it opens: no route\n" +
		"ssmguard: warning: slow\n" +
		"orders  waiting  to db.internal:5432 through bastion  attempt 3 in 4s, for 4s: no route\nCtrl-C closes it\n" +
		"\r\x1b[4A\x1b[J" + // the first line was broken by the narrower terminal
		"orders  waiting  attempt 3 in 3s, for 5\nCtrl-C closes it\n" +
		"\r\x1b[2A\x1b[J" +
		"orders  waiting  attempt 3 in 2s, for 6\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestDetail: the less room there is, the less a line says, and where a tunnel leads is said
// before what it carries.
func TestDetail(t *testing.T) {
	row := &Row{Tunnel: "orders", State: proxy.Ready, Listen: "127.0.0.1:15432", Far: "db.internal:5432", Target: "bastion", Open: 1, Sent: 1 << 20, Received: 1 << 10, Rate: 800 << 10}
	for columns, want := range map[int]string{
		0:   "orders  ready    127.0.0.1:15432 to db.internal:5432 through bastion  1 open  up 1.0 MiB 0 B/s of 800.0 KiB/s  down 1.0 KiB 0 B/s",
		112: "orders  ready    127.0.0.1:15432 to db.internal:5432 through bastion  1 open  up 0 B/s  down 0 B/s",
		90:  "orders  ready    127.0.0.1:15432 to db.internal:5432  1 open  up 0 B/s  down 0 B/s",
		80:  "orders  ready    127.0.0.1:15432 to db.internal:5432  1 open",
		60:  "orders  ready    127.0.0.1:15432 to db.internal:5432",
		40:  "orders  ready    127.0.0.1:15432",
		20:  "orders  ready    12",
	} {
		var out bytes.Buffer
		rows := 24
		d := display(&out, &columns, &rows, row)
		d.draw(now, false)
		if got := strings.TrimSuffix(out.String(), "\n"); got != want {
			t.Errorf("%d columns: %q, want %q", columns, got, want)
		}
	}
}

// TestMoreThanFit: lines that do not fit on the screen are counted, since what scrolls away
// cannot be erased.
func TestMoreThanFit(t *testing.T) {
	columns, rows := 80, 5
	var out bytes.Buffer
	row := &Row{Tunnel: "web", State: proxy.Opening}
	display(&out, &columns, &rows, row, row, row, row).draw(now, true)
	if want := "web  opening  \nweb  opening  \nand 2 more; ssmguard tunnel ls lists all\nCtrl-C closes it\n"; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}

// TestStatesInColour: the state alone is coloured, and the colour does not count as width.
func TestStatesInColour(t *testing.T) {
	var out bytes.Buffer
	columns := 60
	d := New(&out, Terminal{Size: func() (int, int) { return columns, 24 }, Colour: true}, func() []Row {
		return []Row{{Tunnel: "a", State: proxy.Ready, Listen: "unix:/s"}, {Tunnel: "b", State: proxy.Lost, Why: "cut\x1b[2J"}, {Tunnel: "c", State: proxy.GaveUp}}
	}, "")
	d.draw(now, true)
	if want := "a  \x1b[32mready\x1b[m    unix:/s\nb  \x1b[33mlost\x1b[m     cut\\x1b[2J\nc  \x1b[31mgaveup\x1b[m   \n"; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}

// locked is a buffer that a display and a test share.
type locked struct {
	mu sync.Mutex
	b  strings.Builder
}

// Write implements io.Writer.
func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *locked) taken() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.b.String()
	l.b.Reset()
	return s
}

// TestRun: lines are drawn once a second, at once after an event, and soon after the terminal
// has another size.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := new(locked)
		var mu sync.Mutex
		columns := 80
		d := New(out, Terminal{Size: func() (int, int) { mu.Lock(); defer mu.Unlock(); return columns, 24 }},
			func() []Row { return []Row{{Tunnel: "db", State: proxy.Opening}} }, "")
		ctx, stop := context.WithCancel(t.Context())
		var over sync.WaitGroup
		over.Go(func() { d.Run(ctx) })
		pass := func(d time.Duration) string { time.Sleep(d); synctest.Wait(); return out.taken() }
		for _, step := range []struct {
			after time.Duration
			do    func()
			drawn int
		}{
			{time.Millisecond, func() {}, 1},
			{drawEvery / 2, func() {}, 0},
			{drawEvery, func() {}, 1},
			{time.Millisecond, func() { d.Event(proxy.Event{Tunnel: "db", State: proxy.Lost}) }, 1},
			{2 * lookEvery, func() { mu.Lock(); columns = 40; mu.Unlock() }, 1},
			{time.Millisecond, stop, 1},
		} {
			step.do()
			if got := strings.Count(pass(step.after), "db  opening"); got != step.drawn {
				t.Errorf("%d drawings, want %d", got, step.drawn)
			}
		}
		over.Wait()
	})
}

// TestHostile: what a far end and a configuration say of tunnels does nothing to the terminal.
func TestHostile(t *testing.T) {
	for _, text := range safetexttest.Texts {
		var r Row
		safetexttest.Fill(&r, text)
		for state := proxy.State(0); state <= proxy.GaveUp+1; state++ {
			r.State = state
			for _, columns := range []int{0, 10, 80, 1000} {
				var out bytes.Buffer
				rows := 24
				d := display(&out, &columns, &rows, &r, &r)
				var e proxy.Event
				safetexttest.Fill(&e, text)
				e.State = state
				for _, note := range []string{text, ""} {
					e.Note = note
					if err := d.Event(e); err != nil {
						t.Fatal(err)
					}
				}
				d.draw(now, true) // the only drawing, so it erases none
				if fault := safetexttest.Fault(out.String()); fault != "" {
					t.Errorf("%v, %d columns: %s", state, columns, fault)
				}
			}
		}
	}
}

func TestRemaining(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "expired", 0: "expired", 20*time.Second + time.Millisecond: "20s", time.Minute: "1m",
		9*time.Minute + 59*time.Second: "9m", time.Hour: "1h0m", 90*time.Minute + time.Second: "1h30m",
	} {
		if got := remaining(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}

func TestBrief(t *testing.T) {
	for why, want := range map[string]string{
		"": "", "no route": "no route",
		"An error occurred (TargetNotConnected) when calling the StartSession operation: i-1 is not connected.": "TargetNotConnected: i-1 is not connected.",
		"An error occurred (Cut": "An error occurred (Cut",
	} {
		if got := brief(why); got != want {
			t.Errorf("%q: %q", why, got)
		}
	}
}

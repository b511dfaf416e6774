package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ssmguard/proxy"
)

// life is a tunnel's life with every state in it.
func life() []proxy.Event {
	at := time.Date(2026, 11, 21, 8, 30, 0, 0, time.UTC)
	events := []proxy.Event{
		{State: proxy.Idle},
		{State: proxy.Opening, Attempt: 1},
		{State: proxy.Ready, Session: "ann-1", Listen: "127.0.0.1:15432"},
		{State: proxy.Ready, Note: "credentials expire in 9m0s"},
		{State: proxy.Lost, Attempt: 1, Session: "ann-1", Leads: "db:1 through i-1", Err: errors.New("connection reset\nby peer")},
		{State: proxy.Waiting, Attempt: 1, Pause: 500 * time.Millisecond, Err: errors.New("connection reset\nby peer")},
		{State: proxy.Opening, Attempt: 2},
		{State: proxy.Waiting, Attempt: 2, Pause: 1500 * time.Millisecond, Err: errors.New("read 127.0.0.1:4711: no route")},
		{State: proxy.Opening, Attempt: 3},
		{State: proxy.Waiting, Attempt: 3, Pause: 2500 * time.Millisecond, Within: time.Minute, Err: errors.New("throttled")},
		{State: proxy.Waiting, Attempt: 3, Pause: 2500 * time.Millisecond, Err: errors.New("read 127.0.0.1:4712: no route")},
		{State: proxy.Ready, Session: "ann-2", Listen: "unix:/run/db.sock", Leads: "db:1 through i-1", File: "/p/.ssmguard.yaml"},
		{State: proxy.Ready, Session: "ann-2", Listen: "unix:/run/db.sock", Leads: "db:1 through i-1", File: "/p/.ssmguard.yaml"},
		{State: proxy.Stopped},
		{State: proxy.GaveUp, Err: errors.New("not <allowed>")},
	}
	for i := range events {
		events[i].At, events[i].Tunnel = at.Add(time.Duration(i)*time.Second), "orders"
	}
	return events
}

func TestEventsConform(t *testing.T) {
	s := schema(t, "event.schema.json")
	var out bytes.Buffer
	events := NewEventJSON(&out)
	for _, e := range life() {
		if err := events.Event(e); err != nil {
			t.Fatal(err)
		}
	}
	lines := bytes.Split(bytes.TrimSpace(out.Bytes()), []byte("\n"))
	if len(lines) != len(life()) {
		t.Fatalf("%d lines for %d events", len(lines), len(life()))
	}
	for i, line := range lines {
		var value map[string]any
		if err := json.Unmarshal(line, &value); err != nil {
			t.Fatal(err)
		}
		conforms(t, s, string(line), line)
		if want := life()[i].State.String(); value["state"] != want {
			t.Errorf("%s: state is not %s", line, want)
		}
	}
}

func TestEventText(t *testing.T) {
	var out bytes.Buffer
	events := NewEventText(&out, "ssmguard: ")
	for _, e := range life() {
		if err := events.Event(e); err != nil {
			t.Fatal(err)
		}
	}
	want := `ssmguard: orders: ready on 127.0.0.1:15432
ssmguard: orders: credentials expire in 9m0s
ssmguard: orders: connection lost (to db:1 through i-1): connection reset by peer
ssmguard: orders: trying again until it opens: read 127.0.0.1:4711: no route
ssmguard: orders: trying again for 1m0s: throttled
ssmguard: orders: trying again until it opens: read 127.0.0.1:4712: no route
ssmguard: orders: ready on unix:/run/db.sock (to db:1 through i-1, of /p/.ssmguard.yaml)
ssmguard: orders: closed
ssmguard: orders: gave up: not <allowed>
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// What others write does nothing to a terminal.
func TestEventTextIsPlain(t *testing.T) {
	var out bytes.Buffer
	events := NewEventText(&out, "")
	for _, e := range []proxy.Event{
		{Tunnel: "db", State: proxy.Ready, Note: "welcome\x1b[2J to\r\nall"},
		{Tunnel: "db", State: proxy.GaveUp, Err: errors.New("no\x1b]0;title\a more")},
	} {
		if err := events.Event(e); err != nil {
			t.Fatal(err)
		}
	}
	if want := "db: welcome\\x1b[2J to  all\ndb: gave up: no\\x1b]0;title\\x07 more\n"; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}

func TestBytes(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1536: "1.5 KiB", 5 << 30: "5.0 GiB"} {
		if got := Bytes(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

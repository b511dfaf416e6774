package report

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ssmguard/proxy"
)

func TestLive(t *testing.T) {
	now := time.Date(2026, 11, 21, 8, 30, 0, 0, time.UTC)
	row := LiveRow{Tunnel: "orders", State: proxy.Ready, Listen: "127.0.0.1:15432", Open: 2, Up: 512, Down: 3 << 20}
	width := 120
	var out bytes.Buffer
	l := NewLive(&out, func() int { return width }, func() []LiveRow { return []LiveRow{row} })
	l.draw(now)
	row.Up, row.Down, row.Reconnects, row.Expires = 2560, 4<<20, 1, now.Add(9*time.Minute+2*time.Second)
	l.draw(now.Add(2 * time.Second))
	down := errors.New("no route")
	for _, e := range []proxy.Event{
		{At: now, Tunnel: "orders", State: proxy.Ready, Listen: "127.0.0.1:15432"},
		{At: now, Tunnel: "web", State: proxy.Ready, Listen: "127.0.0.1:2", Leads: "port 80 of i-1", File: "/p/.ssmguard.yaml"},
		{At: now, Tunnel: "web", State: proxy.Lost, Err: errors.New("reset")},
		{At: now, Tunnel: "web", State: proxy.Ready, Listen: "127.0.0.1:2", Leads: "port 80 of i-1", File: "/p/.ssmguard.yaml"},
		{At: now, Tunnel: "orders", State: proxy.Lost, Err: errors.New("reset")},
		{At: now, Tunnel: "orders", State: proxy.Waiting, Pause: time.Second, Err: down},
		{At: now, Tunnel: "orders", State: proxy.Waiting, Pause: 2 * time.Second, Err: down},
	} {
		if err := l.Event(e); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := fmt.Fprintln(l, "ssmguard: warning: slow"); err != nil {
		t.Fatal(err)
	}
	row.State = proxy.Lost
	l.draw(now.Add(3 * time.Second))
	if _, err := fmt.Fprintln(l, "ssmguard: warning: slower"); err != nil {
		t.Fatal(err)
	}
	width = 80
	l.draw(now.Add(4 * time.Second))
	width = 40
	l.draw(now.Add(5 * time.Second))
	want := "orders  ready    127.0.0.1:15432  2 open  up 512 B 0 B/s  down 3.0 MiB 0 B/s\n" +
		"\r\x1b[1A\x1b[J" +
		"orders  ready    127.0.0.1:15432  2 open  up 2.5 KiB 1.0 KiB/s  down 4.0 MiB 512.0 KiB/s  reconnects 1  credentials 9m\n" +
		"\r\x1b[1A\x1b[J08:30:00 web: ready on 127.0.0.1:2 (to port 80 of i-1, of /p/.ssmguard.yaml)\n" +
		"08:30:00 web: connection lost: reset\n" +
		"08:30:00 orders: connection lost: reset\n" +
		"08:30:00 orders: trying again until it opens: no route\n" +
		"ssmguard: warning: slow\n" +
		"orders  lost     127.0.0.1:15432  2 open  up 2.5 KiB 0 B/s  down 4.0 MiB 0 B/s  reconnects 1  credentials 8m\n" +
		"\r\x1b[1A\x1b[Jssmguard: warning: slower\n" +
		"orders  lost     127.0.0.1:15432  2 open  up 0 B/s  down 0 B/s  reconnects 1  c\n" +
		"\r\x1b[1A\x1b[J" +
		"orders  lost     127.0.0.1:15432  2 ope\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
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

func TestBytes(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1536: "1.5 KiB", 5 << 30: "5.0 GiB"} {
		if got := Bytes(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

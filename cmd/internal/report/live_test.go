package report

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ssmguard/proxy"
)

func TestLive(t *testing.T) {
	now := time.Date(2026, 11, 21, 8, 30, 0, 0, time.UTC)
	row := LiveRow{Tunnel: "orders", State: proxy.Ready, Listen: "127.0.0.1:15432", Open: 2, Up: 512, Down: 3 << 20}
	var out bytes.Buffer
	l := NewLive(&out, func() []LiveRow { return []LiveRow{row} })
	l.draw(now)
	row.Up, row.Down, row.Resumed, row.Expires = 2560, 4<<20, 1, now.Add(9*time.Minute+2*time.Second)
	l.draw(now.Add(2 * time.Second))
	for _, e := range []proxy.Event{
		{At: now, Tunnel: "orders", State: proxy.Ready, Listen: "127.0.0.1:15432"},
		{At: now, Tunnel: "orders", State: proxy.Lost, Err: errors.New("reset")},
	} {
		if err := l.Event(e); err != nil {
			t.Fatal(err)
		}
	}
	row.State = proxy.Lost
	l.draw(now.Add(3 * time.Second))
	want := "orders       ready   127.0.0.1:15432       2 open  up 512 B 0 B/s  down 3.0 MiB 0 B/s\n" +
		"\x1b[1A\x1b[J" +
		"orders       ready   127.0.0.1:15432       2 open  up 2.5 KiB 1.0 KiB/s  down 4.0 MiB 512.0 KiB/s  resumed 1  credentials 9m0s\n" +
		"\x1b[1A\x1b[J08:30:00 orders: connection lost: reset\n" +
		"orders       lost    127.0.0.1:15432       2 open  up 2.5 KiB 0 B/s  down 4.0 MiB 0 B/s  resumed 1  credentials 9m0s\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestBytes(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1536: "1.5 KiB", 5 << 30: "5.0 GiB"} {
		if got := Bytes(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

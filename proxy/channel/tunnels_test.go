package channel_test

import (
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"net"
	"slices"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"ssmguard/internal/sandbox/gateway"
)

var tunnels = flag.Bool("tunnels", false, "run TestTunnels, which measures and takes minutes")

// orders is a server that does what the first nine bytes of a connection ask:
// take ('u') or give ('d') a number of bytes, or echo ('e').
func orders(c *net.TCPConn) {
	var ask [9]byte
	for {
		if _, err := io.ReadFull(c, ask[:]); err != nil {
			return
		}
		n := int64(binary.BigEndian.Uint64(ask[1:]))
		var err error
		switch ask[0] {
		case 'u':
			if _, err = io.CopyN(io.Discard, c, n); err == nil {
				_, err = c.Write(ask[:1])
			}
		case 'd':
			_, err = io.CopyN(c, zeros{}, n)
		default:
			echoes(c)
		}
		if err != nil {
			return
		}
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return len(b), nil }

func order(what byte, n int64) []byte {
	return binary.BigEndian.AppendUint64([]byte{what}, uint64(n))
}

// transfer moves n bytes and returns how long it took.
func transfer(conn net.Conn, what byte, n int64) (time.Duration, error) {
	begin := time.Now()
	if _, err := conn.Write(order(what, n)); err != nil {
		return 0, err
	}
	if what == 'd' {
		_, err := io.CopyN(io.Discard, conn, n)
		return time.Since(begin), err
	}
	if _, err := io.CopyN(conn, zeros{}, n); err != nil {
		return 0, err
	}
	_, err := io.ReadFull(conn, make([]byte, 1))
	return time.Since(begin), err
}

// speed is one measured transfer.
type speed struct {
	rate float64 // MB/s
	cpu  float64 // seconds of CPU per 100 MiB
}

// measure moves n bytes through a carrier over lanes connections, and takes the median of three.
func measure(t *testing.T, kind carrier, c gateway.SessionConfig, what byte, n int64, lanes int) speed {
	t.Helper()
	k, conns := warm(t, kind, c, lanes)
	defer k.stop()
	var all []speed
	for range 3 {
		cpu, begin := k.cpu(), time.Now()
		var g errgroup.Group
		for _, conn := range conns {
			g.Go(func() error { _, err := transfer(conn, what, n); return err })
		}
		if err := g.Wait(); err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		total := float64(n) * float64(lanes)
		all = append(all, speed{total / 1e6 / time.Since(begin).Seconds(), (k.cpu() - cpu).Seconds() * (100 << 20) / total})
	}
	slices.SortFunc(all, func(a, b speed) int { return int(1000 * (a.rate - b.rate)) })
	return all[1]
}

// warm starts a carrier and opens connections that have been used once. The
// plugin sends so soon after the handshake that agents sometimes throw its first
// bytes away, and the session is of no use then: it is tried again.
func warm(t *testing.T, kind carrier, c gateway.SessionConfig, lanes int) (*child, []net.Conn) {
	t.Helper()
	var err error
	for range 5 {
		k := kind.start(t, c, lanes)
		conns := make([]net.Conn, lanes)
		for i := range conns {
			conns[i] = k.dial()
			conns[i].SetDeadline(time.Now().Add(5 * time.Second)) //nolint:errcheck // the transfer fails then
			if _, err = transfer(conns[i], 'd', 1<<10); err != nil {
				break
			}
			conns[i].SetDeadline(time.Now().Add(2 * time.Minute)) //nolint:errcheck // likewise
		}
		if err == nil {
			return k, conns
		}
		k.stop()
		if kind == native {
			break
		}
	}
	t.Fatalf("%s: %v", kind, err)
	return nil, nil
}

// TestTunnels compares our channel with the official plugin and with a bare
// websocket relay in the same run, prints the figures, and fails if ours are
// not what is promised. Run it by .ci/bench-tunnel, on a machine with nothing else to do.
func TestTunnels(t *testing.T) {
	if !*tunnels {
		t.Skip("it measures: run .ci/bench-tunnel")
	}
	free := config(listen(t, orders))
	paced := free
	paced.Unpaced = false
	table := figures{t.Output()}
	table.row("", "plugin", "native", "relay")
	compare := func(name string, c gateway.SessionConfig, what byte, plugin, ours int64) (p, o, r speed) {
		p = measure(t, official, c, what, plugin, 1)
		o = measure(t, native, c, what, ours, 1)
		r = measure(t, relay, c, what, ours, 1)
		table.row(name+", MB/s", number(p.rate), number(o.rate), number(r.rate))
		table.row(name+", CPU s/100 MiB", number(p.cpu), number(o.cpu), number(r.cpu))
		return p, o, r
	}
	p, o, _ := compare("upload", free, 'u', 4<<20, 64<<20)
	promise(t, "upload at least 25 times the plugin's", o.rate, 25*p.rate)
	promise(t, "upload CPU at most a tenth", p.cpu/10, o.cpu)
	p, o, _ = compare("upload, paced agent", paced, 'u', 4<<20, 64<<20)
	promise(t, "upload to a paced agent at least 25 times the plugin's", o.rate, 25*p.rate)
	p, o, r := compare("download", free, 'd', 64<<20, 64<<20)
	promise(t, "download not below the plugin's", o.rate, p.rate)
	// Nothing that reads a message and writes it on can do with a tenth of the
	// plugin's here: a relay is the limit, and no real agent sends like this.
	promise(t, "download CPU not far above a relay's", 1.5*r.cpu, o.cpu)
	p, o, _ = compare("download, paced agent", paced, 'd', 3<<20, 12<<20)
	promise(t, "download from a paced agent not below the plugin's", o.rate, 0.95*p.rate)
	promise(t, "download CPU from a paced agent at most a tenth", p.cpu/10, o.cpu)
	for _, lanes := range []int{2, 4} {
		l := measure(t, native, paced, 'd', 3<<20, lanes)
		table.row(fmt.Sprintf("download, paced agent, %d lanes, MB/s", lanes), "", number(l.rate), "")
		promise(t, fmt.Sprintf("%d lanes", lanes), l.rate, 0.8*float64(lanes)*o.rate)
	}
	latencies(t, table, free)
	connections(t, table, free)
}

// figures prints a table, each row as soon as it is known.
type figures struct{ io.Writer }

func (f figures) row(name, plugin, native, relay string) {
	fmt.Fprintf(f, "%-44s%-12s%-12s%s\n", name, plugin, native, relay)
}

func number(x float64) string { return fmt.Sprintf("%.3g", x) }

// promise fails the test if got is below want.
func promise(t *testing.T, what string, got, want float64) {
	t.Helper()
	if got < want {
		t.Errorf("%s: %.3g, want %.3g", what, got, want)
	}
}

// latencies prints the median round trip of a small query on lines of different length.
func latencies(t *testing.T, table figures, c gateway.SessionConfig) {
	for _, trip := range []time.Duration{0, 20 * time.Millisecond, 80 * time.Millisecond} {
		c.Faults.Up.Delay, c.Faults.Down.Delay = trip/2, trip/2
		var median [2]time.Duration
		for i, kind := range []carrier{official, native} {
			k, conns := warm(t, kind, c, 1)
			conn := conns[0]
			if _, err := conn.Write(order('e', 0)); err != nil {
				t.Fatal(err)
			}
			var all []time.Duration
			query := make([]byte, 100)
			for range 100 {
				begin := time.Now()
				if _, err := conn.Write(query); err != nil {
					t.Fatal(err)
				}
				if _, err := io.ReadFull(conn, query); err != nil {
					t.Fatal(err)
				}
				all = append(all, time.Since(begin))
			}
			slices.Sort(all)
			median[i] = all[len(all)/2]
			k.stop()
		}
		table.row(fmt.Sprintf("query, %v away", trip), median[0].Round(10*time.Microsecond).String(), median[1].Round(10*time.Microsecond).String(), "")
		promise(t, "latency not above the plugin's", 1.1*float64(median[0])+float64(200*time.Microsecond), float64(median[1]))
	}
}

// connections prints short connections per second, and the memory with 200 open.
func connections(t *testing.T, table figures, c gateway.SessionConfig) {
	var rate, memory [3]float64
	for i, kind := range []carrier{official, native, relay} {
		k, _ := warm(t, kind, c, 1)
		begin, n := time.Now(), 0
		for ; time.Since(begin) < 3*time.Second; n++ {
			conn := k.dial()
			word := append(order('e', 0), "hello"...)
			if _, err := conn.Write(word); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(conn, word[:5]); err != nil {
				t.Fatal(err)
			}
			conn.Close()
		}
		rate[i] = float64(n) / time.Since(begin).Seconds()
		k.stop()
		k, _ = warm(t, kind, c, 1)
		var g errgroup.Group
		for range 200 {
			conn := k.dial()
			g.Go(func() error { _, err := transfer(conn, 'd', 20<<10); return err })
		}
		if err := g.Wait(); err != nil {
			t.Fatal(err)
		}
		memory[i] = k.memory()
		k.stop()
	}
	table.row("short connections per second", number(rate[0]), number(rate[1]), number(rate[2]))
	table.row("MiB with 200 connections", number(memory[0]), number(memory[1]), number(memory[2]))
}

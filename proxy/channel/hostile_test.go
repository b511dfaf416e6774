package channel_test

import (
	"context"
	"flag"
	"io"
	"net"
	"runtime"
	"runtime/metrics"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"ssmguard/internal/sandbox/gateway"
	"ssmguard/proxy"
	"ssmguard/proxy/channel"
)

var soakHostile = flag.Duration("soak.hostile", 0, "how long TestHostileGateways goes on, all modes in turn; 0: each once")

const (
	// memoryBudget is how much a far side may make us hold with the default limits.
	memoryBudget = 64 << 20
	// hostileBytes is what each mode sends: more than may be held of it.
	hostileBytes = 72 << 20
	// lookEvery is how many bytes are sent from one look at the heap to the next.
	lookEvery = 4 << 20
	// hostileLinks is how many connections in a row are enough for modes that we end.
	hostileLinks = 20
)

// TestHostileGateways: whatever a far side sends, a channel holds a bounded part of it, asks
// for one key at most, and its goroutines end. .ci/soak hostile goes on for ten minutes.
func TestHostileGateways(t *testing.T) {
	for begun := time.Now(); ; {
		for _, mode := range gateway.Modes() {
			t.Run(mode.Name, func(t *testing.T) { besiege(t, mode) })
		}
		if time.Since(begun) >= *soakHostile || t.Failed() {
			return
		}
	}
}

// besiege has a channel attacked in one mode.
func besiege(t *testing.T, mode gateway.Mode) {
	h, err := gateway.NewHostile(mode, hostileBytes)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var heap heap
	heap.begin()
	h.Look(lookEvery, heap.look)
	ended := make(chan error, 1)
	go func() { ended <- suffer(ctx, t, h, mode.Kind) }()
	done := false
	for look := time.NewTicker(5 * time.Millisecond); !done; {
		select {
		case err := <-ended:
			ended <- err
			if err == nil || ctx.Err() != nil {
				t.Errorf("the session ended without a reason: %v", err)
			} else if text := err.Error(); len(text) > 1000 || strings.ContainsAny(text, "\n\r") {
				t.Errorf("a reason of %d bytes: %.200q", len(text), text)
			}
			done = true
		case <-look.C:
			done = h.Sent() >= hostileBytes || h.Connects() >= hostileLinks || h.Finished() || h.Stalled()
		}
	}
	heap.look()
	cancel()
	err = <-ended
	held := heap.most.Load()
	t.Logf("%d MiB held, %d MiB sent, %d connections: %v", held>>20, h.Sent()>>20, h.Connects(), err)
	if held > memoryBudget {
		t.Errorf("%d MiB were held", held>>20)
	}
}

// suffer uses a session as a person or a program would.
func suffer(ctx context.Context, t *testing.T, h *gateway.Hostile, kind gateway.Kind) error {
	var keys atomic.Int32
	session := h.Session()
	c, err := channel.Dial(ctx, channel.Options{
		Session: session, Silent: kind == gateway.InteractiveCommands, OpenTimeout: 2 * time.Second,
		Resume: func(context.Context, string) (proxy.Secret, proxy.Secret, error) {
			return session.StreamURL, session.Token, nil
		},
		GenerateDataKey: func(context.Context, string, map[string]string) ([]byte, []byte, error) {
			if keys.Add(1) > 1 {
				t.Error("a second key was asked for")
			}
			return noise(9, 64), []byte("sealed"), nil
		},
		Limits: channel.Limits{Silence: patience, Backoff: proxy.Backoff{Min: time.Millisecond, Max: 10 * time.Millisecond}},
	})
	if err != nil {
		return err
	}
	defer c.Close()
	if kind != gateway.Port {
		_, err := c.Shell(ctx, proxy.Streams{In: typist{}, Out: io.Discard}, channel.ShellOptions{})
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	in := channel.NewInlet(l)
	defer in.Close()
	conn, err := net.Dial("tcp", in.Addr().String())
	if err != nil {
		return err
	}
	defer conn.Close() // it never reads
	return c.Forward(ctx, in, channel.ForwardOptions{})
}

// typist types without end.
type typist struct{}

func (typist) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

// heap is by how much the memory in use has grown.
type heap struct {
	before int64
	most   atomic.Int64
}

func (h *heap) begin() { h.before = inUse() }

func (h *heap) look() {
	grown := inUse() - h.before
	for most := h.most.Load(); grown > most && !h.most.CompareAndSwap(most, grown); most = h.most.Load() {
	}
}

// inUse returns how many bytes a collection of garbage leaves. What is allocated while it
// goes on counts as used.
func inUse() int64 {
	runtime.GC()
	s := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(s)
	return int64(s[0].Value.Uint64())
}

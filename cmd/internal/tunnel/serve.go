package tunnel

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"ssmguard/cmd/internal/dynamic"
	"ssmguard/proxy"
	"ssmguard/proxy/socks"
)

// serve keeps a proxy up until ctx ends. It is ready when the guard has allowed it, and opens
// a session for each destination that its clients ask for.
func (t *tunnel) serve(ctx context.Context) error {
	found, err := t.placed(ctx)
	if err == nil {
		err = t.serveAt(ctx, found)
	}
	if err == nil || ctx.Err() != nil {
		t.progress.emit(proxy.Event{State: proxy.Stopped})
		return nil
	}
	t.progress.gaveUp(err)
	return err
}

// placed returns the proxy's place, and tries again to find it after faults that pass.
func (t *tunnel) placed(ctx context.Context) (*place, error) {
	began := time.Now()
	for failed := 1; ; failed++ {
		found, err := t.place.get(ctx)
		if err == nil || ctx.Err() != nil || t.final(err) {
			return found, err
		}
		left := time.Duration(0)
		if t.retryFor > 0 {
			if left = t.retryFor - time.Since(began); left <= 0 {
				return nil, &proxy.PatienceError{After: t.retryFor, Err: err}
			}
		}
		pause := proxy.DefaultBackoff.Pause(failed)
		t.progress.emit(proxy.Event{State: proxy.Waiting, Attempt: failed, Pause: pause, Within: left, Err: err})
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
}

// serveAt serves the proxy's clients.
func (t *tunnel) serveAt(ctx context.Context, found *place) error {
	rules, err := t.conf.To.Rules()
	if err != nil {
		return err
	}
	p := &dynamic.Proxy{
		Rules: rules, Dialer: found.dialer, Traffic: &t.traffic, Idle: t.conf.IdleTime(), Say: t.progress.say,
		Start: func(ctx context.Context, host string, port int) (*proxy.Session, error) {
			return found.open(ctx, map[string][]string{"host": {host}, "portNumber": {strconv.Itoa(port)}}, t.progress.say)
		},
	}
	var listeners []dynamic.Listener
	if t.near.socks != nil {
		listeners = append(listeners, dynamic.Listener{Listener: t.near.socks, Protocol: socks.SOCKS5})
	}
	if t.near.httpProxy != nil {
		listeners = append(listeners, dynamic.Listener{Listener: t.near.httpProxy, Protocol: socks.CONNECT})
	}
	t.proxy.Store(p)
	t.progress.ready(t.near.door.String())
	if len(listeners) > 1 {
		t.progress.say(fmt.Sprintf("SOCKS5 on %s, HTTP CONNECT on %s", t.near.socks, t.near.httpProxy))
	}
	announcing, stop := context.WithCancel(ctx)
	var announced sync.WaitGroup
	announced.Go(func() { t.announce(announcing) })
	defer announced.Wait()
	defer stop()
	return p.Serve(ctx, listeners...)
}

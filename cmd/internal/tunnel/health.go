package tunnel

import (
	"context"
	"slices"
	"sync"

	"ssmguard/cmd/internal/health"
	"ssmguard/configs"
	"ssmguard/proxy/door"
)

// answering opens the address of --health, if one is given, and returns keep with an answer
// there for as long as it runs. Other users may ask if they may use every tunnel.
func (ts tunnels) answering(o *Options, keep func(context.Context) error) (func(context.Context) error, error) {
	if o.Health == "" {
		return keep, nil
	}
	own := slices.ContainsFunc(ts, func(t *tunnel) bool { return t.conf.Peer != configs.PeerAny })
	d, undo, err := openDoor(configs.ProxyAddress(o.Health), "--health", door.Options{Remote: o.Open.Remote, AnyPeer: !own})
	if err != nil {
		return nil, err
	}
	s := health.New(d, ts.Statuses)
	for _, t := range ts {
		t.health = s.URL()
	}
	ts[0].progress.say("health on " + s.URL() + ": /live, /ready, /metrics")
	return func(ctx context.Context) error {
		answering, stop := context.WithCancel(context.WithoutCancel(ctx))
		var served sync.WaitGroup
		defer undo()
		defer served.Wait()
		defer stop()
		served.Go(func() { s.Serve(answering) }) //nolint:errcheck // the door is ours, and open until then
		return keep(ctx)
	}, nil
}

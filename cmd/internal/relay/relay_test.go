package relay

import (
	"context"
	"io"
	"testing"
	"testing/synctest"

	"ssmguard/cmd/internal/dial"
	"ssmguard/proxy"
)

// mumbling is a plugin that is ready and does not say which port it opened.
type mumbling struct{ ended *bool }

// Run implements proxy.Plugin.
func (m mumbling) Run(ctx context.Context, _ *proxy.Session, _ proxy.Streams, ready func()) error {
	ready()
	<-ctx.Done()
	synctest.Wait() // a child takes its time
	*m.ended = true
	return context.Cause(ctx)
}

// A plugin that cannot be used is gone before the next one is started.
func TestRelayWaitsForPlugin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := false
		r := Tunnel{Plugin: mumbling{&ended}, Traffic: new(dial.Traffic)}
		err := r.Run(t.Context(), &proxy.Session{}, proxy.Streams{Err: io.Discard}, func() { t.Error("ready") })
		if err == nil || !ended {
			t.Errorf("%v, the plugin has ended: %v", err, ended)
		}
	})
}

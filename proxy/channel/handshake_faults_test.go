package channel_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"ssmguard/internal/sandbox/gateway"
	"ssmguard/proxy"
	"ssmguard/proxy/channel"
	"ssmguard/proxy/channel/wire"
)

// TestFaultAtEveryStep does everything that can happen to a message to each
// message of a handshake, with and without encryption, both ways: the channel
// opens, and its agent agrees.
func TestFaultAtEveryStep(t *testing.T) {
	g := kmsGateway(t)
	faults := map[string]gateway.Action{
		"lost": gateway.Drop, "twice": gateway.Duplicate, "late": gateway.Hold, "slow": gateway.Freeze,
		"RST": gateway.CutRST, "FIN": gateway.CutFIN, "frame": gateway.CutFrame, "stall": gateway.Stall, "damaged": gateway.Corrupt,
	}
	sessions := map[string]gateway.SessionConfig{
		"port": {Kind: gateway.Port, Properties: gateway.Properties{Type: "LocalPortForwarding", PortNumber: "1"}},
		"KMS":  {Kind: gateway.NonInteractiveCommands, KMSKeyID: "key-1", Target: "i-9", Properties: gateway.Properties{Linux: &gateway.Commands{Commands: "sleep 60"}}},
	}
	messages := []struct {
		way     gateway.Way
		payload wire.PayloadType // 0: the n-th acknowledgement
		n       int
	}{
		{gateway.Down, wire.PayloadHandshakeRequest, 1}, {gateway.Up, wire.PayloadHandshakeResponse, 1},
		{gateway.Down, wire.PayloadEncChallengeRequest, 1}, {gateway.Up, wire.PayloadEncChallengeResponse, 1},
		{gateway.Down, wire.PayloadHandshakeComplete, 1},
		{gateway.Up, 0, 1}, {gateway.Up, 0, 2}, {gateway.Up, 0, 3}, {gateway.Down, 0, 1}, {gateway.Down, 0, 2},
	}
	var all errgroup.Group
	all.SetLimit(24) // nearly all the time they wait
	for name, do := range faults {
		for kind, config := range sessions {
			for _, m := range messages {
				if do == gateway.Corrupt && m.way == gateway.Up {
					continue // agents do not look: TLS has to see to it
				}
				rule := gateway.Rule{Way: m.way, Payload: m.payload, At: m.n, Do: do, For: 300 * time.Millisecond}
				if m.payload == 0 {
					rule.Message = wire.Acknowledge
				}
				c := config
				c.Faults.Rules = []gateway.Rule{rule}
				all.Go(func() error {
					if err := opens(g, c); err != nil {
						t.Errorf("%s, %s, way %d, payload %d, %d: %v", kind, name, m.way, m.payload, m.n, err)
					}
					return nil
				})
			}
		}
	}
	all.Wait() //nolint:errcheck // they report themselves
}

// kmsGateway is a gateway whose agent can decrypt data keys.
func kmsGateway(t *testing.T) *gateway.Gateway {
	t.Helper()
	return serveWith(t, gateway.Options{Decrypt: func(context.Context, string, []byte, map[string]string) ([]byte, error) { return noise(9, 64), nil }})
}

// opens dials a session and waits until its agent has done its part.
func opens(g *gateway.Gateway, config gateway.SessionConfig) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	session, err := g.Start(ctx, config)
	if err != nil {
		return err
	}
	session.Spec.Target = config.Target
	c, err := channel.Dial(ctx, channel.Options{
		Session: session, Resume: resume(g), OpenTimeout: patience, Limits: channel.Limits{PingEvery: 100 * time.Millisecond, Silence: 500 * time.Millisecond,
			Backoff: proxy.Backoff{Min: 5 * time.Millisecond, Max: 100 * time.Millisecond}},
		GenerateDataKey: func(context.Context, string, map[string]string) ([]byte, []byte, error) {
			return noise(9, 64), []byte("sealed"), nil
		},
	})
	if err != nil {
		return err
	}
	defer c.Close()
	s, _ := g.Session(session.ID)
	if st, err := s.Await(ctx, func(st gateway.Status) bool { return st.Ready }); err != nil {
		return fmt.Errorf("the agent is not ready: %+v", st)
	}
	if i := c.Info(); i.SessionType != string(config.Kind) || i.Encrypted != (config.KMSKeyID != "") {
		return fmt.Errorf("info %+v", i)
	}
	return nil
}

// TestResumeFailsInHandshake cuts at each step of the handshake, and then refuses
// to resume a few times, or gives a token that is void.
func TestResumeFailsInHandshake(t *testing.T) {
	g := serve(t)
	inner := resume(g)
	for _, void := range []bool{false, true} {
		for _, payload := range []wire.PayloadType{wire.PayloadHandshakeRequest, wire.PayloadHandshakeComplete} {
			session, err := g.Start(t.Context(), gateway.SessionConfig{Kind: gateway.Port,
				Faults: gateway.Faults{Rules: []gateway.Rule{{Way: gateway.Down, Payload: payload, At: 1, Do: gateway.CutRST}}}})
			if err != nil {
				t.Fatal(err)
			}
			s, _ := g.Session(session.ID)
			calls := 0
			c, err := channel.Dial(t.Context(), channel.Options{
				Session: session, OpenTimeout: patience, Limits: channel.Limits{Silence: patience, Backoff: proxy.Backoff{Min: 5 * time.Millisecond, Max: 20 * time.Millisecond}},
				Resume: func(ctx context.Context, id string) (a, b proxy.Secret, err error) {
					if calls++; calls <= 3 && !void {
						return a, b, errors.New("ThrottlingException")
					}
					a, b, err = inner(ctx, id)
					if calls <= 3 {
						s.ExpireToken()
					}
					return a, b, err
				},
			})
			if err != nil || calls != 4 {
				t.Errorf("void tokens %v, cut at payload %d: %v after %d calls", void, payload, err, calls)
				continue
			}
			c.Close()
		}
	}
}

package channel_test

import (
	"testing"
	"time"

	"ssmguard/internal/sandbox/gateway"
	"ssmguard/proxy/channel"
)

// every does something at each n-th message of one direction, so many times.
func every(way gateway.Way, n int, do gateway.Action, times int) gateway.Faults {
	return gateway.Faults{Rules: []gateway.Rule{{Way: way, At: n, Every: n, Times: times, Do: do}}}
}

func TestFaults(t *testing.T) {
	mix := gateway.Noise{Loss: 0.01, Duplicate: 0.05, Reorder: 0.05, Delay: 2 * time.Millisecond}
	cases := map[string]gateway.Faults{
		"none":            {},
		"1 % loss":        {Seed: 1, Up: gateway.Noise{Loss: 0.01}, Down: gateway.Noise{Loss: 0.01}},
		"5 % loss up":     {Seed: 2, Up: gateway.Noise{Loss: 0.05}},
		"10 % duplicates": {Seed: 3, Up: gateway.Noise{Duplicate: 0.1}, Down: gateway.Noise{Duplicate: 0.1}},
		"10 % reordered":  {Seed: 4, Up: gateway.Noise{Reorder: 0.1}, Down: gateway.Noise{Reorder: 0.1}},
		"1 % corrupted":   {Seed: 5, Down: gateway.Noise{Corrupt: 0.01}}, // upwards agents do not look: TLS has to see to it
		"50 ms each way":  {Up: gateway.Noise{Delay: 50 * time.Millisecond}, Down: gateway.Noise{Delay: 50 * time.Millisecond}},
		"all of it":       {Seed: 6, Up: mix, Down: mix},
		"freeze":          {Rules: []gateway.Rule{{Way: gateway.Up, At: 50, Do: gateway.Freeze, For: 700 * time.Millisecond}, {Way: gateway.Down, At: 90, Do: gateway.Freeze, For: 700 * time.Millisecond}}},
		"cut RST up":      every(gateway.Up, 60, gateway.CutRST, 3),
		"cut RST down":    every(gateway.Down, 60, gateway.CutRST, 3),
		"cut FIN up":      every(gateway.Up, 70, gateway.CutFIN, 3),
		"cut FIN down":    every(gateway.Down, 70, gateway.CutFIN, 3),
		"cut frame up":    every(gateway.Up, 80, gateway.CutFrame, 3),
		"cut frame down":  every(gateway.Down, 80, gateway.CutFrame, 3),
		"cut within down": every(gateway.Down, 80, gateway.CutBroken, 3),
		"stall up":        every(gateway.Up, 100, gateway.Stall, 1),
		"stall down":      every(gateway.Down, 100, gateway.Stall, 1),
	}
	for name, faults := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := listen(t, echoes)
			c := config(server)
			c.Faults, c.Unpaced = faults, false
			r := newRig(t, c, func(o *channel.Options) {
				o.PingEvery, o.Silence = 200*time.Millisecond, time.Second
			})
			conn := r.connect()
			if err := roundTrip(conn, 1, 300<<10); err != nil {
				t.Fatalf("%v; stats %+v", err, r.c.Stats())
			}
			if err := roundTrip(conn, 2, 100<<10); err != nil {
				t.Fatalf("the same connection later: %v; stats %+v", err, r.c.Stats())
			}
			t.Logf("stats %+v", r.c.Stats())
		})
	}
}

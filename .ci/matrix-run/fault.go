package main

import (
	"log"
	"os"
	"slices"
	"syscall"
	"time"

	"ssmguard/internal/sandbox/gateway"
	"ssmguard/internal/sandbox/world"
)

// way is what a cell does when the fault strikes.
type way string

const (
	up   way = "up"   // the client sends
	down way = "down" // the client receives
	idle way = "idle" // nothing; it receives afterwards, over the same connection
)

// fault is one kind of trouble.
type fault struct {
	name, what string
	configure  func(*gateway.SessionConfig) // before the session starts
	strike     func(*cell)                  // at each of the points of the transfer
	points     []float64                    // fractions of the transfer; thirds if nil
	mib        float64                      // moved; 0: what the settings say
	also       []outcome                    // wanted as well as passed, where no client can do better
	apart      bool                         // the client has a network of its own
	clock      bool                         // the client is built with a wall clock that can be set
	half       bool                         // the client ends its direction before it reads the answer
}

// ways returns what the fault can strike.
func (f *fault) ways() []way {
	switch {
	case f.half:
		return []way{up}
	case f.strike == nil:
		return []way{up, down}
	}
	return []way{up, down, idle}
}

// wants reports whether an outcome is what is wanted of a client.
func (f *fault) wants(o outcome) bool {
	return o == passed || slices.Contains(f.also, o)
}

// cut breaks the connection to the gateway as soon as there is one.
func cut(how gateway.Action) func(*cell) {
	return func(c *cell) {
		s := c.session()
		if _, err := s.Await(c.ctx, func(st gateway.Status) bool { return st.State == gateway.Connected }); err == nil {
			s.Cut(how)
		}
	}
}

// resume has the next call of ResumeSession fail, or be late, after a reset.
func resume(f world.Fault) func(*cell) {
	f.Operation, f.Call = "ssm:ResumeSession", 1
	return func(c *cell) {
		c.sandbox.Account.Inject(f)
		c.session().Cut(gateway.CutRST)
	}
}

// both sets the same noise in both directions.
func both(n gateway.Noise) func(*gateway.SessionConfig) {
	return func(c *gateway.SessionConfig) {
		c.Faults = gateway.Faults{Seed: 7, Up: n, Down: n}
	}
}

// absent is how long a client or its network is away where that is a fault. It is longer
// than our client takes to find a silent connection lost.
const absent = 12 * time.Second

// noticed is how long a client takes to have its clock set; see .ci/matrix-run/clock.
const noticed = 200 * time.Millisecond

// faults returns the rows of the matrix.
func faults(s settings) []*fault {
	half := []float64{0.5}
	all := []*fault{
		{name: "none", what: "no fault"},
		{name: "reset", what: "the connection to the gateway is reset", strike: cut(gateway.CutRST)},
		{name: "closed", what: "the connection to the gateway ends without a close frame", strike: cut(gateway.CutFIN)},
		{name: "close frame", what: "the gateway closes the websocket in an orderly way", strike: cut(gateway.CutFrame)},
		{name: "silence", what: "the connection to the gateway stays open, and nothing passes", strike: cut(gateway.Stall), points: half},
		{name: "broken frame", what: "the connection to the gateway ends within a websocket frame", strike: cut(gateway.CutBroken)},
		{name: "loss", what: "1 % of all messages are lost, acknowledgements included", configure: both(gateway.Noise{Loss: 0.01})},
		{name: "duplication", what: "5 % of all messages arrive twice", configure: both(gateway.Noise{Duplicate: 0.05})},
		{name: "reordering", what: "5 % of all messages arrive after the next one", configure: both(gateway.Noise{Reorder: 0.05})},
		{name: "delay", what: "40 ms each way", configure: both(gateway.Noise{Delay: 40 * time.Millisecond})},
		{name: "policed", what: "the gateway passes on 1 MB/s of the client's messages, with a queue of 32 KiB, pauses the client when that is full, and ends the session after 10 s of overflow", configure: func(c *gateway.SessionConfig) {
			c.Police = gateway.Police{Rate: 1_000_000, Queue: 32 << 10, Patience: 10 * time.Second}
			c.Faults.Up.Delay, c.Faults.Down.Delay = 20*time.Millisecond, 20*time.Millisecond
		}},
		{name: "resume refused, then not", what: "the connection is reset, and the next two calls of ResumeSession answer that there is no such session, which may be believed", points: half, also: []outcome{lost}, strike: func(c *cell) {
			c.session().RefuseResumes(2)
			c.session().Cut(gateway.CutRST)
		}},
		{name: "resume slow", what: "the connection is reset, and ResumeSession answers after 5 s", points: half, strike: resume(world.Fault{Delay: 5 * time.Second})},
		{name: "resume throttled", what: "the connection is reset, and ResumeSession is throttled once", points: half, strike: resume(world.Fault{Kind: world.Throttle})},
		{name: "resume unavailable", what: "the connection is reset, and ResumeSession answers with status 503 once", points: half, strike: resume(world.Fault{Kind: world.Unavailable})},
		{name: "resume dropped", what: "the connection is reset, and that of ResumeSession is closed without an answer once", points: half, strike: resume(world.Fault{Kind: world.Drop})},
		{name: "connects refused, then not", what: "the connection is reset, and the next two upgrades get status 403", points: half, strike: func(c *cell) {
			c.session().RefuseConnects(2)
			c.session().Cut(gateway.CutRST)
		}},
		{name: "session ended", what: "the service ends the session", points: half, also: []outcome{lost}, strike: func(c *cell) {
			c.session().Finish("")
		}},
		{name: "credentials expired", what: "the temporary credentials run out and are not renewed, then the connection is reset", points: half, also: []outcome{lost}, strike: func(c *cell) {
			c.sandbox.Account.Expire()
			c.session().Cut(gateway.CutRST)
		}},
		{name: "suspended", what: "the client is stopped (SIGSTOP) for 12 s, and the connection is reset meanwhile", points: half, strike: func(c *cell) {
			c.signal(syscall.SIGSTOP)
			c.session().Cut(gateway.CutRST)
			c.rest(absent)
			c.signal(syscall.SIGCONT)
		}},
		{name: "suspended, connection kept", what: "the client is stopped (SIGSTOP) for 12 s", points: half, strike: func(c *cell) {
			c.signal(syscall.SIGSTOP)
			c.rest(absent)
			c.signal(syscall.SIGCONT)
		}},
		{name: "clock set", what: "the wall clock of the client's machine is set an hour ahead, and the connection is reset: AWS refuses what is signed with such a time", points: half, clock: true, strike: func(c *cell) {
			if err := os.WriteFile(c.clock(), nil, 0o600); err != nil {
				log.Print(err) // the cell is that of a reset then
			}
			c.rest(noticed)
			c.session().Cut(gateway.CutRST)
		}},
		{name: "address changed", what: "the client's machine gets another address, and nothing tells of it to connections that have the old one", points: half, apart: true, strike: func(c *cell) {
			if err := c.space.move(); err != nil {
				log.Print(err) // the cell passes then, as if there were no fault
			}
		}},
		{name: "stalled reader", what: "another connection through the same client asks for 16 MiB and reads none", points: []float64{0}, strike: (*cell).stallAnother},
		{name: "far end reset", what: "the server behind the agent resets its connection; the agent can only close", points: half, also: []outcome{lost, unsaid, truncated}, strike: func(c *cell) {
			c.server.reset()
		}},
		{name: "half-close", what: "the client of the port ends its direction before it reads the answer; the agent ends both then", also: []outcome{lost}, half: true},
	}
	if s.row > 0 {
		all = append(all, &fault{name: "reset, large", what: "as reset, with more to move", strike: cut(gateway.CutRST), mib: s.row})
	}
	for _, f := range all {
		if f.points == nil {
			f.points = []float64{0.25, 0.5, 0.75}
		}
	}
	return slices.Clip(all)
}

package gateway

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"ssmguard/proxy/channel/wire"
)

// agent is the far side of one session. It starts with the first client and works until
// its worker has ended or it is stopped.
type agent struct {
	s      *Session
	ctx    context.Context
	cancel context.CancelFunc
	wait   sync.WaitGroup
	mu     sync.Mutex // start against stop; guards begun and idle
	begun  bool       // it has started or was stopped

	out     *outgoing
	in      incoming
	inbox   *inbox
	answers chan *message // the client's part of the handshake
	crypt   *crypt        // set before the handshake is complete
	client  string        // client version, as its handshake says
	ready   atomic.Bool   // the handshake is over, or there is none
	work    atomic.Pointer[worker]
	idle    *time.Timer
}

// worker is the agent's part of a session type.
type worker struct {
	// run returns at the end of the work, with the text for the client.
	run func() string
	// input takes a payload; it is called in order and may block.
	input func(t wire.PayloadType, p []byte)
	// stop frees run and input if they are blocked.
	stop func()
}

func newAgent(s *Session) *agent {
	a := &agent{s: s, out: newOutgoing(s), inbox: newInbox(), answers: make(chan *message, 4)}
	a.ctx, a.cancel = context.WithCancel(context.Background())
	a.in = incoming{
		early:    make(map[int64]*message),
		ack:      func(m *message) { s.transmit(acknowledgement(m)) },
		process:  a.process,
		repeated: func() { s.update(func(st *Status) { st.Up.Resent++ }) },
	}
	return a
}

// start runs the agent; later calls, and calls after stop, do nothing.
func (a *agent) start() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.begun {
		return
	}
	a.begun = true
	if d := a.s.cfg.IdleTimeout; d > 0 {
		a.idle = time.AfterFunc(d, func() { a.s.end("idle timeout", "Your session timed out due to inactivity.") })
	}
	a.wait.Go(func() { a.out.resend(a.ctx) })
	a.wait.Go(func() { a.inbox.empty(a.ctx, a.in.receive) })
	a.wait.Go(a.run)
}

// stop ends the agent and returns when its goroutines, processes and connections are gone.
func (a *agent) stop() {
	a.mu.Lock()
	a.begun = true
	if a.idle != nil {
		a.idle.Stop()
	}
	a.mu.Unlock()
	a.cancel()
	if w := a.work.Load(); w != nil {
		w.stop()
	}
	a.wait.Wait()
}

// run is the agent's work: handshake, worker, farewell.
func (a *agent) run() {
	if !a.hasHandshake() {
		a.ready.Store(true)
	} else if err := a.handshake(); err != nil {
		a.farewell("handshake failed", err.Error())
		return
	}
	w, err := a.newWorker()
	if err != nil {
		a.farewell("failed", err.Error())
		return
	}
	a.work.Store(w)
	if a.ctx.Err() != nil {
		w.stop()
	}
	a.s.update(func(st *Status) { st.Ready = true })
	a.s.tell("ready", "")
	output := w.run()
	a.farewell("finished", output)
}

// verbatim is an error in the real agent's words, which the client shows to its user.
type verbatim string

func (v verbatim) Error() string { return string(v) }

// farewell ends the session after the client has received all output.
func (a *agent) farewell(reason, output string) {
	if a.ctx.Err() == nil {
		a.out.drain(a.ctx)
	}
	a.s.end(reason, output)
}

func (a *agent) newWorker() (*worker, error) {
	switch a.s.cfg.Kind {
	case Port:
		return a.newPort()
	case NonInteractiveCommands:
		return a.newCommand()
	default:
		return a.newTerminal()
	}
}

// receive takes one message from the client, in any order. It does not block, because
// the gateway has to answer pings while the agent is busy.
func (a *agent) receive(m *message) {
	switch m.Type {
	case wire.Acknowledge:
		if ack, err := wire.ParseAck(m.Payload); err == nil {
			a.out.acknowledged(ack.Seq)
		}
	case wire.InputStreamData:
		a.inbox.put(m)
	}
}

// process takes the payloads in order. As with the real agent, input before the end of
// the handshake is lost, and input before the worker has started is not taken: the
// client sends it again.
func (a *agent) process(m *message) (taken bool) {
	if a.ready.Load() && a.work.Load() == nil {
		return false
	}
	a.alive()
	a.s.update(func(st *Status) { st.Up.Payload += int64(len(m.Payload)) })
	switch m.PayloadType {
	case wire.PayloadHandshakeResponse, wire.PayloadEncChallengeResponse:
		select {
		case a.answers <- m:
		default:
		}
		return true
	case wire.PayloadFlag:
		if f, ok := wire.ParseFlag(m.Payload); ok && f == wire.TerminateSession {
			a.s.end("terminated by flag", "")
			return true
		}
	}
	w := a.work.Load()
	if w == nil {
		return true
	}
	p := m.Payload
	if a.crypt != nil && m.PayloadType == wire.PayloadOutput {
		var err error
		if p, err = a.crypt.open(p); err != nil {
			a.s.tell("garbled", err.Error())
			return true
		}
	}
	w.input(m.PayloadType, p)
	return true
}

// say sends one payload of at most chunk bytes, encrypted if the session is, and pauses as
// the real agent does, unless SessionConfig.Unpaced says otherwise.
func (a *agent) say(t wire.PayloadType, p []byte) error {
	a.alive()
	if a.crypt != nil && encrypted[t] {
		p = a.crypt.seal(p)
	}
	if err := a.out.write(a.ctx, t, p); err != nil {
		return err
	}
	a.s.update(func(st *Status) { st.Down.Payload += int64(len(p)) })
	if a.s.cfg.Unpaced {
		return nil
	}
	return a.sleep(paceInterval)
}

var encrypted = map[wire.PayloadType]bool{
	wire.PayloadOutput: true, wire.PayloadStdErr: true, wire.PayloadExitCode: true,
}

// sleep waits, but not longer than the agent lives.
func (a *agent) sleep(d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-a.ctx.Done():
		return errStopped
	}
}

// alive restarts the idle timeout.
func (a *agent) alive() {
	if a.idle != nil && a.ctx.Err() == nil {
		a.idle.Reset(a.s.cfg.IdleTimeout)
	}
}

package api

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"ssmguard/internal/sandbox/world"
)

type injected struct {
	world.Fault
	seen int
}

// traffic has the log of calls and the faults for further calls. It has a lock of its
// own, because operations run meanwhile.
type traffic struct {
	onCall func(Call)
	delay  time.Duration // of every call

	mu     sync.Mutex
	faults []*injected
	calls  []Call
}

// Call is one entry of the call log.
type Call struct {
	At        time.Time
	Operation string // "ssm:StartSession"
	Principal string // ARN, "" when the caller is not known
	Region    string
	Error     string // AWS's error code, "" when it succeeded
}

// Inject adds faults for further calls.
func (t *traffic) Inject(faults ...world.Fault) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, f := range faults {
		t.faults = append(t.faults, &injected{Fault: f})
	}
}

// Heal removes every injected fault.
func (t *traffic) Heal() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.faults = nil
}

// Calls returns the log of calls so far, the oldest first.
func (t *traffic) Calls() []Call {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.calls)
}

// ForgetCalls empties the call log.
func (t *traffic) ForgetCalls() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.calls = nil
}

func (t *traffic) record(c *Request, err error) {
	entry := Call{At: c.Now(), Operation: c.Service + ":" + c.Operation, Region: c.Region}
	if c.Who != nil {
		entry.Principal = c.Who.ARN
	}
	if f, ok := err.(*Refusal); ok {
		entry.Error = f.Code
	} else if err != nil {
		entry.Error = "InternalFailure"
	}
	t.mu.Lock()
	t.calls = append(t.calls, entry)
	t.mu.Unlock()
	if t.onCall != nil {
		t.onCall(entry)
	}
}

// strike returns the faults of a call: the sum of the delays, and the first kind.
func (t *traffic) strike(c *Request) (delay time.Duration, kind world.FaultKind) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delay = t.delay
	for _, f := range t.faults {
		name := c.Service + ":" + c.Operation
		prefix, wild := strings.CutSuffix(f.Operation, "*")
		if f.Operation != name && !(wild && strings.HasPrefix(name, prefix)) {
			continue
		}
		if f.seen++; f.Call != 0 && f.Call != f.seen {
			continue
		}
		delay += f.Delay
		if kind == "" {
			kind = f.Kind
		}
	}
	return delay, kind
}

// disturb applies the faults of a call; false means that the call was answered.
func (s *Server) disturb(w http.ResponseWriter, c *Request) bool {
	delay, kind := s.strike(c)
	if delay > 0 {
		timer := time.NewTimer(delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-c.Ctx.Done():
			return false
		}
	}
	var f *Refusal
	switch kind {
	case world.Throttle:
		f = troubleFor(c.Service, throttled, "")
	case world.Unavailable:
		f = troubleFor(c.Service, unavailable, "")
	case world.Garbage:
		s.record(c, Refuse("Garbage", ""))
		w.Write([]byte("<html><body>not what you asked for")) //nolint:errcheck // the client has gone
		return false
	case world.Drop:
		s.record(c, Refuse("Drop", ""))
		panic(http.ErrAbortHandler)
	default:
		return true
	}
	s.record(c, f)
	c.write(w, nil, f)
	return false
}

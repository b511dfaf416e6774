package dynamic

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"ssmguard/cmd/internal/dial"
	"ssmguard/proxy"
	"ssmguard/proxy/awsssm"
	"ssmguard/proxy/channel"
	"ssmguard/proxy/socks"
)

func TestReplies(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want socks.Reply
	}{
		{&deniedError{"no rule"}, socks.NotAllowed},
		{&proxy.Refused{Code: "AccessDeniedException", HTTPStatus: 400}, socks.NotAllowed},
		{&proxy.Refused{Code: "ThrottlingException", HTTPStatus: 400}, socks.Failed},
		{&unreachableError{channel.ErrRemotePort}, socks.Refused},
		{fmt.Errorf("%w", errSilent), socks.TimedOut},
		{fmt.Errorf("%w: 256", errBusy), socks.Failed},
		{context.DeadlineExceeded, socks.Failed},
	} {
		if got := replyFor(tc.err); got != tc.want {
			t.Errorf("%v: reply %d, want %d", tc.err, got, tc.want)
		}
	}
}

// The same line is said once a minute, and different ones have a bound.
func TestSay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		said := 0
		p := &Proxy{Say: func(string) { said++ }, said: make(map[string]time.Time)}
		for range 10 {
			p.say("one")
		}
		for i := range 2 * mostSaid {
			p.say(fmt.Sprint(i))
		}
		if said != mostSaid {
			t.Errorf("%d lines, want %d", said, mostSaid)
		}
		time.Sleep(sayEvery)
		p.say("one")
		p.say("two")
		if said != mostSaid+2 {
			t.Errorf("%d lines a minute later, want %d", said, mostSaid+2)
		}
	})
}

// One destination more than the limit takes the place of one that is not used; if all are, it is
// refused.
func TestLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		p := &Proxy{Limit: 2, Say: func(string) {}, said: make(map[string]time.Time), destinations: make(map[string]*destination),
			starting: make(chan struct{}, startsAtOnce), Dialer: &dial.Dialer{API: new(awsssm.Client)}, Traffic: new(dial.Traffic),
			Start: func(ctx context.Context, _ string, _ int) (*proxy.Session, error) {
				<-ctx.Done()
				return nil, context.Cause(ctx)
			}}
		enter := func(host string) (*destination, error) { return p.enter(ctx, host, 1) }
		a, errA := enter("a")
		again, errAgain := enter("a")
		_, errB := enter("b")
		if err := errors.Join(errA, errAgain, errB); err != nil || again != a || p.Destinations() != 2 {
			t.Fatalf("%v, %d destinations", err, p.Destinations())
		}
		if _, err := enter("c"); !errors.Is(err, errBusy) {
			t.Errorf("all are in use: %v", err)
		}
		p.leave(a)
		p.leave(a)
		if _, err := enter("c"); !errors.Is(err, errBusy) {
			t.Errorf("one was just used: %v", err)
		}
		time.Sleep(justUsed + time.Second)
		if _, err := enter("c"); err != nil || p.Destinations() != 2 {
			t.Errorf("one is not used: %v, %d destinations", err, p.Destinations())
		}
		<-a.ended
		cancel()
		p.running.Wait()
		if p.Destinations() != 0 {
			t.Errorf("%d destinations at the end", p.Destinations())
		}
	})
}

package awsiam

import (
	"context"
	"errors"
	"sync"

	"ssmguard/guard"
)

// memo is what a client has asked or is asking.
type memo struct {
	caller   flight[identity]
	entity   flight[entity]
	evidence flight[evidence]

	mu    sync.Mutex
	facts map[factsKey]*flight[guard.Facts]
	like  map[likeKey]*flight[bool]
}

// likeKey is a call that is made to see whether AWS refuses its like.
type likeKey struct{ region, permission string }

// factsKey is the part of a request that facts depend on.
type factsKey struct{ region, target, document, container string }

func newMemo() *memo {
	return &memo{facts: make(map[factsKey]*flight[guard.Facts]), like: make(map[likeKey]*flight[bool])}
}

// likeCall returns the flight of a call.
func (m *memo) likeCall(region, permission string) *flight[bool] {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := likeKey{region, permission}
	if m.like[key] == nil {
		m.like[key] = new(flight[bool])
	}
	return m.like[key]
}

// current returns the memo; Refresh replaces it.
func (a *answers) current() *memo {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.memo
}

// flight is one read that is made once and waited for by many. A failed read
// stays failed, except that one ended by its context is made again.
type flight[T any] struct {
	mu   sync.Mutex
	done chan struct{}
	out  T
	err  error
}

// start begins the read when nobody has, and returns the channel that closes
// when it is over. The read runs in a goroutine of a, so that a caller who
// stops waiting does not spoil it for the others.
func (f *flight[T]) start(ctx context.Context, a *connection, read func(context.Context) (T, error)) <-chan struct{} {
	f.mu.Lock()
	if f.done != nil && !f.again() {
		defer f.mu.Unlock()
		return f.done
	}
	done := make(chan struct{})
	f.done = done
	f.mu.Unlock()
	a.background(ctx, func(ctx context.Context) {
		out, err := read(ctx)
		f.mu.Lock()
		f.out, f.err = out, err
		f.mu.Unlock()
		close(done)
	})
	return done
}

// get is start, and waits for the result or for the end of ctx.
func (f *flight[T]) get(ctx context.Context, a *connection, read func(context.Context) (T, error)) (T, error) {
	select {
	case <-f.start(ctx, a, read):
	case <-ctx.Done():
		var zero T
		return zero, ctx.Err()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.out, f.err
}

// again reports whether the last read is over because it was told to stop.
func (f *flight[T]) again() bool {
	select {
	case <-f.done:
		return errors.Is(f.err, context.Canceled)
	default:
		return false
	}
}

// background runs f in a goroutine that Close ends and waits for. f gets ctx's
// values but not its end.
func (r *reads) background(ctx context.Context, f func(context.Context)) {
	if r.life.Err() != nil {
		f(r.life) // closed: every call in f fails at once
		return
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(r.life, cancel)
	r.wait.Go(func() {
		defer cancel()
		defer stop()
		f(ctx)
	})
}

package channel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"

	"ssmguard/proxy"
	"ssmguard/proxy/channel/reliable"
	"ssmguard/proxy/channel/wire"
)

// ShellOptions is what a terminal adds to its streams.
type ShellOptions struct {
	// Sizes gives the terminal's size, first now and then whenever it changes. Nil sends none.
	Sizes <-chan wire.Size
	// Escape begins an escape sequence at the start of a line, usually '~'; 0 knows none.
	// Escape and '.' leaves the session, Escape twice sends it once.
	Escape byte
	// OnEscape is asked about any other byte after Escape; true swallows both.
	OnEscape func(b byte) bool
}

const (
	shellBuffer = 1 << 20 // bytes that out may lag behind
	shellWrite  = 32 << 10
)

// shell is the engine of a terminal or a command.
type shell struct {
	ctx   context.Context
	wake  chan struct{}
	news  chan struct{} // the same for endInput
	freed chan struct{}

	mu    sync.Mutex
	queue []reliable.Arrival
	size  int
	down  int64
	exit  int
}

// Shell joins a shell or command session to the caller's streams until it ends.
// It returns the exit code the agent told, 0 if it told none. The error is nil
// when the far side ended the session in peace, ErrEscaped when the user left,
// a ClosedError when the gateway had something to say (such as the idle timeout).
//
// Bytes pass unaltered both ways; the caller puts its terminal into raw mode,
// so Ctrl-C and its kin are bytes like any other. At the end of In the far
// terminal is told so (Ctrl-D) and the session goes on until what runs there has
// ended. A nil In is no input at all, which is right for NonInteractiveCommands:
// their programs read none.
//
// Everything that came is written before Shell returns, however slowly Out takes
// it; when ctx ends or the user leaves, a write that takes longer than a second is
// left behind. So is a read of In that is under way, unless In has SetReadDeadline
// or is an io.PipeReader.
func (c *Channel) Shell(ctx context.Context, streams proxy.Streams, opt ShellOptions) (exit int, err error) {
	if c.info.SessionType == Port {
		return 0, fmt.Errorf("a session of type %s is no shell", c.info.SessionType)
	}
	ctx, leave := context.WithCancel(ctx)
	defer leave()
	inner, cancel := c.within(ctx)
	defer cancel()
	e := &shell{ctx: inner, wake: make(chan struct{}, 1), news: make(chan struct{}, 1), freed: make(chan struct{}, 1)}
	c.mu.Lock()
	c.unhurried = true
	c.mu.Unlock()
	if err := c.attach(e); err != nil {
		return 0, err
	}
	out := newOutlet(streams.Out)
	errOut := out
	if streams.Err != nil {
		errOut = newOutlet(streams.Err)
	}
	giveUp := func() { out.Close(); errOut.Close() } //nolint:errcheck // they may be closed already
	defer giveUp()
	defer leaveAfter(ctx, farewell, giveUp)()

	var wg sync.WaitGroup
	left := make(chan error, 2)
	c.sendFirstSize(opt.Sizes)
	start := func(f func()) { wg.Go(func() { c.guarded(f) }) }
	start(func() {
		if err := c.sendInput(inner, e, streams.In, opt); err != nil {
			left <- err
		}
	})
	start(func() { c.sendSizes(inner, opt.Sizes) })
	written := make(chan error, 1)
	start(func() {
		err := e.writeAll(out, errOut)
		written <- err
		if err != nil {
			left <- err
		}
	})
	select {
	case err = <-left: // only for a reason: the user left, or a stream broke
		c.stop(fmt.Errorf("%w: %w", ErrClosed, err))
		leave()
	case <-inner.Done():
	}
	cancel()
	c.stop(ErrClosed)
	wg.Wait()
	<-c.ended
	if err == nil {
		err = <-written
	}
	return e.exitCode(), shellError(c.cause(), err)
}

// shellError picks what to tell the caller: why we left, else why the session ended.
func shellError(cause, left error) error {
	var closed *ClosedError
	switch {
	case left != nil:
		return left
	case errors.As(cause, &closed) && closed.Output == "":
		return nil
	}
	return cause
}

// sendInput sends what the user types. It returns an error when the session has to end for it.
func (c *Channel) sendInput(ctx context.Context, e *shell, from io.Reader, opt ShellOptions) error {
	if from == nil {
		return nil
	}
	in := newStdio(from, nil)
	defer in.Close()
	defer context.AfterFunc(ctx, func() { in.Close() })()
	escape := escaper{char: opt.Escape, on: opt.OnEscape}
	for {
		m := c.newMessage()
		buf := m.Payload(c.opt.MessageSize - overhead)
		n, err := in.Read(buf[1:]) // a held back escape character may come in front
		keep, left := escape.filter(buf[:0], buf[1:1+n])
		if len(keep) == 0 {
			c.recycle(m)
		} else if c.send(ctx.Done(), m, len(keep), wire.PayloadOutput) != nil {
			return nil
		}
		switch {
		case left:
			return ErrEscaped
		case err == io.EOF:
			if c.info.SessionType != NonInteractiveCommands {
				proxy.EndInput(ctx, e.news, !escape.mid, func(key byte) { c.sendNow(wire.PayloadOutput, []byte{key}) })
			}
			return nil
		case err != nil && ctx.Err() == nil:
			return fmt.Errorf("cannot read the input: %w", err)
		case err != nil:
			return nil
		}
	}
}

// sendFirstSize sends a size that is there already, before anything that is typed.
func (c *Channel) sendFirstSize(sizes <-chan wire.Size) {
	select {
	case size, ok := <-sizes:
		if ok {
			c.sendSize(size)
		}
	default:
	}
}

func (c *Channel) sendSize(size wire.Size) {
	if b, err := json.Marshal(size); err == nil {
		c.sendNow(wire.PayloadSize, b)
	}
}

func (c *Channel) sendSizes(ctx context.Context, sizes <-chan wire.Size) {
	for {
		select {
		case size, ok := <-sizes:
			if !ok {
				return
			}
			c.sendSize(size)
		case <-ctx.Done():
			return
		}
	}
}

func (e *shell) output(kind wire.PayloadType, payload []byte) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch kind {
	case wire.PayloadOutput, wire.PayloadStdErr:
		if n := len(e.queue) - 1; n >= 0 && e.queue[n].Kind == kind && len(e.queue[n].Payload)+len(payload) <= shellWrite {
			e.queue[n].Payload = append(e.queue[n].Payload, payload...)
		} else {
			e.queue = append(e.queue, reliable.Arrival{Kind: kind, Payload: append([]byte(nil), payload...)})
		}
		e.size += len(payload)
		e.down += int64(len(payload))
		proxy.Signal(e.wake)
		proxy.Signal(e.news)
	case wire.PayloadExitCode:
		if n, err := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(string(payload), "EXIT_CODE:"))); err == nil {
			e.exit = n
		}
	}
	return nil
}

func (e *shell) exitCode() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.exit
}

func (e *shell) count(s *Stats) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s.Down, s.Buffered = e.down, e.size
}

func (e *shell) full() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.size >= shellBuffer
}

func (e *shell) bulk() bool { return false }

func (e *shell) room(stop <-chan struct{}) {
	for e.full() {
		select {
		case <-e.freed:
		case <-stop:
			return
		case <-e.ctx.Done():
			return
		}
	}
}

// writeAll writes what has come until the session has ended and all is written.
func (e *shell) writeAll(out, errOut io.Writer) error {
	for {
		ended := e.ctx.Err() != nil // asked first: what came before the end is written
		e.mu.Lock()
		queue := e.queue
		e.queue = nil
		e.mu.Unlock()
		for _, a := range queue {
			to := out
			if a.Kind == wire.PayloadStdErr {
				to = errOut
			}
			if _, err := to.Write(a.Payload); err != nil {
				return err
			}
			e.mu.Lock()
			e.size -= len(a.Payload)
			e.mu.Unlock()
			proxy.Signal(e.freed)
		}
		if len(queue) > 0 {
			continue
		}
		if ended {
			return nil
		}
		select {
		case <-e.wake:
		case <-e.ctx.Done():
		}
	}
}

// escaper finds escape sequences in what is typed.
type escaper struct {
	char byte // 0: off
	on   func(byte) bool
	mid  bool // not at the start of a line
	held bool // char was typed and waits for the next byte
}

// filter appends to dst what of src is for the far side. left says that the
// user wants to leave. dst may be src's array as long as it starts a byte before it.
func (e *escaper) filter(dst, src []byte) (out []byte, left bool) {
	for _, b := range src {
		switch {
		case e.held:
			e.held = false
			switch {
			case b == '.':
				return dst, true
			case b == e.char:
				dst = append(dst, b)
				e.mid = true
			case e.on != nil && e.on(b):
			default:
				dst = append(dst, e.char, b)
				e.mid = b != '\r' && b != '\n'
			}
		case e.char != 0 && b == e.char && !e.mid:
			e.held = true
		default:
			dst = append(dst, b)
			e.mid = b != '\r' && b != '\n'
		}
	}
	return dst, false
}

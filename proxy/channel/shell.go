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
	// Keys are typed beside the input, for signals that are meant for the far end. Nil types none.
	Keys <-chan byte
	// ShowExitCode writes the message in which the agent tells the exit code to Out, too, as
	// the official plugin does.
	ShowExitCode bool
}

const (
	shellBuffer = 1 << 20 // bytes that out may lag behind
	shellWrite  = 32 << 10
)

// shell is the engine of a terminal or a command. mu guards what stands below it.
type shell struct {
	c     *Channel
	opt   ShellOptions
	ctx   context.Context
	wake  chan struct{} // something came, for the writer
	news  chan struct{} // the same for proxy.EndInput
	freed chan struct{} // something was written

	mu    sync.Mutex
	queue []reliable.Arrival
	size  int
	down  int64
	exit  int
}

// Shell joins a shell or command session to the caller's streams until it ends.
// It returns the exit code the agent told, 0 if it told none. The error is nil
// when the far side ended the session without a message, ErrEscaped when the user left,
// a ClosedError when the gateway had something to say (such as the idle timeout).
//
// Bytes pass unaltered both ways; the caller puts its terminal into raw mode,
// so Ctrl-C is a byte like any other. At the end of In the far terminal gets Ctrl-D,
// and the session goes on until the program there has ended. A nil In is no input at all, which is right for NonInteractiveCommands:
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
	e := &shell{c: c, opt: opt, ctx: inner, wake: make(chan struct{}, 1), news: make(chan struct{}, 1), freed: make(chan struct{}, 1)}
	c.out.change(func() { c.out.noAckTimeout = true })
	if err := c.in.attach(e); err != nil {
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
	left := make(chan error, 3)
	e.sendFirstSize()
	start := func(f func()) { wg.Go(func() { c.guarded(f) }) }
	start(func() {
		if err := e.sendInput(streams.In); err != nil {
			left <- err
		}
	})
	start(e.sendSizes)
	start(e.sendKeys)
	if c.late != nil {
		start(func() {
			if err := c.late.answerAll(inner); err != nil {
				left <- err
			}
		})
	}
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
func (e *shell) sendInput(from io.Reader) error {
	if from == nil {
		return nil
	}
	in, out := newStdio(from, nil), e.c.out
	defer in.Close()
	defer context.AfterFunc(e.ctx, func() { in.Close() })()
	escape := escaper{char: e.opt.Escape, on: e.opt.OnEscape}
	for {
		m := out.newMessage()
		buf := m.Payload(e.c.opt.MessageSize - overhead)
		n, err := in.Read(buf[1:]) // a held back escape character may come in front
		keep, left := escape.filter(buf[:0], buf[1:1+n])
		if len(keep) == 0 {
			out.recycle(m)
		} else if out.send(e.ctx.Done(), m, len(keep), wire.PayloadOutput) != nil {
			return nil
		}
		switch {
		case left:
			return ErrEscaped
		case err == io.EOF:
			if e.c.info.SessionType != NonInteractiveCommands {
				proxy.EndInput(e.ctx, e.news, !escape.mid, func(key byte) { out.sendNow(wire.PayloadOutput, []byte{key}) })
			}
			return nil
		case err != nil && e.ctx.Err() == nil:
			return fmt.Errorf("cannot read the input: %w", err)
		case err != nil:
			return nil
		}
	}
}

// sendFirstSize sends a size that is there already, before anything that is typed.
func (e *shell) sendFirstSize() {
	select {
	case size, ok := <-e.opt.Sizes:
		if ok {
			e.c.sendSize(size)
		}
	default:
	}
}

func (c *Channel) sendSize(size wire.Size) {
	if b, err := json.Marshal(size); err == nil {
		c.out.sendNow(wire.PayloadSize, b)
	}
}

func (e *shell) sendSizes() {
	for {
		select {
		case size, ok := <-e.opt.Sizes:
			if !ok {
				return
			}
			e.c.sendSize(size)
		case <-e.ctx.Done():
			return
		}
	}
}

func (e *shell) sendKeys() {
	for {
		select {
		case key, ok := <-e.opt.Keys:
			if !ok {
				return
			}
			e.c.out.sendNow(wire.PayloadOutput, []byte{key})
		case <-e.ctx.Done():
			return
		}
	}
}

func (e *shell) output(kind wire.PayloadType, payload []byte) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch kind {
	case wire.PayloadOutput, wire.PayloadStdErr:
		if len(payload) > 0 {
			e.enqueue(kind, payload)
		}
	case wire.PayloadExitCode:
		if e.opt.ShowExitCode {
			e.enqueue(wire.PayloadOutput, payload)
		}
		if n, err := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(string(payload), "EXIT_CODE:"))); err == nil {
			e.exit = n
		}
	}
	return nil
}

// enqueue leaves a payload to the writer. The caller holds the lock.
func (e *shell) enqueue(kind wire.PayloadType, payload []byte) {
	if n := len(e.queue) - 1; n >= 0 && e.queue[n].Kind == kind && len(e.queue[n].Payload)+len(payload) <= shellWrite {
		e.queue[n].Payload = append(e.queue[n].Payload, payload...)
	} else {
		e.queue = append(e.queue, reliable.Arrival{Kind: kind, Payload: append([]byte(nil), payload...)})
		e.size += arrivalSize
	}
	e.size += len(payload)
	e.down += int64(len(payload))
	proxy.Signal(e.wake)
	proxy.Signal(e.news)
}

func (e *shell) exitCode() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.exit
}

func (e *shell) stats() Stats {
	e.mu.Lock()
	defer e.mu.Unlock()
	return Stats{Down: e.down, Buffered: e.size}
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
			e.size -= len(a.Payload) + arrivalSize
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

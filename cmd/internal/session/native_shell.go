package session

import (
	"context"
	"errors"

	"ssmguard/cmd/internal/exit"
	"ssmguard/proxy"
	"ssmguard/proxy/channel"
)

// shell connects a shell or a command to the user's terminal, and restores the terminal
// at the end. A command without input leaves the terminal's mode unchanged: Ctrl-C
// interrupts ssmguard then, which ends the session.
func (n *nativeSession) shell(ctx context.Context, ch *channel.Channel, s *proxy.Session, streams proxy.Streams) error {
	options := channel.ShellOptions{ShowExitCode: n.lines != nil}
	if ch.Info().SessionType == channel.NonInteractiveCommands {
		streams.In = nil
	} else {
		sizes, stop := n.terminal.sizes(n.screen.redraw)
		defer stop()
		options.Sizes = sizes
		n.screen.withUser()
	}
	keys, undo := n.lines.keys()
	defer undo()
	options.Keys = keys
	if streams.In != nil && n.terminal.in != nil {
		if err := n.terminal.raw(); err != nil {
			return err
		}
		defer n.terminal.restore()
		typed, done := n.terminal.keys()
		defer done()
		streams.In = typed
		if n.lines == nil {
			n.screen.note("session " + s.ID + ", ~. leaves it")
			options.Escape, options.OnEscape = '~', n.escaped
		}
	}
	streams.Out = n.screen
	ended, err := ch.Shell(ctx, streams, options)
	switch {
	case context.Cause(ctx) != nil:
		err = context.Cause(ctx)
	case errors.Is(err, channel.ErrEscaped):
		n.screen.end()
		n.screen.note("left session " + s.ID)
		return nil
	case pipeEnd(err) != nil:
		return pipeEnd(err)
	case sessionError(err) != nil:
		err = sessionError(err)
	case ended != 0:
		return exit.EndWith(remoteStatus(ended))
	}
	if err != nil && n.lines == nil {
		n.screen.end()
	}
	return err
}

// escaped acts on the character after ~ at the start of a line.
func (n *nativeSession) escaped(b byte) bool {
	switch {
	case b == '?':
		n.screen.note(escapes)
	case b == controlZ && canSuspend:
		n.terminal.suspend()
	default:
		return false
	}
	return true
}

const controlZ = 0x1a

// remoteStatus is our exit code for the exit code of a remote command, as in ssh. A
// command that a signal ended has no code; the result is then exit.Other.
func remoteStatus(code int) int {
	if code < 0 || code > 255 {
		return exit.Other
	}
	return code
}

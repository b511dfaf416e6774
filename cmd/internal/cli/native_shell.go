package cli

import (
	"context"
	"fmt"

	"golang.org/x/term"

	"ssmguard/proxy"
	"ssmguard/proxy/channel"
)

// defaultSize is the size that a session without a terminal gets.
var defaultSize = channel.Size{Cols: 300, Rows: 100}

// escapes is what can be typed after ~ at the start of a line.
const escapes = "~. leaves the session, ~~ sends a tilde, ~? shows this"

// shell joins a shell to the user's terminal, which is as it was when it returns.
func (n *nativeSession) shell(ctx context.Context, ch *channel.Channel, streams proxy.Streams) error {
	sizes, stop := terminalSizes(streams.Out)
	defer stop()
	options := channel.ShellOptions{Sizes: sizes}
	if in := fileOf(streams.In); in != nil && term.IsTerminal(int(in.Fd())) {
		before, err := term.MakeRaw(int(in.Fd()))
		if err != nil {
			return fmt.Errorf("cannot set up the terminal: %w", err)
		}
		defer term.Restore(int(in.Fd()), before)
		options.Escape = '~'
		options.OnEscape = func(b byte) bool {
			if b == '?' {
				fmt.Fprintf(n.stderr, "\r\nssmguard: %s\r\n", escapes)
			}
			return b == '?'
		}
	}
	exit, err := ch.Shell(ctx, streams, options)
	switch {
	case context.Cause(ctx) != nil:
		return context.Cause(ctx)
	case sessionError(err) != nil:
		return sessionError(err)
	case exit != 0:
		return statusError{exit}
	}
	return nil
}

// sizeOf returns the size of the terminal behind a stream.
func sizeOf(stream any) (channel.Size, bool) {
	f := fileOf(stream)
	if f == nil {
		return defaultSize, false
	}
	cols, rows, err := term.GetSize(int(f.Fd()))
	if err != nil || cols <= 0 || rows <= 0 {
		return defaultSize, false
	}
	return channel.Size{Cols: uint32(cols), Rows: uint32(rows)}, true
}

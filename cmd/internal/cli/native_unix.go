//go:build !windows

package cli

import (
	"os"
	"os/signal"
	"syscall"

	"ssmguard/proxy/channel"
)

// terminalSizes gives the size of the terminal behind a stream, now and whenever
// it changes, until stop is called. Without a terminal it gives one default.
func terminalSizes(stream any) (sizes <-chan channel.Size, stop func()) {
	out := make(chan channel.Size, 1)
	size, isTerminal := sizeOf(stream)
	out <- size
	if !isTerminal {
		return out, func() {}
	}
	changed, done, ended := make(chan os.Signal, 1), make(chan struct{}), make(chan struct{})
	signal.Notify(changed, syscall.SIGWINCH)
	go func() {
		defer close(ended)
		for {
			select {
			case <-changed:
			case <-done:
				return
			}
			size, _ := sizeOf(stream)
			select {
			case out <- size:
			case <-done:
				return
			}
		}
	}()
	return out, func() {
		signal.Stop(changed)
		close(done)
		<-ended
	}
}

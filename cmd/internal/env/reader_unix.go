//go:build unix

package env

import (
	"context"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// readerLook is how long the system is asked at a time whether stdout has a reader, in
// milliseconds: so long a context may outlive its end.
const readerLook = 500

// WhileRead returns a context that ends as by SIGPIPE when stdout is a pipe and its reader has
// gone, as behind `| head -1`: who writes seldom would not notice. stop waits until nobody looks
// any more.
func (p *Process) WhileRead(ctx context.Context) (_ context.Context, stop func()) {
	f, ok := p.Stdout.(*os.File)
	if !ok {
		return ctx, func() {}
	}
	info, err := f.Stat()
	raw, rawErr := f.SyscallConn()
	if err != nil || rawErr != nil || info.Mode()&(os.ModeNamedPipe|os.ModeSocket) == 0 {
		return ctx, func() {}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for gone := false; !gone && ctx.Err() == nil; {
			err := raw.Control(func(fd uintptr) {
				fds := []unix.PollFd{{Fd: int32(fd)}}
				n, err := unix.Poll(fds, readerLook)
				gone = n > 0 && err == nil
			})
			if err != nil {
				return
			}
			if gone {
				cancel(Signalled{syscall.SIGPIPE})
			}
		}
	}()
	return ctx, func() {
		cancel(nil)
		<-ended
	}
}

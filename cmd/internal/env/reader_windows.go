package env

import "context"

// WhileRead returns the context: on Windows the reader of a pipe is missed at the next write.
func (p *Process) WhileRead(ctx context.Context) (_ context.Context, stop func()) {
	return ctx, func() {}
}

package check

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"sync"

	"ssmguard/guard/policy"
	"ssmguard/internal/safetext"
)

// blockSize is how much input is read at once; a line may be longer.
const blockSize = 128 << 10

// block is a run of whole lines on its way through the workers.
type block struct {
	in, out []byte
	cases   int
	done    chan struct{}
}

// decideCases reads cases as JSON Lines and writes one decision a line, in the
// order of the cases; empty lines are passed over. It works on all processors
// and returns the number of decisions. An error means that in could not be read
// or out not be written, or that ctx ended; a bad case is none, its decision is
// "error".
func decideCases(ctx context.Context, in io.Reader, out io.Writer) (int, error) {
	workers := runtime.GOMAXPROCS(0)
	work, order := make(chan *block), make(chan *block, 4*workers)
	free := sync.Pool{New: func() any { return &block{done: make(chan struct{}, 1)} }}
	var wait sync.WaitGroup
	for range workers {
		wait.Go(func() {
			var d policy.CaseEvaluator
			for b := range work {
				b.decide(&d)
				b.done <- struct{}{}
			}
		})
	}
	cases := 0
	var writeErr error
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	wait.Go(func() {
		for b := range order {
			<-b.done
			cases += b.cases
			if writeErr == nil {
				if _, writeErr = out.Write(safetext.JSON(b.out)); writeErr != nil {
					stop()
				}
			}
			free.Put(b)
		}
	})
	readErr := readBlocks(ctx, in, &free, func(b *block) {
		order <- b
		work <- b
	})
	close(work)
	close(order)
	wait.Wait()
	if writeErr != nil {
		return cases, writeErr
	}
	return cases, readErr
}

// readBlocks cuts the input into blocks of whole lines. It hands on what there
// is, so that a slow producer gets its decisions as they fall.
func readBlocks(ctx context.Context, in io.Reader, free *sync.Pool, f func(*block)) error {
	b := free.Get().(*block)
	b.in = b.in[:0]
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		if cap(b.in)-len(b.in) < blockSize/2 {
			b.in = append(make([]byte, 0, max(blockSize, 2*cap(b.in))), b.in...)
		}
		n, err := in.Read(b.in[len(b.in):cap(b.in)])
		from := len(b.in)
		b.in = b.in[:from+n]
		if end := from + bytes.LastIndexByte(b.in[from:], '\n') + 1; end > from {
			next := free.Get().(*block)
			next.in = append(next.in[:0], b.in[end:]...)
			b.in = b.in[:end]
			f(b)
			b = next
		}
		if err != nil {
			if len(b.in) > 0 {
				f(b)
			}
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
	}
}

// decide decides every case of the block.
func (b *block) decide(d *policy.CaseEvaluator) {
	b.out, b.cases = b.out[:0], 0
	for rest := b.in; len(rest) > 0; {
		line := rest
		if i := bytes.IndexByte(rest, '\n'); i >= 0 {
			line, rest = rest[:i], rest[i+1:]
		} else {
			rest = nil
		}
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		b.out = append(d.Decide(b.out, string(line)), '\n')
		b.cases++
	}
}

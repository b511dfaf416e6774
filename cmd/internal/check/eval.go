package check

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"time"

	"ssmguard/cmd/internal/env"
	"ssmguard/internal/safetext"
)

// evalOptions are the options of `ssmguard eval`.
type evalOptions struct {
	Stats bool
}

func runEval(ctx context.Context, p *env.Process, o evalOptions) error {
	// a read from a terminal or pipe does not end with the context: an interrupt
	// ends the process
	signal.Reset(os.Interrupt)
	start := time.Now()
	n, err := decideCases(ctx, p.Stdin, p.Stdout)
	if o.Stats {
		took := time.Since(start)
		safetext.Fprintf(p.Notes(), "ssmguard: %d cases in %.2f s, %.0f cases per second\n", n, took.Seconds(), float64(n)/took.Seconds())
	}
	if err != nil {
		return fmt.Errorf("eval: %w", err)
	}
	return nil
}

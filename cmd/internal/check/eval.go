package check

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"time"

	"github.com/urfave/cli/v2"

	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
)

// evalOptions are the options of `ssmguard eval`.
type evalOptions struct {
	Stats bool
}

// EvalCommand is `ssmguard eval`.
func EvalCommand(p *env.Process) *cli.Command {
	var o evalOptions
	return &cli.Command{
		Name:      "eval",
		Usage:     "decide evaluation cases read from stdin",
		UsageText: "ssmguard eval [--stats] < CASES",
		Description: `Reads evaluation cases from stdin, one JSON object a line, and writes one
decision a line to stdout: {"id", "decision", "matched", "error"}. The decision
is allowed, explicitDeny, implicitDeny, unknown or error; a bad case is an error
and the next one is read. It speaks to nobody and needs no credentials.`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "stats", Usage: "print the cases per second on stderr", Destination: &o.Stats, DisableDefaultText: true},
		},
		Action: func(c *cli.Context) error {
			if err := exit.NoWords(c); err != nil {
				return err
			}
			return runEval(c.Context, p, o)
		},
	}
}

func runEval(ctx context.Context, p *env.Process, o evalOptions) error {
	// a read from a terminal or pipe does not end with the context: an interrupt
	// ends the process
	signal.Reset(os.Interrupt)
	start := time.Now()
	n, err := decideCases(ctx, p.Stdin, p.Stdout)
	if o.Stats {
		took := time.Since(start)
		fmt.Fprintf(p.Stderr, "ssmguard: %d cases in %.2f s, %.0f cases per second\n", n, took.Seconds(), float64(n)/took.Seconds())
	}
	if err != nil {
		return fmt.Errorf("eval: %w", err)
	}
	return nil
}

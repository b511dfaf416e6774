package tunnelstate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/keeper"
	"ssmguard/internal/safetext"
)

// followEvery is the pause between two reads of a followed log.
const followEvery = 300 * time.Millisecond

// Logs prints the log of the background process that keeps a tunnel or a group, and
// follows it until it ends.
func Logs(ctx context.Context, p *env.Process, names []string, follow bool) error {
	if len(names) != 1 {
		return exit.Usagef("tunnel logs takes one name")
	}
	r, err := keeper.FindRegistry(p)
	if err != nil {
		return err
	}
	name := names[0]
	recs, err := r.Holding(name)
	if err != nil {
		return err
	}
	spoken := ""
	for _, rec := range recs {
		if rec.Foreground {
			spoken = fmt.Sprintf("; it is open in %v, which shows its messages", rec)
			continue
		}
		name = rec.Name
	}
	f, err := os.Open(r.File(name, "log"))
	if errors.Is(err, os.ErrNotExist) {
		if err := unknownName(p, r, name); err != nil {
			return err
		}
		return exit.Usagef("%s has never been open in the background%s", name, spoken)
	}
	if err != nil {
		return err
	}
	defer f.Close()
	out := safetext.NewLog(p.Stdout)
	defer out.Flush() //nolint:errcheck // an error of Write was returned
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for {
		alive := r.Alive(name)
		if _, err := io.Copy(out, f); err != nil || !follow || !alive {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

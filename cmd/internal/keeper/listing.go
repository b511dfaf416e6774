package keeper

import (
	"context"
	"fmt"
)

// The states in `ls` of tunnels for which no process answers.
const (
	StateDown    = "down"
	StateCrashed = "crashed"
	stateGaveUp  = "gaveup"
	stateUnknown = "unknown" // the process is alive and does not answer
)

// Statuses asks every process for the states of its tunnels.
func (r Registry) Statuses(ctx context.Context) ([]Status, error) {
	recs, err := r.All()
	if err != nil {
		return nil, err
	}
	var rows []Status
	for _, rec := range recs {
		rows = append(rows, r.StatusesOf(ctx, rec)...)
	}
	return rows, nil
}

// StatusesOf asks one process for the states of its tunnels. For a process that has
// ended it says how it ended.
func (r Registry) StatusesOf(ctx context.Context, rec Record) (rows []Status) {
	row := Status{Name: StateCrashed, Error: fmt.Sprintf("process %d has ended; see %q", rec.PID, "ssmguard tunnel logs "+rec.Name)}
	if rec.GaveUp != "" {
		row = Status{Name: stateGaveUp, Error: rec.GaveUp}
	}
	if r.Alive(rec.Name) {
		ctx, cancel := context.WithTimeout(ctx, askTime)
		defer cancel()
		answer, err := r.ask(ctx, rec.Name, statusRequest)
		if err == nil {
			for i := range answer {
				answer[i].Process, answer[i].PID, answer[i].Foreground = rec.process(), rec.PID, rec.Foreground
			}
			return answer
		}
		switch ended := r.ends(ctx, rec.Name); {
		case ended && rec.Foreground: // it was closed meanwhile
			r.Forget(rec) //nolint:errcheck // the next command tries again
			return nil
		case !ended:
			row = Status{Name: stateUnknown, PID: rec.PID, Foreground: rec.Foreground, Error: err.Error()}
		}
	}
	for _, name := range rec.Tunnels {
		row.Tunnel, row.Process = name, rec.process()
		rows = append(rows, row)
	}
	return rows
}

package keeper

import (
	"context"
	"fmt"
	"os"
	"time"

	"ssmguard/cmd/internal/env"
	"ssmguard/internal/safetext"
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
	row := Status{}
	if r.Alive(rec.Name) {
		ctx, cancel := context.WithTimeout(ctx, askTime)
		defer cancel()
		answer, err := r.ask(ctx, rec.Name, statusRequest)
		if err == nil {
			return rec.own(answer)
		}
		switch ended := r.ends(ctx, rec.Name); {
		case ended && rec.Foreground: // it was closed meanwhile
			r.Forget(rec) //nolint:errcheck // the next command tries again
			return nil
		case !ended:
			row = Status{Name: stateUnknown, PID: rec.PID, Foreground: rec.Foreground, Error: env.OneLine(err)}
		}
	}
	switch {
	case row.Name != "":
	case rec.GaveUp != "":
		row = Status{Name: stateGaveUp, Error: rec.GaveUp + at(" (", rec.Ended, ")"), Ended: rec.Ended, Exit: rec.Exit}
	default:
		rec = r.killed(rec)
		row = Status{Name: StateCrashed, Ended: rec.Ended, Error: fmt.Sprintf("process %d was killed or crashed%s; see %q",
			rec.PID, at(", last heard of at ", rec.Ended, ""), "ssmguard tunnel logs "+rec.Name)}
	}
	for _, name := range rec.Tunnels {
		row.Tunnel, row.Process = name, rec.process()
		rows = append(rows, row)
	}
	return rows
}

// own returns the states of a process's tunnels with what is known of the process.
func (rec Record) own(rows []Status) []Status {
	for i := range rows {
		rows[i].Process, rows[i].PID, rows[i].Foreground = rec.process(), rec.PID, rec.Foreground
	}
	return rows
}

// at is a time for people, local and with its offset, between two texts; "" for none.
func at(before string, t time.Time, after string) string {
	if t.IsZero() {
		return ""
	}
	return before + t.Local().Format("2006-01-02 15:04:05 -07:00") + after
}

// killed notes in the record and the log of a process that it was killed: it could not do
// so itself. The result is the record.
func (r Registry) killed(rec Record) Record {
	if !rec.Ended.IsZero() || rec.Foreground {
		return rec
	}
	lock := r.lockOf(rec.Name)
	if free, err := lock.TryLock(); err != nil || !free { // it was started again
		return rec
	}
	defer lock.Unlock() //nolint:errcheck // closing the file unlocks it anyway
	now, err := r.read(rec.Name)
	if err != nil || now.PID != rec.PID || !now.Started.Equal(rec.Started) {
		return rec
	}
	info, err := os.Stat(r.File(rec.Name, "log"))
	if err != nil {
		return rec
	}
	rec.Ended = info.ModTime()
	log, err := r.OpenLog(rec.Name)
	if err != nil {
		return rec
	}
	defer log.Close()
	safetext.Fprintf(log, "%s process %d was killed or crashed: it left no word\n", time.Now().Format(time.RFC3339), rec.PID)
	r.Write(rec) //nolint:errcheck // the next command tries again
	return rec
}

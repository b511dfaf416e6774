package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// registry is the directory in which the processes of background tunnels leave
// their traces. A process NAME has, readable by its owner alone:
//
//	NAME.json  its record, as long as it has not ended on request
//	NAME.lock  locked as long as it lives
//	NAME.sock  where it is asked and told
//	NAME.log   what it has to say, of this and earlier runs
type registry struct{ dir string }

// registry makes the directory if it is not there.
func (p *process) registry() (registry, error) {
	state := p.getenv("XDG_STATE_HOME")
	if state == "" {
		home := p.getenv("HOME")
		if home == "" {
			return registry{}, codedError{"background tunnels need a home: set HOME or XDG_STATE_HOME", exitConfig}
		}
		state = filepath.Join(home, ".local", "state")
	}
	r := registry{filepath.Join(state, "ssmguard", "tunnels")}
	return r, os.MkdirAll(r.dir, 0o700)
}

func (r registry) file(name, kind string) string { return filepath.Join(r.dir, name+"."+kind) }

// record is what is known of a background process from outside.
type record struct {
	Name    string    `json:"name"`
	PID     int       `json:"pid"`
	Started time.Time `json:"started"`
	Words   []string  `json:"words"` // of the command line after `tunnel up`
	Dir     string    `json:"dir"`   // where it was typed
	Tunnels []string  `json:"tunnels"`
	GaveUp  string    `json:"gaveUp,omitempty"` // why it has ended
}

func (r registry) write(rec record) error {
	b, err := json.Marshal(rec)
	if err != nil {
		return err
	}
	draft := r.file(rec.Name, "new")
	if err := os.WriteFile(draft, b, 0o600); err != nil {
		return err
	}
	return os.Rename(draft, r.file(rec.Name, "json"))
}

// read returns the record of a process, fs.ErrNotExist if it has none.
func (r registry) read(name string) (record, error) {
	var rec record
	b, err := os.ReadFile(r.file(name, "json"))
	if err != nil {
		return rec, err
	}
	return rec, json.Unmarshal(b, &rec)
}

// all returns every record, by name.
func (r registry) all() ([]record, error) {
	files, err := filepath.Glob(r.file("*", "json"))
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	var recs []record
	for _, file := range files {
		rec, err := r.read(strings.TrimSuffix(filepath.Base(file), ".json"))
		switch {
		case errors.Is(err, fs.ErrNotExist): // it has just ended
		case err != nil:
			return nil, fmt.Errorf("%s: %w", file, err)
		default:
			recs = append(recs, rec)
		}
	}
	return recs, nil
}

// holding returns the record of the process that keeps a tunnel or group.
func (r registry) holding(name string) (record, error) {
	recs, err := r.all()
	if err != nil {
		return record{}, err
	}
	for _, rec := range recs {
		if rec.Name == name {
			return rec, nil
		}
	}
	for _, rec := range recs {
		if slices.Contains(rec.Tunnels, name) {
			return rec, nil
		}
	}
	return record{}, codedError{fmt.Sprintf("%s is not open in the background; see %q", name, "ssmguard tunnel ls"), exitUsage}
}

// alive tells whether the process of a name runs. The lock says so, and no
// process id: ids are used again.
func (r registry) alive(name string) bool {
	lock := flock.New(r.file(name, "lock"), flock.SetPermissions(0o600))
	free, err := lock.TryLock()
	if free {
		lock.Unlock() //nolint:errcheck // closing the file unlocks it anyway
	}
	return err == nil && !free
}

// endTime is how long a process that does not answer may take to be gone.
const endTime = time.Second

// ends tells whether the process of a name, which does not answer, is on its way
// out: a killed one holds its lock until the system has cleared it away.
func (r registry) ends(ctx context.Context, name string) bool {
	ctx, cancel := context.WithTimeout(ctx, endTime)
	defer cancel()
	lock := flock.New(r.file(name, "lock"), flock.SetPermissions(0o600))
	free, err := lock.TryLockContext(ctx, endTime/50)
	if free {
		lock.Unlock() //nolint:errcheck // closing the file unlocks it anyway
	}
	return err == nil && free
}

// lock makes this process the one of a name.
func (r registry) lock(name string) (unlock func(), err error) {
	lock := flock.New(r.file(name, "lock"), flock.SetPermissions(0o600))
	free, err := lock.TryLock()
	if err != nil {
		return nil, err
	}
	if !free {
		return nil, fmt.Errorf("%s is open in the background already", name)
	}
	return func() { lock.Unlock() }, nil //nolint:errcheck // the process ends
}

// logLimit is the size from which a log is moved away at the next start.
const logLimit = 1 << 20

func (r registry) openLog(name string) (*os.File, error) {
	path := r.file(name, "log")
	if info, err := os.Stat(path); err == nil && info.Size() > logLimit {
		if err := os.Rename(path, path+".1"); err != nil {
			return nil, err
		}
	}
	return os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
}

// forget removes what a process that has ended left.
func (r registry) forget(name string) error {
	for _, kind := range []string{"sock", "json"} {
		if err := os.Remove(r.file(name, kind)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// stopTime bounds how long a background process may take to close its tunnels.
const stopTime = 15 * time.Second

// stop closes the tunnels of a process and returns when it has ended.
func (r registry) stop(ctx context.Context, rec record) error {
	if r.alive(rec.Name) {
		ctx, cancel := context.WithTimeoutCause(ctx, stopTime, fmt.Errorf("process %d did not end within %v", rec.PID, stopTime))
		defer cancel()
		if _, err := r.ask(ctx, rec.Name, stopRequest); err != nil && !r.ends(ctx, rec.Name) {
			return fmt.Errorf("%s: %w", rec.Name, err)
		}
	}
	r.ends(ctx, rec.Name) // the lock is the last that it lets go of
	return r.forget(rec.Name)
}

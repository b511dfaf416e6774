package keeper

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

	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/internal/nettext"
	"ssmguard/internal/private"
)

// Registry is the directory in which the processes that keep tunnels leave their
// traces. A process NAME has, readable by its owner alone:
//
//	NAME.json  its record, until it ends on request
//	NAME.lock  locked while the process runs
//	NAME.sock  the socket for requests
//	NAME.log   its log, of this and earlier runs
//
// A process in the foreground is called ~PID, has no log, and leaves no files behind.
type Registry struct{ Dir string }

// FindRegistry returns the directory, which may not exist. Without a home directory
// there is none, and one that others may have written is an error.
func FindRegistry(p *env.Process) (Registry, error) {
	state := stateDir(p)
	if state == "" {
		return Registry{}, exit.Coded("background tunnels need a home directory; set HOME or XDG_STATE_HOME", exit.Config)
	}
	var distrusted *private.DistrustError
	if errors.As(private.CheckDir(p.Getenv("SUDO_UID"), state, below...), &distrusted) {
		return Registry{}, distrustError(distrusted)
	}
	return Registry{filepath.Join(append([]string{state}, below...)...)}, nil
}

// below is the registry's place in the directory for state.
var below = []string{"ssmguard", "tunnels"}

// stateDir is the directory for state, "" without a home directory.
func stateDir(p *env.Process) string {
	return p.UserDir("XDG_STATE_HOME", filepath.Join(".local", "state"))
}

// distrustError is the error for a directory that others may have written.
func distrustError(err *private.DistrustError) error {
	return exit.Coded(fmt.Sprintf("the state of tunnels is not used: %v; %s, or set XDG_STATE_HOME to a directory of yours", err, err.Advice()), exit.Config)
}

// Known is FindRegistry for commands that go on without one: then no tunnel is known to be
// open. It warns of a directory that others may have written.
func Known(p *env.Process) Registry {
	r, err := FindRegistry(p)
	if err != nil && stateDir(p) != "" {
		p.WarnOnce(nettext.Of(err))
	}
	return r
}

// Writable is FindRegistry with a directory that is created and can be written to.
func Writable(p *env.Process) (Registry, error) {
	r, err := FindRegistry(p)
	if err != nil {
		return r, err
	}
	_, err = private.MakeDir(p.Getenv("SUDO_UID"), stateDir(p), below...)
	if err == nil {
		err = tryWriting(r.Dir)
	}
	var distrusted *private.DistrustError
	if errors.As(err, &distrusted) {
		return Registry{}, distrustError(distrusted)
	}
	if err != nil {
		return r, exit.Coded(fmt.Sprintf("background tunnels keep their state in %s: %v; set XDG_STATE_HOME to a directory of yours", r.Dir, errors.Unwrap(err)), exit.Config)
	}
	return r, nil
}

// tryWriting returns an error when no file can be created in a directory.
func tryWriting(dir string) error {
	probe, err := os.CreateTemp(dir, ".probe")
	if err != nil {
		return err
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}

// File returns the path of one of a process's files, by the kinds that Registry lists.
func (r Registry) File(name, kind string) string { return filepath.Join(r.Dir, name+"."+kind) }

// Record describes a process to other processes.
type Record struct {
	Name       string    `json:"name"`
	PID        int       `json:"pid"`
	Started    time.Time `json:"started"`
	Foreground bool      `json:"foreground,omitempty"`
	Words      []string  `json:"words"`           // of the command line after `tunnel up`
	Dir        string    `json:"dir"`             // the working directory
	Asked      []string  `json:"asked,omitempty"` // the tunnels and groups on its command line; none: Name
	Tunnels    []string  `json:"tunnels"`
	GaveUp     string    `json:"gaveUp,omitempty"` // the error that ended it
	Exit       int       `json:"exit,omitempty"`   // the exit code of that
	Ended      time.Time `json:"ended,omitzero"`   // when it gave up; of a process that was killed, when it was last heard of
}

// AskedFor returns the tunnels and groups that the process was started for.
func (rec Record) AskedFor() []string {
	if len(rec.Asked) > 0 {
		return rec.Asked
	}
	return []string{rec.Name}
}

// process is the name for closing all tunnels of a background process, "" in the
// foreground.
func (rec Record) process() string {
	if rec.Foreground {
		return ""
	}
	return rec.Name
}

// String names the process for people.
func (rec Record) String() string {
	if rec.Foreground {
		return fmt.Sprintf("the foreground process %d", rec.PID)
	}
	return rec.Name
}

// Write writes the record of a process.
func (r Registry) Write(rec Record) error {
	b, err := json.Marshal(rec)
	if err != nil {
		return err
	}
	return private.WriteFile(r.File(rec.Name, "json"), b)
}

// maxRecord is the size in bytes of the largest record.
const maxRecord = 1 << 20

// read returns the record of a process, fs.ErrNotExist if it has none. Files are found by
// the name in a record, so it has to be the one that the record was found by.
func (r Registry) read(name string) (Record, error) {
	var rec Record
	b, err := private.ReadFile(r.File(name, "json"), maxRecord)
	if err != nil {
		return rec, err
	}
	if err := json.Unmarshal(b, &rec); err != nil {
		return rec, err
	}
	if rec.Name != name {
		return Record{}, fmt.Errorf("it is the record of %q; remove it", rec.Name)
	}
	return rec, nil
}

// All returns every record, sorted by name. Records of foreground processes that were
// killed are removed: they need no report.
func (r Registry) All() ([]Record, error) {
	if r.Dir == "" {
		return nil, nil
	}
	files, err := filepath.Glob(r.File("*", "json"))
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	var recs []Record
	for _, file := range files {
		rec, err := r.read(strings.TrimSuffix(filepath.Base(file), ".json"))
		switch {
		case errors.Is(err, fs.ErrNotExist): // the process has just ended
		case err != nil:
			return nil, fmt.Errorf("%s: %w", file, err)
		case rec.Foreground && !r.Alive(rec.Name):
			if err := r.Forget(rec); err != nil {
				return nil, err
			}
		default:
			recs = append(recs, rec)
		}
	}
	return recs, nil
}

// Holding returns the processes that were started for a tunnel or group of a name or,
// if there are none, those that keep a tunnel of that name as part of a group.
func (r Registry) Holding(name string) ([]Record, error) {
	all, err := r.All()
	if err != nil {
		return nil, err
	}
	var asked, part []Record
	for _, rec := range all {
		switch {
		case slices.Contains(rec.AskedFor(), name):
			asked = append(asked, rec)
		case slices.Contains(rec.Tunnels, name):
			part = append(part, rec)
		}
	}
	if len(asked) > 0 {
		return asked, nil
	}
	return part, nil
}

// lockOf is the lock of a process's name. It follows no link.
func (r Registry) lockOf(name string) *flock.Flock {
	return flock.New(r.File(name, "lock"), flock.SetFlag(os.O_CREATE|os.O_RDONLY|private.NoFollow), flock.SetPermissions(0o600))
}

// Alive reports whether the process of a name runs. It tries the lock, because process
// ids are used again.
func (r Registry) Alive(name string) bool {
	if _, err := os.Stat(r.File(name, "lock")); err != nil {
		return false
	}
	lock := r.lockOf(name)
	free, err := lock.TryLock()
	if free {
		lock.Unlock() //nolint:errcheck // closing the file unlocks it anyway
	}
	return err == nil && !free
}

// endTime is how long a process that does not answer may take to end.
const endTime = time.Second

// ends reports whether the process of a name, which does not answer, ends within
// endTime: a killed process holds its lock until the system has removed it.
func (r Registry) ends(ctx context.Context, name string) bool {
	ctx, cancel := context.WithTimeout(ctx, endTime)
	defer cancel()
	lock := r.lockOf(name)
	free, err := lock.TryLockContext(ctx, endTime/50)
	if free {
		lock.Unlock() //nolint:errcheck // closing the file unlocks it anyway
	}
	return err == nil && free
}

// Lock makes this process the one of a name. Alive holds the lock for a moment, so Lock
// tries for a while.
func (r Registry) Lock(ctx context.Context, name string) (unlock func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, endTime)
	defer cancel()
	lock := r.lockOf(name)
	free, err := lock.TryLockContext(ctx, endTime/50)
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return nil, err
	}
	if !free {
		return nil, fmt.Errorf("%s is open in the background already", name)
	}
	return func() { lock.Unlock() }, nil //nolint:errcheck // the process ends
}

// logLimit is the size from which a log is renamed at the next start.
const logLimit = 1 << 20

// OpenLog opens the log of a process to append to it; a large log is renamed first.
func (r Registry) OpenLog(name string) (*os.File, error) {
	path := r.File(name, "log")
	if info, err := os.Stat(path); err == nil && info.Size() > logLimit {
		if err := os.Rename(path, path+".1"); err != nil {
			return nil, err
		}
	}
	return private.AppendFile(path)
}

// Forget removes the files of a process that has ended.
func (r Registry) Forget(rec Record) error {
	kinds := []string{"sock", "json"}
	if rec.Foreground {
		kinds = append(kinds, "lock")
	}
	for _, kind := range kinds {
		if err := os.Remove(r.File(rec.Name, kind)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// stopTime is how long a process may take to close its tunnels.
const stopTime = 15 * time.Second

// Stop closes the tunnels of a process and returns when it has ended.
func (r Registry) Stop(ctx context.Context, rec Record) error {
	if r.Alive(rec.Name) {
		ctx, cancel := context.WithTimeoutCause(ctx, stopTime, fmt.Errorf("process %d did not end within %v; \"kill -9 %d\" ends it", rec.PID, stopTime, rec.PID))
		defer cancel()
		if _, err := r.ask(ctx, rec.Name, stopRequest); err != nil && !r.ends(ctx, rec.Name) {
			return fmt.Errorf("%v: %w", rec, err)
		}
	}
	r.ends(ctx, rec.Name) // the process releases its lock last
	return r.Forget(rec)
}

// InBackground returns the running background process that keeps a tunnel or group,
// perhaps as part of a group.
func (r Registry) InBackground(name string) (Record, bool) {
	recs, err := r.Holding(name)
	if err != nil {
		return Record{}, false
	}
	for _, rec := range recs {
		if !rec.Foreground && r.Alive(rec.Name) {
			return rec, true
		}
	}
	return Record{}, false
}

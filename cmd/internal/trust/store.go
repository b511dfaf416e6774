package trust

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/gofrs/flock"

	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/configs"
	"ssmguard/internal/nettext"
	"ssmguard/internal/private"
	"ssmguard/internal/yamlfile"
)

// store is the file with what the user has trusted, readable by the user alone.
type store struct {
	base string // the directory for the state of programs
	path string // of the file, in a directory of ours below base
	// getenv tells who called sudo; see configs.Places.
	getenv func(string) (string, bool)
}

// ours is our directory for state, below that of all programs.
const ours = "ssmguard"

// contents is the store's file.
type contents struct {
	Version int              `json:"version"`
	Files   map[string]entry `json:"files"` // by path, without links
}

// entry is what is trusted of one project's file.
type entry struct {
	At      time.Time `json:"at"`      // of the last change
	Effects []string  `json:"effects"` // their hashes, the newest last
}

func (e entry) has(hash string) bool { return slices.Contains(e.Effects, hash) }

const (
	version = 1
	// maxEffects is how many effects of one file are remembered: those of several branches,
	// and of several values of its variables.
	maxEffects = 4096
)

// findStore returns the store, whose file may not exist.
func findStore(p *env.Process) (store, error) {
	dir := p.UserDir("XDG_STATE_HOME", filepath.Join(".local", "state"))
	if dir == "" {
		return store{}, exit.Coded("what is trusted is remembered in the home directory; set HOME or XDG_STATE_HOME, or "+Variable, exit.Config)
	}
	return store{dir, filepath.Join(dir, ours, "trust.json"), p.Lookup}, nil
}

// read returns what is trusted. A store that others may have written is an error.
func (s store) read() (map[string]entry, error) {
	if err := private.CheckDir(s.sudo(), s.base, ours); err != nil {
		return nil, distrusted(err)
	}
	data, err := configs.ReadOwned(s.path, s.getenv)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, exit.WithCode(err, exit.Config)
	}
	var c contents
	if err := json.Unmarshal(data, &c); err != nil || c.Version != version {
		return nil, exit.Coded(s.path+" is not what ssmguard wrote; remove it to begin again", exit.Config)
	}
	return c.Files, nil
}

// sudo is the user who called sudo, "" for none.
func (s store) sudo() string {
	sudo, _ := s.getenv("SUDO_UID")
	return sudo
}

// distrusted adds the advice to an error about a directory that others may have written.
func distrusted(err error) error {
	var d *private.DistrustError
	if errors.As(err, &d) {
		return exit.Coded(fmt.Sprintf("what is trusted is not read: %v; %s, or set XDG_STATE_HOME to a directory of yours", d, d.Advice()), exit.Config)
	}
	return err
}

// lockTime is how long other processes may take to write.
const lockTime = 5 * time.Second

// update changes what is trusted, in one step for other processes.
func (s store) update(ctx context.Context, change func(files map[string]entry)) (err error) {
	defer func() {
		if err != nil && !exit.As[exit.CodedError](err) {
			err = exit.Coded("what is trusted cannot be remembered: "+nettext.Of(err), exit.Config)
		}
	}()
	if _, err := private.MakeDir(s.sudo(), s.base, ours); err != nil {
		return distrusted(err)
	}
	ctx, cancel := context.WithTimeout(ctx, lockTime)
	defer cancel()
	lock := flock.New(filepath.Join(filepath.Dir(s.path), "trust.lock"), flock.SetFlag(os.O_CREATE|os.O_RDONLY|private.NoFollow), flock.SetPermissions(0o600))
	if ok, err := lock.TryLockContext(ctx, lockTime/200); !ok {
		return fmt.Errorf("%s: %w", lock.Path(), err)
	}
	defer lock.Unlock() //nolint:errcheck // the process's end unlocks it, too
	files, err := s.read()
	if err != nil {
		return err
	}
	if files == nil {
		files = make(map[string]entry)
	}
	change(files)
	data, err := encode(files)
	if err != nil {
		return err
	}
	return private.WriteFile(s.path, append(data, '\n'))
}

// encode writes a store's file, without the files that were trusted first if it would
// become too large to be read.
func encode(files map[string]entry) ([]byte, error) {
	for {
		data, err := json.MarshalIndent(contents{version, files}, "", "  ")
		if err != nil || len(data) < yamlfile.MaxSize {
			return data, err
		}
		oldest := ""
		for file, e := range files {
			if oldest == "" || e.At.Before(files[oldest].At) {
				oldest = file
			}
		}
		delete(files, oldest)
	}
}

// add trusts effects of a file.
func (s store) add(ctx context.Context, file string, effects []configs.Effect) error {
	return s.update(ctx, func(files map[string]entry) {
		e := files[resolved(file)]
		for _, effect := range effects {
			e.Effects = append(slices.DeleteFunc(e.Effects, func(h string) bool { return h == effect.Hash }), effect.Hash)
		}
		e.Effects = e.Effects[max(0, len(e.Effects)-maxEffects):]
		e.At = time.Now().UTC().Truncate(time.Second)
		files[resolved(file)] = e
	})
}

// remove trusts nothing of a file any more, and reports whether anything was trusted.
func (s store) remove(ctx context.Context, file string) (found bool, err error) {
	err = s.update(ctx, func(files map[string]entry) {
		_, found = files[resolved(file)]
		delete(files, resolved(file))
	})
	return found, err
}

package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// record is a cell that has been run, as a line of the state file has it.
type record struct {
	At      string // the revision
	Day     string
	Client  string
	Fault   string
	Way     way
	MiB     float64
	Outcome outcome
	Took    time.Duration
	Tries   int
	Part    float64
}

// state is the file of what has been run, so that a run can be continued.
type state struct {
	mu   sync.Mutex
	file *os.File // nil: nothing is kept
	all  []record
}

// openState reads a state file, or begins one.
func openState(path string) (*state, error) {
	s := &state{}
	if path == "" {
		return s, nil
	}
	b, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for lines := bufio.NewScanner(strings.NewReader(string(b))); lines.Scan(); {
		var r record
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		s.all = append(s.all, r)
	}
	s.file, err = os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	return s, err
}

// find returns the latest result of a cell of that size; at "" is any revision.
func (s *state) find(at, client string, r *row, mib float64) (record, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range slices.Backward(s.all) {
		if (at == "" || k.At == at) && k.Client == client && k.Fault == r.fault.name && k.Way == r.way && k.MiB == mib {
			return k, true
		}
	}
	return record{}, false
}

// add keeps a result.
func (s *state) add(r record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, r)
	if s.file == nil {
		return nil
	}
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	_, err = s.file.Write(append(b, '\n'))
	return err
}

func (r record) result() result {
	return result{outcome: r.Outcome, took: r.Took, tries: r.Tries, part: r.Part, at: r.At, day: r.Day}
}

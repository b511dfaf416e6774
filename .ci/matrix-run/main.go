// Command matrix-run takes clients of the data channel through faults and writes what
// came of it as a table; see .ci/matrix.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"syscall"
	"time"

	"go.yaml.in/yaml/v3"
	"golang.org/x/sync/errgroup"
)

// list is the file that names the clients and what is known of them.
type list struct {
	Clients []client
	Known   []known
}

// client is one program that forwards a port.
type client struct {
	Name     string
	What     string
	Ours     bool     // it must do what is wanted
	Response bool     // it gets the answer of StartSession, and calls it not itself
	Argv     []string // with ${BIN}, ${PORT}, ${ENDPOINT} and ${WORK}
}

// known is a cell in which a client of ours does not do what is wanted.
type known struct{ Client, Fault, Way, Why string }

// settings are those of one run.
type settings struct {
	work    string // folder of the programs; the cells have theirs in it
	mib     float64
	row     float64 // size of the cells of the large row
	jobs    int
	timeout time.Duration
	keep    bool // results of other revisions count, too
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("matrix: ")
	var s settings
	flag.StringVar(&s.work, "work", "", "`folder` of the programs")
	flag.Float64Var(&s.mib, "mib", 8, "MiB that each cell moves")
	flag.Float64Var(&s.row, "row", 64, "MiB that each cell of the large row moves; 0 leaves the row out")
	flag.IntVar(&s.jobs, "jobs", 8, "cells at a time")
	flag.DurationVar(&s.timeout, "timeout", 2*time.Minute, "time that a cell has, and 3 s more for each MiB")
	flag.BoolVar(&s.keep, "keep", false, "take cells of other revisions from the state, too")
	states := flag.String("state", "", "`file` that each finished cell is added to; what it has of this revision is not run again")
	rounds := flag.Int("measure", 0, "measure what clients cost, beside ours of an earlier revision, in so many `rounds`, and run no faults")
	file := flag.String("list", "", "`file` of the clients")
	out := flag.String("out", "", "`folder` of the tables")
	clients := flag.String("clients", "", "only clients whose name matches the `regexp`")
	only := flag.String("faults", "", "only faults whose name matches the `regexp`")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, s, *rounds, *file, *states, *out, *clients, *only); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, s settings, rounds int, file, states, out, clients, only string) error {
	var l list
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := yaml.Unmarshal(b, &l); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	chosenClients, err1 := regexp.Compile(clients)
	chosenFaults, err2 := regexp.Compile(only)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	l.Clients = slices.DeleteFunc(l.Clients, func(c client) bool { return !chosenClients.MatchString(c.Name) })
	if rounds > 0 {
		return measure(ctx, s, l, rounds)
	}
	done, err := openState(states)
	if err != nil {
		return err
	}
	var rows []*row
	for _, f := range faults(s) {
		for _, w := range f.ways() {
			rows = append(rows, &row{fault: f, way: w, results: make([]result, len(l.Clients))})
		}
	}
	begin, at := time.Now(), revision()
	known := at // revision of results that count
	if s.keep {
		known = ""
	}
	ran := 0
	var g errgroup.Group
	g.SetLimit(s.jobs)
	for _, r := range rows {
		mib := cmp.Or(r.fault.mib, s.mib)
		for i, c := range l.Clients {
			if k, ok := done.find(known, c.Name, r, mib); ok {
				r.results[i] = k.result()
				continue
			}
			if !chosenFaults.MatchString(r.fault.name) {
				continue
			}
			ran++
			g.Go(func() error {
				result, err := fill(ctx, s, c, r)
				if err != nil {
					return fmt.Errorf("%s, %s %s: %w", c.Name, r.fault.name, r.way, err)
				}
				result.at, result.day = at, begin.UTC().Format(time.DateOnly)
				r.results[i] = result
				if err := done.add(record{At: at, Day: result.day, Client: c.Name, Fault: r.fault.name, Way: r.way, MiB: mib,
					Outcome: result.outcome, Took: result.took, Tries: result.tries, Part: result.part}); err != nil {
					return err
				}
				log.Printf("%-16s %-28s %-5s %s", c.Name, r.fault.name, r.way, result)
				if result.outcome != passed && result.said != "" {
					log.Printf("    it said: %s", result.said)
				}
				return nil
			})
		}
	}
	if err := g.Wait(); err != nil {
		return err
	}
	rows = slices.DeleteFunc(rows, func(r *row) bool {
		return slices.ContainsFunc(r.results, func(r result) bool { return r.outcome == "" })
	})
	if len(rows) == 0 || len(l.Clients) == 0 {
		return errors.New("no such client or fault")
	}
	t := table{ran: ran, settings: s, list: l, rows: rows, took: time.Since(begin)}
	err = errors.Join(t.write(filepath.Join(out, "fault-matrix.md"), t.markdown), t.write(filepath.Join(out, "fault-matrix.html"), t.html))
	return errors.Join(err, t.judge())
}

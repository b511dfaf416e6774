package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// figure is what one client costs in one round.
type figure struct {
	query    float64 // median, ms
	up, down float64 // MB/s
	upCPU    float64 // seconds per 100 MiB
	downCPU  float64
	memory   float64 // peak of all its processes, MiB
}

// measured are the parts of a figure that are compared.
var measured = []struct {
	name string
	of   func(figure) float64
}{
	{"query, ms", func(f figure) float64 { return f.query }},
	{"upload, MB/s", func(f figure) float64 { return f.up }},
	{"upload, CPU s per 100 MiB", func(f figure) float64 { return f.upCPU }},
	{"download, MB/s", func(f figure) float64 { return f.down }},
	{"download, CPU s per 100 MiB", func(f figure) float64 { return f.downCPU }},
	{"peak memory, MiB", func(f figure) float64 { return f.memory }},
}

// promises are ratios that have to hold. most leaves room for a tenth, by which two runs of the
// same program differ.
var promises = []struct {
	what, of, beside string
	most             float64
}{
	{"query, ms", "ours, plugin", "plugin", 1.1},
	{"query, ms", "ours, native", "plugin", 1.1},
	{"upload, CPU s per 100 MiB", "ours, native", "before, native", 1.1},
	{"download, CPU s per 100 MiB", "ours, native", "before, native", 1.1},
	{"peak memory, MiB", "ours, native", "before, native", 1.1},
}

// measure compares the clients of a list, and ours of an earlier revision, whose program is
// called before: each in turn in every round, so that what else the machine does meets all.
func measure(ctx context.Context, s settings, l list, rounds int) error {
	for _, c := range l.Clients {
		if c.Ours {
			old := client{Name: strings.Replace(c.Name, "ours", "before", 1), Argv: slices.Clone(c.Argv)}
			old.Argv[0] = strings.Replace(old.Argv[0], "ssmguard", "before", 1)
			l.Clients = append(l.Clients, old)
		}
	}
	all := make(map[string][]figure)
	for range rounds {
		for _, c := range l.Clients {
			f, err := measureOne(ctx, s, c)
			if err != nil {
				return fmt.Errorf("%s: %w", c.Name, err)
			}
			all[c.Name] = append(all[c.Name], f)
		}
	}
	medians := make(map[string]map[string]float64) // by what, by client
	fmt.Printf("%-30s", "")
	for _, c := range l.Clients {
		fmt.Printf("%-18s", c.Name)
	}
	for _, m := range measured {
		medians[m.name] = make(map[string]float64)
		fmt.Printf("\n%-30s", m.name)
		for _, c := range l.Clients {
			var values []float64
			for _, f := range all[c.Name] {
				values = append(values, m.of(f))
			}
			slices.Sort(values)
			medians[m.name][c.Name] = values[len(values)/2]
			fmt.Printf("%-18.3g", medians[m.name][c.Name])
		}
	}
	fmt.Println()
	var errs []error
	for _, p := range promises {
		if all[p.of] == nil || all[p.beside] == nil {
			continue // left out by -clients
		}
		ratio := medians[p.what][p.of] / medians[p.what][p.beside]
		fmt.Printf("%s, %s beside %s: %.2f\n", p.what, p.of, p.beside, ratio)
		if !(ratio <= p.most) {
			errs = append(errs, fmt.Errorf("%s, %s beside %s: %.2f, want at most %.2f", p.what, p.of, p.beside, ratio, p.most))
		}
	}
	return errors.Join(errs...)
}

// settled is what is moved each way before anything is counted. What a start puts off (ssmguard
// collects no garbage in its first five seconds, and its heap grows meanwhile) is paid in the first
// transfer that lasts longer, and is no cost of a MiB; .ci/against measures starts.
const settled = 4 << 20

// measureOne returns what a client costs over one connection: queries, an upload, a download.
func measureOne(ctx context.Context, s settings, who client) (f figure, err error) {
	for range attempts {
		var ok bool
		err = withCell(ctx, s, who, &fault{}, func(c *cell) (err error) {
			conn := c.process.connect()
			if conn == nil {
				return nil
			}
			defer conn.Close()
			ok = true
			conn.SetDeadline(time.Now().Add(s.timeout)) //nolint:errcheck // the transfer fails then
			var all []time.Duration
			for range 200 {
				begin := time.Now()
				if err := receive(conn, 100, io.Discard); err != nil {
					return err
				}
				all = append(all, time.Since(begin))
			}
			slices.Sort(all)
			f.query = all[len(all)/2].Seconds() * 1e3
			if err := errors.Join(send(conn, settled, false), receive(conn, settled, io.Discard)); err != nil {
				return err
			}
			n := int64(s.mib * (1 << 20))
			moved := func(move func() error) (rate, cpu float64, err error) {
				begin, before := time.Now(), c.process.cpu()
				err = move()
				return float64(n) / 1e6 / time.Since(begin).Seconds(), (c.process.cpu() - before) * float64(100<<20) / float64(n), err
			}
			var err1, err2 error
			f.up, f.upCPU, err1 = moved(func() error { return send(conn, n, false) })
			f.down, f.downCPU, err2 = moved(func() error { return receive(conn, n, io.Discard) })
			f.memory = c.process.memory()
			return errors.Join(err1, err2)
		})
		if ok || err != nil {
			return f, err
		}
	}
	return f, errors.New("no connection worked")
}

// processes are those of the client: its process group.
func (p *process) processes() (dirs []string) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range stats {
		if f := statFields(name); len(f) > 2 && f[2] == strconv.Itoa(p.cmd.Process.Pid) {
			dirs = append(dirs, filepath.Dir(name))
		}
	}
	return dirs
}

// statFields are the fields of a process's stat from its state on.
func statFields(name string) []string {
	b, _ := os.ReadFile(name)
	_, rest, _ := strings.Cut(string(b), ") ")
	return strings.Fields(rest)
}

// cpu is in seconds, of all threads that live.
func (p *process) cpu() (sum float64) {
	for _, dir := range p.processes() {
		tasks, _ := filepath.Glob(dir + "/task/*/schedstat")
		for _, name := range tasks {
			b, _ := os.ReadFile(name)
			ns, _ := strconv.ParseFloat(strings.Fields(string(b) + " 0")[0], 64)
			sum += ns / 1e9
		}
	}
	return sum
}

// memory is the peak of resident memory in MiB, summed over the processes.
func (p *process) memory() (sum float64) {
	for _, dir := range p.processes() {
		b, _ := os.ReadFile(dir + "/status")
		_, rest, _ := strings.Cut(string(b), "VmHWM:")
		kib, _ := strconv.ParseFloat(strings.Fields(rest + " 0")[0], 64)
		sum += kib / 1024
	}
	return sum
}

//go:build ignore

// same-run runs the command lines of a table with two builds of ssmguard and shows what differs; see .ci/same.
//
// Every command line runs under bash in a home and a directory of its own, with the files of the table in
// it, against a sandbox that the same build serves.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/rogpeppe/go-internal/txtar"
	"golang.org/x/sync/errgroup"
)

const (
	atOnce   = 4           // command lines that run at the same time
	patience = time.Minute // for one command line
)

// varies is what differs from run to run of the same build, and what is written in its place.
var varies = []struct {
	expression *regexp.Regexp
	name       string
}{
	{regexp.MustCompile(`\b[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|UTC|[-+][0-9]{2}:[0-9]{2})`), "TIME"},
	{regexp.MustCompile(`\b[0-9]{8}T[0-9]{6}Z`), "TIME"},
	{regexp.MustCompile(`\b[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?`), "TIME"},
	{regexp.MustCompile(`\b(A[KS]IA|AIDA|AROA)[A-Z2-7]{16}\b`), "KEY"},
	{regexp.MustCompile(`"(SecretAccessKey|SessionToken)":"[A-Z0-9a-z]+"`), `"$1":"SECRET"`},
	{regexp.MustCompile(`%2F[0-9]{8}%2F`), "%2FDAY%2F"},
	{regexp.MustCompile(`Signature=[0-9a-f]{64}`), "Signature=HASH"},
	{regexp.MustCompile(`Security-Token=[A-Za-z0-9%]+`), "Security-Token=TOKEN"},
	{regexp.MustCompile(`-[a-z2-7]{26}\b`), "-SESSION"},
	{regexp.MustCompile(`\bssmguard-sandbox-[0-9]+`), "ssmguard-sandbox-N"},
	{regexp.MustCompile(`\b(pid|process) [0-9]+`), "$1 PID"},
	{regexp.MustCompile(`"pid": ?[0-9]+`), `"pid": PID`},
	{regexp.MustCompile(`\b[0-9.]+[mµ]?s from AWS's`), "DURATION from AWS's"},
	// A port that the kernel chose; ports of the table are below 32768.
	{regexp.MustCompile(`\b(3276[89]|327[7-9][0-9]|32[89][0-9]{2}|3[3-9][0-9]{3}|[45][0-9]{4}|60[0-9]{3})\b`), "PORT"},
}

// A line is a command line of the table, and the world it runs in; "-" is none.
type line struct{ world, text string }

func main() {
	log.SetFlags(0)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	same, err := compare(ctx, os.Args[1], os.Args[2], os.Args[3])
	stop()
	if err != nil {
		log.Fatal(err)
	}
	if !same {
		os.Exit(1)
	}
}

// compare runs the command lines of file that match pattern, prints what differs between the builds in
// dir, and reports whether nothing does.
func compare(ctx context.Context, dir, file, pattern string) (bool, error) {
	table, err := txtar.ParseFile(file)
	if err != nil {
		return false, err
	}
	wanted, err := regexp.Compile(pattern)
	if err != nil {
		return false, err
	}
	builds := [2]*build{{dir: filepath.Join(dir, "old")}, {dir: filepath.Join(dir, "new")}}
	worlds, err := builds[0].worlds()
	if err != nil {
		return false, err
	}
	lines := slices.DeleteFunc(parse(string(table.Comment), worlds), func(l line) bool { return !wanted.MatchString(l.text) })
	for _, b := range builds {
		b.files, b.tree = table.Files, filepath.Join(dir, "tree")
		defer b.close()
		if err := b.serve(worlds); err != nil {
			return false, err
		}
	}

	differ := 0
	var printing sync.Mutex
	var running errgroup.Group
	running.SetLimit(atOnce)
	for i, l := range lines {
		running.Go(func() error {
			var said [2][]byte
			for j, b := range builds {
				var err error
				if said[j], err = b.run(ctx, i, l); err != nil {
					return err
				}
			}
			if bytes.Equal(said[0], said[1]) {
				return nil
			}
			printing.Lock()
			defer printing.Unlock()
			differ++
			fmt.Printf("\n%s (world %s)\n%s", l.text, l.world, diff.Diff("base", said[0], "working tree", said[1]))
			return nil
		})
	}
	err = running.Wait()
	fmt.Printf("%d command lines, %d differ\n", len(lines), differ)
	return differ == 0, err
}

// parse reads the table: "@ WORLD..." says where the lines that follow run, each of them in each world, "*"
// is every world; [[a|b]] makes two lines of one.
func parse(table string, worlds []string) (lines []line) {
	var in []string
	for text := range strings.SplitSeq(table, "\n") {
		switch words, isWorlds := strings.CutPrefix(text, "@ "); {
		case text == "" || strings.HasPrefix(text, "#"):
		case isWorlds && words == "*":
			in = worlds
		case isWorlds:
			in = strings.Fields(words)
		default:
			for _, w := range in {
				for _, t := range expand(text) {
					lines = append(lines, line{w, t})
				}
			}
		}
	}
	return lines
}

var choice = regexp.MustCompile(`\[\[(.*?)\]\]`)

func expand(text string) (all []string) {
	at := choice.FindStringSubmatchIndex(text)
	if at == nil {
		return []string{text}
	}
	for c := range strings.SplitSeq(text[at[2]:at[3]], "|") {
		all = append(all, expand(text[:at[0]]+c+text[at[1]:])...)
	}
	return all
}

// A build is an ssmguard, DIR/bin/ssmguard, and the sandboxes that it serves.
type build struct {
	dir, tree string
	files     []txtar.File
	worldEnv  map[string][]string // how to reach the sandbox of a world
	sandboxes []*exec.Cmd
}

func (b *build) tool() string { return filepath.Join(b.dir, "bin", "ssmguard") }

func (b *build) worlds() (names []string, err error) {
	list, err := exec.Command(b.tool(), "sandbox", "--list").Output()
	for row := range strings.Lines(string(list)) {
		names = append(names, strings.Fields(row)[0])
	}
	return names, err
}

// env is the environment of everything that runs, below home.
func (b *build) env(home string) []string {
	return []string{"PATH=" + filepath.Dir(b.tool()) + ":/usr/bin:/bin", "HOME=" + home, "TMPDIR=" + b.dir, "LANG=C.UTF-8",
		"AWS_EC2_METADATA_DISABLED=true", "TREE=" + b.tree}
}

// serve starts a sandbox for each world.
func (b *build) serve(worlds []string) error {
	b.worldEnv = map[string][]string{"-": {"AWS_ENDPOINT_URL=http://127.0.0.1:1", "AWS_MAX_ATTEMPTS=1"}} // nobody answers
	for _, w := range worlds {
		cmd := exec.Command(b.tool(), "sandbox", "--world", w, "--output", "json")
		cmd.Env, cmd.Stderr = b.env(b.dir), io.Discard
		out, err := cmd.StdoutPipe()
		if err != nil {
			return err
		}
		if err := cmd.Start(); err != nil {
			return err
		}
		b.sandboxes = append(b.sandboxes, cmd)
		var served struct{ Environment map[string]string }
		if err := json.NewDecoder(out).Decode(&served); err != nil {
			return fmt.Errorf("%s sandbox --world %s: %w", b.tool(), w, err)
		}
		for k, v := range served.Environment {
			b.worldEnv[w] = append(b.worldEnv[w], k+"="+v)
		}
	}
	return nil
}

func (b *build) close() {
	for _, s := range b.sandboxes {
		s.Process.Signal(syscall.SIGTERM)
		s.Wait()
	}
}

// run runs the command line with number i and returns what is compared of it.
func (b *build) run(ctx context.Context, i int, l line) ([]byte, error) {
	dir := filepath.Join(b.dir, fmt.Sprintf("%04d", i))
	defer os.RemoveAll(dir)
	home := filepath.Join(dir, "home")
	if err := os.MkdirAll(home, 0o700); err != nil {
		return nil, err
	}
	given := map[string]bool{}
	for _, f := range b.files {
		name := filepath.Join(dir, f.Name)
		given[name] = true
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			return nil, err
		}
		if err := os.WriteFile(name, f.Data, 0o700); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, "bash", "-c", l.text)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, append(b.env(home), b.worldEnv[l.world]...), &stdout, &stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = time.Second // if what was started still holds stdout
	if err := cmd.Run(); ctx.Err() != nil {
		return nil, fmt.Errorf("%s (world %s): %w\n%s%s", l.text, l.world, ctx.Err(), &stdout, &stderr)
	} else if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		return nil, fmt.Errorf("%s (world %s): %w", l.text, l.world, err)
	}
	said := fmt.Appendf(nil, "%s\n-- stdout --\n%s\n-- stderr --\n%s\n", cmd.ProcessState, &stdout, &stderr)
	written, err := tree(dir, given)
	said = bytes.ReplaceAll(append(said, written...), []byte(dir), []byte("$WORK"))
	said = bytes.ReplaceAll(said, []byte(b.dir), []byte("$BUILD"))
	for _, v := range varies {
		said = v.expression.ReplaceAll(said, []byte(v.name))
	}
	return said, err
}

// tree lists the files below dir but for those given, with their contents.
func tree(dir string, given map[string]bool) (list []byte, err error) {
	err = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if d != nil && d.Name() == ".cache" { // which answers came in time to be kept there is chance
			return fs.SkipDir
		}
		if err != nil || given[name] || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		list = fmt.Appendf(list, "-- %s %s --\n", name, info.Mode())
		if info.Mode().IsRegular() {
			data, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			list = append(list, data...)
		}
		return nil
	})
	return list, err
}

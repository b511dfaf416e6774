// Command mutants-run plants small changes of meaning, one at a time, and runs the
// test that must fail of each; see .ci/mutants.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// mutant is a change of meaning and the test that notices it.
type mutant struct {
	Room string // for the reader and the pattern
	What string // what the program does wrong with it
	File string
	Old  string // is in File exactly once
	New  string
	Test string // the package's folder and the test's name: guard/policy TestGlob
}

func (m mutant) test() (pkg, name string) {
	pkg, name, _ = strings.Cut(m.Test, " ")
	return pkg, name
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("mutants: ")
	if len(os.Args) != 4 {
		log.Fatal("usage: mutants-run TREE LIST PATTERN")
	}
	mutants, err := read(os.Args[2], os.Args[3])
	if err != nil {
		log.Fatal(err)
	}
	if err := os.Chdir(os.Args[1]); err != nil {
		log.Fatal(err)
	}
	if err := pass(mutants); err != nil {
		log.Fatal(err)
	}
	bad := 0
	for _, m := range mutants {
		start := time.Now()
		outcome := "killed"
		if err := kill(m); err != nil {
			outcome = err.Error()
			bad++
		}
		fmt.Printf("%-16s %-62s %4.1fs  %s\n", m.Room, m.What, time.Since(start).Seconds(), outcome)
	}
	fmt.Printf("%d changes, %d killed\n", len(mutants), len(mutants)-bad)
	if bad > 0 {
		os.Exit(1)
	}
}

// read returns the changes of the list that match a pattern.
func read(list, pattern string) ([]mutant, error) {
	text, err := os.ReadFile(list)
	if err != nil {
		return nil, err
	}
	var all []mutant
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&all); err != nil {
		return nil, fmt.Errorf("%s: %w", list, err)
	}
	matches, err := regexp.Compile(pattern)
	if err != nil {
		return nil, err
	}
	chosen := slices.DeleteFunc(all, func(m mutant) bool {
		return !matches.MatchString(m.Room + " " + m.What + " " + m.File + " " + m.Test)
	})
	if len(chosen) == 0 {
		return nil, fmt.Errorf("no change matches %s", pattern)
	}
	return chosen, nil
}

// pass runs every named test without a change: a test that fails anyway notices nothing.
func pass(mutants []mutant) error {
	type key struct{ pkg, parent string } // tests that can be run at once
	tests := make(map[key][]string)
	for _, m := range mutants {
		pkg, name := m.test()
		k := key{pkg, path.Dir(name)}
		tests[k] = append(tests[k], name)
	}
	for k, names := range tests {
		r, err := run(k.pkg, names...)
		if err != nil {
			return err
		}
		for _, name := range names {
			if r.outcome[name] != "pass" {
				return fmt.Errorf("%s %s does not pass without a change:\n%s", k.pkg, name, r.output)
			}
		}
	}
	return nil
}

// kill plants one change, and returns the reason if anything but its test fails, or
// nothing does.
func kill(m mutant) (err error) {
	original, err := os.ReadFile(m.File)
	if err != nil {
		return fmt.Errorf("NOT PLANTED: %w", err)
	}
	if n := strings.Count(string(original), m.Old); n != 1 || m.Old == "" {
		return fmt.Errorf("NOT PLANTED: the old text is %d times in %s", n, m.File)
	}
	if err := os.WriteFile(m.File, []byte(strings.Replace(string(original), m.Old, m.New, 1)), 0o600); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.WriteFile(m.File, original, 0o600)) }()
	pkg, name := m.test()
	r, err := run(pkg, name)
	switch {
	case err != nil:
		return err
	case r.unbuilt:
		return fmt.Errorf("DOES NOT COMPILE:\n%s", r.output)
	case r.outcome[name] == "pass":
		return fmt.Errorf("ALIVE: %s passes", m.Test)
	case r.outcome[name] != "fail" || strings.Contains(r.output, "panic: test timed out"):
		return fmt.Errorf("ANOTHER REASON: %s\n%s", m.Test, r.output)
	}
	for other, outcome := range r.outcome {
		if outcome == "fail" && other != name && !strings.HasPrefix(other, name+"/") && !strings.HasPrefix(name, other+"/") {
			return fmt.Errorf("ANOTHER REASON: %s fails", other)
		}
	}
	return nil
}

// result is the output of go test.
type result struct {
	outcome map[string]string // by test
	output  string
	unbuilt bool
}

// run runs tests of a package, which are parts of the same test if they are parts of one.
func run(pkg string, names ...string) (result, error) {
	steps := strings.Split(names[0], "/")
	for i := range steps {
		var any []string
		for _, name := range names {
			any = append(any, regexp.QuoteMeta(strings.Split(name, "/")[i]))
		}
		steps[i] = "^(" + strings.Join(any, "|") + ")$"
	}
	// -trimpath lets the build cache serve a worktree that is elsewhere each time.
	cmd := exec.Command("go", "test", "-json", "-trimpath", "-vet=off", "-count=1", "-timeout=2m",
		"-run", strings.Join(steps, "/"), "./"+filepath.ToSlash(pkg))
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
		return result{}, err
	}
	r := result{outcome: make(map[string]string), output: errs.String()}
	for lines := bufio.NewReader(bytes.NewReader(out)); ; {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return r, nil
		}
		if err != nil {
			return r, err
		}
		var e struct{ Action, Test, Output string }
		if err := json.Unmarshal(line, &e); err != nil {
			return r, fmt.Errorf("go test wrote %s", line)
		}
		r.output += e.Output
		switch e.Action {
		case "build-fail":
			r.unbuilt = true
		case "pass", "fail", "skip":
			if e.Test != "" {
				r.outcome[e.Test] = e.Action
			}
		}
	}
}

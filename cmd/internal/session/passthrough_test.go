package session

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ssmguard/cmd/internal/ask"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/program"
)

func TestNextAWS(t *testing.T) {
	dir := t.TempDir()
	program := func(name string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	self := program("self/ssmguard", 0o755)
	if err := os.Symlink("ssmguard", filepath.Join(dir, "self", "aws")); err != nil {
		t.Fatal(err)
	}
	program("text/aws", 0o644)
	shim, stock := program("shim/aws", 0o755), program("stock/aws", 0o755)
	path := func(dirs ...string) string {
		for i := range dirs {
			dirs[i] = filepath.Join(dir, dirs[i])
		}
		return strings.Join(dirs, string(filepath.ListSeparator))
	}
	tests := []struct {
		name   string
		path   string
		passed []string
		want   string
	}{
		{"skips ourselves, what is missing and what cannot run", path("none", "self", "text", "stock", "shim"), nil, stock},
		{"skips what called us", path("shim", "self", "stock"), []string{shim}, stock},
		{"none left", path("self", "shim"), []string{shim}, ""},
		{"no path", "", nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := nextAWS(tt.path, self, tt.passed); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestElsewhere: a command line that is not ours is the next aws's alone, also where
// that runs beside us and its end is reported here; without one we say so.
func TestElsewhere(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, program.AWSNames[0]), nil, 0o755); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("exec format error")
	for _, words := range [][]string{{"--version"}, {"help"}, {"s3", "ls"}, {"ssm", "describe-sessions"},
		{"ssm", "start-session", "--generate-cli-skeleton"}, {"ecs", "execute-command", "--generate-cli-skeleton", "output", "--query", "["}} {
		for _, ended := range []error{nil, exit.EndWith(0), exit.EndWith(3), exit.EndWith(254), broken} {
			var out, errOut bytes.Buffer
			p := &env.Process{Stdout: &out, Stderr: &errOut, Environ: []string{"PATH=" + dir}}
			line, err := ask.Read(p, words)
			if err != nil {
				t.Fatal(err)
			}
			var ran []string
			err = elsewhere(line, func(path string, args, _ []string) error {
				ran = append(ran, path, strings.Join(args, " "))
				return ended
			})
			want := []string{filepath.Join(dir, program.AWSNames[0]), "aws " + strings.Join(words, " ")}
			if err != ended || out.Len()+errOut.Len() > 0 || !slices.Equal(ran, want) {
				t.Errorf("%q that ends with %v: ran %q, %v, says %s%s", words, ended, ran, err, &out, &errOut)
			}
		}
	}
	p := &env.Process{Environ: []string{"PATH="}}
	for _, words := range []string{"s3 ls", "ssm start-session --generate-cli-skeleton yaml-input"} {
		line, err := ask.Read(p, strings.Fields(words))
		if err != nil {
			t.Fatal(err)
		}
		if err := elsewhere(line, nil); exit.Code(err) != exit.Usage {
			t.Errorf("%s without another aws: %v", words, err)
		}
	}
}

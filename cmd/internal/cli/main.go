// Package cli holds the commands: one file each, with its flags, complete and
// run in that order. Commands translate between the user and guard and proxy.
package cli

import (
	"context"
	"io"
	"os"
	"os/signal"
)

// process is what a command has of the process around it. Commands take it
// from here and never from package os, so that tests can give them another.
type process struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string
}

// pluginName is the name under which our binary behaves as the plugin, so that
// a symlink of this name serves the stock AWS CLI too.
const pluginName = "session-manager-plugin"

// Main runs one command line, args[0] being the name we were called by, and
// returns the exit code of exit.go.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	p := &process{stdin: stdin, stdout: stdout, stderr: stderr, getenv: os.Getenv}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	return p.report(newApp(p).RunContext(ctx, args))
}

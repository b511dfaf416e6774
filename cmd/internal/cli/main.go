// Package cli holds the commands: one file each, with its flags, complete and
// run in that order. Commands translate between the user and guard and proxy.
package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/term"

	"ssmguard/cmd/internal/awscli"
	"ssmguard/cmd/internal/awsconf"
)

// process is what a command has of the process around it. Commands take it
// from here and never from package os, so that tests can give them another.
type process struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	environ        []string
	home           string // where environ has no HOME; "" when not known
	errTerminal    bool   // stderr is a terminal ...
	errWidth       int    // ... of so many columns; 0 when not known

	errorFormat   string // the AWS CLI's cli_error_format, "" for its default
	profileExists bool   // the CLI words its errors by it
	profile       string // the one that is asked for
	region        string // "" until it is known

	echo *awsconf.Echo // off while we ask for a code
}

// Main runs one command line, args[0] being the name we were called by, and
// returns the exit code of exit.go. A code below 0 is a signal's number: the
// process is to end by that signal, now that everything is cleaned up.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	p := newProcess(stdin, stdout, stderr)
	ctx, stop := untilSignalled()
	defer stop()
	err := p.run(ctx, args)
	p.echo.Restore()
	if cause := context.Cause(ctx); cause != nil && errors.Is(err, context.Canceled) {
		err = cause
	}
	return p.report(err)
}

// run chooses by the name we were called by, then by the first word.
func (p *process) run(ctx context.Context, args []string) error {
	words := args[1:]
	help := func(err error) error {
		if errors.Is(err, errHelp) {
			return p.runApp(ctx, []string{args[0], "help", "start-session"})
		}
		return err
	}
	switch {
	case filepath.Base(args[0]) == "aws":
		return help(p.aws(ctx, words))
	case len(words) == 0 || !strings.HasPrefix(words[0], "-"):
		return p.runApp(ctx, args)
	case words[0] == "--help" || words[0] == "-h":
		return p.runApp(ctx, append([]string{args[0], "help"}, words[1:]...))
	case words[0] == "--version":
		return p.runApp(ctx, append([]string{args[0], "version"}, words[1:]...))
	default:
		return help(p.optionsFirst(ctx, args))
	}
}

// optionsFirst runs a command line whose options stand before its command, as the
// AWS CLI takes them: `ssmguard --profile dev ssm start-session` as well as
// `ssmguard --profile dev tunnel up db`.
func (p *process) optionsFirst(ctx context.Context, args []string) error {
	words := args[1:]
	line, err := p.readLine(words, true)
	if err != nil {
		return ownVoice("", err, sessionFlags("ssm")...)
	}
	if line.call.Command != awscli.Foreign || line.call.Service != "" {
		return p.ssm(ctx, words)
	}
	name := line.call.Refusal.Choice
	app, at := newApp(p), slices.Index(words, name)
	switch c := app.Command(name); {
	case c == nil:
		return usagef("unknown command: %s%s", printableName(name), nearestCommand(app, name))
	case !c.SkipFlagParsing:
		return usagef("the options of %s stand behind it; see %q", name, "ssmguard help "+name)
	}
	sorted := []string{args[0], name}
	rest := words[at+1:]
	if name == "tunnel" && len(rest) > 0 {
		sorted, rest = append(sorted, rest[0]), rest[1:] // its options follow the verb
	}
	return p.runApp(ctx, slices.Concat(sorted, words[:at], rest))
}

// signalled is the cause of a context that a signal ended.
type signalled struct{ signal syscall.Signal }

func (s signalled) Error() string { return s.signal.String() }

// endings are the signals that are meant to end us. Whoever has us ignore a
// hang-up, as nohup does, wants that to stay so. (Shells without job control have
// what runs beside them ignore interrupts; an interrupt that is sent all the same
// is meant.)
func endings() []os.Signal {
	if signal.Ignored(syscall.SIGHUP) {
		return []os.Signal{syscall.SIGINT, syscall.SIGTERM}
	}
	return []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP}
}

// untilSignalled returns a context that ends with the first signal that is meant
// to end us.
func untilSignalled() (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals, stopped := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(signals, endings()...)
	go func() {
		defer close(stopped)
		if s, ok := (<-signals).(syscall.Signal); ok {
			cancel(signalled{s})
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(signals)
		<-stopped
		cancel(nil)
	}
}

func newProcess(stdin io.Reader, stdout, stderr io.Writer) *process {
	p := &process{stdin: stdin, stdout: stdout, stderr: stderr, environ: os.Environ(), profileExists: true, echo: new(awsconf.Echo)}
	p.home = homeOfUser(p.environ)
	if f, ok := stderr.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		p.errTerminal = true
		if width, _, err := term.GetSize(int(f.Fd())); err == nil {
			p.errWidth = width
		}
	}
	return p
}

package program

import (
	"context"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"ssmguard/cmd/internal/env"
)

// commandGrace is how long a command may take to end after a signal.
const commandGrace = 10 * time.Second

// Beside runs a command to its end and leaves signals to it: signals of the terminal
// reach the whole foreground group, and the others are passed on. environ are changes of its
// variables: NAME=VALUE sets one, NAME alone removes it.
func Beside(p *env.Process, path string, command, environ []string) error {
	cmd, err := Program(context.Background(), changed(p.Environ, environ), path, command[1:]...)
	if err != nil {
		return err
	}
	cmd.Args[0] = command[0]
	cmd.Stdin, cmd.Stdout, cmd.Stderr = p.Stdin, p.Stdout, p.Stderr
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, append(env.Endings(), syscall.SIGQUIT)...)
	defer signal.Stop(signals)
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	shared := env.IsTerminal(p.Stdin)
	var late <-chan time.Time
	for {
		select {
		case s := <-signals:
			fromKeyboard := s == syscall.SIGINT || s == syscall.SIGQUIT
			if !shared || !fromKeyboard {
				cmd.Process.Signal(s) //nolint:errcheck // it may have ended
			}
			if !fromKeyboard && late == nil {
				late = time.After(commandGrace)
			}
		case <-late:
			cmd.Process.Kill() //nolint:errcheck // it may have ended
		case err := <-ended:
			return CommandStatus(cmd.ProcessState, err)
		}
	}
}

// changed returns variables with changes: NAME=VALUE sets one, NAME alone removes it.
func changed(environ, changes []string) []string {
	kept := slices.DeleteFunc(slices.Clone(environ), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return slices.ContainsFunc(changes, func(change string) bool {
			other, _, _ := strings.Cut(change, "=")
			return name == other
		})
	})
	for _, change := range changes {
		if strings.Contains(change, "=") {
			kept = append(kept, change)
		}
	}
	return kept
}

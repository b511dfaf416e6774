package plugin

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// ErrNotFound says that there is no plugin, in the AWS CLI's words.
var ErrNotFound = errors.New("SessionManagerPlugin is not found. Please refer to SessionManager Documentation here: " +
	"http://docs.aws.amazon.com/console/systems-manager/session-manager-plugin-not-found")

// NotExecutableError is a plugin that is there and cannot be run.
type NotExecutableError struct {
	Path string
	Err  error
}

// Error names the file and the cause.
func (e *NotExecutableError) Error() string {
	return fmt.Sprintf("the plugin %s cannot be run: %v", e.Path, e.Err)
}

// Unwrap returns the cause.
func (e *NotExecutableError) Unwrap() error { return e.Err }

// TooOldError is an external plugin that takes the token in its arguments only,
// where every user of the machine could read it.
type TooOldError struct{ Path, Version string }

// Error says which version would do.
func (e *TooOldError) Error() string {
	return fmt.Sprintf("the plugin %s has version %q, which takes the session's token in its arguments only; "+
		"update it above %s, or use --plugin embedded", e.Path, e.Version, lastInlineVersion)
}

// ExitError is a plugin that did not end well.
type ExitError struct {
	Args   []string       // its argument list, which holds no secret
	Code   int            // exit status; -1 if a signal ended it
	Signal syscall.Signal // 0 unless a signal ended it
	Reason string         // what went wrong, if it is known
	// Remote: Code is the exit code of the command that ran at the far end.
	Remote bool
}

// signalNames are the names of the signals that end plugins.
var signalNames = map[syscall.Signal]string{
	syscall.SIGHUP: "SIGHUP", syscall.SIGINT: "SIGINT", syscall.SIGQUIT: "SIGQUIT", syscall.SIGABRT: "SIGABRT",
	syscall.SIGKILL: "SIGKILL", syscall.SIGSEGV: "SIGSEGV", syscall.SIGPIPE: "SIGPIPE", syscall.SIGTERM: "SIGTERM",
}

// Error is the reason, or else the AWS CLI's sentence for a failed command.
func (e *ExitError) Error() string {
	switch {
	case e.Reason != "":
		return e.Reason
	case e.Remote:
		return fmt.Sprintf("the command exited with status %d", e.Code)
	case e.Signal != 0 && signalNames[e.Signal] != "":
		return fmt.Sprintf("Command %s died with <Signals.%s: %d>.", e.command(), signalNames[e.Signal], int(e.Signal))
	case e.Signal != 0:
		return fmt.Sprintf("Command %s died with unknown signal %d.", e.command(), int(e.Signal))
	}
	return fmt.Sprintf("Command %s returned non-zero exit status %d.", e.command(), e.Code)
}

// command shows the argument list in the AWS CLI's form.
func (e *ExitError) command() string { return "'['" + strings.Join(e.Args, "', '") + "']'" }

// InterruptedError says that a signal to this process ended the session. The
// caller should end by the same signal, now that everything is cleaned up.
type InterruptedError struct{ Signal os.Signal }

// Error names the signal.
func (e *InterruptedError) Error() string { return "ended by signal: " + e.Signal.String() }

package cli

import (
	"context"
	"errors"
	"fmt"
)

// Exit codes are the AWS CLI v2's, so that scripts keep working.
const (
	exitOK          = 0
	exitInterrupt   = 130 // SIGINT
	exitUsage       = 252 // the command line is wrong
	exitConfig      = 253 // environment, credentials or configuration
	exitRefused     = 254 // AWS or the guard said no
	exitOther       = 255
	exitCheckDenied = 3 // check only
	exitUndecided   = 4 // check only
)

// exitCodes maps errors to exit codes; the first row that applies wins.
var exitCodes = []struct {
	applies func(error) bool
	code    int
}{
	{is(context.Canceled), exitInterrupt},
	{as[usageError], exitUsage},
}

// exitCode returns the code for what a command returned.
func exitCode(err error) int {
	if err == nil {
		return exitOK
	}
	var done statusError
	if errors.As(err, &done) {
		return done.code
	}
	for _, row := range exitCodes {
		if row.applies(err) {
			return row.code
		}
	}
	return exitOther
}

func is(target error) func(error) bool {
	return func(err error) bool { return errors.Is(err, target) }
}

func as[T error](err error) bool {
	var target T
	return errors.As(err, &target)
}

// report prints an error that nobody has reported yet, in one line, and returns
// the exit code.
func (p *process) report(err error) int {
	if err != nil && !as[statusError](err) && !errors.Is(err, context.Canceled) {
		fmt.Fprintf(p.stderr, "ssmguard: %v\n", err)
	}
	return exitCode(err)
}

// usageError says that the command line is wrong, and what to type instead.
type usageError struct{ message string }

func (e usageError) Error() string { return e.message }

// usagef makes a usageError.
func usagef(format string, args ...any) error {
	return usageError{fmt.Sprintf(format, args...)}
}

// statusError ends the process with a code after everything has been said.
type statusError struct{ code int }

func (e statusError) Error() string { return fmt.Sprintf("exit status %d", e.code) }

package cli

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"

	"ssmguard/cmd/internal/awscli"
	"ssmguard/cmd/internal/awsconf"
	"ssmguard/guard/awsiam"
	"ssmguard/proxy"
	"ssmguard/proxy/plugin"
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

// exitCode returns the exit code for what a command returned.
func exitCode(err error) int {
	if err == nil {
		return exitOK
	}
	for _, row := range exitCodes {
		if code := row(err); code != 0 {
			return code
		}
	}
	return exitOther
}

// exitCodes maps errors to exit codes; the first row that gives one wins.
var exitCodes = []func(error) int{
	of(func(e statusError) int { return e.code }),
	of(func(e signalled) int { return signalCode(e.signal) }),
	of(func(e *plugin.InterruptedError) int { return signalCode(e.Signal) }),
	of(remoteCode),
	of(func(e codedError) int { return e.code }),
	of(func(e *awscli.UsageError) int { return e.Code }),
	of(func(e *awsconf.Error) int { return e.Code }),
	of(func(*proxy.Refused) int { return exitRefused }),
	of(func(*proxy.Unreachable) int { return exitOther }),
	of(askedCode),
}

// askedCode is the code for a question that AWS did not answer.
func askedCode(e *awsiam.Error) int {
	switch e.Kind {
	case awsiam.KindDenied, awsiam.KindCredentials, awsiam.KindNotFound, awsiam.KindInvalid:
		return exitRefused
	}
	return exitOther
}

// signalCode is the code for a run that a signal ended: 130 after Ctrl-C, else
// the signal itself, as from the AWS CLI, which does not catch the others. A Go
// process cannot end by SIGQUIT without a dump, nor by SIGPIPE: their codes are
// those that a shell shows.
func signalCode(s os.Signal) int {
	n, ok := s.(syscall.Signal)
	switch {
	case !ok:
		return exitOther
	case n == syscall.SIGINT:
		return exitInterrupt
	case n == syscall.SIGQUIT, n == syscall.SIGPIPE:
		return 128 + int(n)
	}
	return -int(n)
}

// remoteCode passes on the exit code of a command at the far end, as ssh does.
func remoteCode(e *plugin.ExitError) int {
	if e.Remote {
		return e.Code
	}
	return exitOther
}

// of makes a row for one type of error.
func of[E error](code func(E) int) func(error) int {
	return func(err error) int {
		var e E
		if !errors.As(err, &e) {
			return 0
		}
		return code(e)
	}
}

// report prints an error that nobody has reported yet and returns the exit code.
// What the AWS CLI would say too is said as it says it.
func (p *process) report(err error) int {
	var left *plugin.LeftRunningError
	if errors.As(err, &left) {
		fmt.Fprintf(p.stderr, "ssmguard: warning: %v\n", left)
		err = without(err, left)
	}
	var sig signalled
	var exit *plugin.ExitError
	switch text := p.awsText(err); {
	case text != "":
		fmt.Fprint(p.stderr, text)
	case err == nil, as[statusError](err), as[*plugin.InterruptedError](err):
	case errors.As(err, &exit) && exit.Remote:
	case errors.As(err, &sig):
		if sig.signal == syscall.SIGINT {
			fmt.Fprintln(p.stdout) // as the AWS CLI does
		}
	default:
		for line := range strings.SplitSeq(err.Error(), "\n") {
			prefix := "ssmguard: "
			if strings.HasPrefix(line, "  ") {
				prefix = "" // the body of a denial
			}
			fmt.Fprintf(p.stderr, "%s%s\n", prefix, printableName(strings.TrimPrefix(line, "ssmguard: ")))
		}
	}
	if advice := p.advice(err); advice != "" {
		fmt.Fprintf(p.stderr, "ssmguard: %s\n", advice)
	}
	return exitCode(err)
}

// without returns what else is in an error that errors.Join has made.
func without(err, part error) error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return nil
	}
	return errors.Join(slices.DeleteFunc(slices.Clone(joined.Unwrap()), func(e error) bool { return e == part })...)
}

// awsText returns what the AWS CLI writes about an error, "" for errors of ours.
func (p *process) awsText(err error) string {
	var (
		usage   *awscli.UsageError
		conf    *awsconf.Error
		refused *proxy.Refused
		silent  *proxy.Unreachable
		exit    *plugin.ExitError
	)
	switch {
	case errors.As(err, &usage):
		return usage.Text(p.errorFormat == "legacy" || !p.profileExists)
	case errors.As(err, &conf):
		return conf.Text(p.errorFormat)
	case errors.As(err, &refused):
		return (&awsconf.Error{
			Message: refused.Error(),
			Service: &awsconf.ServiceFault{Code: refused.Code, Message: refused.Message},
		}).Text(p.errorFormat)
	case errors.As(err, &silent):
		return awscli.Frame("", silent.Error())
	case errors.Is(err, plugin.ErrNotFound):
		return awscli.Frame("", plugin.ErrNotFound.Error())
	case errors.As(err, &exit) && !exit.Remote && exit.Reason == "":
		return awscli.Frame("", exit.Error())
	default:
		return ""
	}
}

func as[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}

// codedError is a message of ours with the code it ends the process with.
type codedError struct {
	message string
	code    int
}

func (e codedError) Error() string { return e.message }

// coded returns an error that ends the process with a code.
func coded(message string, code int) error { return codedError{message, code} }

// usagef says that the command line is wrong, and what to type instead.
func usagef(format string, args ...any) error {
	return coded(fmt.Sprintf(format, args...), exitUsage)
}

// statusError ends the process with a code after everything has been said.
type statusError struct{ code int }

// endWith returns the error that ends the process with a code and no further word.
func endWith(code int) error { return statusError{code} }

func (e statusError) Error() string { return fmt.Sprintf("exit status %d", e.code) }

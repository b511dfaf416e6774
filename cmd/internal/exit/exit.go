package exit

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"

	"ssmguard/cmd/internal/awscli"
	"ssmguard/cmd/internal/awsconf"
	"ssmguard/cmd/internal/env"
	"ssmguard/guard/awsiam"
	"ssmguard/internal/nettext"
	"ssmguard/internal/safetext"
	"ssmguard/proxy"
	"ssmguard/proxy/plugin"
)

// Exit codes are the AWS CLI v2's, so that scripts keep working.
const (
	OK              = 0
	Interrupt       = 130 // SIGINT
	Usage           = 252 // the command line is wrong
	Config          = 253 // environment, credentials or configuration
	Refused         = 254 // AWS or the guard said no
	Other           = 255
	exitCheckDenied = 3 // check, and lint for a fault
	exitUndecided   = 4 // check, and who and reach for an answer in part
)

// Code returns the exit code for what a command returned.
func Code(err error) int {
	if err == nil {
		return OK
	}
	for _, row := range exitCodes {
		if code := row(err); code != 0 {
			return code
		}
	}
	return Other
}

// exitCodes maps errors to exit codes; the first row that gives one wins.
var exitCodes = []func(error) int{
	of(func(e StatusError) int { return e.code }),
	of(func(e env.Signalled) int { return signalCode(e.Signal) }),
	of(func(e *plugin.InterruptedError) int { return signalCode(e.Signal) }),
	of(remoteCode),
	of(func(e CodedError) int { return e.code }),
	of(func(e *awscli.UsageError) int { return e.Code }),
	of(func(e *awsconf.Error) int { return e.Code }),
	of(func(*proxy.Refused) int { return Refused }),
	of(func(*proxy.Unreachable) int { return Other }),
	of(askedCode),
}

// askedCode is the code for a call that AWS did not answer.
func askedCode(e *awsiam.Error) int {
	switch e.Kind {
	case awsiam.KindDenied, awsiam.KindCredentials, awsiam.KindNotFound, awsiam.KindInvalid:
		return Refused
	}
	return Other
}

// signalCode is the code for a run that a signal ended: 130 after Ctrl-C, otherwise the
// signal itself, as with the AWS CLI, which does not catch the others. A Go process
// cannot end by SIGQUIT without a dump, nor by SIGPIPE: for these the code is the one
// that a shell shows.
func signalCode(s os.Signal) int {
	n, ok := s.(syscall.Signal)
	switch {
	case !ok:
		return Other
	case n == syscall.SIGINT:
		return Interrupt
	case n == syscall.SIGQUIT, n == syscall.SIGPIPE:
		return 128 + int(n)
	}
	return -int(n)
}

// remoteCode passes on the exit code of a command at the far end, as ssh does, and that of
// a plugin whose output nobody reads any more.
func remoteCode(e *plugin.ExitError) int {
	switch {
	case e.Remote:
		return e.Code
	case e.Signal == syscall.SIGPIPE:
		return signalCode(e.Signal)
	}
	return Other
}

// quiet reports whether an end of the plugin needs no words: the far command has had its
// own, and nobody reads on, as in `| head`.
func quiet(e *plugin.ExitError) bool { return e.Remote || e.Signal == syscall.SIGPIPE }

// of makes a row of exitCodes for one type of error.
func of[E error](code func(E) int) func(error) int {
	return func(err error) int {
		var e E
		if !errors.As(err, &e) {
			return 0
		}
		return code(e)
	}
}

// Report prints an error, unless it was printed already, and returns the exit code.
// Errors that the AWS CLI has, too, are printed in its words.
func Report(p *env.Process, err error) int {
	var left *proxy.LeftRunningError
	if errors.As(err, &left) {
		safetext.Fprintf(p.Notes(), "ssmguard: warning: %v\n", left)
		err = without(err, left)
	}
	var sig env.Signalled
	var exit *plugin.ExitError
	switch {
	case PrintAWS(p, err):
	case err == nil, As[StatusError](err), As[*plugin.InterruptedError](err):
	case errors.As(err, &exit) && quiet(exit):
	case errors.As(err, &sig):
		if sig.Signal == syscall.SIGINT {
			fmt.Fprintln(p.Stdout) // as the AWS CLI does
		}
	default:
		for _, text := range messages(err) {
			safetext.Fprintf(p.Notes(), "ssmguard: %s\n", safetext.Own(safetext.Paragraph(text, "  ")))
		}
	}
	if advice := Advice(p, err); advice != "" {
		safetext.Fprintf(p.Notes(), "ssmguard: %s\n", advice)
	}
	return Code(err)
}

// messages returns the texts of an error, one for each of the errors that are joined in
// it. Lines within a text may be of others.
func messages(err error) (texts []string) {
	if coded, ok := err.(CodedError); ok && len(coded.parts) > 0 {
		return coded.parts
	}
	switch outer := err.(type) {
	case interface{ Unwrap() []error }:
		for _, part := range outer.Unwrap() {
			texts = append(texts, messages(part)...)
		}
	case interface{ Unwrap() error }:
		if inner := outer.Unwrap(); inner != nil {
			texts = messages(inner)
		}
	}
	if strings.Join(texts, "\n") != err.Error() {
		return []string{nettext.Of(err)} // it says more than its parts
	}
	return texts
}

// without returns the other parts of an error that errors.Join has made.
func without(err, part error) error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return nil
	}
	return errors.Join(slices.DeleteFunc(slices.Clone(joined.Unwrap()), func(e error) bool { return e == part })...)
}

// PrintAWS prints an error that the AWS CLI has, too: in the CLI's place its text, laid out as
// the CLI does, elsewhere its sentence as ours. It prints nothing, and returns false, for errors of ours.
func PrintAWS(p *env.Process, err error) bool {
	if p.AWSVoice {
		text := awsText(p, err)
		safetext.Fprintf(p.Stderr, "%s", safetext.Own(text))
		return text != ""
	}
	sentence := awsSentence(err)
	if sentence != "" {
		safetext.Fprintf(p.Notes(), "ssmguard: %s\n", safetext.Own(safetext.Paragraph(sentence, "  ")))
	}
	return sentence != ""
}

// awsSentence is the AWS CLI's sentence about an error, with the tunnel that has the error
// before it, without the layers of the SDK around it.
func awsSentence(err error) string {
	var (
		usage   *awscli.UsageError
		conf    *awsconf.Error
		refused *proxy.Refused
		silent  *proxy.Unreachable
		end     *plugin.ExitError
		about   interface{ About() string }
		text    string
	)
	switch {
	case errors.As(err, &usage):
		text = usage.Error()
	case errors.As(err, &conf):
		text = conf.Message
	case errors.As(err, &refused):
		return before(err, &about) + refused.Error()
	case errors.As(err, &silent):
		text = silent.Error()
	case errors.Is(err, plugin.ErrNotFound):
		text = plugin.ErrNotFound.Error()
	case errors.As(err, &end) && !quiet(end) && end.Reason == "":
		text = fmt.Sprintf("session-manager-plugin ended with exit code %d", end.Code)
		if end.Code < 0 {
			text = "session-manager-plugin was ended by a signal: " + end.Signal.String()
		}
		return before(err, &about) + text
	default:
		return ""
	}
	first, size := utf8.DecodeRuneInString(text)
	if second, _ := utf8.DecodeRuneInString(text[size:]); !unicode.IsUpper(second) { // no abbreviation
		text = string(unicode.ToLower(first)) + text[size:]
	}
	if strings.Count(text, ". ") == 0 {
		text = strings.TrimSuffix(text, ".")
	}
	return before(err, &about) + text
}

// before is what an error says it is about, such as a tunnel, as the beginning of a text.
func before(err error, about *interface{ About() string }) string {
	if errors.As(err, about) && (*about).About() != "" {
		return (*about).About() + ": "
	}
	return ""
}

func awsText(p *env.Process, err error) string {
	var (
		usage   *awscli.UsageError
		conf    *awsconf.Error
		refused *proxy.Refused
		silent  *proxy.Unreachable
		exit    *plugin.ExitError
	)
	switch {
	case errors.As(err, &usage):
		return usage.Text(p.Asked.ErrorFormat == "legacy" || p.Asked.NoProfile)
	case errors.As(err, &conf):
		return conf.Text(p.Asked.ErrorFormat)
	case errors.As(err, &refused):
		return (&awsconf.Error{
			Message: refused.Error(),
			Service: &awsconf.ServiceFault{Code: refused.Code, Message: refused.Message},
		}).Text(p.Asked.ErrorFormat)
	case errors.As(err, &silent):
		return awscli.Frame("", silent.Error())
	case errors.Is(err, plugin.ErrNotFound):
		return awscli.Frame("", plugin.ErrNotFound.Error())
	case errors.As(err, &exit) && !quiet(exit) && exit.Reason == "":
		return awscli.Frame("", exit.Error())
	default:
		return ""
	}
}

// As reports whether an error's tree holds one of a type.
func As[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}

// CodedError is a message of ours with an exit code.
type CodedError struct {
	message string
	parts   []string // the texts of joined errors, nil for one message
	code    int
}

func (e CodedError) Error() string { return e.message }

// Coded returns an error that ends the process with a code.
func Coded(message string, code int) error { return CodedError{message: message, code: code} }

// WithCode returns an error with the text of err that ends the process with a code.
func WithCode(err error, code int) error {
	return CodedError{message: nettext.Of(err), parts: messages(err), code: code}
}

// Usagef says that the command line is wrong, and what to type instead. The arguments
// are text of others.
func Usagef(format string, args ...any) error {
	return Coded(safetext.Sprintf(format, args...), Usage)
}

// StatusError ends the process with a code; its message was printed already.
type StatusError struct{ code int }

// EndWith returns the error that ends the process with a code and no message.
func EndWith(code int) error { return StatusError{code} }

func (e StatusError) Error() string { return fmt.Sprintf("exit status %d", e.code) }

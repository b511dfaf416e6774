package awscli

import (
	"strings"

	"ssmguard/internal/safetext"
)

// Exit codes of the AWS CLI v2 for what this package finds.
const (
	CodeUsage = 252 // the command line is wrong
	CodeOther = 255 // the rest
)

// usage is what the CLI prints with an error of its argument parser.
const usage = `usage: aws [options] <command> <subcommand> [<subcommand> ...] [parameters]
To see help text, you can run:

  aws help
  aws <command> help
  aws <command> <subcommand> help
`

// UsageError is a command line that the AWS CLI refuses.
type UsageError struct {
	Code int    // exit code
	Kind string // the CLI's name for the class of error, "" for none, such as ParamValidation
	// Message is the error's own text, with the usage after it if the CLI prints it there.
	Message string
	// Preface is printed before the frame: the usage, for unknown options.
	Preface string
	// Unknown are the words that belong to no option, in the CLI's order. Where
	// arguments are missing, which the CLI says first, they are options alone.
	Unknown []string
	// Choice is the command, or the operation, that is none of ours.
	Choice string
}

// Error returns the message alone.
func (e *UsageError) Error() string { return safetext.Text(e.Message) }

// Text is exactly what the AWS CLI v2 writes to stderr. plain leaves the class of
// the error out, as the CLI does in its legacy error format and when the profile
// does not exist.
func (e *UsageError) Text(plain bool) string {
	msg := e.Message
	if e.Kind != "" && !plain {
		msg = "An error occurred (" + e.Kind + "): " + msg
	}
	return Frame(e.Preface, msg)
}

// Frame puts a message into the form in which the AWS CLI v2 writes errors.
func Frame(preface, msg string) string {
	out := safetext.Text(preface) + strings.TrimRight("\naws: [ERROR]: "+safetext.Text(msg), " ")
	return strings.TrimSuffix(out, "\n") + "\n"
}

func paramValidation(msg string) *UsageError {
	return &UsageError{Code: CodeUsage, Kind: "ParamValidation", Message: msg}
}

// parameterError is a fault in the value of one option.
func parameterError(name, msg string) *UsageError {
	return paramValidation("Error parsing parameter '" + name + "': " + msg)
}

func (e *UsageError) withUsage() *UsageError {
	e.Message += "\n\n" + usage
	return e
}

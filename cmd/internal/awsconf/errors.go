package awsconf

import (
	"errors"
	"fmt"
	"slices"

	"ssmguard/cmd/internal/awscli"
	"ssmguard/internal/awsjson"
	"ssmguard/internal/nettext"
	"ssmguard/internal/safetext"
)

// Exit codes of the AWS CLI v2.
const (
	CodeUsage   = 252 // invalid parameters
	CodeConfig  = 253 // no region, no credentials
	CodeRefused = 254 // a service said no
	CodeOther   = 255 // the rest
)

// Error is a fault that ends the AWS CLI v2: its text and exit code.
type Error struct {
	Code    int
	Kind    string // the CLI's class of the error, such as NoRegion, or "" for none
	Message string
	// Service is set when an AWS service answered with an error.
	Service *ServiceFault

	// Credentials is the CLI's name of the source whose credentials cannot be used,
	// "" for other faults.
	Credentials string

	reason string // why a source has no credentials
	cause  error  // the SDK's error, nil when the fault is in the configuration
}

// ServiceFault is an error answer of a service.
type ServiceFault struct{ Code, Message string }

// Error returns the message alone.
func (e *Error) Error() string { return e.Message }

// Unwrap returns the SDK's error behind a call that failed, nil if there was none.
func (e *Error) Unwrap() error { return e.cause }

// Text is exactly what the AWS CLI v2 writes to stderr in the given error format
// ("" is the default one).
func (e *Error) Text(format string) string {
	if e.Service != nil {
		if out, ok := e.Service.format(format); ok {
			return out
		}
	}
	msg := e.Message
	if e.Kind != "" && format != "legacy" {
		msg = "An error occurred (" + e.Kind + "): " + msg
	}
	return awscli.Frame("", msg)
}

// format renders the fault as data; ok is false if the format is a line of text.
func (f *ServiceFault) format(format string) (string, bool) {
	switch format {
	case "json":
		text := "{\n    \"Message\": " + awsjson.Quote(f.Message) + ",\n    \"Code\": " + awsjson.Quote(f.Code) + "\n}\n"
		return string(safetext.JSON([]byte(text))), true
	case "yaml":
		return string(safetext.JSON([]byte("Message: "+awsjson.Quote(f.Message)))) + "\nCode: " + safetext.Line(f.Code) + "\n", true
	case "text":
		return safetext.Text(f.Code+"\t"+f.Message) + "\n", true
	}
	return "", false
}

func errorf(code int, format string, args ...any) *Error {
	args = slices.Clone(args)
	for i, arg := range args {
		if err, ok := arg.(error); ok {
			args[i] = nettext.Of(err)
		}
	}
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

func retrievalError(provider, msg string) *Error {
	e := errorf(CodeOther, "Error when retrieving credentials from %s: %s", provider, msg)
	e.Credentials = provider
	return e
}

func partialCredentials(provider, missing string) *Error {
	e := errorf(CodeOther, "Partial credentials found in %s, missing: %s", provider, missing)
	e.Credentials = provider
	return e
}

var (
	errNoCredentials = &Error{Code: CodeConfig, Kind: "NoCredentials",
		Message: `Unable to locate credentials. You can configure credentials by running "aws login".`}
	errNoRegion = &Error{Code: CodeConfig, Kind: "NoRegion",
		Message: `You must specify a region. You can also configure your region by running "aws configure".`}
	errStillExpired = &Error{Code: CodeOther,
		Message: "Credentials were refreshed, but the refreshed credentials are still expired."}
	errSSOUnauthorized = &Error{Code: CodeOther,
		Message: "The SSO session associated with this profile has expired or is otherwise invalid. " +
			"To refresh this SSO session run aws sso login with the corresponding profile."}
)

// noCredentials is errNoCredentials with a source's reason.
func noCredentials(reason string) *Error {
	e := *errNoCredentials
	e.Message += " (" + reason + ")"
	e.reason = reason
	return &e
}

// absence returns the reason of an error of noCredentials; ok is false for other
// errors.
func absence(err error) (reason string, ok bool) {
	var own *Error
	if !errors.As(err, &own) || own.reason == "" {
		return "", false
	}
	return own.reason, true
}

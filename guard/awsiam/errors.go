package awsiam

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"syscall"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"ssmguard/internal/nettext"
)

// Kind says what an AWS error means for us. It is the one place where AWS's
// error codes are read; everybody else switches on a Kind.
type Kind int

// The kinds of failure.
const (
	KindOther       Kind = iota // none of the below, or no error of AWS's
	KindDenied                  // IAM does not let the caller make this call
	KindCredentials             // the credentials are missing, wrong, expired, or not accepted by this service
	KindThrottled               // asked too often; the call's own retries are spent
	KindNotFound                // the thing asked about does not exist, or not here
	KindInvalid                 // AWS understood the call and rejects an argument
	KindUnreachable             // no usable answer: network, timeout, server fault, garbage
	KindCanceled                // our caller gave up
	KindNoOrg                   // the account belongs to no organization
)

// meaning is what some error codes mean.
type meaning struct {
	kind     Kind
	advice   string // what to do about credentials that AWS does not take
	outdated bool   // newer credentials may be taken
	codes    []string
}

// ExpiredAdvice is the CredentialAdvice for credentials that have expired.
const ExpiredAdvice = "the credentials have expired: get new ones"

// codes are the error codes of AWS that mean something to us: the one table of them.
// proxy/awsdb and guard/finding, which may not import this package, know those by which
// AWS says that something is denied or not there.
var codes = []meaning{
	{kind: KindDenied, codes: []string{
		"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "Client.UnauthorizedOperation", "NotAuthorized",
		"AuthorizationError", "AuthorizationErrorException", "UnauthorizedException",
	}},
	{KindCredentials, ExpiredAdvice, true,
		[]string{"ExpiredToken", "ExpiredTokenException", "RequestExpired"}},
	{KindCredentials, `AWS does not know these keys: "aws configure list" tells where they come from`, true,
		[]string{"InvalidClientTokenId", "InvalidAccessKeyId", "InvalidToken", "UnrecognizedClientException", "AuthFailure"}},
	{KindCredentials, `the secret key is not that of the access key, or this machine's clock is wrong: see "ssmguard doctor"`, false,
		[]string{"SignatureDoesNotMatch", "InvalidSignatureException", "RequestTimeTooSkewed"}},
	{kind: KindCredentials, codes: []string{
		"IncompleteSignature", "IncompleteSignatureException", "MissingAuthenticationToken", "OptInRequired",
	}},
	{kind: KindThrottled, codes: []string{
		"Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled", "RequestThrottledException",
		"RequestLimitExceeded", "TooManyRequestsException", "SlowDown",
	}},
	{kind: KindNotFound, codes: []string{
		"NoSuchEntity", "InvalidInstanceID.NotFound", "InvalidInstanceID.Malformed", "InvalidInstanceId", "InvalidResourceId",
		"InvalidDocument", "InvalidDocumentVersion", "NotFoundException", "ResourceNotFoundException", "ClusterNotFoundException",
		"PolicyNotFoundException",
	}},
	{kind: KindInvalid, codes: []string{
		"InvalidInput", "ValidationError", "ValidationException", "InvalidParameterValue", "InvalidParameterException",
		"InvalidAuthorizationMessageException",
	}},
	{kind: KindUnreachable, codes: []string{"InternalServerError", "InternalFailure", "ServiceUnavailable"}},
	{kind: KindNoOrg, codes: []string{"AWSOrganizationsNotInUseException"}},
}

// KindOfCode says what an error code of AWS means, KindOther for one that means nothing
// to us.
func KindOfCode(code string) Kind { return meaningOf(code).kind }

func meaningOf(code string) meaning {
	for _, m := range codes {
		if slices.Contains(m.codes, code) {
			return m
		}
	}
	return meaning{}
}

// CredentialAdvice returns what to do about credentials that AWS refused with this
// error code, one line, or "" when the code speaks of something else.
func CredentialAdvice(code string) string { return meaningOf(code).advice }

// Outdated reports whether AWS refuses credentials with this error code that newer ones
// may replace.
func Outdated(code string) bool { return meaningOf(code).outdated }

// KindOf classifies an error that an AWS SDK client returned. A nil error is KindOther.
func KindOf(err error) Kind {
	if err == nil {
		return KindOther
	}
	if errors.Is(err, context.Canceled) {
		return KindCanceled
	}
	var own *Error
	if errors.As(err, &own) {
		return own.Kind
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		if k := KindOfCode(api.ErrorCode()); k != KindOther {
			return k
		}
	}
	return kindOfTransport(err)
}

// kindOfTransport classifies what is left when the code says nothing: the
// status, the connection, and answers that could not be read.
func kindOfTransport(err error) Kind {
	var resp *smithyhttp.ResponseError
	if errors.As(err, &resp) && resp.Response != nil && resp.Response.Response != nil {
		switch s := resp.HTTPStatusCode(); {
		case s == http.StatusTooManyRequests:
			return KindThrottled
		case s >= 500:
			return KindUnreachable
		}
	}
	var (
		garbled *smithy.DeserializationError
		unsent  *smithyhttp.RequestSendError
		network net.Error
	)
	switch {
	case errors.As(err, &garbled), errors.As(err, &unsent), errors.Is(err, context.DeadlineExceeded):
		return KindUnreachable
	case errors.As(err, &network):
		if _, bare := network.(syscall.Errno); !bare { // that of a file or a program has the methods, too
			return KindUnreachable
		}
	}
	return KindOther
}

// Error is a call to AWS that was not answered. Its text is short; the SDK's
// own error is behind Unwrap.
type Error struct {
	Permission string // the call, as IAM names it: "iam:GetRole"
	Kind       Kind
	Code       string // AWS's error code, "" when the answer carried none
	Message    string // AWS's message, or ours when there was no answer
	Err        error
}

// Error returns the call, AWS's code and message on one line.
func (e *Error) Error() string {
	if e.Code == "" {
		return e.Permission + ": " + e.Message
	}
	return e.Permission + ": " + e.Code + ": " + e.Message
}

// Unwrap returns the SDK's error.
func (e *Error) Unwrap() error { return e.Err }

// wrap turns an SDK error into an *Error. It keeps nil and what is one already.
func wrap(permission string, err error) error {
	var own *Error
	if err == nil || errors.As(err, &own) {
		return err
	}
	e := &Error{Permission: permission, Kind: KindOf(err), Err: err}
	var api smithy.APIError
	switch {
	case errors.As(err, &api):
		e.Code, e.Message = api.ErrorCode(), api.ErrorMessage()
	case e.Kind == KindCanceled:
		e.Message = "canceled"
	case errors.Is(err, context.DeadlineExceeded):
		e.Message = "no answer in time"
	case e.Kind == KindUnreachable:
		e.Message = "no usable answer: " + rootText(err)
	default:
		e.Message = rootText(err)
	}
	return e
}

// rootText is the text of the innermost error, in words: the SDK repeats the operation
// and request ids in every layer above it.
func rootText(err error) string {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return nettext.Of(err)
		}
		err = next
	}
}

// asError is errors.As for our own type.
func asError(err error, target **Error) bool { return errors.As(err, target) }

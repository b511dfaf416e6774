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

// codeKinds holds the error codes of STS, IAM, EC2, SSM, ECS, KMS and
// Organizations that mean something to us.
var codeKinds = map[string]Kind{
	"AccessDenied":                         KindDenied,
	"AccessDeniedException":                KindDenied,
	"UnauthorizedOperation":                KindDenied,
	"Client.UnauthorizedOperation":         KindDenied,
	"NotAuthorized":                        KindDenied,
	"AuthorizationError":                   KindDenied,
	"AuthorizationErrorException":          KindDenied,
	"UnauthorizedException":                KindDenied,
	"ExpiredToken":                         KindCredentials,
	"ExpiredTokenException":                KindCredentials,
	"RequestExpired":                       KindCredentials,
	"RequestTimeTooSkewed":                 KindCredentials,
	"InvalidClientTokenId":                 KindCredentials,
	"InvalidAccessKeyId":                   KindCredentials,
	"InvalidToken":                         KindCredentials,
	"UnrecognizedClientException":          KindCredentials,
	"SignatureDoesNotMatch":                KindCredentials,
	"InvalidSignatureException":            KindCredentials,
	"IncompleteSignature":                  KindCredentials,
	"IncompleteSignatureException":         KindCredentials,
	"MissingAuthenticationToken":           KindCredentials,
	"AuthFailure":                          KindCredentials,
	"OptInRequired":                        KindCredentials,
	"Throttling":                           KindThrottled,
	"ThrottlingException":                  KindThrottled,
	"ThrottledException":                   KindThrottled,
	"RequestThrottled":                     KindThrottled,
	"RequestThrottledException":            KindThrottled,
	"RequestLimitExceeded":                 KindThrottled,
	"TooManyRequestsException":             KindThrottled,
	"SlowDown":                             KindThrottled,
	"NoSuchEntity":                         KindNotFound,
	"InvalidInstanceID.NotFound":           KindNotFound,
	"InvalidInstanceID.Malformed":          KindNotFound,
	"InvalidInstanceId":                    KindNotFound,
	"InvalidResourceId":                    KindNotFound,
	"InvalidDocument":                      KindNotFound,
	"InvalidDocumentVersion":               KindNotFound,
	"NotFoundException":                    KindNotFound,
	"ResourceNotFoundException":            KindNotFound,
	"ClusterNotFoundException":             KindNotFound,
	"PolicyNotFoundException":              KindNotFound,
	"InvalidInput":                         KindInvalid,
	"ValidationError":                      KindInvalid,
	"ValidationException":                  KindInvalid,
	"InvalidParameterValue":                KindInvalid,
	"InvalidParameterException":            KindInvalid,
	"AWSOrganizationsNotInUseException":    KindNoOrg,
	"InvalidAuthorizationMessageException": KindInvalid,
}

// credentialAdvice says what to do about credentials that AWS does not take.
var credentialAdvice = []struct {
	advice string
	codes  []string
}{
	{`the credentials have expired: get new ones (for SSO: "aws sso login")`,
		[]string{"ExpiredToken", "ExpiredTokenException", "RequestExpired"}},
	{`AWS does not know these keys: "aws configure list" tells where they come from`,
		[]string{"InvalidClientTokenId", "InvalidAccessKeyId", "InvalidToken", "UnrecognizedClientException", "AuthFailure"}},
	{`the secret key is not that of the access key, or this machine's clock is wrong: see "ssmguard doctor"`,
		[]string{"SignatureDoesNotMatch", "InvalidSignatureException", "RequestTimeTooSkewed"}},
}

// CredentialAdvice returns what to do about credentials that AWS refused with this
// error code, one line, or "" when the code speaks of something else.
func CredentialAdvice(code string) string {
	for _, row := range credentialAdvice {
		if slices.Contains(row.codes, code) {
			return row.advice
		}
	}
	return ""
}

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
		if k, ok := codeKinds[api.ErrorCode()]; ok {
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

// rootText is the text of the innermost error: the SDK repeats the operation
// and request ids in every layer above it.
func rootText(err error) string {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err.Error()
		}
		err = next
	}
}

// asError is errors.As for our own type.
func asError(err error, target **Error) bool { return errors.As(err, target) }

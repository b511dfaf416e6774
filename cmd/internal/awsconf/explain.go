package awsconf

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"ssmguard/internal/nettext"
)

// Call is the call that failed.
type Call struct {
	Operation string // AssumeRole
	Endpoint  string // the configured URL, "" for that of the SDK's rules
}

type reason int

const (
	reasonNone reason = iota
	reasonConnect
	reasonConnectTimeout
	reasonReadTimeout
	reasonClosed
	reasonTLS
	reasonProxy
	reasonScheme
	reasonBound
)

// reasonOf classifies the error of a call that got no answer.
func reasonOf(err error) reason {
	var (
		op      *net.OpError
		cert    *tls.CertificateVerificationError
		unknown x509.UnknownAuthorityError
		record  tls.RecordHeaderError
		bundle  *BundleError
		timeout net.Error
		request *url.Error
		dns     *net.DNSError
	)
	isOp := errors.As(err, &op)
	switch {
	case isBound(err):
		return reasonBound
	case isOp && op.Op == "proxyconnect":
		return reasonProxy
	case errors.As(err, &cert), errors.As(err, &unknown), errors.As(err, &record), errors.As(err, &bundle):
		return reasonTLS
	case isOp && op.Op == "dial" && op.Timeout():
		return reasonConnectTimeout
	case isOp && op.Op == "dial", errors.As(err, &dns):
		return reasonConnect
	case errors.As(err, &timeout) && timeout.Timeout():
		return reasonReadTimeout
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed),
		nettext.Reset(err), nettext.NoReader(err):
		return reasonClosed
	case errors.As(err, &request) && strings.Contains(request.Err.Error(), "unsupported protocol scheme"):
		return reasonScheme
	}
	return reasonNone
}

// unknownCode is the SDK's code for an error answer that it cannot read.
const unknownCode = "UnknownError"

// Explain turns an error of an SDK client into the CLI's text and exit code. An *Error
// inside it, such as missing credentials, is returned unchanged.
func Explain(err error, call Call) error {
	var own *Error
	var api smithy.APIError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &own):
		return own
	case errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &api) && api.ErrorCode() != unknownCode:
		own = serviceError(err, call, api.ErrorCode(), api.ErrorMessage())
	default:
		own = unanswered(err, call)
	}
	own.cause = err
	return own
}

// unanswered explains a call that got no answer, or one that cannot be read.
func unanswered(err error, call Call) *Error {
	target := targetOf(err, call)
	var bundle *BundleError
	switch reasonOf(err) {
	case reasonProxy:
		return errorf(CodeOther, "Failed to connect to proxy URL: %q", proxyOf(err))
	case reasonTLS:
		detail := "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: " + innermost(err)
		if errors.As(err, &bundle) {
			detail = bundle.Error()
		}
		return errorf(CodeOther, "SSL validation failed for %s %s", target, detail)
	case reasonConnectTimeout:
		return errorf(CodeOther, "Connect timeout on endpoint URL: %q", target)
	case reasonConnect:
		return errorf(CodeOther, "Could not connect to the endpoint URL: %q", target)
	case reasonReadTimeout:
		return errorf(CodeOther, "Read timeout on endpoint URL: %q", target)
	case reasonClosed:
		return errorf(CodeOther, "Connection was closed before we received a valid response from endpoint URL: %q.", target)
	case reasonBound:
		return errorf(CodeOther, "The answer of the endpoint URL %q cannot be used: %s", target, innermost(err))
	case reasonScheme:
		u, _ := url.Parse(target)
		return errorf(CodeOther, "An HTTP Client raised an unhandled exception: Not supported URL scheme %s", u.Scheme)
	}
	var response *smithyhttp.ResponseError
	if errors.As(err, &response) && response.HTTPStatusCode() >= 300 {
		status := response.HTTPStatusCode()
		return serviceError(err, call, fmt.Sprint(status), http.StatusText(status))
	}
	return errorf(CodeOther, "%s", innermost(err))
}

func serviceError(err error, call Call, code, message string) *Error {
	retried := ""
	var exhausted *retry.MaxAttemptsError
	if errors.As(err, &exhausted) {
		retried = fmt.Sprintf(" (reached max retries: %d)", exhausted.Attempt-1)
	}
	return &Error{
		Code:    CodeRefused,
		Message: fmt.Sprintf("An error occurred (%s) when calling the %s operation%s: %s", code, call.Operation, retried, message),
		Service: &ServiceFault{Code: code, Message: message},
	}
}

// targetOf is the URL of a failed request.
func targetOf(err error, call Call) string {
	var request *url.Error
	target := call.Endpoint
	if errors.As(err, &request) {
		target = request.URL
	}
	if u, perr := url.Parse(target); perr == nil && u.Path == "" {
		u.Path = "/"
		target = u.String()
	}
	return target
}

// proxyOf is the URL of the proxy that could not be used.
func proxyOf(err error) string {
	var op *net.OpError
	for errors.As(err, &op) {
		if op.Addr != nil {
			return "http://" + op.Addr.String()
		}
		err = op.Err
	}
	return ""
}

// innermost is the text of the error at the bottom of the chain.
func innermost(err error) string {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err.Error()
		}
		err = next
	}
}

package awsssm

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"ssmguard/internal/nettext"
	"ssmguard/proxy"
)

// translate turns the SDK's errors into the two errors of package proxy. If the call
// for credentials failed, the error names that operation.
func translate(operation string, err error) error {
	if r := refused(err); r != nil {
		r.Operation = innermost(operation, err)
		return r
	}
	var send *smithyhttp.RequestSendError
	if errors.As(err, &send) && !errors.Is(err, context.Canceled) {
		u := &proxy.Unreachable{Operation: innermost(operation, err), Reason: reason(err), Err: send.Err}
		var to *url.Error
		if errors.As(err, &to) {
			u.Endpoint, _, _ = strings.Cut(to.URL, "?")
			u.Err = to.Err
		}
		if u.Reason == proxy.BadProxy {
			u.Endpoint = proxyURL(err)
		}
		return u
	}
	return err
}

// proxyURL is the proxy that could not be used, "" if the error does not name it.
func proxyURL(err error) string {
	var op *net.OpError
	for errors.As(err, &op) {
		if op.Addr != nil {
			return "http://" + op.Addr.String()
		}
		err = op.Err
	}
	return ""
}

// unknownCode is the SDK's code for an error answer without one.
const unknownCode = "UnknownError"

// refused returns the error answer of a service, nil for other errors. An answer
// without a code, such as a load balancer's page, has its status as the code.
func refused(err error) *proxy.Refused {
	r := &proxy.Refused{}
	var response *smithyhttp.ResponseError
	if errors.As(err, &response) {
		r.HTTPStatus = response.HTTPStatusCode()
	}
	var answer smithy.APIError
	switch {
	case errors.As(err, &answer) && answer.ErrorCode() == unknownCode && r.HTTPStatus != 0:
		r.Code = strconv.Itoa(r.HTTPStatus)
	case errors.As(err, &answer):
		r.Code, r.Message = answer.ErrorCode(), answer.ErrorMessage()
	case r.HTTPStatus >= http.StatusMultipleChoices:
		r.Code, r.Message = strconv.Itoa(r.HTTPStatus), http.StatusText(r.HTTPStatus)
	default:
		return nil
	}
	var retried *retry.MaxAttemptsError
	if errors.As(err, &retried) {
		r.Attempts = retried.Attempt
	}
	return r
}

// innermost returns the operation that actually failed.
func innermost(operation string, err error) string {
	var op *smithy.OperationError
	for errors.As(err, &op) {
		operation = op.Operation()
		err = op.Err
	}
	return operation
}

// reason classifies a call without an answer.
func reason(err error) proxy.Reason {
	var (
		authority x509.UnknownAuthorityError
		hostname  x509.HostnameError
		invalid   x509.CertificateInvalidError
		verify    *tls.CertificateVerificationError
		record    tls.RecordHeaderError
		alert     tls.AlertError
		op        *net.OpError
		slow      net.Error
		trust     interface{ TrustFault() bool }  // of awsconf: the certificate bundle cannot be read
		bounds    interface{ OutOfBounds() bool } // of awsconf: the answer has no end
	)
	switch {
	case errors.As(err, &trust) && trust.TrustFault(), errors.As(err, &authority), errors.As(err, &hostname), errors.As(err, &invalid),
		errors.As(err, &verify), errors.As(err, &record), errors.As(err, &alert):
		return proxy.BadTLS
	case errors.As(err, &bounds) && bounds.OutOfBounds():
		return proxy.Unbounded
	case errors.As(err, &op) && op.Op == "proxyconnect":
		return proxy.BadProxy
	case errors.As(err, &op) && op.Op == "dial" && op.Timeout():
		return proxy.ConnectTimeout
	case errors.As(err, &op) && op.Op == "dial":
		return proxy.NoConnection
	case errors.As(err, &slow) && slow.Timeout():
		return proxy.ReadTimeout
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), nettext.Reset(err), errors.Is(err, net.ErrClosed):
		return proxy.ClosedEarly
	}
	return proxy.NoConnection
}

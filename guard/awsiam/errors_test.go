package awsiam

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"syscall"
	"testing"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

func TestKindOf(t *testing.T) {
	api := func(code string) error {
		return fmt.Errorf("operation error: %w", &smithy.GenericAPIError{Code: code, Message: "m"})
	}
	status := func(n int) error {
		return &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: &http.Response{StatusCode: n}}, Err: errors.New("m")}
	}
	for _, tt := range []struct {
		name string
		err  error
		want Kind
	}{
		{"nil", nil, KindOther},
		{"IAM refuses", api("AccessDenied"), KindDenied},
		{"SSM refuses", api("AccessDeniedException"), KindDenied},
		{"EC2 refuses", api("UnauthorizedOperation"), KindDenied},
		{"expired", api("ExpiredTokenException"), KindCredentials},
		{"EC2 does not know the key", api("AuthFailure"), KindCredentials},
		{"throttled", api("RequestLimitExceeded"), KindThrottled},
		{"throttled by status", status(429), KindThrottled},
		{"no such role", api("NoSuchEntity"), KindNotFound},
		{"no organization", api("AWSOrganizationsNotInUseException"), KindNoOrg},
		{"server fault", status(503), KindUnreachable},
		{"garbage", &smithy.DeserializationError{Err: io.ErrUnexpectedEOF}, KindUnreachable},
		{"too slow", fmt.Errorf("x: %w", context.DeadlineExceeded), KindUnreachable},
		{"refused", &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}, KindUnreachable},
		{"a file", fmt.Errorf("x: %w", &fs.PathError{Op: "open", Path: "f", Err: syscall.EACCES}), KindOther},
		{"canceled", fmt.Errorf("x: %w", context.Canceled), KindCanceled},
		{"ours", fmt.Errorf("x: %w", &Error{Kind: KindThrottled}), KindThrottled},
		{"unknown code", api("Teapot"), KindOther},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := KindOf(tt.err); got != tt.want {
				t.Errorf("KindOf(%v) = %v, want %v", tt.err, got, tt.want)
			}
		})
	}
}

// TestCodes: every code stands in one row, the rows are read, and what speaks of
// credentials is of that kind.
func TestCodes(t *testing.T) {
	seen := map[string]bool{"": true}
	for _, m := range codes {
		if (m.advice != "" || m.outdated) && m.kind != KindCredentials {
			t.Errorf("%v: advice for another kind", m.codes)
		}
		for _, code := range m.codes {
			if seen[code] || KindOfCode(code) == KindOther {
				t.Errorf("%q stands there twice, or for nothing", code)
			}
			seen[code] = true
		}
	}
	for code, want := range map[string]struct {
		outdated, advice bool
	}{
		"ExpiredTokenException": {true, true}, "AuthFailure": {true, true}, "SignatureDoesNotMatch": {false, true},
		"OptInRequired": {}, "AccessDenied": {}, "Teapot": {},
	} {
		if Outdated(code) != want.outdated || (CredentialAdvice(code) != "") != want.advice {
			t.Errorf("%s: outdated %v, advice %q", code, Outdated(code), CredentialAdvice(code))
		}
	}
}

func TestErrorText(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want string
	}{
		{&smithy.GenericAPIError{Code: "Throttling", Message: "Rate exceeded"}, "iam:GetRole: Throttling: Rate exceeded"},
		{fmt.Errorf("deep: %w", context.DeadlineExceeded), "iam:GetRole: no answer in time"},
		{fmt.Errorf("deep: %w", context.Canceled), "iam:GetRole: canceled"},
		{fmt.Errorf("deep: %w", &smithyhttp.RequestSendError{Err: errors.New("connection refused")}), "iam:GetRole: no usable answer: connection refused"},
	} {
		if got := wrap("iam:GetRole", tt.err).Error(); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
	if wrap("iam:GetRole", nil) != nil {
		t.Error("nil became an error")
	}
}

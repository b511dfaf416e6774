package dial

import (
	"crypto/tls"
	"errors"
	"net/http"

	"ssmguard/guard/awsiam"
	"ssmguard/proxy"
	"ssmguard/proxy/channel"
)

// NotConnected is AWS's error code for a target whose agent is not connected.
const NotConnected = "TargetNotConnected"

// passingErrors has a row for each type of error, which reports whether the fault
// passes by itself. The first row that knows an error decides.
var passingErrors = []func(error) (passes, known bool){
	passesIf(func(*tls.CertificateVerificationError) bool { return false }),
	passesIf(func(e *proxy.Refused) bool {
		kind := awsiam.KindOfCode(e.Code)
		return kind == awsiam.KindThrottled || kind == awsiam.KindUnreachable || e.Code == NotConnected || e.HTTPStatus >= http.StatusInternalServerError
	}),
	passesIf(func(e *proxy.Unreachable) bool { return e.Reason != proxy.BadTLS && e.Reason != proxy.Unbounded }),
	passesIf(func(e *channel.StatusError) bool { return !errors.Is(e, channel.ErrRefused) }),
	func(err error) (passes, known bool) { return true, errors.Is(err, channel.ErrOpenTimeout) },
	func(err error) (passes, known bool) {
		kind := awsiam.KindOf(err)
		return true, kind == awsiam.KindThrottled || kind == awsiam.KindUnreachable
	},
}

// Passes reports whether a fault may pass by itself: the network returns, a limit is
// over, the far side has started.
func Passes(err error) bool {
	for _, row := range passingErrors {
		if passes, known := row(err); known {
			return passes
		}
	}
	return false
}

// passesIf makes a row for one type of error.
func passesIf[E error](passes func(E) bool) func(error) (passes, known bool) {
	return func(err error) (bool, bool) {
		var e E
		if !errors.As(err, &e) {
			return false, false
		}
		return passes(e), true
	}
}

package api

import (
	"fmt"
	"net/http"
)

// Refusal is an error as a service reports it: its code, text and HTTP status.
type Refusal struct {
	Code    string
	Message string
	Status  int
	Extra   map[string]string // more members, of JSON services
}

// Error is the refusal's code and message.
func (f *Refusal) Error() string { return f.Code + ": " + f.Message }

// Refuse builds an error of status 400.
func Refuse(code, format string, args ...any) *Refusal {
	return &Refusal{Code: code, Message: fmt.Sprintf(format, args...), Status: http.StatusBadRequest}
}

// trouble names a failure that precedes every operation, whatever the service.
type trouble int

const (
	noSignature trouble = iota
	badHeader
	unknownKey
	wrongSignature
	skewedClock
	expiredToken
	unknownOperation
	throttled
	unavailable
)

// troubles gives each trouble its code, per family of services, and its text.
// EC2 reports every unusable key in the same words.
var troubles = map[trouble]struct {
	query, json, ec2 string
	status           int
	message          string
}{
	noSignature:      {"MissingAuthenticationToken", "MissingAuthenticationTokenException", "MissingParameter", 403, "Request is missing Authentication Token"},
	badHeader:        {"IncompleteSignature", "IncompleteSignatureException", "IncompleteSignature", 400, "The request signature does not conform to AWS standards"},
	unknownKey:       {"InvalidClientTokenId", "UnrecognizedClientException", "AuthFailure", 403, "The security token included in the request is invalid."},
	wrongSignature:   {"SignatureDoesNotMatch", "InvalidSignatureException", "AuthFailure", 403, "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."},
	skewedClock:      {"SignatureDoesNotMatch", "InvalidSignatureException", "RequestExpired", 403, "Signature expired"},
	expiredToken:     {"ExpiredToken", "ExpiredTokenException", "RequestExpired", 403, "The security token included in the request is expired"},
	unknownOperation: {"InvalidAction", "UnknownOperationException", "InvalidAction", 400, "Could not find operation"},
	throttled:        {"Throttling", "ThrottlingException", "RequestLimitExceeded", 400, "Rate exceeded"},
	unavailable:      {"ServiceUnavailable", "InternalServerError", "Unavailable", 503, "Service Unavailable"},
}

const ec2Unusable = "AWS was not able to validate the provided access credentials"

// troubleFor returns a trouble in the service's words. detail replaces the text when
// not empty.
func troubleFor(service string, t trouble, detail string) *Refusal {
	row := troubles[t]
	f := &Refusal{Code: row.query, Message: row.message, Status: row.status}
	switch {
	case service == "ec2":
		f.Code = row.ec2
		if f.Code == "AuthFailure" {
			return &Refusal{Code: f.Code, Message: ec2Unusable, Status: http.StatusUnauthorized}
		}
	case JSONServices[service]:
		f.Code = row.json
		if f.Status < 500 {
			f.Status = http.StatusBadRequest
		}
	}
	if detail != "" {
		f.Message = detail
	}
	return f
}

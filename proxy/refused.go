package proxy

import "fmt"

// Refused is AWS's own answer to a call that it did not carry out. It is final, and its
// text becomes the evidence of a finding.
type Refused struct {
	Code       string // the error's type, AccessDeniedException
	Message    string // AWS's text, unchanged
	Operation  string // StartSession
	HTTPStatus int    // 0 when not known
	// Attempts is the number of attempts for an error that is retried, otherwise 0.
	Attempts int
}

// Error returns the AWS CLI's message, which scripts look for.
func (r *Refused) Error() string {
	retries := ""
	if r.Attempts > 0 {
		retries = fmt.Sprintf(" (reached max retries: %d)", r.Attempts-1)
	}
	text := fmt.Sprintf("An error occurred (%s) when calling the %s operation%s: %s", r.Code, r.Operation, retries, r.Message)
	if r.Message == "" {
		return text[:len(text)-1]
	}
	return text
}

// Unreachable means that a call got no answer at all.
type Unreachable struct {
	Operation string
	Endpoint  string // the URL that was called, without query
	Reason    Reason
	Err       error
}

// Reason is the way in which a call failed to get an answer.
type Reason int

// The reasons. The zero value is a connection that could not be made.
const (
	NoConnection Reason = iota
	ReadTimeout
	ConnectTimeout
	ClosedEarly
	BadTLS
	BadProxy
	Unbounded // the answer is longer, or took longer, than any that AWS gives
)

// reasonText holds the AWS CLI's sentence for each reason, which has none for Unbounded; %[1]s is the endpoint, %[2]v the cause.
var reasonText = map[Reason]string{
	NoConnection:   "Could not connect to the endpoint URL: %[1]q",
	ReadTimeout:    "Read timeout on endpoint URL: %[1]q",
	ConnectTimeout: "Connect timeout on endpoint URL: %[1]q",
	ClosedEarly:    "Connection was closed before we received a valid response from endpoint URL: %[1]q.",
	BadTLS:         "SSL validation failed for %[1]s %[2]v",
	BadProxy:       "Failed to connect to proxy URL: %[1]q",
	Unbounded:      "The answer of the endpoint URL %[1]q cannot be used: %[2]v",
}

// Error returns the AWS CLI's message.
func (u *Unreachable) Error() string {
	args := []any{u.Endpoint, u.Err}
	if u.Reason != BadTLS && u.Reason != Unbounded {
		args = args[:1]
	}
	return fmt.Sprintf(reasonText[u.Reason], args...)
}

// Unwrap returns the cause.
func (u *Unreachable) Unwrap() error { return u.Err }

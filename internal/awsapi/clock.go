package awsapi

import (
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"
)

// Clock is AWS's clock, as the Date of its answers tells it: this machine's until an answer
// tells of another. AWS refuses what is signed with a time that is more than five minutes off
// ("Troubleshoot Signature Version 4 signing" in the IAM user guide), and a machine's clock may
// be wrong from the start, or be set while a session lasts. A Clock is safe for concurrent use;
// a nil one is this machine's.
type Clock struct{ ahead atomic.Int64 }

const (
	// seconds of a Date, and an answer's way, are no fault of a clock.
	clockTolerance = time.Minute
	// clockWrong is how far off a signature's time was if that may be why it was refused. The
	// SDKs take the same four of the five minutes that AWS allows.
	clockWrong = 4 * time.Minute
	// slowAnswer is how long an answer may take that tells the time.
	slowAnswer = time.Minute
)

// Now is the time by AWS's clock.
func (c *Clock) Now() time.Time { return time.Now().Add(c.Ahead()) }

// Ahead is how far AWS's clock is ahead of this machine's, less than 0 if it is behind.
func (c *Clock) Ahead() time.Duration {
	if c == nil {
		return 0
	}
	return time.Duration(c.ahead.Load())
}

// Set sets how far AWS's clock is ahead, for a program that has been told by another.
func (c *Clock) Set(ahead time.Duration) { c.ahead.Store(int64(ahead)) }

// Hear takes the time from an answer to what was asked at a time by this machine's clock.
// Answers that come from a cache, take long or have no date tell nothing.
func (c *Clock) Hear(header http.Header, asked time.Time) {
	theirs, err := http.ParseTime(header.Get("Date"))
	now := time.Now()
	if c == nil || err != nil || header.Get("Age") != "" || now.Sub(asked) > slowAnswer {
		return
	}
	ahead := theirs.Sub(now)
	if ahead.Abs() < clockTolerance {
		ahead = 0
	}
	c.Set(ahead)
}

// Local is the time of this machine's clock at which AWS's has the given one: when
// credentials expire, for what compares with this machine's.
func (c *Clock) Local(at time.Time) time.Time { return at.Add(-c.Ahead()) }

// ClockOf returns the clock that a source of the configuration has, else one of its own.
func ClockOf(cfg aws.Config) *Clock {
	for _, source := range cfg.ConfigSources {
		if s, ok := source.(interface{ Clock() *Clock }); ok {
			return s.Clock()
		}
	}
	return new(Clock)
}

// clockCodes are the codes by which services refuse a signature for its time, among other
// reasons. EC2's is RequestExpired; the others are those that the SDKs sign again after,
// without AccessDeniedException, which is what a policy's denial is called, too.
var clockCodes = map[string]bool{
	"InvalidSignatureException": true, "SignatureDoesNotMatch": true, "RequestTimeTooSkewed": true,
	"RequestExpired": true, "AuthFailure": true,
}

// mistimed reports whether a call may have been refused because it was signed when AWS's
// clock was taken to be ahead by what it turned out not to be.
func (c *Clock) mistimed(err error, signed time.Duration) bool {
	var answer smithy.APIError
	return errors.As(err, &answer) && clockCodes[answer.ErrorCode()] && (signed-c.Ahead()).Abs() > clockWrong
}

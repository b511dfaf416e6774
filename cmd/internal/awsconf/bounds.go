package awsconf

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

// bound is how much of something from elsewhere is read, and for how long. Whoever answers
// may not use up memory or time at will.
type bound struct {
	what  string
	size  int64         // bytes
	total time.Duration // from the first byte asked for to the last; 0: files, which do not wait
}

// The bounds. Each is many times what is ever sent: the longest answers of AWS are lists of
// policies of some hundred KiB, a token or a document of credentials has a few KiB.
var (
	answerBound   = bound{"the answer", 16 << 20, 2 * time.Minute}                           // of a service, once it has begun
	metadataBound = bound{"the answer", 256 << 10, time.Minute}                              // of metadata and container credentials
	processBound  = bound{"the output of the credential process", 1 << 20, 10 * time.Minute} // it may ask its user
	cacheBound    = bound{"the file", 1 << 20, 0}                                            // of logins and roles
	tokenBound    = bound{"the token file", 64 << 10, 0}                                     // STS takes 20,000 characters
	bundleBound   = bound{"the file", 16 << 20, 0}                                           // of certificates
)

// headerBound is how large the header of an answer may be, in bytes.
const headerBound = 256 << 10

// BoundError says that something was longer, or took longer, than its bound.
type BoundError struct{ text string }

// Error names what it was.
func (e *BoundError) Error() string { return e.text }

// OutOfBounds identifies the fault to packages that cannot import this type.
func (e *BoundError) OutOfBounds() bool { return true }

func (b bound) tooLarge() error {
	size := fmt.Sprintf("%d KiB", b.size>>10)
	if b.size >= 1<<20 {
		size = fmt.Sprintf("%d MiB", b.size>>20)
	}
	return &BoundError{b.what + " is larger than " + size}
}

func (b bound) tooLong() error {
	return &BoundError{fmt.Sprintf("%s has not ended after %s", b.what, b.total)}
}

// read reads r to its end. More than the bound is a *BoundError.
func (b bound) read(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, b.size+1))
	if int64(len(data)) > b.size {
		return nil, b.tooLarge()
	}
	return data, err
}

// readFile is os.ReadFile within the bound.
func (b bound) readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return b.read(f)
}

// timed returns a context that ends when the time of the bound is over, and a function that
// makes a *BoundError of an error if that is why.
func (b bound) timed(ctx context.Context) (timed context.Context, blame func(error) error, cancel context.CancelFunc) {
	over := b.tooLong()
	timed, cancel = context.WithTimeoutCause(ctx, b.total, over)
	return timed, func(err error) error {
		if err != nil && context.Cause(timed) == over {
			return over
		}
		return err
	}, cancel
}

// limited collects what is written, up to the bound. More is refused by a *BoundError.
type limited struct {
	bound
	data []byte
	over bool // more came
}

// Write implements io.Writer.
func (l *limited) Write(p []byte) (int, error) {
	if int64(len(l.data)+len(p)) > l.size {
		l.over = true
		return 0, l.tooLarge()
	}
	l.data = append(l.data, p...)
	return len(p), nil
}

// isBound reports whether an error is a *BoundError.
func isBound(err error) bool {
	var over *BoundError
	return errors.As(err, &over)
}

// noRedirects keeps an HTTP client from taking a request, and the token or the signature in
// it, to a place that the answer names: AWS never asks for that, and the AWS CLI does not
// follow.
func noRedirects(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

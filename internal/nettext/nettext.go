package nettext

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"os/exec"
	"strings"
)

// Of returns an error's text with the parts that Go's own packages wrote, such as "dial tcp
// 192.0.2.1:443: connect: connection refused", in words; "" for nil.
func Of(err error) string { return text(err, false) }

// OfConnection is Of for an error of a connection, whose end Go calls EOF.
func OfConnection(err error) string { return text(err, true) }

func text(err error, connection bool) string {
	if err == nil {
		return ""
	}
	said := err.Error()
	walk(err, func(part error) bool {
		plain := plainly(part)
		if connection && (part == io.EOF || part == io.ErrUnexpectedEOF) { //nolint:errorlint // wrapped errors are walked
			plain = closed
		}
		if plain == "" {
			return true
		}
		said = strings.ReplaceAll(said, part.Error(), plain)
		return false // what is in it is said
	})
	return said
}

// Plain is an error of a connection with its text as OfConnection gives it; nil stays nil.
func Plain(err error) error {
	if err == nil || OfConnection(err) == err.Error() {
		return err
	}
	return &plainError{err}
}

type plainError struct{ error }

func (e *plainError) Error() string { return OfConnection(e.error) }
func (e *plainError) Unwrap() error { return e.error }

// walk calls visit for an error and, as long as it returns true, for those within it.
func walk(err error, visit func(error) bool) {
	if !visit(err) {
		return
	}
	switch outer := err.(type) {
	case interface{ Unwrap() []error }:
		for _, part := range outer.Unwrap() {
			if part != nil {
				walk(part, visit)
			}
		}
	case interface{ Unwrap() error }:
		if part := outer.Unwrap(); part != nil {
			walk(part, visit)
		}
	}
}

// plainly is an error of Go's packages in words, "" for any other.
func plainly(err error) string {
	switch e := err.(type) {
	case *url.Error:
		return OfConnection(e.Err) // the URL is said by whoever called it
	case *net.OpError:
		return operation(e)
	case *net.DNSError:
		return lookup(e)
	case *os.SyscallError:
		return Of(e.Err)
	case *fs.PathError:
		return aboutFile(e.Op, e.Path, e.Err)
	case *os.LinkError:
		return aboutFiles(e)
	case *exec.Error:
		return aboutProgram(e)
	}
	switch err { //nolint:errorlint // wrapped errors are walked
	case context.DeadlineExceeded, os.ErrDeadlineExceeded:
		return "no answer in time"
	case context.Canceled:
		return "stopped before it ended"
	case net.ErrClosed:
		return "the connection is closed"
	}
	return ""
}

const closed = "the connection was closed by the other side"

// lookup says that a host's name could not be looked up.
func lookup(e *net.DNSError) string {
	switch {
	case e.IsNotFound:
		return fmt.Sprintf("there is no host %s", e.Name)
	case e.IsTimeout:
		return fmt.Sprintf("the name %s could not be looked up: the name server did not answer", e.Name)
	}
	return fmt.Sprintf("the name %s could not be looked up: %s", e.Name, e.Err)
}

// operation says what went wrong with a connection.
func operation(e *net.OpError) string {
	var dns *net.DNSError
	if errors.As(e.Err, &dns) {
		return lookup(dns)
	}
	where := ""
	if e.Addr != nil && e.Addr.String() != "" {
		where = " to " + e.Addr.String()
	}
	switch {
	case e.Op == "dial" && Refused(e):
		return "the connection" + where + " was refused"
	case e.Op == "dial" && e.Timeout():
		return "no connection" + where + " in time"
	case e.Op == "dial":
		return "no connection" + where + ": " + Of(e.Err)
	case e.Op == "listen" && e.Addr != nil:
		return e.Addr.String() + " cannot be opened: " + Of(e.Err)
	case Reset(e), NoReader(e), errors.Is(e, io.EOF):
		return closed
	case errors.Is(e, net.ErrClosed):
		return "the connection is closed"
	case e.Timeout():
		return "no answer in time"
	case e.Op == "remote error": // of TLS
		return "the other side says: " + Of(e.Err)
	}
	return "the connection failed: " + Of(e.Err)
}

package session

import (
	"errors"
	"fmt"
	"net"
	"syscall"

	"ssmguard/cmd/internal/exit"
)

// checkLocalPort checks that the local port of a port-forwarding session is free, so
// that no session is started that cannot be used.
func checkLocalPort(parameters map[string][]string) error {
	ports := parameters["localPortNumber"]
	if len(ports) == 0 || ports[0] == "0" {
		return nil // the plugin takes any free one
	}
	// The plugin listens on the same name.
	l, err := net.Listen("tcp", net.JoinHostPort("localhost", ports[0]))
	var errno syscall.Errno
	switch {
	case err == nil:
		return l.Close()
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("local port %s is in use; end the program that uses it, or give another localPortNumber", ports[0])
	case errors.As(err, &errno):
		return fmt.Errorf("local port %s cannot be opened: %v", ports[0], errno)
	default:
		return exit.Usagef("localPortNumber: %q is not a port number", ports[0])
	}
}

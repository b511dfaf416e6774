package proxy

import (
	"fmt"
	"net"
	"slices"
	"strings"
)

// portSession is the session type of documents that forward a port.
const portSession = "Port"

// localEnds says of documents whether their sessions open a port or a socket on this machine.
var localEnds = map[string]bool{
	"":                                           false, // the default, a shell
	"SSM-SessionManagerRunShell":                 false,
	"AWS-StartSSHSession":                        false, // over stdin and stdout
	"AWS-StartInteractiveCommand":                false,
	"AWS-StartNonInteractiveCommand":             false,
	"AWS-StartPortForwardingSession":             true,
	"AWS-StartPortForwardingSessionToRemoteHost": true,
	"AWS-StartPortForwardingSessionToSocket":     true,
}

// localParameters are the parameters by which a request asks for a port.
var localParameters = []string{"localPortNumber", "localUnixSocket", "portNumber"}

// ListenError is a listener that the far side wants on this machine and nobody has asked for.
type ListenError struct{ what string }

// Error says what the far side wanted and how to ask for it.
func (e *ListenError) Error() string {
	return "the far side wants to open " + e.what + " on this machine, which the request did not ask for, so the session was ended"
}

// LocalEnd decides over the local end that the far side describes in the handshake of a port
// session: a port or, unless socket is empty, the path of a unix socket. It returns the port
// or the path to listen on, or a *ListenError. What was asked decides: the document and its
// parameters. A document of the account may forward a port if its SessionType is Port, if
// that is not known, or if the parameters have a port.
func (s Spec) LocalEnd(port, socket string) (string, error) {
	opens, known := localEnds[s.documentName()]
	if !known {
		opens = s.SessionType == portSession || s.SessionType == "" || s.hasPort()
	}
	switch asked := s.parameter("localPortNumber"); {
	case !opens && socket != "":
		return "", &ListenError{"a unix socket"}
	case !opens:
		return "", &ListenError{"a port"}
	case socket != "" && !s.names(socket):
		return "", &ListenError{fmt.Sprintf("a unix socket at %q", socket)}
	case socket != "":
		return socket, nil
	case known && !samePort(port, asked):
		return "", &ListenError{fmt.Sprintf("the port %q", port)}
	}
	return port, nil
}

// samePort reports whether a port is the one that was asked for; any is "" or 0.
func samePort(port, asked string) bool {
	plain := func(p string) string { return strings.TrimLeft(strings.TrimSpace(p), "0") }
	return plain(port) == plain(asked)
}

// OpensPort reports whether the session that was asked for opens a TCP port on this machine:
// by a document of AWS, or by a parameter for a document of the account.
func (s Spec) OpensPort() bool {
	opens, known := localEnds[s.documentName()]
	return s.parameter("localUnixSocket") == "" && (opens || !known && s.parameter("localPortNumber") != "")
}

// documentName returns the name of a document of AWS that is given by its ARN, and any other
// document as it was given.
func (s Spec) documentName() string {
	if _, owned, ok := strings.Cut(s.Document, "::document/"); ok && strings.HasPrefix(s.Document, "arn:") {
		return owned
	}
	return s.Document
}

// RemoteEnd says in words where a port session leads: "db.internal:5432", "port 80 of
// i-0123456789abcdef0". It has what was asked for; without a port number in the
// parameters, which a document may set itself, it is "the remote port".
func (s Spec) RemoteEnd() string {
	host, port := s.parameter("host"), s.parameter("portNumber")
	switch {
	case port == "":
		return "the remote port"
	case host != "":
		return net.JoinHostPort(host, port)
	}
	return fmt.Sprintf("port %s of %s", port, s.Target)
}

func (s Spec) hasPort() bool {
	return slices.ContainsFunc(localParameters, func(name string) bool { return s.parameter(name) != "" })
}

func (s Spec) parameter(name string) string {
	if v := s.Parameters[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// names reports whether a value stands in the request's parameters.
func (s Spec) names(value string) bool {
	for _, values := range s.Parameters {
		if slices.Contains(values, value) {
			return true
		}
	}
	return false
}

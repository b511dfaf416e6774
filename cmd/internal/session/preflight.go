package session

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"ssmguard/cmd/internal/exit"
	"ssmguard/configs"
	"ssmguard/internal/safetext"
	"ssmguard/proxy"
	"ssmguard/proxy/door"
)

// warnOfOthers warns of the port that the plugin opens, where other people are logged in who
// could use it. others returns their names, as peer.Others does.
func warnOfOthers(w io.Writer, spec proxy.Spec, others func() []string) {
	if !spec.OpensPort() {
		return
	}
	names := others()
	if len(names) == 0 {
		return
	}
	verb := "is"
	if len(names) > 1 {
		verb = "are"
	}
	if more := len(names) - 3; more > 0 {
		names = append(names[:3:3], fmt.Sprintf("%d more", more))
	}
	safetext.Fprintf(w, "ssmguard: warning: the port is open to every user of this machine, and %s %s logged in; --engine native keeps it for you and root\n",
		strings.Join(names, ", "), verb)
}

// warnOfPipe warns of input from a pipe or a file that nobody will read: on Windows the plugin
// reads the keys of the console, for shells and commands.
func warnOfPipe(system string, w io.Writer, spec proxy.Spec, terminal bool) {
	document := spec.Document[strings.LastIndexByte(spec.Document, '/')+1:]
	if system != "windows" || terminal || spec.OpensPort() || len(spec.Parameters["localUnixSocket"]) > 0 || document == "AWS-StartSSHSession" {
		return
	}
	safetext.Fprintf(w, "ssmguard: warning: on Windows the plugin reads the keys of the console and no other input; --engine native reads what is piped\n")
}

// checkLocalPort checks that the local port of a port-forwarding session is free, so
// that no session is started that cannot be used.
func checkLocalPort(parameters map[string][]string) error {
	ports := parameters["localPortNumber"]
	if len(ports) == 0 || ports[0] == "0" {
		return nil // the plugin takes any free one
	}
	// The plugin listens on the same name.
	l, err := door.Listen(net.JoinHostPort("localhost", ports[0]))
	var errno syscall.Errno
	var taken *door.InUseError
	found := ""
	if errors.As(err, &taken) && taken.Hint != "" {
		found = fmt.Sprintf(" (%q tells which)", taken.Hint)
	}
	switch {
	case err == nil:
		return l.Close()
	case taken != nil:
		return fmt.Errorf("local port %s is in use; end the program that uses it%s, or give another localPortNumber", ports[0], found)
	case errors.As(err, &errno):
		return fmt.Errorf("local port %s cannot be opened: %v", ports[0], errno)
	default:
		return exit.Usagef("localPortNumber: %q is not a port number", ports[0])
	}
}

// warnOfHost warns of a remote host to which newer agents do not forward. Older agents do, so
// the session is not stopped.
func warnOfHost(w io.Writer, spec proxy.Spec) {
	const own, remote = "AWS-StartPortForwardingSession", "AWS-StartPortForwardingSessionToRemoteHost"
	hosts := spec.Parameters["host"]
	if len(hosts) != 1 || spec.Document[strings.LastIndexByte(spec.Document, '/')+1:] != remote {
		return
	}
	why := configs.ForbiddenRemote(hosts[0])
	switch {
	case why == "":
		return
	case configs.IsTarget(hosts[0]):
		why += "; for a port of the target itself use --document-name " + own + ", without host"
	}
	safetext.Fprintf(w, "ssmguard: warning: host=%s: %s\n", hosts[0], why)
}

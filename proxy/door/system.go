package door

import (
	"fmt"
	"net"
	"runtime"
	"slices"
	"strconv"
	"time"

	"ssmguard/internal/nettext"
)

// network is the system's network, or the rules of another system in a test.
type network struct {
	system string // a GOOS
	listen func(network, address string) (net.Listener, error)
	dial   func(network, address string, limit time.Duration) (net.Conn, error)
}

func thisNetwork() network {
	return network{system: runtime.GOOS, listen: net.Listen, dial: net.DialTimeout}
}

// shadowing are the systems on which 127.0.0.1:PORT can be taken beside another program
// that listens on *:PORT, whose clients on this machine then reach us: on the BSDs Go
// sets SO_REUSEADDR, and Windows allows it to two programs without any option ("Using
// SO_REUSEADDR and SO_EXCLUSIVEADDRUSE" of its documentation).
var shadowing = []string{"darwin", "ios", "freebsd", "netbsd", "openbsd", "dragonfly", "windows"}

// longestSocket is how many bytes the path of a unix socket may have, so that clients can give
// it: the size of sun_path, without the byte that ends it (unix(4) of the BSDs and macOS,
// unix(7) of Linux; Windows has Linux's).
func longestSocket(system string) int {
	if system == "linux" || system == "windows" {
		return 107
	}
	return 103
}

// answerTime is how long a listener of this machine may take to accept a connection.
// Windows tries a refused one again for seconds.
const answerTime = 300 * time.Millisecond

// open listens on an address of this machine.
func (n network) open(address string) (net.Listener, error) {
	if n.answers(address) {
		return nil, &InUseError{Address: address, Hint: n.whoHint(address)}
	}
	l, err := n.listen("tcp", address)
	switch {
	case err == nil:
		return l, nil
	case nettext.InUse(err):
		taken := &InUseError{Address: address, Holder: holder(address)}
		if taken.Holder == "" {
			taken.Hint = n.whoHint(address)
		}
		return nil, taken
	}
	if number, isSystem := errnoOf(err); isSystem {
		return nil, fmt.Errorf("cannot listen on %s: %w%s", address, number, n.advice(address, err))
	}
	return nil, err
}

// answers reports whether a program listens on an address in a way that the system
// does not count against us.
func (n network) answers(address string) bool {
	if _, port, err := net.SplitHostPort(address); err != nil || port == "0" || !slices.Contains(shadowing, n.system) {
		return false
	}
	conn, err := n.dial("tcp", address, answerTime)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

// whoHint is the command that tells who holds a port, on systems that do not tell us;
// "" where there is nothing to say.
func (n network) whoHint(address string) string {
	_, port, err := net.SplitHostPort(address)
	switch {
	case err != nil:
		return ""
	case n.system == "windows":
		return "netstat -ano -p tcp | findstr :" + port
	case n.system != "linux":
		return "lsof -nP -iTCP:" + port + " -sTCP:LISTEN"
	}
	return ""
}

// advice says about an error which address anyone may listen on, "" where there is
// nothing to say.
func (n network) advice(address string, err error) string {
	host, port, splitErr := net.SplitHostPort(address)
	number, numErr := strconv.Atoi(port)
	if splitErr != nil || numErr != nil {
		return ""
	}
	ip := net.ParseIP(host)
	switch {
	case nettext.NoAddress(err) && n.system != "linux" && n.system != "windows" && ip.To4() != nil && ip.IsLoopback():
		return fmt.Sprintf("; this system has 127.0.0.1 only until it is told: sudo ifconfig lo0 alias %s up", host)
	case !nettext.Denied(err) || number == 0:
		return ""
	case n.system == "windows":
		return "; Windows has set the port aside, or another program keeps it for itself alone: " +
			`"netsh interface ipv4 show excludedportrange protocol=tcp" lists the first kind; give another`
	case number < 1024:
		return "; ports below 1024 are for root, so give another, such as " + strconv.Itoa(10000+number)
	}
	return ""
}

package tunnel

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"ssmguard/cmd/internal/exit"
	"ssmguard/internal/private"
)

// socketAddress returns the address unix:PATH with a path that leads to the same place
// from every directory.
func socketAddress(address string) (string, error) {
	path, ok := strings.CutPrefix(address, "unix:")
	if !ok {
		return address, nil
	}
	path, err := filepath.Abs(path)
	return "unix:" + path, err
}

// socketDir prepares the directory of a socket: a missing one is made for the user alone
// and removed by undo, and one in which another user could put a socket of their own in
// the place of ours is refused.
func socketDir(address string) (undo func(), err error) {
	path, ok := strings.CutPrefix(address, "unix:")
	if !ok {
		return func() {}, nil
	}
	dir := filepath.Dir(path)
	undo = func() {}
	switch err := os.Mkdir(dir, 0o700); {
	case err == nil:
		undo = func() { os.Remove(dir) } //nolint:errcheck // something else is in it by now
	case !errors.Is(err, fs.ErrExist):
		return undo, err
	}
	var distrusted *private.DistrustError
	if errors.As(private.CheckDir("", dir), &distrusted) && !(distrusted.Foreign && os.Geteuid() == 0) {
		return undo, exit.Coded(fmt.Sprintf("%v, who could put their own socket in the place of yours; %s, or choose another directory", distrusted, distrusted.Advice()), exit.Config)
	}
	return undo, nil
}

// postgresSocket begins the only name under which PostgreSQL's clients look for a socket;
// a port follows.
const postgresSocket = ".s.PGSQL."

// overSocket returns the access through a unix socket, in its format.
func (a access) overSocket() (string, error) {
	if a.Password != "" {
		return "", exit.Usagef("a token is sent over TLS only, and clients use none through a socket; give the tunnel a port")
	}
	switch scheme, _ := a.family(); {
	case a.Format == "psql":
		dir, name := filepath.Split(a.Socket)
		port, ok := strings.CutPrefix(name, postgresSocket)
		if !ok || !isNumber(port) {
			return "", exit.Usagef("PostgreSQL's clients find a socket only by a name such as %s5432; give the tunnel --listen %s", postgresSocket, "unix:"+filepath.Join(dir, postgresSocket+"5432"))
		}
		// libpq would prefer PGHOSTADDR, which the form for a port sets.
		return "unset PGHOSTADDR\n" + exports([]setting{{"PGHOST", filepath.Clean(dir)}, {"PGPORT", port}, {"PGUSER", a.User}, {"PGDATABASE", a.Database}}), nil
	case a.Format == "mysql":
		lines := "[client]\nprotocol=socket\n" + optionLines([]setting{{"socket", a.Socket}, {"user", a.User}})
		if a.Database != "" {
			lines += "[mysql]\n" + optionLines([]setting{{"database", a.Database}})
		}
		return lines, nil
	case scheme == "redis":
		u := url.URL{Scheme: "unix", Path: a.Socket}
		if a.User != "" {
			u.User = url.User(a.User)
		}
		return u.String() + "\n", nil
	default:
		return "", exit.Usagef("URLs of %s name no socket; give the tunnel a port", cmp.Or(a.Engine, scheme))
	}
}

func isNumber(text string) bool { return text != "" && strings.Trim(text, "0123456789") == "" }

// socketHint says what the form for a socket leaves out.
func (a access) socketHint() string {
	switch {
	case a.Format == "psql":
		return "PostgreSQL's clients use no TLS through a socket; a server that demands it needs a tunnel with a port"
	case a.Format == "url" && a.TLS:
		return "the cache speaks TLS, and URLs of sockets have none; redis-cli has it: redis-cli -s " + a.Socket + " --tls --sni " + a.Real
	case a.Format == "url":
		return "redis-cli takes it as redis-cli -s " + a.Socket
	}
	return ""
}

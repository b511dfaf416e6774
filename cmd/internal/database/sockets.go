package database

import (
	"net/url"
	"path/filepath"
	"strings"

	"ssmguard/cmd/internal/exit"
	"ssmguard/internal/safetext"
)

// postgresSocket begins the only name under which PostgreSQL's clients look for a socket;
// a port follows.
const postgresSocket = ".s.PGSQL."

// overSocket returns the access through a unix socket, in its format.
func (a Access) overSocket() (string, error) {
	if a.Password != "" {
		return "", exit.Usagef("a token is sent over TLS only, and clients use none through a socket; give the tunnel a port")
	}
	switch {
	case a.Format == "env":
		return a.env()
	case a.Format == "json" || a.Format == "dotenv" || a.Format == "jdbc":
		return "", exit.Usagef("the form %s names no socket; give the tunnel a port", a.Format)
	case a.Format == "psql":
		dir, name := filepath.Split(a.Socket)
		port, ok := strings.CutPrefix(name, postgresSocket)
		if !ok || !isNumber(port) {
			return "", exit.Usagef("PostgreSQL's clients find a socket only by a name such as %s5432; give the tunnel --listen %s", postgresSocket, "unix:"+filepath.Join(dir, postgresSocket+"5432"))
		}
		// libpq would prefer PGHOSTADDR, which the form for a port sets.
		lines, err := a.exports([]setting{{"PGHOST", filepath.Clean(dir)}, {"PGPORT", port}, {"PGUSER", a.User}, {"PGDATABASE", a.Database}})
		return a.Shell.Unset("PGHOSTADDR") + lines, err
	case a.Format == "mysql" || a.Format == "mariadb":
		lines := "[client]\nprotocol=socket\n" + optionLines([]setting{{"socket", a.Socket}, {"user", a.User}})
		if a.Database != "" {
			lines += "[mysql]\n" + optionLines([]setting{{"database", a.Database}})
		}
		return lines, nil
	case a.Format == "redis":
		return "redis-cli -s " + safetext.Word(a.Socket) + "\n", nil
	case a.family() == Redis:
		u := url.URL{Scheme: "unix", Path: a.Socket}
		if a.User != "" {
			u.User = url.User(a.User)
		}
		return u.String() + "\n", nil
	default:
		return "", exit.Usagef("URLs of %s name no socket; give the tunnel a port", a.called())
	}
}

func isNumber(text string) bool { return text != "" && strings.Trim(text, "0123456789") == "" }

// socketHint says what the form for a socket leaves out.
func (a Access) socketHint() string {
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

package database

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"ssmguard/internal/private"
)

// Arguments returns the arguments of the program, and remove, which removes the file that it
// reads. The file is for the user alone.
func (s Start) Arguments() (args []string, remove func(), err error) {
	if s.File == "" {
		return s.Args, func() {}, nil
	}
	dir, err := os.MkdirTemp("", "ssmguard-db-")
	if err != nil {
		return nil, nil, err
	}
	remove = func() { os.RemoveAll(dir) } //nolint:errcheck // it is the user's alone
	path := filepath.Join(dir, "options")
	if err := private.WriteFile(path, []byte(s.File)); err != nil {
		remove()
		return nil, nil, err
	}
	return append([]string{s.FileOption + path}, s.Args...), remove, nil
}

// Graphical returns what graphical clients ask for, a line for each of them: the address,
// the login, where the password comes from, and the settings of DBeaver, DataGrip, pgAdmin
// and JDBC. again is the command that prints a new token.
func (a Access) Graphical(again string) (string, error) {
	if err := a.check(); err != nil {
		return "", err
	}
	var b strings.Builder
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%-9s %s\n", name, value)
		}
	}
	if a.Socket != "" {
		line("address", a.Socket)
	} else {
		line("address", net.JoinHostPort(a.Host, a.Port))
	}
	line("engine", a.Engine.Title)
	line("server", a.Real)
	line("user", a.User)
	line("database", a.Database)
	line("password", a.passwordFrom(again))
	if a.Socket != "" {
		return b.String(), nil
	}
	if a.Engine.Family == Postgres {
		line("pgAdmin", fmt.Sprintf("host name %s, port %s, parameters hostaddr=%s and sslmode=verify-full (or require) with the root certificate", a.real(), a.Port, a.Host))
	}
	a.Format = "jdbc"
	jdbc := ""
	if suits := familiesOf(a.Format); len(suits) > 0 && a.Engine.Family != "" {
		for _, f := range suits {
			if f != a.Engine.Family {
				continue
			}
			text, err := a.jdbc()
			if err != nil {
				return "", err
			}
			jdbc = strings.TrimSuffix(text, "\n")
		}
	}
	switch {
	case jdbc != "":
		line("DBeaver", fmt.Sprintf("connect by URL, or host %s and port %s", a.Host, a.Port))
		line("DataGrip", "connection type URL only")
		line("JDBC", jdbc)
	case a.Engine.Family != "":
		a.Format = "url"
		if _, ok := schemes[a.Engine.Family]; ok {
			line("URL", strings.TrimSuffix(a.url(), "\n"))
		}
	}
	return b.String(), nil
}

// passwordFrom says where the password comes from.
func (a Access) passwordFrom(again string) string {
	switch {
	case a.IAMAuth && a.Engine.Token != NoToken:
		return "an IAM token, which opens connections for 15 minutes: " + again
	case a.Engine.Token == NoToken && a.Engine.Name != "":
		return a.Engine.Refusal()
	case a.Engine.Token == TokenRDS:
		return "the user's own, such as a secret of Secrets Manager; IAM authentication is not known to be on"
	}
	return "the user's own"
}

package database

import (
	"fmt"
	"net"
	"slices"
	"strings"
)

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
	if slices.Contains(familiesOf(a.Format), a.Engine.Family) {
		text, err := a.jdbc()
		if err != nil {
			return "", err
		}
		jdbc = strings.TrimSuffix(text, "\n")
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

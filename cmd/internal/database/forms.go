package database

import (
	"cmp"
	"fmt"
	"net"
	"net/url"
	"strings"

	"ssmguard/cmd/internal/exit"
	"ssmguard/configs"
	"ssmguard/internal/safetext"
)

// Access is how a client connects to the database behind a tunnel.
type Access struct {
	Host, Port     string // of the local end
	Socket         string // path of the local end that is a unix socket, instead of Host and Port
	Real           string // the server's own name, for TLS
	User, Database string
	Password       string
	SSLMode        string // value of PGSSLMODE
	Engine         string // "" when it is not known
	IAMAuth        bool   // accepts tokens
	Cache, TLS     bool   // a cache, and whether it speaks TLS
	Format         string // one of formats
}

// families maps a part of an engine's name to the scheme of its URLs and its format.
var families = []struct{ part, scheme, format string }{
	{"postgres", "postgresql", "psql"}, {"mysql", "mysql", "mysql"}, {"maria", "mysql", "mysql"}, {"redis", "redis", "url"}, {"valkey", "redis", "url"},
	{"memcached", "memcached", "url"}, {"sqlserver", "sqlserver", "url"}, {"oracle", "oracle", "url"}, {"db2", "db2", "url"},
	{"docdb", "mongodb", "url"},
}

// family returns the scheme and the format of an engine; an unknown engine is treated
// as PostgreSQL.
func (a Access) family() (scheme, format string) {
	for _, f := range families {
		if strings.Contains(a.Engine, f.part) {
			return f.scheme, f.format
		}
	}
	return families[0].scheme, families[0].format
}

// EngineAt guesses the engine of an endpoint that was not looked up, from the tunnel's
// keys and the port.
func EngineAt(t configs.Tunnel) string {
	switch {
	case t.ElastiCache != "" && t.Port == 11211:
		return "memcached"
	case t.ElastiCache != "":
		return "redis"
	case t.RDS != "":
		return map[int]string{3306: "mysql", 1433: "sqlserver", 1521: "oracle"}[t.Port]
	}
	return ""
}

// FormatFor returns the format of --format, or the engine's own.
func (a Access) FormatFor(asked string) (string, error) {
	_, own := a.family()
	if asked == "" {
		return own, nil
	}
	if a.Engine != "" && asked != own && asked != "url" {
		offer := "--format url"
		if own != "url" {
			offer = "--format " + own + " or url"
		}
		return "", exit.Usagef("--format %s does not suit %s; give %s", asked, a.Engine, offer)
	}
	return asked, nil
}

// formats has for each kind of client the text of an Access, a hint how the client
// verifies the server, and whether the client sends a password only over TLS.
var formats = map[string]struct {
	write func(Access) string
	hint  func(Access) string
	tls   func(Access) bool
}{
	"psql":  {Access.psql, Access.psqlHint, func(Access) bool { return true }},
	"mysql": {Access.mysql, Access.mysqlHint, func(Access) bool { return true }},
	"url":   {Access.url, Access.urlHint, Access.urlTLS},
}

// KeepsToken refuses a token in a format with which a client may send it without TLS.
func (a Access) KeepsToken() error {
	if formats[a.Format].tls(a) {
		return nil
	}
	scheme, own := a.family()
	instead := ""
	if own != a.Format {
		instead = "; give --format " + own
	}
	return exit.Usagef("a token is sent over TLS only, and no URL makes every client of %s use TLS%s", cmp.Or(a.Engine, scheme), instead)
}

// Hint says how the client verifies the server, "" if there is nothing to say.
func (a Access) Hint() string {
	switch {
	case a.Socket != "":
		return a.socketHint()
	case a.Real == "":
		return ""
	}
	return formats[a.Format].hint(a)
}

// Text returns the access in its format. Control characters are refused in every
// format.
func (a Access) Text() (string, error) {
	for _, v := range []setting{{"host", a.Host}, {"port", a.Port}, {"socket", a.Socket}, {"server's name", a.Real}, {"user", a.User}, {"database", a.Database}, {"password", a.Password}} {
		if at := strings.IndexFunc(v.value, safetext.Control); at >= 0 {
			return "", exit.Usagef("the %s has the control character %U; give another", v.name, []rune(v.value[at:])[0])
		}
	}
	// Some of PostgreSQL's programs, such as pgbench, read such a PGDATABASE as
	// settings: another host, no TLS.
	if a.Format == "psql" && (strings.Contains(a.Database, "=") || strings.Contains(a.Database, "://")) {
		return "", exit.Usagef("PostgreSQL's programs would read the database %q as connection settings; give --database", a.Database)
	}
	if a.Socket != "" {
		return a.overSocket()
	}
	return formats[a.Format].write(a), nil
}

func (a Access) psql() string {
	if a.Real == "" {
		a.Real = a.Host
	}
	mode, forJS := "", ""
	if a.Password != "" {
		// A token is never sent without TLS. postgres.js reads PGSSL in the place of PGSSLMODE.
		forJS = a.SSLMode
		if !strings.HasPrefix(a.SSLMode, "verify-") {
			mode, forJS = "require", "require"
		}
	}
	// libpq checks a certificate against PGHOST and connects to PGHOSTADDR.
	return exports([]setting{
		{"PGHOST", a.Real}, {"PGHOSTADDR", a.Host}, {"PGPORT", a.Port}, {"PGUSER", a.User}, {"PGDATABASE", a.Database}, {"PGSSLMODE", mode}, {"PGSSL", forJS}, {"PGPASSWORD", a.Password},
	})
}

func (a Access) mysql() string {
	lines := "[client]\nprotocol=tcp\n" + optionLines([]setting{{"host", a.Host}, {"port", a.Port}, {"user", a.User}})
	programs, password := []string{"mysql"}, ""
	if a.Password != "" {
		// A token is sent as a cleartext password. MySQL's client does that when an option
		// allows it, and then only over TLS. MariaDB's client always does it and has no
		// ssl-mode: it refuses a server without TLS only when it verifies the certificate
		// (10.11 verifies the name, too, and 127.0.0.1 is not the server's name). For MariaDB's
		// library, which drivers use, the option without a value is off.
		//
		// The token is not in [client], because PyMySQL, and mycli by it, read that group and no
		// other one, know none of these options, and send a cleartext password without TLS.
		programs, password = mysqlPrograms, optionLines([]setting{{"password", a.Password}})
		lines += "loose-enable-cleartext-plugin\nloose-ssl-mode=REQUIRED\n[client-mariadb]\nssl-verify-server-cert=1\n" + password
	}
	for _, program := range programs {
		options := password
		if program == "mysql" {
			options += optionLines([]setting{{"database", a.Database}})
		}
		if options != "" {
			lines += "[" + program + "]\n" + options
		}
	}
	return lines
}

// mysqlPrograms are the clients of MySQL that connect to a server. Each reads a group of
// its name.
var mysqlPrograms = []string{"mysql", "mysqladmin", "mysqlbinlog", "mysqlcheck", "mysqldump", "mysqlimport", "mysqlpump", "mysqlsh", "mysqlshow", "mysqlslap"}

// optionLines returns the settings with a value as lines of an option file.
func optionLines(all []setting) string {
	var b strings.Builder
	for _, v := range all {
		if v.value != "" {
			quoted, err := safetext.Option(v.value)
			if err != nil {
				continue // text refused it before
			}
			fmt.Fprintf(&b, "%s=%s\n", v.name, quoted)
		}
	}
	return b.String()
}

func (a Access) url() string {
	scheme, _ := a.family()
	u := url.URL{Scheme: scheme, Host: net.JoinHostPort(a.Host, a.Port), Path: "/" + a.Database}
	if a.Database == "" {
		u.Path = ""
	}
	switch {
	case scheme == "redis" && a.TLS:
		u.Scheme = "rediss"
	case scheme == "sqlserver" && a.Database != "":
		u.Path, u.RawQuery = "", url.Values{"database": {a.Database}}.Encode()
	case scheme == "postgresql" && a.Password != "":
		u.RawQuery = "sslmode=require"
	}
	if a.User != "" {
		u.User = url.User(a.User)
	}
	if a.Password != "" {
		u.User = url.UserPassword(a.User, a.Password)
	}
	return u.String() + "\n"
}

// urlTLS reports whether a URL makes every client use TLS.
func (a Access) urlTLS() bool {
	scheme, _ := a.family()
	return scheme == "postgresql" || scheme == "redis" && a.TLS
}

// authorities is the address of RDS's CA certificates, for host names of RDS.
func (a Access) authorities() string {
	if strings.Contains(a.Real, ".rds.amazonaws.com") {
		return " (RDS's: https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem)"
	}
	return ""
}

func (a Access) psqlHint() string {
	hint := fmt.Sprintf("to verify TLS against %s set PGSSLMODE=verify-full and PGSSLROOTCERT to the authority's file%s", a.Real, a.authorities())
	if a.Password != "" {
		hint += "; drivers that pass PGSSLMODE over have to be told to use TLS"
	}
	return hint
}

func (a Access) mysqlHint() string {
	hint := fmt.Sprintf("to verify TLS, whose certificate is for %s, add ssl-ca%s and ssl-mode=VERIFY_CA; VERIFY_IDENTITY, and ssl-verify-server-cert of MariaDB's client, need that name as the host, mapped to this machine in /etc/hosts", a.Real, a.authorities())
	if a.Password != "" {
		hint += "; MariaDB's client 10.11 sends a token only so; drivers of MySQL's library find it in the group mysql"
	}
	return hint
}

func (a Access) urlHint() string {
	switch scheme, _ := a.family(); {
	case a.Cache && scheme == "redis" && a.TLS:
		return fmt.Sprintf("the certificate is for %s: give redis-cli --sni %s, and other clients that name to verify", a.Real, safetext.Word(a.Real))
	case a.Cache:
		return "" // no TLS, or not known
	case scheme == "postgresql" && a.Engine != "":
		return fmt.Sprintf("to verify TLS use %s as the host and, with libpq, add hostaddr=%s&sslmode=verify-full; for other clients map the name to this machine in /etc/hosts", a.Real, a.Host)
	}
	return fmt.Sprintf("to verify TLS, whose certificate is for %s, use that name as the host and map it to this machine in /etc/hosts", a.Real)
}

// exports returns the settings with a value as lines for a shell.
func exports(all []setting) string {
	var b strings.Builder
	for _, v := range all {
		if v.value != "" {
			fmt.Fprintf(&b, "export %s=%s\n", v.name, safetext.Word(v.value))
		}
	}
	return b.String()
}

// setting is a variable of a client's environment.
type setting struct{ name, value string }

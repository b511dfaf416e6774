package database

import (
	"context"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"ssmguard/cmd/internal/exit"
	"ssmguard/internal/private"
)

// Client is a program or a driver that connects to databases.
type Client struct {
	Name     string
	Families []Family
	// Format is the form that it reads; "" for a driver with a form of its own, dsn.
	Format string
	dsn    func(Access) string
	hint   func(Access) string
	// start says how the program is started; nil for a driver, which no command starts.
	start func(Access) (Start, error)
}

// Start is how a program is started so that it connects.
type Start struct {
	Args    []string
	Environ []string // changes of its variables: NAME=VALUE sets one, NAME alone removes it
	// File is the text of a file with the password, whose path follows FileOption in the
	// first argument; "" if the program needs none.
	File, FileOption string
	Note             string // what the program does not verify, "" if there is nothing to say
}

// clients is the table of clients, programs before drivers. The first program of a family
// that is installed is taken.
var clients = []Client{
	{Name: "psql", Families: []Family{Postgres}, Format: "psql", start: startPsql},
	{Name: "mysql", Families: []Family{MySQL}, Format: "mysql", start: func(a Access) (Start, error) { return startMySQL(a, "mysql") }},
	{Name: "mariadb", Families: []Family{MySQL}, Format: "mariadb", start: func(a Access) (Start, error) { return startMySQL(a, "mariadb") }},
	{Name: "valkey-cli", Families: []Family{Redis}, Format: "redis", start: startRedis},
	{Name: "redis-cli", Families: []Family{Redis}, Format: "redis", start: startRedis},
	{Name: "mongosh", Families: []Family{MongoDB}, Format: "mongodb", start: startMongo},
	{Name: "sqlcmd", Families: []Family{SQLServer}, Format: "sqlcmd", start: startSQLCmd},
	{Name: "cqlsh", Families: []Family{Cassandra}, Format: "env", start: startCqlsh},
	{Name: "usql", Families: []Family{Postgres, MySQL, SQLServer, Oracle}, Format: "url", start: startUsql},

	{Name: "pgx", Families: []Family{Postgres}, Format: "url"},
	{Name: "pq", Families: []Family{Postgres}, Format: "url"},
	{Name: "postgres.js", Families: []Family{Postgres}, Format: "url"},
	{Name: "pg", Families: []Family{Postgres}, dsn: Access.nodePg, hint: Access.uncheckedHint},
	{Name: "go-sql-driver", Families: []Family{MySQL}, dsn: Access.goMySQL, hint: Access.uncheckedHint},
	{Name: "mysql2", Families: []Family{MySQL}, dsn: Access.nodeMySQL, hint: Access.uncheckedHint},
	{Name: "go-mssqldb", Families: []Family{SQLServer}, dsn: Access.goMSSQL},
	{Name: "mssql", Families: []Family{SQLServer}, dsn: Access.nodeMSSQL, hint: Access.uncheckedHint},
	{Name: "mongodb", Families: []Family{MongoDB}, Format: "mongodb"},
	{Name: "go-redis", Families: []Family{Redis}, Format: "url"},
	{Name: "ioredis", Families: []Family{Redis}, Format: "url"},
}

// Clients returns the names of all clients, or of programs alone.
func Clients(programs bool) (names []string) {
	for _, c := range clients {
		if c.start != nil || !programs {
			names = append(names, c.Name)
		}
	}
	return names
}

// ClientOf returns the client of a name, if it suits the engine; an unknown engine suits
// every client.
func ClientOf(name string, e Engine) (Client, error) {
	at := slices.IndexFunc(clients, func(c Client) bool { return c.Name == name })
	c := clients[at]
	if e.Family != "" && !slices.Contains(c.Families, e.Family) {
		var offer []string
		for _, other := range clients {
			if slices.Contains(other.Families, e.Family) {
				offer = append(offer, other.Name)
			}
		}
		if offer == nil {
			return c, exit.Usagef("%s does not suit %s, for which no client is known", name, e.Title)
		}
		return c, exit.Usagef("%s does not suit %s; give --client %s", name, e.Title, strings.Join(offer, ", "))
	}
	return c, nil
}

// Text returns the access in the form of the client, and a hint how it verifies the server.
// Clients whose TLS the form does not ensure get no password.
func (c Client) Text(a Access) (text, hint string, err error) {
	if a.Engine.Family == "" {
		a.Engine.Family = c.Families[0]
	}
	if c.dsn == nil {
		if a.Format, err = a.FormatFor(c.Format); err == nil && a.Password != "" {
			err = a.KeepsToken()
		}
		if err == nil {
			text, err = a.Text()
		}
		return text, a.Hint(), err
	}
	if a.Socket != "" {
		return "", "", exit.Usagef("the form of %s names no socket; give the tunnel a port", c.Name)
	}
	if err := a.check(); err != nil {
		return "", "", err
	}
	if c.hint != nil && a.Real != "" {
		hint = c.hint(a)
	}
	return c.dsn(a) + "\n", hint, nil
}

// Found is a program that is installed.
type Found struct {
	Client
	Path string
}

// Find returns the program that suits the engine and is installed: the one that is asked
// for, or the first of the table. A `mysql` that is MariaDB's is started as that.
func Find(ctx context.Context, e Engine, asked string) (Found, error) {
	var names []string
	for _, c := range clients {
		if c.start == nil || asked != "" && c.Name != asked || e.Family != "" && !slices.Contains(c.Families, e.Family) {
			continue
		}
		names = append(names, c.Name)
		path, err := exec.LookPath(c.Name)
		if err != nil {
			continue
		}
		if c.Name == "mysql" && isMariaDB(ctx, path) {
			c, err = ClientOf("mariadb", e)
		}
		return Found{c, path}, err
	}
	switch {
	case asked != "" && names == nil:
		c, err := ClientOf(asked, e)
		if err == nil && c.start == nil {
			err = exit.Usagef("%s is a driver, which is not started; `ssmguard tunnel env --client %s` prints its form", asked, asked)
		}
		return Found{}, err
	case names == nil:
		return Found{}, exit.Usagef("no client is known for %s; --tunnel-only keeps the tunnel open for one", e.Title)
	}
	return Found{}, exit.Coded("none of the clients is installed that suit "+e.Title+": "+strings.Join(names, ", ")+"; --tunnel-only keeps the tunnel open for another", exit.Config)
}

// versionTime is how long a client may take to tell its version.
const versionTime = 5 * time.Second

// isMariaDB reports whether a program called mysql is MariaDB's.
func isMariaDB(ctx context.Context, path string) bool {
	if real, err := filepath.EvalSymlinks(path); err == nil && strings.Contains(filepath.Base(real), "mariadb") {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, versionTime)
	defer cancel()
	said, err := exec.CommandContext(ctx, path, "--version").Output()
	return err == nil && strings.Contains(string(said), "MariaDB")
}

// Start says how the program is started. A password is in a variable or in a file, never
// in an argument, and only where the program sends it over TLS.
func (f Found) Start(a Access) (Start, error) {
	if a.Engine.Family == "" {
		a.Engine.Family = f.Families[0]
	}
	a.Format = f.Format
	if err := a.check(); err != nil {
		return Start{}, err
	}
	if a.Password != "" {
		if err := a.KeepsToken(); err != nil {
			return Start{}, err
		}
	}
	if a.Socket != "" {
		return Start{}, exit.Usagef("clients are started for a tunnel with a port, not with a socket")
	}
	return f.start(a)
}

// Arguments returns the arguments of the program, and remove, which removes the file that it
// reads. The file is for the user alone.
func (s Start) Arguments() (args []string, remove func(), err error) {
	if s.File == "" {
		return s.Args, func() {}, nil
	}
	dir, err := private.MkdirTemp("ssmguard-db-")
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

// environ returns the settings as variables.
func environ(all []setting) (env []string) {
	for _, v := range all {
		env = append(env, v.name+"="+v.value)
	}
	return env
}

func startPsql(a Access) (Start, error) {
	set := slices.DeleteFunc(a.psqlSettings(), func(v setting) bool {
		return v.value == "" && v.name != "PGPASSWORD" // what the user has set counts
	})
	if a.Password == "" {
		set = slices.DeleteFunc(set, func(v setting) bool { return v.name == "PGPASSWORD" })
	}
	s := Start{Environ: append(environ(set), "PGSERVICE")}
	if a.CA == "" && !strings.HasPrefix(a.SSLMode, "verify-") {
		s.Note = "psql does not verify " + a.real() + "; --ca FILE has it verify the certificate and the name" + a.authorities()
	}
	return s, nil
}

func startMySQL(a Access, program string) (Start, error) {
	s := Start{Args: []string{"--protocol=tcp", "--host=" + a.Host, "--port=" + a.Port}, FileOption: "--defaults-extra-file="}
	if a.User != "" {
		s.Args = append(s.Args, "--user="+a.User)
	}
	if a.Password != "" {
		s.FileOption = "--defaults-file=" // whatever the user's own files say of TLS and passwords
	} else if a.Ask {
		s.Args = append(s.Args, "--password")
	}
	if program == "mariadb" {
		s.File = a.mariadb()
		if a.CA != "" && a.Password == "" {
			s.File = "[client-mariadb]\nssl-ca=" + strings.TrimPrefix(optionLines([]setting{{"", a.CA}}), "=") + "ssl-verify-server-cert=1\n"
		}
		s.Note = "MariaDB's client verifies the name that it connects to, which is 127.0.0.1, and not " + a.real()
		if leadsHere(a.Real) {
			s.Args[1], s.Note = "--host="+a.Real, "" // the user has mapped the name to this machine
		}
	} else {
		s.File = a.mysql()
		if a.CA != "" && a.Password == "" {
			s.File += "[client]\nloose-ssl-mode=VERIFY_CA\n"
		}
		s.Note = "mysql checks the authority of a certificate with --ca FILE, and its name only if that is the host: map " + a.real() + " to this machine in /etc/hosts, and give -h"
	}
	if a.Database != "" {
		s.Args = append(s.Args, "--database="+a.Database)
	}
	return s, nil
}

// leadsHere reports whether this machine's resolver leads a name to loopback alone.
func leadsHere(name string) bool {
	if name == "" {
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", name)
	if err != nil || len(found) == 0 {
		return false
	}
	for _, ip := range found {
		if !ip.IsLoopback() {
			return false
		}
	}
	return true
}

func startRedis(a Access) (Start, error) {
	s := Start{Args: a.redisArgs()}
	switch {
	case a.Password != "":
		s.Environ = []string{"REDISCLI_AUTH=" + a.Password}
	case a.User != "" && a.Ask:
		s.Args = append(s.Args, "--askpass")
	}
	if a.TLS {
		s.Note = "redis-cli checks the authority of the certificate, never its name " + a.Real
	}
	return s, nil
}

func startMongo(a Access) (Start, error) {
	s := Start{}
	uri := strings.TrimSuffix(a.mongodb(), "\n")
	if a.speaksTLS() {
		uri += "&tlsAllowInvalidHostnames=true"
		s.Note = "mongosh checks the authority of the certificate, not its name " + a.real()
	}
	s.Args = []string{uri}
	if a.CA != "" {
		s.Args = append(s.Args, "--tlsCAFile", a.CA)
	}
	return s, nil
}

func startSQLCmd(a Access) (Start, error) {
	s := Start{Args: []string{"-S", "tcp:" + a.Host + "," + a.Port}, Environ: []string{"SQLCMDSERVER"}}
	for _, v := range []setting{{"-U", a.User}, {"-d", a.Database}} {
		if v.value != "" {
			s.Args = append(s.Args, v.name, v.value)
		}
	}
	if a.Real != "" {
		s.Args = append(s.Args, "-N", "-F", a.Real)
	}
	return s, nil
}

func startCqlsh(a Access) (Start, error) {
	s := Start{Args: []string{a.Host, a.Port}}
	if a.User != "" {
		s.Args = append(s.Args, "-u", a.User)
	}
	if a.Engine.TLS || isOfAWS(a.Real) {
		s.Args = append(s.Args, "--ssl")
	}
	if a.CA != "" {
		s.Environ = []string{"SSL_CERTFILE=" + a.CA}
	}
	return s, nil
}

// startUsql leaves the password to PGPASSWORD, or to usql, which asks: its URL is an
// argument.
func startUsql(a Access) (Start, error) {
	bare := a
	bare.Password = ""
	u, err := url.Parse(strings.TrimSuffix(bare.url(), "\n"))
	if err != nil {
		return Start{}, err
	}
	s := Start{}
	if a.Password != "" {
		s.Environ = []string{"PGPASSWORD=" + a.Password}
		u.RawQuery = "sslmode=require"
	}
	s.Args = []string{u.String()}
	return s, nil
}

// ClientVariables returns the variables by which the engine's clients connect. program is
// the name of the command that they are for: programs of libpq know two names of a server,
// others one, which is then the local end's.
func (a Access) ClientVariables(program string) []string {
	if a.Format = "env"; a.Socket != "" || a.check() != nil {
		return nil
	}
	var all []setting
	switch a.Engine.Family {
	case Postgres:
		host := a.Host
		if libpq(program) {
			host = a.real()
		}
		all = []setting{{"PGHOST", host}, {"PGHOSTADDR", a.Host}, {"PGPORT", a.Port}, {"PGUSER", a.User}, {"PGDATABASE", a.Database}}
		if a.Engine.TLS && a.SSLMode == "" {
			all = append(all, setting{"PGSSLMODE", "require"})
		}
	case MySQL:
		all = []setting{{"MYSQL_HOST", a.Host}, {"MYSQL_TCP_PORT", a.Port}}
	case SQLServer:
		all = a.sqlcmdSettings()
	case Redis:
		all = []setting{{"REDIS_URL", strings.TrimSuffix(a.url(), "\n")}}
	case MongoDB:
		all = []setting{{"MONGODB_URI", strings.TrimSuffix(a.url(), "\n")}}
	}
	return environ(slices.DeleteFunc(all, func(v setting) bool { return v.value == "" }))
}

// libpq reports whether a program is one of PostgreSQL's own.
func libpq(program string) bool {
	name := strings.TrimSuffix(filepath.Base(program), ".exe")
	return strings.HasPrefix(name, "pg_") || slices.Contains([]string{"psql", "pgbench", "createdb", "dropdb", "createuser", "dropuser", "clusterdb", "reindexdb", "vacuumdb"}, name)
}

// uncheckedHint says that a driver's form does not verify the server.
func (a Access) uncheckedHint() string {
	if !a.speaksTLS() {
		return ""
	}
	return "this form uses TLS without verifying the server, whose certificate is for " + a.Real + ": give the driver the authority's file" + a.authorities() + " and that name in the program"
}

// nodePg is the form for pg of npm, which takes sslmode=require for a wish to verify, by
// the authorities of Node.
func (a Access) nodePg() string {
	u := a.urlOf("postgresql")
	if a.speaksTLS() {
		u.RawQuery = "sslmode=no-verify"
	}
	return u.String()
}

// goMySQL is the data source name of github.com/go-sql-driver/mysql, which splits the login
// off at the last @ and the database at the last slash, and reads the rest of the login as
// it is.
func (a Access) goMySQL() string {
	login := a.User
	if a.Password != "" {
		login += ":" + a.Password
	}
	if login != "" {
		login += "@"
	}
	dsn := login + "tcp(" + net.JoinHostPort(a.Host, a.Port) + ")/" + url.PathEscape(a.Database)
	if a.Password != "" {
		dsn += "?tls=skip-verify&allowCleartextPasswords=true"
	}
	return dsn
}

// nodeMySQL is the form for mysql2 of npm, which reads values of a query as JSON.
func (a Access) nodeMySQL() string {
	u := a.urlOf("mysql")
	if a.Password != "" {
		u.RawQuery = url.Values{"ssl": {`{"rejectUnauthorized":false}`}, "enableCleartextPlugin": {"true"}}.Encode()
	}
	return u.String()
}

// goMSSQL is the URL for github.com/microsoft/go-mssqldb: without an encrypt word there is
// neither TLS nor a check of the server.
func (a Access) goMSSQL() string {
	u := a.urlOf("sqlserver")
	u.Path = ""
	query := url.Values{"encrypt": {"true"}}
	if a.Database != "" {
		query.Set("database", a.Database)
	}
	if a.Real != "" {
		query.Set("hostNameInCertificate", a.Real)
	}
	u.RawQuery = query.Encode()
	return u.String()
}

// nodeMSSQL is the connection string for mssql of npm, which knows no name beside the host.
func (a Access) nodeMSSQL() string {
	text := "Server=" + a.Host + "," + a.Port
	for _, v := range []setting{{"Database", a.Database}, {"User Id", a.User}} {
		if v.value != "" {
			text += ";" + v.name + `="` + strings.ReplaceAll(v.value, `"`, `""`) + `"`
		}
	}
	return text + ";Encrypt=true;TrustServerCertificate=true"
}

package database

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"ssmguard/cmd/internal/exit"
	"ssmguard/internal/safetext"
)

// suited has the forms in which `tunnel env` prints, in the order of its help, each with
// the families that it is for; none: every family.
var suited = []struct {
	format   string
	families []Family
}{
	{"psql", []Family{Postgres}},
	{"mysql", []Family{MySQL}},
	{"mariadb", []Family{MySQL}},
	{"redis", []Family{Redis}},
	{"mongodb", []Family{MongoDB}},
	{"sqlcmd", []Family{SQLServer}},
	{"url", []Family{Postgres, MySQL, SQLServer, Oracle, DB2, Redis, Memcached, MongoDB, HTTP}},
	{"jdbc", []Family{Postgres, MySQL, SQLServer, Oracle, DB2}},
	{"dotenv", nil},
	{"json", nil},
	{"env", nil},
}

// own is the form of each family that `tunnel env` prints without --format; the others
// have env.
var own = map[Family]string{
	Postgres: "psql", MySQL: "mysql", MongoDB: "mongodb",
	SQLServer: "url", Oracle: "url", DB2: "url", Redis: "url", Memcached: "url", HTTP: "url",
}

// form is how one kind of reader is told how to connect.
type form struct {
	write func(Access) (string, error)
	hint  func(Access) string // how the reader verifies the server; nil: nothing is to say
	tls   func(Access) bool   // a password is sent over TLS only
}

// formats has the forms by their names.
var formats = func() map[string]form {
	always, never := func(Access) bool { return true }, func(Access) bool { return false }
	return map[string]form{
		"psql":    {write: Access.psql, hint: Access.psqlHint, tls: always},
		"mysql":   {write: plain(Access.mysql), hint: Access.mysqlHint, tls: always},
		"mariadb": {write: plain(Access.mariadb), hint: Access.mariadbHint, tls: always},
		"redis":   {write: plain(Access.redisCLI), hint: Access.redisHint, tls: func(a Access) bool { return a.TLS }},
		"mongodb": {write: plain(Access.mongodb), hint: Access.mongodbHint, tls: never},
		"sqlcmd":  {write: Access.sqlcmd, hint: Access.sqlcmdHint, tls: never},
		"url":     {write: plain(Access.url), hint: Access.urlHint, tls: Access.urlTLS},
		"jdbc":    {write: Access.jdbc, hint: Access.jdbcHint, tls: func(a Access) bool { return a.family() == Postgres || a.family() == MySQL }},
		"dotenv":  {write: Access.dotenv, hint: Access.driverHint, tls: Access.urlTLS},
		"json":    {write: Access.json, hint: Access.driverHint, tls: always},
		"env":     {write: Access.env, tls: never},
	}
}()

// familiesOf returns the families that a form is for; none: every family.
func familiesOf(format string) []Family {
	for _, s := range suited {
		if s.format == format {
			return s.families
		}
	}
	return nil
}

// plain is a form that can be written of every access.
func plain(write func(Access) string) func(Access) (string, error) {
	return func(a Access) (string, error) { return write(a), nil }
}

// Formats returns the names of the forms, in the order of the help.
func Formats() (names []string) {
	for _, s := range suited {
		names = append(names, s.format)
	}
	return names
}

// suiting returns the forms that suit a family, its own first.
func suiting(family Family) (names []string) {
	for _, s := range suited {
		switch {
		case s.format == own[family]:
			names = slices.Insert(names, 0, s.format)
		case s.families == nil || slices.Contains(s.families, family):
			names = append(names, s.format)
		}
	}
	return names
}

// env has the variables that `tunnel run` sets for every command.
func (a Access) env() (string, error) { return a.exports(a.variables()) }

// Variables returns what every command is told of a tunnel, as NAME=VALUE:
// SSMGUARD_NAME_HOST and SSMGUARD_NAME_PORT, or SSMGUARD_NAME_SOCKET, and
// SSMGUARD_NAME_SERVER with the server's own name, which is in the certificate.
func (a Access) Variables() []string {
	return environ(slices.DeleteFunc(a.variables(), func(v setting) bool { return v.value == "" }))
}

func (a Access) variables() []setting {
	begin := "SSMGUARD_" + variableName(a.Name) + "_"
	return []setting{{begin + "HOST", a.Host}, {begin + "PORT", a.Port}, {begin + "SOCKET", a.Socket}, {begin + "SERVER", a.Real}}
}

// variableName is a tunnel's name as part of a variable's name: letters in upper case,
// and _ for other characters.
func variableName(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, strings.ToUpper(name))
}

// json writes one flat object of texts, as Terraform's data source `external` takes it.
// Every key is there, with an empty text for what is not known.
func (a Access) json() (string, error) {
	url, tls := "", ""
	if _, ok := schemes[a.family()]; ok && (a.Password == "" || a.urlTLS()) {
		url = strings.TrimSuffix(a.url(), "\n")
	}
	if a.speaksTLS() {
		tls = "required"
	}
	b, err := json.Marshal(map[string]string{
		"engine": a.Engine.Name, "host": a.Host, "port": a.Port, "server_name": a.Real, "user": a.User, "database": a.Database,
		"password": a.Password, "url": url, "tls": tls,
	})
	if err != nil {
		return "", err
	}
	return string(safetext.JSON(b)) + "\n", nil
}

// dotenv writes a file of variables for drivers: the host is always the local end, since
// drivers connect to it and know no second name. Values are in single quotes, within which
// every reader takes every character for itself but ' and \.
func (a Access) dotenv() (string, error) {
	all := []setting{{"DB_HOST", a.Host}, {"DB_PORT", a.Port}, {"DB_USER", a.User}, {"DB_NAME", a.Database}, {"DB_PASSWORD", a.Password}}
	url := func(name string) {
		all = append(all, setting{name, strings.TrimSuffix(a.url(), "\n")})
	}
	switch family := a.family(); family {
	case Postgres:
		mode := ""
		if a.Password != "" || a.Engine.TLS {
			mode = "require"
		}
		all = []setting{{"PGHOST", a.Host}, {"PGPORT", a.Port}, {"PGUSER", a.User}, {"PGDATABASE", a.Database}, {"PGSSLMODE", mode}, {"PGPASSWORD", a.Password}}
		url("DATABASE_URL")
	case Redis:
		url("REDIS_URL")
	case MongoDB:
		url("MONGODB_URI")
	case HTTP, Cassandra, Memcached, "":
	default:
		url("DATABASE_URL")
	}
	all = append(all, setting{"DB_SERVER_NAME", a.Real})
	var b strings.Builder
	for _, v := range all {
		if strings.ContainsAny(v.value, `'\`) {
			return "", exit.Usagef("readers of .env files differ about ' and \\, one of which is in %s; give --format json", v.name)
		}
		if v.value != "" {
			fmt.Fprintf(&b, "%s='%s'\n", v.name, v.value)
		}
	}
	return b.String(), nil
}

// driverHint says how a driver verifies the server.
func (a Access) driverHint() string {
	return fmt.Sprintf("to verify TLS give the driver the server's name %s beside the host (servername, tls.Config.ServerName), and the authority's file%s", a.Real, a.authorities())
}

// authorities is the address of RDS's CA certificates, for host names of RDS.
func (a Access) authorities() string {
	for _, label := range []string{"rds", "docdb", "neptune"} {
		if isOfAWS(a.Real) && strings.Contains(a.Real, "."+label+".") {
			return " (RDS's: https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem)"
		}
	}
	return ""
}

// exports returns the settings with a value as lines for a shell.
func (a Access) exports(all []setting) (string, error) {
	var b strings.Builder
	for _, v := range all {
		if v.value == "" {
			continue
		}
		line, err := a.Shell.Set(v.name, v.value)
		if err != nil {
			return "", exit.Usagef("%v", err)
		}
		b.WriteString(line)
	}
	return b.String(), nil
}

package database

import (
	"fmt"
	"net"
	"net/url"
	"strings"

	"ssmguard/cmd/internal/exit"
	"ssmguard/internal/safetext"
)

// schemes are the families whose servers have URLs, with the scheme.
var schemes = map[Family]string{
	Postgres: "postgresql", MySQL: "mysql", SQLServer: "sqlserver", Oracle: "oracle", DB2: "db2", Redis: "redis", Memcached: "memcached",
	MongoDB: "mongodb", HTTP: "https", "": "tcp",
}

// url writes the URL that most clients and drivers of the family take.
func (a Access) url() string {
	family := a.family()
	u := a.urlOf(schemes[family])
	query := url.Values{}
	switch {
	case family == Redis && a.TLS:
		u.Scheme = "rediss"
	case family == SQLServer && a.Database != "":
		u.Path = ""
		query.Set("database", a.Database)
	case family == Postgres && (a.Password != "" || a.Engine.TLS):
		query.Set("sslmode", "require")
	case family == MongoDB:
		return a.mongodb()
	case family == "" || family == HTTP || family == Memcached:
		u.User, u.Path = nil, ""
	}
	u.RawQuery = query.Encode()
	return u.String() + "\n"
}

// urlOf is a URL of the local end with the login, and the database as its path.
func (a Access) urlOf(scheme string) url.URL {
	u := url.URL{Scheme: scheme, Host: net.JoinHostPort(a.Host, a.Port), Path: "/" + a.Database}
	if a.Database == "" {
		u.Path = ""
	}
	if a.User != "" {
		u.User = url.User(a.User)
	}
	if a.Password != "" {
		u.User = url.UserPassword(a.User, a.Password)
	}
	return u
}

// mongodb writes a URL that keeps a driver at the tunnel. Retried writes are off for
// DocumentDB, which has none.
func (a Access) mongodb() string {
	u := a.urlOf("mongodb")
	if u.Path == "" {
		u.Path = "/"
	}
	u.RawQuery = "directConnection=true"
	if a.speaksTLS() {
		u.RawQuery += "&tls=true"
	}
	if a.Engine.Name == "documentdb" {
		u.RawQuery += "&retryWrites=false"
	}
	return u.String() + "\n"
}

// urlTLS reports whether a URL makes every client use TLS.
func (a Access) urlTLS() bool {
	family := a.family()
	return family == Postgres || family == Redis && a.TLS
}

func (a Access) urlHint() string {
	switch family := a.family(); {
	case family == Redis:
		return a.redisHint()
	case family == Memcached || family == "":
		return ""
	case family == MongoDB:
		return a.mongodbHint()
	case family == HTTP:
		return fmt.Sprintf("the certificate is for %s: curl verifies it with --connect-to %s https://%s/", a.Real,
			safetext.Word("::"+net.JoinHostPort(a.Host, a.Port)), a.Real)
	case family == Postgres:
		return fmt.Sprintf("to verify TLS use %s as the host and, with libpq, add hostaddr=%s&sslmode=verify-full; for other clients map the name to this machine in /etc/hosts", a.Real, a.Host)
	}
	return fmt.Sprintf("to verify TLS, whose certificate is for %s, use that name as the host and map it to this machine in /etc/hosts", a.Real)
}

func (a Access) mongodbHint() string {
	if !a.speaksTLS() {
		return ""
	}
	return fmt.Sprintf("the certificate is for %s, and drivers check the name that they connect to: map it to this machine in /etc/hosts, or add tlsAllowInvalidHostnames=true and tlsCAFile with the authority's file%s, which checks all but the name", a.Real, a.authorities())
}

// redisHint says what is checked of a cache's certificate.
func (a Access) redisHint() string {
	if !a.TLS {
		return ""
	}
	return fmt.Sprintf("the certificate is for %s: redis-cli --sni %s asks for it and checks its authority, never its name; give that name to clients that verify it", a.Real, safetext.Word(a.Real))
}

// redisCLI writes the command line of redis-cli, and of valkey-cli; a password is in the
// variable that both read.
func (a Access) redisCLI() string {
	line := ""
	if a.Password != "" {
		line = "REDISCLI_AUTH=" + safetext.Word(a.Password) + " "
	}
	return line + "redis-cli " + safetext.Words(a.redisArgs()) + "\n"
}

// redisArgs are the options of redis-cli. A tunnel leads to one node, so there is no -c.
func (a Access) redisArgs() []string {
	args := []string{"-h", a.Host, "-p", a.Port}
	if a.TLS {
		args = append(args, "--tls")
		if a.Real != "" {
			args = append(args, "--sni", a.Real)
		}
	}
	if a.CA != "" {
		args = append(args, "--cacert", a.CA)
	}
	if a.User != "" {
		args = append(args, "--user", a.User)
	}
	if a.Database != "" {
		args = append(args, "-n", a.Database)
	}
	return args
}

// sqlcmdSettings are the variables of sqlcmd, both that of Go and that of ODBC. The server
// is an address and a port, never an instance's name: for one, clients ask a port of the
// server that a tunnel does not carry.
func (a Access) sqlcmdSettings() []setting {
	return []setting{{"SQLCMDSERVER", "tcp:" + a.Host + "," + a.Port}, {"SQLCMDUSER", a.User}, {"SQLCMDDBNAME", a.Database}}
}

func (a Access) sqlcmd() (string, error) { return a.exports(a.sqlcmdSettings()) }

func (a Access) sqlcmdHint() string {
	return fmt.Sprintf("to verify TLS, whose certificate is for %s, give sqlcmd -N true -F %s", a.Real, safetext.Word(a.Real))
}

// jdbc writes the URL of the family's JDBC driver, by the grammar of its documentation.
func (a Access) jdbc() (string, error) {
	host := net.JoinHostPort(a.Host, a.Port)
	query := url.Values{}
	set := func(name, value string) {
		if value != "" {
			query.Set(name, value)
		}
	}
	switch family := a.family(); family {
	case Postgres, MySQL:
		scheme := map[string]string{"mysql": "mysql", "mariadb": "mariadb", "redshift": "redshift"}[a.Engine.Name]
		set("user", a.User)
		set("password", a.Password)
		switch {
		case !a.speaksTLS():
		case scheme == "redshift":
			set("ssl", "true")
		case scheme == "mysql":
			set("sslMode", "REQUIRED")
		case scheme == "mariadb":
			set("sslMode", "trust")
		case family == Postgres:
			set("sslmode", "require")
		}
		if scheme == "" {
			scheme = string(family)
		}
		u := url.URL{Scheme: scheme, Host: host, Path: "/" + a.Database, RawQuery: strings.ReplaceAll(query.Encode(), "+", "%20")}
		return "jdbc:" + u.String() + "\n", nil
	case SQLServer:
		text := "jdbc:sqlserver://" + host
		for _, v := range []setting{{"databaseName", a.Database}, {"user", a.User}, {"encrypt", "true"}, {"hostNameInCertificate", a.Real}} {
			if v.value != "" {
				text += ";" + v.name + "={" + strings.ReplaceAll(v.value, "}", "}}") + "}"
			}
		}
		return text + "\n", nil
	}
	// These drivers have no way to write a name with their own punctuation.
	if strings.ContainsAny(a.Database+a.User, ":;/@?") {
		return "", exit.Usagef("the JDBC URLs of %s have no database or user with one of : ; / @ ?", a.called())
	}
	if a.family() == DB2 {
		text := "jdbc:db2://" + host + "/" + a.Database
		if a.User != "" {
			text += ":user=" + a.User + ";"
		}
		return text + "\n", nil
	}
	user := ""
	if a.User != "" {
		user = a.User
	}
	return "jdbc:oracle:thin:" + user + "@//" + host + "/" + a.Database + "\n", nil
}

func (a Access) jdbcHint() string {
	switch a.family() {
	case SQLServer:
		return "" // the URL has the name
	case Postgres, MySQL:
		return fmt.Sprintf("to verify TLS, whose certificate is for %s, set the driver to check the authority%s (sslmode=verify-ca of PostgreSQL's, sslMode=VERIFY_CA of MySQL's); to check the name, too, use it as the host and map it to this machine in /etc/hosts", a.Real, a.authorities())
	}
	return fmt.Sprintf("the certificate, if there is TLS, is for %s", a.Real)
}

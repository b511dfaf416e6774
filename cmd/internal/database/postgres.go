package database

import (
	"fmt"
	"strings"
)

// psqlSettings are the variables of libpq, which checks a certificate against PGHOST and
// connects to PGHOSTADDR.
func (a Access) psqlSettings() []setting {
	mode := ""
	switch {
	case a.CA != "":
		mode = "verify-full"
	case (a.Password != "" || a.Engine.TLS) && !strings.HasPrefix(a.SSLMode, "verify-"):
		mode = "require" // a token is never sent without TLS
	}
	return []setting{
		{"PGHOST", a.real()}, {"PGHOSTADDR", a.Host}, {"PGPORT", a.Port}, {"PGUSER", a.User}, {"PGDATABASE", a.Database},
		{"PGSSLMODE", mode}, {"PGSSLROOTCERT", a.CA}, {"PGPASSWORD", a.Password},
	}
}

func (a Access) psql() (string, error) {
	all := a.psqlSettings()
	if a.Password == "" {
		return a.exports(all)
	}
	// postgres.js reads PGSSL in the place of PGSSLMODE.
	forJS := a.SSLMode
	if !strings.HasPrefix(forJS, "verify-") {
		forJS = "require"
	}
	last := len(all) - 1
	return a.exports(append(all[:last:last], setting{"PGSSL", forJS}, all[last]))
}

func (a Access) psqlHint() string {
	hint := fmt.Sprintf("to verify TLS against %s set PGSSLMODE=verify-full and PGSSLROOTCERT to the authority's file%s", a.Real, a.authorities())
	if a.Password != "" {
		hint += "; drivers that pass PGSSLMODE over have to be told to use TLS"
	}
	return hint + "; this is for libpq: drivers that are not (pg and postgres of npm, pgx) do not know PGHOSTADDR; --format dotenv is for them"
}

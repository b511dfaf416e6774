#!/usr/bin/env bash
# github.com/jackc/pgservicefile v0.0.0-20240606120523-5a60cdf6a761 (pgx's) and libpq 15.20: "host = 127.0.0.1" in a
# connection service file.
# Promised: the module parses PostgreSQL service files, which are in INI format
# (https://www.postgresql.org/docs/15/libpq-pgservice.html); neither says whether spaces may stand around the =.
# Guess: they may, as in any INI file, or they may not. Instead pgx's programs connect and psql calls it a syntax error.
# Ours: none; a service file for both has no spaces.
set -euo pipefail
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
cd "$dir"
mkdir go && cd go
export GOMODCACHE="$dir/mod" GOCACHE=${FINDINGS_GOCACHE:-$dir/cache} GOFLAGS='-modcacherw -mod=mod -trimpath'
cat >main.go <<'END'
package main

import (
	"fmt"

	"github.com/jackc/pgservicefile"
)

func main() {
	file, err := pgservicefile.ReadServicefile("pg_service.conf")
	if err != nil {
		fmt.Println(err)
		return
	}
	orders, err := file.GetService("orders")
	fmt.Println(orders.Settings, err)
}
END
{ go mod init finding && go get github.com/jackc/pgservicefile@v0.0.0-20240606120523-5a60cdf6a761 &&
    go build -o "$dir/judge" .; } >"$dir/log" 2>&1 || { cat "$dir/log"; exit 2; }
go list -m github.com/jackc/pgservicefile
cd "$dir"
apt-get download -o APT::Sandbox::User=root postgresql-client-15=15.20-0+deb12u1 libpq5=15.20-0+deb12u1 >log 2>&1 || { cat log; exit 2; }
for package in *.deb; do dpkg -x "$package" debian; done
dpkg-deb -f postgresql-client-15_*.deb Package Version
export PYTHONPATH="$dir/debian/usr/lib/python3/dist-packages"

psql() { LD_LIBRARY_PATH=$(echo "$dir"/debian/usr/lib/*-linux-gnu*) "$dir/debian/usr/lib/postgresql/15/bin/psql" "$@" 2>&1 || true; }
psql --version || exit 2
export PGSERVICEFILE=pg_service.conf PGSERVICE=orders
ask() { printf '[orders]\nhost%s127.0.0.1\nport=1\n' "$1" >pg_service.conf; ./judge; psql -c 'select 1' | head -1; }
got=$(ask '='; ask ' = ')
want='map[host:127.0.0.1 port:1] <nil>
psql: error: connection to server at "127.0.0.1", port 1 failed: Connection refused
map[host:127.0.0.1 port:1] <nil>
psql: error: syntax error in service file "pg_service.conf", line 2'
printf '%s\n' "$got"
[ "$got" = "$want" ] || { printf 'it is otherwise now; it was: %s\n' "$want"; exit 1; }

#!/usr/bin/env bash
# github.com/xo/dburl v0.58.0 (usql's): the URL of a MySQL server at an IPv6 address gives a DSN that cannot be dialed.
# Promised: a database URL is one after RFC 3986, [user[:pass]@]host[:port] included, and becomes a DSN that the driver
# takes (the module's documentation). For MySQL's driver an IPv6 address stands in square brackets
# (https://github.com/go-sql-driver/mysql#address).
# Guess: brackets that come in go out. Instead MySQL's DSN loses them, as those of PostgreSQL and SQL Server do not, and
# the driver takes address and port together for an address.
# Ours: none; the local end of a tunnel is 127.0.0.1 where nobody asked for ::1.
set -euo pipefail
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOMODCACHE="$dir/mod" GOCACHE=${FINDINGS_GOCACHE:-$dir/cache} GOFLAGS='-modcacherw -mod=mod -trimpath'
cat >main.go <<'END'
package main

import (
	"fmt"

	"github.com/go-sql-driver/mysql"
	"github.com/xo/dburl"
)

func main() {
	for _, text := range []string{"postgres://app@[::1]:15432/shop", "sqlserver://app@[::1]:11433/x/shop", "mysql://app@127.0.0.1:13306/shop", "mysql://app@[::1]:13306/shop"} {
		u, err := dburl.Parse(text)
		if err != nil {
			fmt.Println(text, err)
			continue
		}
		fmt.Println(text, "->", u.DSN)
		if u.Driver == "mysql" {
			config, err := mysql.ParseDSN(u.DSN)
			if err != nil {
				fmt.Println(err)
				continue
			}
			fmt.Println("  its driver dials", config.Addr)
		}
	}
}
END
{ go mod init finding && go get github.com/xo/dburl@v0.58.0 github.com/go-sql-driver/mysql@v1.10.1 && go build -o judge .; } >log 2>&1 || { cat log; exit 2; }
go list -m github.com/xo/dburl github.com/go-sql-driver/mysql
got=$(./judge)
want='postgres://app@[::1]:15432/shop -> postgres://app@[::1]:15432/shop
sqlserver://app@[::1]:11433/x/shop -> sqlserver://app@[::1]:11433/x?database=shop
mysql://app@127.0.0.1:13306/shop -> app@tcp(127.0.0.1:13306)/shop?loc=Local&parseTime=true&sql_mode=ansi
  its driver dials 127.0.0.1:13306
mysql://app@[::1]:13306/shop -> app@tcp(::1:13306)/shop?loc=Local&parseTime=true&sql_mode=ansi
  its driver dials [::1:13306]:3306'
printf '%s\n' "$got"
[ "$got" = "$want" ] || { printf 'it is otherwise now; it was: %s\n' "$want"; exit 1; }

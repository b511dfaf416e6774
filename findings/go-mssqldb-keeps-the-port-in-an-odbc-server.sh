#!/usr/bin/env bash
# github.com/microsoft/go-mssqldb v1.11.2: the same server,port in its ADO form and in its ODBC form.
# Promised: the ODBC form has the syntax of ODBC's connection strings, with the parameters of the ADO form (the module's
# README); SQL Server's ODBC driver writes a port after the server and a comma
# (https://learn.microsoft.com/en-us/sql/relational-databases/native-client/applications/using-connection-string-keywords-with-sql-server-native-client).
# Guess: both reach a server at 127.0.0.1,PORT. Instead the ADO form does, and the ODBC form looks up a host whose name has
# a comma, though a connection string that works with sqlcmd or isql was pasted behind odbc:.
# Ours: `tunnel env` writes host and port apart.
set -euo pipefail
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOMODCACHE="$dir/mod" GOCACHE=${FINDINGS_GOCACHE:-$dir/cache} GOFLAGS='-modcacherw -mod=mod -trimpath'
cat >main.go <<'END'
package main

import (
	"database/sql"
	"fmt"
	"net"
	"time"

	_ "github.com/microsoft/go-mssqldb"
)

func main() {
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	reached := make(chan bool, 9)
	go func() {
		for {
			conn, err := server.Accept()
			if err != nil {
				return
			}
			reached <- true
			conn.Close()
		}
	}()
	port := server.Addr().(*net.TCPAddr).Port
	for _, form := range []string{"server=127.0.0.1,%d;user id=app;password=x", "odbc:server=127.0.0.1,%d;user id=app;password=x",
		"odbc:server=127.0.0.1;port=%d;user id=app;password=x"} {
		db, err := sql.Open("sqlserver", fmt.Sprintf(form+";dial timeout=5", port))
		if err == nil {
			err = db.Ping()
		}
		select {
		case <-reached:
			fmt.Println(form, "reached")
		case <-time.After(time.Second):
			fmt.Println(form, "not reached")
		}
		for len(reached) > 0 {
			<-reached
		}
	}
}
END
{ go mod init finding && go get github.com/microsoft/go-mssqldb@v1.11.2 && go build -o judge .; } >log 2>&1 || { cat log; exit 2; }
go list -m github.com/microsoft/go-mssqldb
got=$(./judge | sed 's/;user.*x / /')
want='server=127.0.0.1,%d reached
odbc:server=127.0.0.1,%d not reached
odbc:server=127.0.0.1;port=%d reached'
printf '%s\n' "$got"
[ "$got" = "$want" ] || { printf 'it is otherwise now; it was:\n%s\n' "$want"; exit 1; }

#!/usr/bin/env bash
# github.com/jackc/pgpassfile v1.0.0 (pgx's) and libpq 15.20: a password that ends with a space, in ~/.pgpass.
# Promised: the module parses PostgreSQL's password files; of their fields a colon and a backslash alone are written
# otherwise than they are (https://www.postgresql.org/docs/15/libpq-pgpass.html).
# Guess: both send the password as it stands between the last colon and the end of the line. Instead pgx's programs leave
# out the space at the end, so that of one file psql logs in and they do not.
# Ours: none; tokens have no spaces.
set -euo pipefail
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
cd "$dir"
mkdir go && cd go
export GOMODCACHE="$dir/mod" GOCACHE=${FINDINGS_GOCACHE:-$dir/cache} GOFLAGS='-modcacherw -mod=mod -trimpath'
cat >main.go <<'END'
package main

import (
	"fmt"

	"github.com/jackc/pgpassfile"
)

func main() {
	file, err := pgpassfile.ReadPassfile("pgpass")
	if err != nil {
		panic(err)
	}
	fmt.Printf("pgpassfile %q\n", file.FindPassword("127.0.0.1", "5432", "shop", "app"))
}
END
{ go mod init finding && go get github.com/jackc/pgpassfile@v1.0.0 && go build -o "$dir/judge" .; } >"$dir/log" 2>&1 || { cat "$dir/log"; exit 2; }
go list -m github.com/jackc/pgpassfile
cd "$dir"
apt-get download -o APT::Sandbox::User=root postgresql-client-15=15.20-0+deb12u1 libpq5=15.20-0+deb12u1 >log 2>&1 || { cat log; exit 2; }
for package in *.deb; do dpkg -x "$package" debian; done
export PYTHONPATH="$dir/debian/usr/lib/python3/dist-packages"
psql() { LD_LIBRARY_PATH=$(echo "$dir"/debian/usr/lib/*-linux-gnu*) "$dir/debian/usr/lib/postgresql/15/bin/psql" "$@"; }
psql --version || exit 2
# A server that asks for a password in the clear, and prints it.
cat >server.py <<'END'
import socket, struct
server = socket.create_server(("127.0.0.1", 0))
open("port", "w").write(str(server.getsockname()[1]))
open("ready", "w").close()
s, _ = server.accept()
def read(n):
    b = b""
    while len(b) < n:
        b += s.recv(n - len(b))
    return b
read(struct.unpack("!I", read(4))[0] - 4)
s.sendall(b"R" + struct.pack("!II", 8, 3))
assert read(1) == b"p"
print("libpq      \"%s\"" % read(struct.unpack("!I", read(4))[0] - 4)[:-1].decode())
END
mkfifo ready
python3 server.py >sent &
: <ready
printf '*:*:shop:app:open sesame \n' >pgpass
chmod 600 pgpass
PGPASSFILE=pgpass PGSSLMODE=disable PGGSSENCMODE=disable psql -h 127.0.0.1 -p "$(cat port)" -U app -d shop -c 'select 1' >log 2>&1 || true
wait
got=$(./judge; cat sent)
want='pgpassfile "open sesame"
libpq      "open sesame "'
printf '%s\n' "$got"
[ "$got" = "$want" ] || { printf 'it is otherwise now; it was: %s\n' "$want"; exit 1; }

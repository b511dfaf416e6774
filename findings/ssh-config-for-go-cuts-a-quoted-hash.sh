#!/usr/bin/env bash
# github.com/kevinburke/ssh_config v1.6.0 (as read by Go programs) and OpenSSH 9.2p1: a ProxyCommand with a # in its quotes.
# Promised: the module parses ssh_config files, whose page (man ssh_config) says that a comment is a line that starts
# with #, and that a ProxyCommand goes to the end of the line.
# Guess: both find the same command. Instead the module ends it at the #, in the middle of the quotes.
# Ours: cmd/internal/session/sshproxy.go prints no # in what it gives people to copy.
set -euo pipefail
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
cd "$dir"
mkdir go && cd go
export GOMODCACHE="$dir/mod" GOCACHE=${FINDINGS_GOCACHE:-$dir/cache} GOFLAGS='-modcacherw -mod=mod -trimpath'
cat >main.go <<'END'
package main

import (
	"fmt"
	"os"

	"github.com/kevinburke/ssh_config"
)

func main() {
	file, err := os.Open("config")
	if err != nil {
		panic(err)
	}
	parsed, err := ssh_config.Decode(file)
	if err != nil {
		fmt.Println(err)
		return
	}
	value, err := parsed.Get("i-0123456789abcdef0", os.Args[1])
	fmt.Println(value, err)
}
END
{ go mod init finding && go get github.com/kevinburke/ssh_config@v1.6.0 &&
    go build -o "$dir/judge" .; } >"$dir/log" 2>&1 || { cat "$dir/log"; exit 2; }
go list -m github.com/kevinburke/ssh_config
cd "$dir"
apt-get download -o APT::Sandbox::User=root openssh-client=1:9.2p1-2+deb12u10 >log 2>&1 || { cat log; exit 2; }
for package in *.deb; do dpkg -x "$package" debian; done
dpkg-deb -f openssh-client_*.deb Package Version
export PYTHONPATH="$dir/debian/usr/lib/python3/dist-packages"

cat >config <<'END'
Host i-*
    ProxyCommand sh -c "echo session #1 >&2; exec aws ssm start-session --target %h"
END
ssh() { debian/usr/bin/ssh "$@"; }
ssh -V 2>&1 || exit 2
cat config
got="Go: $(./judge ProxyCommand)
OpenSSH: $(ssh -G -F config i-0123456789abcdef0 2>/dev/null | sed -n 's/^proxycommand //p')"
want='Go: sh -c "echo session <nil>
OpenSSH: sh -c "echo session #1 >&2; exec aws ssm start-session --target %h"'
printf '%s\n' "$got"
[ "$got" = "$want" ] || { printf 'it is otherwise now; it was: %s\n' "$want"; exit 1; }

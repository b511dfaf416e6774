#!/usr/bin/env bash
# ssh-config 5.3.0 (npm) and OpenSSH 9.2p1: a comment after the name of a host, once the file is written back.
# Promised: what is parsed can be changed and written as a file again (the package's README, stringify); OpenSSH takes a
# comment at the end of a line (its release notes of 8.5).
# Guess: a file that is read and written unchanged means the same. Instead the space before the comment goes, the pattern
# is `bastion#` from then on, and the host has lost its settings.
# Ours: cmd/internal/alias adds its lines to the text of ~/.ssh/config and leaves the others as they are.
set -euo pipefail
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
cd "$dir"
export HOME="$dir"
{ npm init -y && npm install --ignore-scripts --no-audit --no-fund ssh-config@5.3.0 &&
    apt-get download -o APT::Sandbox::User=root openssh-client=1:9.2p1-2+deb12u10; } >log 2>&1 || { cat log; exit 2; }
dpkg -x openssh-client_*.deb debian
npm ls --depth 0 | tail -n +2
ssh() { debian/usr/bin/ssh -G -F "$1" "$2" 2>/dev/null; }
debian/usr/bin/ssh -V 2>&1 || exit 2
cat >config <<'END'
Host bastion # the one in the private subnet
  ProxyCommand ssmguard ssh-proxy i-0123456789abcdef0 %p
END
cat >judge.mjs <<'END'
import { readFileSync } from "node:fs";
import SSHConfig from "ssh-config";

process.stdout.write(SSHConfig.stringify(SSHConfig.parse(readFileSync("config", "utf8"))));
END
cat config
node judge.mjs >written || exit 2
got="written: $(head -1 written)
OpenSSH, before: $(ssh config bastion | grep "^proxycommand " || echo no command)
OpenSSH, written: $(ssh written bastion | grep "^proxycommand " || echo no command)"
want='written: Host bastion# the one in the private subnet
OpenSSH, before: proxycommand ssmguard ssh-proxy i-0123456789abcdef0 %p
OpenSSH, written: no command'
printf "%s\n" "$got"
[ "$got" = "$want" ] || { printf "it is otherwise now; it was:\n%s\n" "$want"; exit 1; }

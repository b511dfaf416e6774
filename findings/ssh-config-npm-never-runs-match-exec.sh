#!/usr/bin/env bash
# ssh-config 5.3.0 (npm) and OpenSSH 9.2p1: Match exec, where /bin/sh is dash, as on Debian and Ubuntu.
# Promised: Match exec is evaluated by default, to match OpenSSH (the package's README).
# Guess: a command that succeeds matches. Instead it is wrapped in a function as bash and ksh declare one, which dash
# refuses, and what the shell refuses counts as no match: a ProxyCommand that stands there is not there for the reader.
# Ours: none; `ssmguard alias ssh` writes Host sections.
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
sh=$(readlink -f /bin/sh) && case $sh in */dash) ;; *) echo "/bin/sh is $sh here"; exit 2 ;; esac
cat >config <<'END'
Match exec "true"
    Port 2222
END
cat >judge.mjs <<'END'
import { readFileSync } from "node:fs";
import SSHConfig from "ssh-config";

console.log(JSON.stringify(SSHConfig.parse(readFileSync("config", "utf8")).compute("bastion")));
END
cat config
got="ssh-config: $(node judge.mjs 2>/dev/null)
OpenSSH: $(ssh config bastion | grep "^port ")"
want='ssh-config: {}
OpenSSH: port 2222'
printf "%s\n" "$got"
[ "$got" = "$want" ] || { printf "it is otherwise now; it was:\n%s\n" "$want"; exit 1; }

#!/usr/bin/env bash
# ssh-config 5.3.0 (npm) and OpenSSH 9.2p1: variables to send, on lines of their own.
# Promised: compute gives the settings of a host; several variables may be spread across several SendEnv lines
# (man ssh_config).
# Guess: they add up, as LocalForward and CertificateFile do there. Instead the first line is kept and the others are
# dropped, so that a host whose own section names a variable loses those of Host *.
# Ours: none.
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
Host bastion
  SendEnv AWS_PROFILE
  LocalForward 15432 127.0.0.1:5432
Host *
  SendEnv LC_TIME
  LocalForward 13306 127.0.0.1:3306
END
cat >judge.mjs <<'END'
import { readFileSync } from "node:fs";
import SSHConfig from "ssh-config";

const found = SSHConfig.parse(readFileSync("config", "utf8")).compute("bastion");
console.log(JSON.stringify([found.SendEnv, found.LocalForward.length]));
END
cat config
got="ssh-config: $(node judge.mjs)
OpenSSH: $(ssh config bastion | grep -c "^sendenv ") $(ssh config bastion | grep -c "^localforward ")"
want='ssh-config: ["AWS_PROFILE",2]
OpenSSH: 2 2'
printf "%s\n" "$got"
[ "$got" = "$want" ] || { printf "it is otherwise now; it was:\n%s\n" "$want"; exit 1; }

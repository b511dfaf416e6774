#!/usr/bin/env bash
# ssh-config 5.3.0 (npm) and OpenSSH 9.2p1: Match host after a Hostname.
# Promised: compute gives the settings of a host; Match host is for the name after a Hostname has replaced it, and case
# of keywords does not matter (man ssh_config, whose own spelling is Hostname).
# Guess: the two spellings, Hostname and HostName, match alike. Instead only HostName changes what is matched: with
# Hostname the section is passed over without a word.
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
for word in Hostname HostName; do
    cat >$word <<END
Host bastion
  $word i-0123456789abcdef0
Match host i-*
  Port 2222
END
done
cat >judge.mjs <<'END'
import { readFileSync } from "node:fs";
import SSHConfig from "ssh-config";

const found = SSHConfig.parse(readFileSync(process.argv[2], "utf8")).compute("bastion", { ignoreCase: true });
console.log(found.port ?? "none");
END
cat Hostname
got="Hostname: ssh-config $(node judge.mjs Hostname), OpenSSH $(ssh Hostname bastion | sed -n "s/^port //p")
HostName: ssh-config $(node judge.mjs HostName), OpenSSH $(ssh HostName bastion | sed -n "s/^port //p")"
want='Hostname: ssh-config none, OpenSSH 2222
HostName: ssh-config 2222, OpenSSH 2222'
printf "%s\n" "$got"
[ "$got" = "$want" ] || { printf "it is otherwise now; it was:\n%s\n" "$want"; exit 1; }

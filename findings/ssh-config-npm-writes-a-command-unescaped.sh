#!/usr/bin/env bash
# ssh-config 5.3.0 (npm) and OpenSSH 9.2p1: a ProxyCommand with escaped quotes, once the file is written back.
# Promised: what is parsed can be changed and written as a file again (the package's README, stringify); the rest of a
# ProxyCommand's line is the user's shell's (man ssh_config).
# Guess: a file that is read and written unchanged has the same command, as compute does give it. Instead the backslashes
# before quotes inside of quotes are gone, and the shell splits the command elsewhere.
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
Host i-*
  ProxyCommand sh -c "aws ssm start-session --target %h --reason \"the deploy\" --document-name AWS-StartSSHSession"
END
cat >judge.mjs <<'END'
import { readFileSync } from "node:fs";
import SSHConfig from "ssh-config";

const config = SSHConfig.parse(readFileSync("config", "utf8"));
if (process.argv[2]) console.log(config.compute("i-0123456789abcdef0").ProxyCommand);
else process.stdout.write(SSHConfig.stringify(config));
END
cat config
node judge.mjs >written || exit 2
got="compute:          $(node judge.mjs compute)
OpenSSH, before:  $(ssh config i-0123456789abcdef0 | sed -n "s/^proxycommand //p")
OpenSSH, written: $(ssh written i-0123456789abcdef0 | sed -n "s/^proxycommand //p")"
want='compute:          sh -c "aws ssm start-session --target %h --reason \"the deploy\" --document-name AWS-StartSSHSession"
OpenSSH, before:  sh -c "aws ssm start-session --target %h --reason \"the deploy\" --document-name AWS-StartSSHSession"
OpenSSH, written: sh -c "aws ssm start-session --target %h --reason "the deploy" --document-name AWS-StartSSHSession"'
printf "%s\n" "$got"
[ "$got" = "$want" ] || { printf "it is otherwise now; it was:\n%s\n" "$want"; exit 1; }

#!/usr/bin/env bash
# ssm-session 1.0.6 (npm): the size of the terminal, sent after something was typed, has the number of what was typed.
# Promised: sendInitMessage tells the size of the terminal, and sendText numbers what is typed by itself (the package's
# README); in the format that the README links each message of a stream has a sequence number of its own, and the agent
# acknowledges a number that it has had, and drops the message.
# Guess: the second size has the next number. Instead it has the last one again, with another message id, so that a
# terminal that is resized after a key was pressed stays as it was for the shell.
# Ours: proxy/channel/reliable numbers all messages in one place.
set -euo pipefail
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
cd "$dir"
export HOME="$dir"
npm init -y >log && npm install --ignore-scripts --no-audit --no-fund ssm-session@1.0.6 >log 2>&1 || { cat log; exit 2; }
npm ls --depth 0 | tail -n +2
cat >judge.cjs <<'END'
const { ssm } = require("ssm-session");

const size = { cols: 80, rows: 24 };
const connection = {
  send(message) {
    if (typeof message === "string") return;
    const { sequenceNumber, payload } = ssm.decode(message);
    console.log(sequenceNumber, Buffer.from(payload).toString());
  },
};
ssm.init(connection, { token: "made-up", termOptions: size });
ssm.sendText(connection, Buffer.from("l"));
ssm.sendText(connection, Buffer.from("s"));
ssm.sendInitMessage(connection, { cols: 120, rows: 24 });
ssm.sendText(connection, Buffer.from("\r"));
END
got=$(node judge.cjs | tr -d '\r')
want='0 {"cols":80,"rows":24}
1 l
2 s
2 {"cols":120,"rows":24}
3 '
printf '%s\n' "$got"
[ "$got" = "$want" ] || { printf 'it is otherwise now; it was:\n%s\n' "$want"; exit 1; }

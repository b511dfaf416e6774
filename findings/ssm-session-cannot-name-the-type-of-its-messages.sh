#!/usr/bin/env bash
# ssm-session 1.0.6 (npm): what decode says of the type of a message that the same package has built.
# Promised: decode gives the fields of a message, its type among them, without the padding (it trims them); the format that
# its README links pads the type with spaces, after it.
# Guess: the type of a message made by buildInputMessage is input_stream_data. Instead the package pads with zero bytes,
# before it, and trims spaces alone: the type has fifteen zero bytes in front, and equals no name. A type that is padded
# as the official plugin does it is read.
# Ours: proxy/channel/wire takes off both paddings, on both sides.
set -euo pipefail
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
cd "$dir"
export HOME="$dir"
npm init -y >log && npm install --ignore-scripts --no-audit --no-fund ssm-session@1.0.6 >log 2>&1 || { cat log; exit 2; }
npm ls --depth 0 | tail -n +2
cat >judge.cjs <<'END'
const { ssm } = require("ssm-session");

const show = (message) => console.log(JSON.stringify(ssm.decode(message).messageType).replaceAll("\\u0000", "0"));
const built = ssm.buildInputMessage("ls", 1);
show(built);
built.set(Buffer.from("input_stream_data".padEnd(32)), 4);
show(built);
END
got=$(node judge.cjs)
want='"000000000000000input_stream_data"
"input_stream_data"'
printf '%s\n' "$got"
[ "$got" = "$want" ] || { printf 'it is otherwise now; it was:\n%s\n' "$want"; exit 1; }

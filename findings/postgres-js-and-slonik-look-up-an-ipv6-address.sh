#!/usr/bin/env bash
# postgres 3.4.9 and slonik 47.3.2 (npm): a server at an IPv6 address cannot be reached by a URL.
# Promised: both take a postgres:// URL, for the form of which slonik's README names PostgreSQL's documentation; an IPv6
# address stands in square brackets there (https://www.postgresql.org/docs/15/libpq-connect.html).
# Guess: postgres://app@[::1]:PORT/shop reaches a server that listens on ::1, as it does with pg. Instead postgres asks
# the resolver for "[", the text before the first colon, and slonik for "[::1]".
# Ours: none; the local end of a tunnel is 127.0.0.1 where nobody asked for ::1.
set -euo pipefail
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
cd "$dir"
export HOME="$dir"
npm init -y >log && npm install --ignore-scripts --no-audit --no-fund postgres@3.4.9 slonik@47.3.2 pg@8.23.1 >log 2>&1 || { cat log; exit 2; }
npm ls --depth 0 | tail -n +2
cat >judge.mjs <<'END'
import net from "node:net";
import pg from "pg";
import postgres from "postgres";
import { createPool } from "slonik";

let reached;
const server = net.createServer((socket) => { reached = true; socket.on("error", () => {}).destroy(); });
server.listen(0, "::1", async () => {
  const url = `postgres://app:secret@[::1]:${server.address().port}/shop`;
  for (const [name, connect] of [
    ["pg", () => new pg.Client(url).connect()],
    ["postgres", () => postgres(url, { max: 1 })`select 1`],
    ["slonik", async () => (await createPool(url, { connectionRetryLimit: 0 })).connect(async () => {})],
  ]) {
    reached = false;
    let message = "";
    try { await connect(); } catch (error) { message = error.message; }
    console.log(`${name}: ${reached ? "reached" : "not reached, " + message}`);
  }
  process.exit(0);
});
END
node --version
got=$(node judge.mjs)
want='pg: reached
postgres: not reached, getaddrinfo ENOTFOUND [
slonik: not reached, getaddrinfo ENOTFOUND [::1]'
printf '%s\n' "$got"
[ "$got" = "$want" ] || { printf 'it is otherwise now; it was: %s\n' "$want"; exit 1; }

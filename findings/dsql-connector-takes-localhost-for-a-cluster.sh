#!/usr/bin/env bash
# @aws/aurora-dsql-node-postgres-connector 0.1.9 (npm, with pg 8.23.1): the host localhost, as for a cluster behind a tunnel.
# Promised: host is a host name, region is read from it if it is not given (the package's README, which knows no other
# meaning of host).
# Guess: with a region, localhost is connected to, and 127.0.0.1 likewise. Instead every host without a dot, ::1 and the
# folder of a unix socket too, is taken for a cluster's id and becomes a host at AWS, past the tunnel, without a word.
# 127.0.0.1 is kept; its token is then signed for 127.0.0.1, since no option names another host for it.
# Ours: `tunnel env --token` signs for the cluster's endpoint, and writes 127.0.0.1 as the host.
set -euo pipefail
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
cd "$dir"
export HOME="$dir" AWS_EC2_METADATA_DISABLED=true
npm init -y >log && npm install --ignore-scripts --no-audit --no-fund @aws/aurora-dsql-node-postgres-connector@0.1.9 pg@8.23.1 \
    @aws-sdk/credential-providers@3.1175.0 @aws-sdk/dsql-signer@3.1142.0 >log 2>&1 || { cat log; exit 2; }
npm ls --depth 0 | tail -n +2
cat >judge.cjs <<'END'
const { AuroraDSQLClient } = require("@aws/aurora-dsql-node-postgres-connector");

for (const host of ["localhost", "::1", "127.0.0.1"]) {
  const client = new AuroraDSQLClient({ host, port: 15432, user: "admin", region: "eu-west-1" });
  console.log(`${host}: ${client.host} ${client.port}`);
}
END
got=$(node judge.cjs)
want='localhost: localhost.dsql.eu-west-1.on.aws 15432
::1: ::1.dsql.eu-west-1.on.aws 15432
127.0.0.1: 127.0.0.1 15432'
printf '%s\n' "$got"
[ "$got" = "$want" ] || { printf 'it is otherwise now; it was:\n%s\n' "$want"; exit 1; }

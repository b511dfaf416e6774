#!/usr/bin/env bash
# iam-floyd 0.842.0 (npm): the two condition keys of Session Manager's sessions have one method, which writes a third key.
# Promised: a method for each condition key, generated from the service authorization reference, where ssm:TerminateSession
# has ssm:resourceTag/aws:ssmmessages:session-id and ssm:resourceTag/aws:ssmmessages:target-id
# (https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssystemsmanager.html).
# Guess: a method each, or one that takes the part in which they differ. Instead ifResourceTagAws takes a value alone and
# writes ssm:resourceTag/aws, which no session has, while an if() that is given the whole key writes what was asked.
# Ours: guard/keytable.go has both keys.
set -euo pipefail
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
cd "$dir"
export HOME="$dir"
npm init -y >log && npm install --ignore-scripts --no-audit --no-fund iam-floyd@0.842.0 >log 2>&1 || { cat log; exit 2; }
npm ls --depth 0 | tail -n +2
cat >judge.js <<'END'
const { Statement } = require("iam-floyd");

console.log(Object.getOwnPropertyNames(Statement.Ssm.prototype).filter((name) => name.startsWith("ifResourceTag")).join(" "));
for (const statement of [
  new Statement.Ssm().allow().toTerminateSession().ifResourceTagAws("i-0123456789abcdef0"),
  new Statement.Ssm().allow().toTerminateSession().if("ssm:resourceTag/aws:ssmmessages:target-id", "i-0123456789abcdef0", "StringLike"),
]) console.log(JSON.stringify(statement.toJSON().Condition));
END
got=$(node judge.js)
want='ifResourceTag ifResourceTagAws
{"StringLike":{"ssm:resourceTag/aws":"i-0123456789abcdef0"}}
{"StringLike":{"ssm:resourceTag/aws:ssmmessages:target-id":"i-0123456789abcdef0"}}'
printf '%s\n' "$got"
[ "$got" = "$want" ] || { printf 'it is otherwise now; it was: %s\n' "$want"; exit 1; }

#!/usr/bin/env bash
# iam-floyd 0.842.0 (npm): the condition on a tag whose name has a colon is written with a key that no request has.
# Promised: ifResourceTag of Systems Manager writes ssm:resourceTag/ and the tag's name
# (https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssystemsmanager.html, which its comment links);
# a tag's name may have colons (https://docs.aws.amazon.com/tag-editor/latest/userguide/tagging.html).
# Guess: team:name is a name as team is. Instead a key with a colon anywhere counts as complete, so that the prefix of the
# service is left out, for EC2 and RDS likewise; keys that begin with aws: are right. An Allow with it allows nothing.
# Ours: guard/finding tells of condition keys that do not exist.
set -euo pipefail
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
cd "$dir"
export HOME="$dir"
npm init -y >log && npm install --ignore-scripts --no-audit --no-fund iam-floyd@0.842.0 >log 2>&1 || { cat log; exit 2; }
npm ls --depth 0 | tail -n +2
cat >judge.js <<'END'
const { Statement } = require("iam-floyd");

for (const tag of ["team", "team:name"]) {
  for (const statement of [
    new Statement.Ssm().allow().toStartSession().ifResourceTag(tag, "web"),
    new Statement.Ssm().allow().toStartSession().ifAwsResourceTag(tag, "web"),
    new Statement.Ec2().allow().toStartInstances().ifResourceTag(tag, "web"),
    new Statement.Rds().allow().toStartDBInstance().ifDbTag(tag, "web"),
  ]) console.log(JSON.stringify(statement.toJSON().Condition));
}
END
got=$(node judge.js)
want='{"StringLike":{"ssm:resourceTag/team":"web"}}
{"StringLike":{"aws:ResourceTag/team":"web"}}
{"StringLike":{"ec2:ResourceTag/team":"web"}}
{"StringLike":{"rds:db-tag/team":"web"}}
{"StringLike":{"resourceTag/team:name":"web"}}
{"StringLike":{"aws:ResourceTag/team:name":"web"}}
{"StringLike":{"ResourceTag/team:name":"web"}}
{"StringLike":{"db-tag/team:name":"web"}}'
printf '%s\n' "$got"
[ "$got" = "$want" ] || { printf 'it is otherwise now; it was: %s\n' "$want"; exit 1; }

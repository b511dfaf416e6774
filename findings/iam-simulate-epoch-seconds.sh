#!/usr/bin/env bash
# @cloud-copilot/iam-simulate 0.1.173: a date that a policy writes as seconds since 1970 is compared as milliseconds.
# Promised: its README: all condition operators. IAM's: a date is in ISO 8601 or in epoch (UNIX) time, which counts seconds,
# and aws:CurrentTime may be compared with either
# (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html).
# Guess: 1938038400 and 2031-06-01 are the same moment, and both come after 2030. Instead the number is a day of January 1970.
# Ours: guard/policy/scalar reads seconds.
set -euo pipefail
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --ignore-scripts \
    @cloud-copilot/iam-simulate@0.1.173 >log 2>&1 || { cat log; exit 2; }
npm ls --depth 0 | sed -n "s/.* @/@/p"
cat >judge.mjs <<'END'
import { runSimulation } from "@cloud-copilot/iam-simulate";
const all = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] };
async function judge(title, statement, contextVariables = {}, resource = "arn:aws:ec2:eu-west-1:111122223333:instance/i-0123456789abcdef0") {
  const answer = await runSimulation({
    request: {
      principal: "arn:aws:iam::111122223333:user/ann",
      action: "ssm:StartSession",
      resource: { resource, accountId: "111122223333" },
      contextVariables,
    },
    identityPolicies: [{
      name: "p",
      policy: { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "ssm:StartSession", Resource: "*", ...statement }] },
    }],
    serviceControlPolicies: [{ orgIdentifier: "root", policies: [{ name: "all", policy: all }] }],
    resourceControlPolicies: [],
  }, {});
  console.log(title + ":", answer.errors ? answer.errors.message : answer.overallResult);
}
const now = { "aws:CurrentTime": "2030-01-01T00:00:00Z" };
for (const date of ["2031-06-01T00:00:00Z", "1938038400", "1938038400000"]) {
  for (const operator of ["DateLessThan", "DateGreaterThan"]) {
    await judge(`2030 ${operator} ${date}`, { Condition: { [operator]: { "aws:CurrentTime": date } } }, now);
  }
}
END
got=$(node judge.mjs)
want='2030 DateLessThan 2031-06-01T00:00:00Z: Allowed
2030 DateGreaterThan 2031-06-01T00:00:00Z: ImplicitlyDenied
2030 DateLessThan 1938038400: ImplicitlyDenied
2030 DateGreaterThan 1938038400: Allowed
2030 DateLessThan 1938038400000: Allowed
2030 DateGreaterThan 1938038400000: ImplicitlyDenied'
printf '%s\n' "$got"
[ "$got" = "$want" ] || { printf 'it is otherwise now; it was: %s\n' "$want"; exit 1; }

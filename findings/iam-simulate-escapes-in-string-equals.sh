#!/usr/bin/env bash
# @cloud-copilot/iam-simulate 0.1.173: StringEquals leaves ${*}, ${?} and ${$} as they stand; StringLike replaces them.
# Promised: its README: all condition operators. IAM's: the three stand for the characters *, ? and $ wherever a policy
# variable may stand, string operators included
# (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html).
# Guess: the operator changes how wildcards match, not what an escape means. Instead StringEquals never matches them.
# Ours: guard/policy/variable.go.
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
const key = "ssm:resourceTag/Team";
for (const character of ["*", "?", "$"]) {
  for (const operator of ["StringLike", "StringEquals"]) {
    const value = "a${" + character + "}";
    await judge(`${operator} ${value} of a${character}`, { Condition: { [operator]: { [key]: value } } }, { [key]: "a" + character });
  }
}
END
got=$(node judge.mjs)
want='StringLike a${*} of a*: Allowed
StringEquals a${*} of a*: ImplicitlyDenied
StringLike a${?} of a?: Allowed
StringEquals a${?} of a?: ImplicitlyDenied
StringLike a${$} of a$: Allowed
StringEquals a${$} of a$: ImplicitlyDenied'
printf '%s\n' "$got"
[ "$got" = "$want" ] || { printf 'it is otherwise now; it was: %s\n' "$want"; exit 1; }

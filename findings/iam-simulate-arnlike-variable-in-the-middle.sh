#!/usr/bin/env bash
# @cloud-copilot/iam-simulate 0.1.173: ArnLike and ArnEquals know a policy variable at the end of the ARN only.
# Promised: its README: all condition operators. IAM's: variables stand in the values of string and of ARN operators
# (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html).
# Guess: as a variable in the last part of an ARN is replaced, one in the account is. Instead the condition fails there;
# StringLike with the same value and request matches.
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
const arn = "arn:aws:iam::111122223333:user/ann";
const context = { "aws:PrincipalArn": arn, "aws:PrincipalAccount": "111122223333", "aws:username": "ann" };
for (const value of ["arn:aws:iam::111122223333:user/${aws:username}", "arn:aws:iam::${aws:PrincipalAccount}:user/ann"]) {
  for (const operator of ["StringLike", "ArnLike", "ArnEquals"]) {
    await judge(`${operator} ${value}`, { Condition: { [operator]: { "aws:PrincipalArn": value } } }, context);
  }
}
END
got=$(node judge.mjs)
want='StringLike arn:aws:iam::111122223333:user/${aws:username}: Allowed
ArnLike arn:aws:iam::111122223333:user/${aws:username}: Allowed
ArnEquals arn:aws:iam::111122223333:user/${aws:username}: Allowed
StringLike arn:aws:iam::${aws:PrincipalAccount}:user/ann: Allowed
ArnLike arn:aws:iam::${aws:PrincipalAccount}:user/ann: ImplicitlyDenied
ArnEquals arn:aws:iam::${aws:PrincipalAccount}:user/ann: ImplicitlyDenied'
printf '%s\n' "$got"
[ "$got" = "$want" ] || { printf 'it is otherwise now; it was: %s\n' "$want"; exit 1; }

#!/usr/bin/env bash
# @cloud-copilot/iam-simulate 0.1.173: the range 0.0.0.0/0 has no address in it, where 0.0.0.0/1 and ::/0 have theirs.
# Promised: its README: all condition operators. IAM's: IpAddress takes a CIDR range
# (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html).
# Guess: a shorter prefix never takes addresses away. Instead the shortest takes all of them.
# Ours: guard/policy/scalar.
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
for (const [range, address] of [["10.0.0.0/8", "10.2.1.1"], ["0.0.0.0/1", "10.2.1.1"], ["0.0.0.0/0", "10.2.1.1"], ["::/0", "2001:db8::1"]]) {
  await judge(`${address} in ${range}`, { Condition: { IpAddress: { "aws:SourceIp": range } } }, { "aws:SourceIp": address });
}
END
got=$(node judge.mjs)
want='10.2.1.1 in 10.0.0.0/8: Allowed
10.2.1.1 in 0.0.0.0/1: Allowed
10.2.1.1 in 0.0.0.0/0: ImplicitlyDenied
2001:db8::1 in ::/0: Allowed'
printf '%s\n' "$got"
[ "$got" = "$want" ] || { printf 'it is otherwise now; it was: %s\n' "$want"; exit 1; }

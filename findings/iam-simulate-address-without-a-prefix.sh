#!/usr/bin/env bash
# @cloud-copilot/iam-simulate 0.1.173: NotIpAddress with an address and no prefix does not hold for a caller of the other
# family, where the same address with /32 does; an IPv6 address is compared by its spelling. Promised: its README: all
# condition operators. IAM's: NotIpAddress is all addresses but the given one or range, and an address alone has the prefix
# of one (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html).
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
const judged = [
  ["NotIpAddress", "10.0.0.1", "10.0.0.2"], ["NotIpAddress", "10.0.0.1/32", "2001:db8::1"], ["NotIpAddress", "10.0.0.1", "2001:db8::1"],
  ["IpAddress", "2001:db8::1/128", "2001:db8:0:0:0:0:0:1"], ["IpAddress", "2001:db8::1", "2001:db8:0:0:0:0:0:1"],
];
for (const [operator, range, address] of judged) {
  await judge(`${operator} ${range}, from ${address}`, { Condition: { [operator]: { "aws:SourceIp": range } } }, { "aws:SourceIp": address });
}
END
got=$(node judge.mjs)
want='NotIpAddress 10.0.0.1, from 10.0.0.2: Allowed
NotIpAddress 10.0.0.1/32, from 2001:db8::1: Allowed
NotIpAddress 10.0.0.1, from 2001:db8::1: ImplicitlyDenied
IpAddress 2001:db8::1/128, from 2001:db8:0:0:0:0:0:1: Allowed
IpAddress 2001:db8::1, from 2001:db8:0:0:0:0:0:1: ImplicitlyDenied'
printf '%s\n' "$got"
[ "$got" = "$want" ] || { printf 'it is otherwise now; it was: %s\n' "$want"; exit 1; }

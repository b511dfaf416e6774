#!/usr/bin/env bash
# @cloud-copilot/iam-simulate 0.1.173: the policy of a VPC endpoint may name no principal but "*": one that names a user
# is refused, and nothing is simulated. Promised: its types: vpcEndpointPolicies, the VPC endpoint policies. AWS's: an
# endpoint policy says which principals can use the endpoint
# (https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html), and its examples name a user
# (https://docs.aws.amazon.com/accounts/latest/reference/vpc-iam.html).
# Guess: what is written for gateway endpoints is taken for all. Ours: guard/policy/principal.go.
set -euo pipefail
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --ignore-scripts \
    @cloud-copilot/iam-simulate@0.1.173 >log 2>&1 || { cat log; exit 2; }
npm ls --depth 0 | sed -n "s/.* @/@/p"
cat >judge.mjs <<'END'
import { runSimulation } from "@cloud-copilot/iam-simulate";
const all = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] };
for (const Principal of ["*", { AWS: "*" }, { AWS: "arn:aws:iam::111122223333:user/ann" }, { AWS: "111122223333" }]) {
  const answer = await runSimulation({
    request: {
      principal: "arn:aws:iam::111122223333:user/ann",
      action: "ssm:StartSession",
      resource: { resource: "arn:aws:ec2:eu-west-1:111122223333:instance/i-0123456789abcdef0", accountId: "111122223333" },
      contextVariables: {},
    },
    identityPolicies: [{ name: "all", policy: all }],
    serviceControlPolicies: [],
    resourceControlPolicies: [],
    vpcEndpointPolicies: [{ name: "e", policy: { Version: "2012-10-17", Statement: [{ Effect: "Allow", Principal, Action: "*", Resource: "*" }] } }],
  }, {});
  console.log(JSON.stringify(Principal) + ":", answer.errors ? answer.errors.vpcEndpointErrors.e[0].message : answer.overallResult);
}
END
got=$(node judge.mjs)
want='"*": Allowed
{"AWS":"*"}: Principal must be "*" in an endpoint policy
{"AWS":"arn:aws:iam::111122223333:user/ann"}: Principal must be "*" in an endpoint policy
{"AWS":"111122223333"}: Principal must be "*" in an endpoint policy'
printf '%s\n' "$got"
[ "$got" = "$want" ] || { printf 'it is otherwise now; it was: %s\n' "$want"; exit 1; }

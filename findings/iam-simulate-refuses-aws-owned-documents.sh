#!/usr/bin/env bash
# @cloud-copilot/iam-simulate 0.1.173: no request about one of AWS's own Session Manager documents can be judged.
# Promised: its README: the ARN is checked against the resource types that the action allows. For ssm:StartSession a
# document is one (https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssystemsmanager.html); the
# ARNs of documents that AWS owns have an empty account.
# Guess: such a request is judged like one about a document of the account's own. Instead it is an error.
# Ours: guard/needs.go makes such requests.
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
for (const account of ["111122223333", ""]) {
  await judge(`account "${account}"`, {}, {}, `arn:aws:ssm:eu-west-1:${account}:document/AWS-StartPortForwardingSession`);
}
END
got=$(node judge.mjs)
want='account "111122223333": Allowed
account "": no.resource.types'
printf '%s\n' "$got"
[ "$got" = "$want" ] || { printf 'it is otherwise now; it was: %s\n' "$want"; exit 1; }

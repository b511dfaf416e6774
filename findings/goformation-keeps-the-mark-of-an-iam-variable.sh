#!/usr/bin/env bash
# github.com/awslabs/goformation/v7 v7.14.9: an IAM policy variable in a template's Fn::Sub.
# Promised: Fn::Sub is resolved (the module's README); ${!Literal} becomes ${Literal}, which is how a template writes a
# variable of IAM (https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-sub.html).
# Guess: the policy has ${aws:username}. Instead the exclamation mark stays, in the one ARN that everybody may end and
# resume their own sessions by, and who checks the resolved template checks a variable that IAM does not know.
# Ours: cmd/internal/policyfile takes the mark off.
set -euo pipefail
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOMODCACHE="$dir/mod" GOCACHE=${FINDINGS_GOCACHE:-$dir/cache} GOFLAGS='-modcacherw -mod=mod -trimpath'
cat >template.yaml <<'END'
Resource: !Sub "arn:aws:ssm:${AWS::Region}:*:session/${!aws:username}-*"
END
cat >main.go <<'END'
package main

import (
	"fmt"
	"os"

	"github.com/awslabs/goformation/v7/intrinsics"
)

func main() {
	template, err := os.ReadFile("template.yaml")
	if err != nil {
		panic(err)
	}
	resolved, err := intrinsics.ProcessYAML(template, nil)
	fmt.Println(string(resolved), err)
}
END
{ go mod init finding && go get github.com/awslabs/goformation/v7@v7.14.9 && go build -o judge .; } >log 2>&1 || { cat log; exit 2; }
go list -m github.com/awslabs/goformation/v7
cat template.yaml
got=$(./judge | tr -d ' \n')
want='{"Resource":"arn:aws:ssm:us-east-1:*:session/${!aws:username}-*"}<nil>'
printf '%s\n' "$got"
[ "$got" = "$want" ] || { printf 'it is otherwise now; it was:\n%s\n' "$want"; exit 1; }

#!/usr/bin/env bash
# github.com/awslabs/goformation/v7 v7.14.9: the pseudo parameter AWS::Partition in an ARN.
# Promised: Ref resolves all of the pseudo parameters with the default value listed on their page (the module's README),
# which has AWS::Partition with aws
# (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/pseudo-parameter-reference.html).
# Guess: aws. Instead there is nothing, and nobody is told: in Fn::Sub the field is empty, and Fn::Join has a field less, so
# that the service stands where the partition belongs. AWS::Region and AWS::AccountId are resolved.
# Ours: cmd/internal/policyfile has the partition of the caller's account.
set -euo pipefail
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOMODCACHE="$dir/mod" GOCACHE=${FINDINGS_GOCACHE:-$dir/cache} GOFLAGS='-modcacherw -mod=mod -trimpath'
cat >template.yaml <<'END'
Sub: !Sub "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:document/Shell"
Join: !Join [":", [arn, !Ref "AWS::Partition", ssm, !Ref "AWS::Region", !Ref "AWS::AccountId", document/Shell]]
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
want='{"Join":"arn:ssm:us-east-1:123456789012:document/Shell","Sub":"arn::ssm:us-east-1:123456789012:document/Shell"}<nil>'
printf '%s\n' "$got"
[ "$got" = "$want" ] || { printf 'it is otherwise now; it was:\n%s\n' "$want"; exit 1; }

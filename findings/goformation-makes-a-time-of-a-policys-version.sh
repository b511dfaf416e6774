#!/usr/bin/env bash
# github.com/awslabs/goformation/v7 v7.14.9: the version of a policy document that a template writes without quotes.
# Promised: YAML templates become the JSON that CloudFormation takes (the module's README); the version of a policy is
# 2012-10-17 (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html), which CloudFormation
# takes without quotes, as it takes the template's own 2010-09-09, which the README's own example writes so.
# Guess: the text stays as it is. Instead it is a time of the day's first second, which IAM refuses as a version.
# Ours: cmd/internal/policyfile keeps the text of what looks like a date.
set -euo pipefail
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOMODCACHE="$dir/mod" GOCACHE=${FINDINGS_GOCACHE:-$dir/cache} GOFLAGS='-modcacherw -mod=mod -trimpath'
cat >template.yaml <<'END'
PolicyDocument:
  Version: 2012-10-17
  Statement: []
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
want='{"PolicyDocument":{"Statement":[],"Version":"2012-10-17T00:00:00Z"}}<nil>'
printf '%s\n' "$got"
[ "$got" = "$want" ] || { printf 'it is otherwise now; it was:\n%s\n' "$want"; exit 1; }

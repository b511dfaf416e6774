#!/usr/bin/env bash
# github.com/liamg/iamgo v0.0.9: a condition whose value is a number without quotes.
# Promised: the module reads IAM policy documents; in IAM's grammar a condition's value is a string, a number or a boolean
# (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html).
# Guess: 3600 is read as "3600", as true is read as "true". Instead the whole document is refused, and a scanner built on
# the module does not see the other statements either.
# Ours: guard/policy/parse.go reads all three.
set -euo pipefail
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOMODCACHE="$dir/mod" GOCACHE=${FINDINGS_GOCACHE:-$dir/cache} GOFLAGS='-modcacherw -mod=mod -trimpath'
cat >main.go <<'END'
package main

import (
	"fmt"

	"github.com/liamg/iamgo"
)

func main() {
	for _, condition := range []string{
		`{"NumericLessThan":{"aws:MultiFactorAuthAge":"3600"}}`,
		`{"NumericLessThan":{"aws:MultiFactorAuthAge":3600}}`,
		`{"Bool":{"aws:MultiFactorAuthPresent":true}}`,
	} {
		document, err := iamgo.ParseString(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ssm:StartSession","Resource":"*","Condition":` +
			condition + `}]}`)
		if err != nil {
			fmt.Println(condition, "->", err)
			continue
		}
		statements, _ := document.Statements()
		read, _ := statements[0].Conditions()
		value, _ := read[0].Value()
		fmt.Printf("%s -> %q\n", condition, value)
	}
}
END
{ go mod init finding && go get github.com/liamg/iamgo@v0.0.9 && go build -o judge .; } >log 2>&1 || { cat log; exit 2; }
go list -m github.com/liamg/iamgo
got=$(./judge)
want='{"NumericLessThan":{"aws:MultiFactorAuthAge":"3600"}} -> ["3600"]
{"NumericLessThan":{"aws:MultiFactorAuthAge":3600}} -> invalid target type
{"Bool":{"aws:MultiFactorAuthPresent":true}} -> ["true"]'
printf '%s\n' "$got"
[ "$got" = "$want" ] || { printf 'it is otherwise now; it was:\n%s\n' "$want"; exit 1; }

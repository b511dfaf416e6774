#!/usr/bin/env bash
# github.com/liamg/iamgo v0.0.9: a policy for a canonical user, written and read again.
# Promised: a document is read from JSON and written as JSON (the module's README); the element is called CanonicalUser
# (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html).
# Guess: what the module writes it can read. Instead it writes CanonicalUsers, a word that neither AWS nor the module
# itself knows: read again, the statement has no principal.
# Ours: guard/policy/source edits a policy's text and writes no element anew.
set -euo pipefail
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOMODCACHE="$dir/mod" GOCACHE=${FINDINGS_GOCACHE:-$dir/cache} GOFLAGS='-modcacherw -mod=mod -trimpath'
cat >main.go <<'END'
package main

import (
	"encoding/json"
	"fmt"

	"github.com/liamg/iamgo"
)

func main() {
	text := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"CanonicalUser":"0123abcd"},"Action":"s3:GetObject","Resource":"*"}]}`
	for _, when := range []string{"read", "written and read"} {
		document, err := iamgo.ParseString(text)
		if err != nil {
			panic(err)
		}
		statements, _ := document.Statements()
		principals, _ := statements[0].Principals()
		users, _ := principals.CanonicalUsers()
		fmt.Println(when, users)
		written, err := json.Marshal(document)
		if err != nil {
			panic(err)
		}
		text = string(written)
	}
}
END
{ go mod init finding && go get github.com/liamg/iamgo@v0.0.9 && go build -o judge .; } >log 2>&1 || { cat log; exit 2; }
go list -m github.com/liamg/iamgo
got=$(./judge)
want='read [0123abcd]
written and read []'
printf '%s\n' "$got"
[ "$got" = "$want" ] || { printf 'it is otherwise now; it was:\n%s\n' "$want"; exit 1; }

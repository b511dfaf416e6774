#!/usr/bin/env bash
# github.com/urfave/cli/v2 v2.27.7: a flag of one's own type that has an alias gets a value more than the caller gave.
# Promised: a Generic's Set is called with the values of the command line, and String shows the value (the documentation
# of cli.Generic and of the flag package, after which it is made); an alias is another name of the same flag.
# Guess: -t a -t b calls Set twice. Instead it calls Set a third time, for the other name, with what String shows: a flag
# that collects values has "a b" among them.
# Ours: cmd/internal/command/flag.go gives back the word last typed.
set -euo pipefail
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
cd "$dir"
mkdir go && cd go
export GOMODCACHE="$dir/mod" GOCACHE=${FINDINGS_GOCACHE:-$dir/cache} GOFLAGS='-modcacherw -mod=mod -trimpath'
cat >main.go <<'END'
package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/urfave/cli/v2"
)

type tags []string

func (t *tags) Set(value string) error { *t = append(*t, value); return nil }
func (t *tags) String() string         { return strings.Join(*t, " ") }

func main() {
	for _, aliases := range [][]string{nil, {"tag"}} {
		var collected tags
		app := &cli.App{
			Flags:  []cli.Flag{&cli.GenericFlag{Name: "t", Aliases: aliases, Value: &collected}},
			Action: func(*cli.Context) error { return nil },
		}
		err := app.Run(os.Args)
		fmt.Printf("aliases %q: %q %v\n", aliases, collected, err)
	}
}
END
{ go mod init finding && go get github.com/urfave/cli/v2@v2.27.7 &&
    go build -o "$dir/judge" .; } >"$dir/log" 2>&1 || { cat "$dir/log"; exit 2; }
go list -m github.com/urfave/cli/v2
cd "$dir"

got=$(./judge -t a -t b)
want='aliases []: ["a" "b"] <nil>
aliases ["tag"]: ["a" "b" "a b"] <nil>'
printf '%s\n' "$got"
[ "$got" = "$want" ] || { printf 'it is otherwise now; it was: %s\n' "$want"; exit 1; }

#!/usr/bin/env bash
# aws-sdk-go-v2/config v1.33.15: a credential_process whose first and last words are quoted loses both outer quotes.
# Promised: a path with spaces and an argument with spaces each stand in double quotes, with an example of just that form
# (https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html).
# Guess: the command of that example runs. Instead the value as a whole counts as quoted, so that the shell gets
#   my tool" --user "ann lee    and looks for a program of the name  my tool --user ann.
# Ours: cmd/internal/awsconf/process.go splits the value as it stands in the file.
set -euo pipefail
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
cd "$dir"
mkdir go && cd go
export GOMODCACHE="$dir/mod" GOCACHE=${FINDINGS_GOCACHE:-$dir/cache} GOFLAGS='-modcacherw -mod=mod -trimpath'
cat >main.go <<'END'
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/config"
)

func main() {
	for _, name := range os.Args[1:] {
		cfg, err := config.LoadDefaultConfig(context.Background(), config.WithSharedConfigProfile(name))
		if err != nil {
			fmt.Println(err)
			continue
		}
		creds, err := cfg.Credentials.Retrieve(context.Background())
		if err != nil {
			fmt.Println("Go:", name, "failed")
			continue
		}
		fmt.Println("Go:", name, creds.AccessKeyID)
	}
}
END
{ go mod init finding && go get github.com/aws/aws-sdk-go-v2/config@v1.33.15 &&
    go build -o "$dir/judge" .; } >"$dir/log" 2>&1 || { cat "$dir/log"; exit 2; }
go list -m github.com/aws/aws-sdk-go-v2/config
cd "$dir"
export HOME="$dir" AWS_CONFIG_FILE="$dir/config" AWS_SHARED_CREDENTIALS_FILE=/dev/null AWS_EC2_METADATA_DISABLED=true
unset AWS_PROFILE AWS_DEFAULT_PROFILE AWS_REGION AWS_DEFAULT_REGION AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN

cat >"my tool" <<'END'
#!/bin/sh
[ "$1 $2" = "--user ann lee" ] && echo '{"Version": 1, "AccessKeyId": "AKIDEXAMPLE", "SecretAccessKey": "example"}'
END
chmod +x "my tool"
cat >config <<END
[profile both]
credential_process = "$dir/my tool" --user "ann lee"
[profile unquoted-end]
credential_process = "$dir/my tool" --user "ann lee" --
END
cat config
got=$(./judge both unquoted-end 2>/dev/null)
want='Go: both failed
Go: unquoted-end AKIDEXAMPLE'
printf '%s\n' "$got"
[ "$got" = "$want" ] || { printf 'it is otherwise now; it was: %s\n' "$want"; exit 1; }

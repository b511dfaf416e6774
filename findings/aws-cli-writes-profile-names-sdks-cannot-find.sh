#!/usr/bin/env bash
# awscli 2.9.19 (Debian), aws-sdk-go-v2/config v1.33.15, @smithy/shared-ini-file-loader 4.7.2: a profile that
# `aws configure set --profile "dev ops"` writes is there for the CLI alone.
# Promised: the config file is shared by the CLI and the SDKs
# (https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html), and the CLI takes the name without a warning.
# Guess: what one wrote the others find. Instead the CLI writes [profile 'dev ops'], and neither SDK takes off the quotes.
# Ours: cmd/internal/awsconf/ini.go reads the name as the CLI does.
set -euo pipefail
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
cd "$dir"
apt-get download -o APT::Sandbox::User=root awscli=2.9.19-1 \
    python3-awscrt python3-colorama python3-cryptography python3-dateutil python3-distro python3-docutils \
    python3-jmespath python3-prompt-toolkit python3-pyasn1 python3-requests python3-roman python3-ruamel.yaml \
    python3-six python3-urllib3 python3-wcwidth >log 2>&1 || { cat log; exit 2; }
for package in *.deb; do dpkg -x "$package" debian; done
dpkg-deb -f awscli_*.deb Package Version
export PYTHONPATH="$dir/debian/usr/lib/python3/dist-packages"
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
		profile, err := config.LoadSharedConfigProfile(context.Background(), name, func(o *config.LoadSharedConfigOptions) {
			o.ConfigFiles = []string{os.Getenv("AWS_CONFIG_FILE")}
		})
		if err != nil {
			fmt.Printf("Go: %s: %v\n", name, err)
			continue
		}
		fmt.Printf("Go: %s: region %q, session name %q\n", name, profile.Region, profile.RoleSessionName)
	}
}
END
{ go mod init finding && go get github.com/aws/aws-sdk-go-v2/config@v1.33.15 &&
    go build -o "$dir/judge" .; } >"$dir/log" 2>&1 || { cat "$dir/log"; exit 2; }
go list -m github.com/aws/aws-sdk-go-v2/config
cd "$dir"
npm install --silent --no-audit --no-fund --ignore-scripts \
    @smithy/shared-ini-file-loader@4.7.2 >log 2>&1 || { cat log; exit 2; }
npm ls --depth 0 | sed -n "s/.* @/@/p"
export HOME="$dir" AWS_CONFIG_FILE="$dir/config" AWS_SHARED_CREDENTIALS_FILE=/dev/null AWS_EC2_METADATA_DISABLED=true
unset AWS_PROFILE AWS_DEFAULT_PROFILE AWS_REGION AWS_DEFAULT_REGION AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN
cat >judge.mjs <<'END'
import { loadSharedConfigFiles } from "@smithy/shared-ini-file-loader";
const { configFile } = await loadSharedConfigFiles();
for (const name of process.argv.slice(2)) console.log(`JavaScript: ${name}: ${JSON.stringify(configFile[name])}`);
END

aws() { python3 debian/usr/bin/aws "$@"; }
aws --version
aws configure set region eu-west-1 --profile 'dev ops'
cat config
got="CLI: dev ops: $(aws configure get region --profile 'dev ops')
$(./judge 'dev ops'; node judge.mjs 'dev ops')"
want='CLI: dev ops: eu-west-1
Go: dev ops: failed to get shared config profile, dev ops
JavaScript: dev ops: undefined'
printf '%s\n' "$got"
[ "$got" = "$want" ] || { printf 'it is otherwise now; it was: %s\n' "$want"; exit 1; }

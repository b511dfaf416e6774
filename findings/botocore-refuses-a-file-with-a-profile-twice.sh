#!/usr/bin/env bash
# botocore 1.29.27, aws-sdk-go-v2/config v1.33.15, @smithy/shared-ini-file-loader 4.7.2: a config file in which a profile
# has two headings.
# Promised: nothing about headings twice; the file is shared
# (https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html).
# Guess: the three read it alike. Instead Go and JavaScript put the two together, and botocore refuses the whole file, the
# other profiles with it.
# Ours: cmd/internal/awsconf/ini.go.
set -euo pipefail
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
cd "$dir"
apt-get download -o APT::Sandbox::User=root python3-botocore=1.29.27+repack-1 \
    python3-dateutil python3-jmespath python3-urllib3 python3-requests python3-six \
    python3-certifi python3-chardet python3-charset-normalizer python3-idna >log 2>&1 || { cat log; exit 2; }
for package in *.deb; do dpkg -x "$package" debian; done
dpkg-deb -f python3-botocore_*.deb Package Version
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
cat >judge.py <<'END'
import json, sys, botocore.session
for name in sys.argv[1:]:
    try:
        print("Python: %s: %s" % (name, json.dumps(botocore.session.Session(profile=name).get_scoped_config())))
    except Exception as e:
        print("Python: %s: %s" % (name, type(e).__name__))
END

cat >config <<'END'
[profile one]
region = eu-west-1
[profile other]
region = eu-west-2
[profile one]
role_session_name = ann
END
cat config
got=$(./judge one other; node judge.mjs one other; python3 judge.py one other)
want='Go: one: region "eu-west-1", session name "ann"
Go: other: region "eu-west-2", session name ""
JavaScript: one: {"region":"eu-west-1","role_session_name":"ann"}
JavaScript: other: {"region":"eu-west-2"}
Python: one: ConfigParseError
Python: other: ConfigParseError'
printf '%s\n' "$got"
[ "$got" = "$want" ] || { printf 'it is otherwise now; it was: %s\n' "$want"; exit 1; }

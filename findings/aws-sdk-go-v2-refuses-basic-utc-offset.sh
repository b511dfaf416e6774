#!/usr/bin/env bash
# aws-sdk-go-v2/credentials v1.20.15, botocore 1.29.27, @aws-sdk/credential-providers 3.1175.0: whether an Expiration with
# the offset +0000 (which `date +%FT%T%z` prints) is a time.
# Promised: Expiration is an ISO8601 timestamp, for all SDKs
# (https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html); +0000 is its basic form of an offset.
# Guess: one credential_process serves all three. Instead Go takes only RFC 3339's +00:00; the other two take both.
# Ours: cmd/internal/awsconf/process.go takes both.
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
{ go mod init finding && go get github.com/aws/aws-sdk-go-v2/config@v1.33.15 \
    github.com/aws/aws-sdk-go-v2/credentials@v1.20.15 &&
    go build -o "$dir/judge" .; } >"$dir/log" 2>&1 || { cat "$dir/log"; exit 2; }
go list -m github.com/aws/aws-sdk-go-v2/config github.com/aws/aws-sdk-go-v2/credentials
cd "$dir"
apt-get download -o APT::Sandbox::User=root python3-botocore=1.29.27+repack-1 \
    python3-dateutil python3-jmespath python3-urllib3 python3-requests python3-six \
    python3-certifi python3-chardet python3-charset-normalizer python3-idna >log 2>&1 || { cat log; exit 2; }
for package in *.deb; do dpkg -x "$package" debian; done
dpkg-deb -f python3-botocore_*.deb Package Version
export PYTHONPATH="$dir/debian/usr/lib/python3/dist-packages"
npm install --silent --no-audit --no-fund --ignore-scripts \
    @aws-sdk/credential-providers@3.1175.0 >log 2>&1 || { cat log; exit 2; }
npm ls --depth 0 | sed -n "s/.* @/@/p"
export HOME="$dir" AWS_CONFIG_FILE="$dir/config" AWS_SHARED_CREDENTIALS_FILE=/dev/null AWS_EC2_METADATA_DISABLED=true
unset AWS_PROFILE AWS_DEFAULT_PROFILE AWS_REGION AWS_DEFAULT_REGION AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN

for offset in +0000 +00:00; do
    echo '{"Version": 1, "AccessKeyId": "AKIDEXAMPLE", "SecretAccessKey": "example", "SessionToken": "example",
        "Expiration": "2099-01-02T03:04:05'$offset'"}' >"answer$offset"
    printf '[profile %s]\ncredential_process = cat %s\n' $offset "$dir/answer$offset" >>config
done
cat >judge.py <<'END'
import sys, botocore, botocore.session
print("botocore", botocore.__version__, file=sys.stderr)
for name in sys.argv[1:]:
    try:
        creds = botocore.session.Session(profile=name).get_credentials().get_frozen_credentials()
        print("Python:", name, creds.access_key)
    except Exception:
        print("Python:", name, "failed")
END
cat >judge.mjs <<'END'
import { fromIni } from "@aws-sdk/credential-providers";
for (const name of process.argv.slice(2)) {
  const creds = await fromIni({ profile: name })().catch(() => undefined);
  console.log("JavaScript:", name, creds ? creds.accessKeyId : "failed");
}
END
got=$(./judge +0000 +00:00; python3 judge.py +0000 +00:00; node judge.mjs +0000 +00:00)
want='Go: +0000 failed
Go: +00:00 AKIDEXAMPLE
Python: +0000 AKIDEXAMPLE
Python: +00:00 AKIDEXAMPLE
JavaScript: +0000 AKIDEXAMPLE
JavaScript: +00:00 AKIDEXAMPLE'
printf '%s\n' "$got"
[ "$got" = "$want" ] || { printf 'it is otherwise now; it was: %s\n' "$want"; exit 1; }

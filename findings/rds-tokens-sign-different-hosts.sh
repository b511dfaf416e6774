#!/usr/bin/env bash
# aws-sdk-go-v2/feature/rds/auth v1.7.12, @aws-sdk/rds-signer 3.1175.0, botocore 1.29.27: what a database token signs when
# the host has capitals in it.
# Promised: each makes a token for an endpoint
# (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.Connecting.html); a host name has no case.
# Guess: the same endpoint, user, region and key give tokens with the same signed host. Instead botocore signs the name in
# small letters, Go and JavaScript as typed: whoever checks tokens with one spelling refuses those made with the other.
# (The script signs anew with each spelling to see which gives the token's signature.)
# Ours: proxy/awsdb/token.go.
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

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/rds/auth"
)

type key struct{}

func (key) Retrieve(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "example"}, nil
}

func main() {
	fmt.Println(auth.BuildAuthToken(context.Background(), "Orders.example.com:5432", "eu-west-1", "ann", key{}))
}
END
{ go mod init finding && go get github.com/aws/aws-sdk-go-v2/feature/rds/auth@v1.7.12 &&
    go build -o "$dir/judge" .; } >"$dir/log" 2>&1 || { cat "$dir/log"; exit 2; }
go list -m github.com/aws/aws-sdk-go-v2/feature/rds/auth
cd "$dir"
apt-get download -o APT::Sandbox::User=root python3-botocore=1.29.27+repack-1 \
    python3-dateutil python3-jmespath python3-urllib3 python3-requests python3-six \
    python3-certifi python3-chardet python3-charset-normalizer python3-idna >log 2>&1 || { cat log; exit 2; }
for package in *.deb; do dpkg -x "$package" debian; done
dpkg-deb -f python3-botocore_*.deb Package Version
export PYTHONPATH="$dir/debian/usr/lib/python3/dist-packages"
npm install --silent --no-audit --no-fund --ignore-scripts \
    @aws-sdk/rds-signer@3.1175.0 >log 2>&1 || { cat log; exit 2; }
npm ls --depth 0 | sed -n "s/.* @/@/p"
export HOME="$dir" AWS_CONFIG_FILE="$dir/config" AWS_SHARED_CREDENTIALS_FILE=/dev/null AWS_EC2_METADATA_DISABLED=true
unset AWS_PROFILE AWS_DEFAULT_PROFILE AWS_REGION AWS_DEFAULT_REGION AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN
cat >judge.py <<'END'
import botocore.session
session = botocore.session.Session()
session.set_credentials("AKIDEXAMPLE", "example")
print(session.create_client("rds", "eu-west-1").generate_db_auth_token("Orders.example.com", 5432, "ann"))
END
cat >judge.mjs <<'END'
import { Signer } from "@aws-sdk/rds-signer";
const credentials = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "example" };
console.log(await new Signer({ hostname: "Orders.example.com", port: 5432, username: "ann", region: "eu-west-1", credentials }).getAuthToken());
END
cat >signed.py <<'END'
import hashlib, hmac, sys
from urllib.parse import parse_qsl, quote
query = dict(parse_qsl(sys.stdin.read().split()[0].partition("?")[2]))
_, day, region, service, end = query["X-Amz-Credential"].split("/")
canonical = "&".join("%s=%s" % (quote(k, "-_.~"), quote(v, "-_.~")) for k, v in sorted(query.items()) if k != "X-Amz-Signature")
for host in "Orders.example.com:5432", "orders.example.com:5432":
    request = "\n".join(["GET", "/", canonical, "host:" + host, "", "host", hashlib.sha256(b"").hexdigest()])
    text = "\n".join(["AWS4-HMAC-SHA256", query["X-Amz-Date"], "/".join([day, region, service, end]), hashlib.sha256(request.encode()).hexdigest()])
    secret = b"AWS4example"
    for part in day, region, service, end, text:
        secret = hmac.new(secret, part.encode(), "sha256").digest()
    if secret.hex() == query["X-Amz-Signature"]:
        print(host)
END
got="Go: $(./judge | python3 signed.py)
JavaScript: $(node judge.mjs | python3 signed.py)
Python: $(python3 judge.py | python3 signed.py)"
want='Go: Orders.example.com:5432
JavaScript: Orders.example.com:5432
Python: orders.example.com:5432'
printf '%s\n' "$got"
[ "$got" = "$want" ] || { printf 'it is otherwise now; it was: %s\n' "$want"; exit 1; }

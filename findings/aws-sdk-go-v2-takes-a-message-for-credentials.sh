#!/usr/bin/env bash
# aws-sdk-go-v2/credentials v1.20.15 (endpointcreds): an answer of a container's credentials endpoint that has a message and
# no credentials is a success.
# Promised: Retrieve gets credentials from the endpoint or fails; the answer's form has an AccessKeyId
# (https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html).
# Guess: without an AccessKeyId the provider fails, and says the message, as botocore 1.29.27 does fail. Instead there are
# credentials with an empty key id, no error, and no end; what fails is the first request signed with them.
# Ours: cmd/internal/awsconf/remote.go asks for a key id.
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

	"github.com/aws/aws-sdk-go-v2/config"
)

func main() {
	cfg, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	creds, err := cfg.Credentials.Retrieve(context.Background())
	fmt.Printf("key id %q, can expire: %v, failed: %v\n", creds.AccessKeyID, creds.CanExpire, err != nil)
}
END
{ go mod init finding && go get github.com/aws/aws-sdk-go-v2/config@v1.33.15 \
    github.com/aws/aws-sdk-go-v2/credentials@v1.20.15 \
    github.com/aws/aws-sdk-go-v2/feature/ec2/imds@v1.20.7 &&
    go build -o "$dir/judge" .; } >"$dir/log" 2>&1 || { cat "$dir/log"; exit 2; }
go list -m github.com/aws/aws-sdk-go-v2/config github.com/aws/aws-sdk-go-v2/credentials github.com/aws/aws-sdk-go-v2/feature/ec2/imds
cd "$dir"
apt-get download -o APT::Sandbox::User=root python3-botocore=1.29.27+repack-1 \
    python3-dateutil python3-jmespath python3-urllib3 python3-requests python3-six \
    python3-certifi python3-chardet python3-charset-normalizer python3-idna >log 2>&1 || { cat log; exit 2; }
for package in *.deb; do dpkg -x "$package" debian; done
dpkg-deb -f python3-botocore_*.deb Package Version
export PYTHONPATH="$dir/debian/usr/lib/python3/dist-packages"
export HOME="$dir" AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null
unset AWS_PROFILE AWS_DEFAULT_PROFILE AWS_REGION AWS_DEFAULT_REGION AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN
cat >judge.py <<'END'
import botocore.session, datetime
try:
    creds = botocore.session.Session().get_credentials()
    left = creds._expiry_time - datetime.datetime.now(datetime.timezone.utc)
    until = "within the hour" if left < datetime.timedelta(minutes=61) else "later"
    print('key id "%s", ends %s, failed: false' % (creds.access_key, until))
except Exception:
    print("failed: true")
END
cat >serve.py <<'END'
import http.server, json, os, subprocess, sys, threading

class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if asked is not None:
            asked.append(self.path)
        name = self.path.rpartition("/")[2]
        good = {"Code": "Success", "AccessKeyId": "AKIDEXAMPLE", "SecretAccessKey": "example", "Token": "example",
                "Expiration": "2099-01-01T00:00:00Z"}
        body = {"": "role", "token": "token", "no": json.dumps({"message": "no credentials for this task"})}.get(name, json.dumps(good))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("X-aws-ec2-metadata-token-ttl-seconds", "21600")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())
    do_PUT = do_GET
    def log_message(self, *_):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = "http://127.0.0.1:%d" % server.server_port
asked = []

env = dict(os.environ, AWS_CONTAINER_CREDENTIALS_FULL_URI=url + "/no", AWS_EC2_METADATA_DISABLED="true")
for name, command in ("Go", ["./judge"]), ("Python", ["python3", "judge.py"]):
    print(name + ":", subprocess.run(command, env=env, capture_output=True, text=True).stdout.strip())
END
got=$(python3 serve.py)
want='Go: key id "", can expire: false, failed: false
Python: failed: true'
printf '%s\n' "$got"
[ "$got" = "$want" ] || { printf 'it is otherwise now; it was: %s\n' "$want"; exit 1; }

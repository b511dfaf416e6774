#!/usr/bin/env bash
# aws-sdk-go-v2/config v1.33.15: the endpoint given for all services is not used for the call of STS that gets the
# credentials of a profile's role.
# Promised: AWS_ENDPOINT_URL, and endpoint_url of a profile, are for every request of every service that has no endpoint
# of its own (https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html).
# Guess: AssumeRole and AssumeRoleWithWebIdentity of such a profile go there, too. Instead they go to STS's public
# endpoint, since the credentials are resolved before the endpoint for all services; AWS_ENDPOINT_URL_STS and a profile's
# services section are obeyed. Who has everything led to a VPC endpoint or a stand-in by one setting gets an error, or
# an answer, from AWS itself.
# Ours: cmd/internal/awsconf/role.go asks STS at the endpoint that cmd/internal/awsconf/endpoint.go finds.
set -euo pipefail
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOMODCACHE="$dir/mod" GOCACHE=${FINDINGS_GOCACHE:-$dir/cache} GOFLAGS='-modcacherw -mod=mod -trimpath'
cat >main.go <<'END'
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/config"
)

// recorder sends nothing, and keeps where the first request would have gone.
type recorder struct{ first string }

func (r *recorder) Do(q *http.Request) (*http.Response, error) {
	if r.first == "" {
		r.first = q.URL.Scheme + "://" + q.URL.Host
	}
	return nil, errors.New("not sent")
}

func main() {
	for _, profile := range []string{"role", "web-identity", "role-with-services"} {
		r := &recorder{}
		cfg, err := config.LoadDefaultConfig(context.Background(), config.WithSharedConfigProfile(profile), config.WithHTTPClient(r))
		if err != nil {
			panic(err)
		}
		cfg.Credentials.Retrieve(context.Background())
		fmt.Printf("  %s asks %s\n", profile, r.first)
	}
}
END
cat >config <<END
[profile base]
aws_access_key_id = AKIDEXAMPLE
aws_secret_access_key = example
[profile role]
region = eu-west-1
role_arn = arn:aws:iam::123456789012:role/dev
source_profile = base
endpoint_url = http://127.0.0.1:1
[profile web-identity]
region = eu-west-1
role_arn = arn:aws:iam::123456789012:role/dev
web_identity_token_file = $dir/token
endpoint_url = http://127.0.0.1:1
[profile role-with-services]
region = eu-west-1
role_arn = arn:aws:iam::123456789012:role/dev
source_profile = base
services = here
[services here]
sts =
  endpoint_url = http://127.0.0.1:2
END
echo token >token
{ go mod init finding && go get github.com/aws/aws-sdk-go-v2/config@v1.33.15 github.com/aws/aws-sdk-go-v2/credentials@v1.20.15 \
    github.com/aws/aws-sdk-go-v2/service/sts@v1.51.8 && go build -o judge .; } >log 2>&1 || { cat log; exit 2; }
go list -m github.com/aws/aws-sdk-go-v2/config github.com/aws/aws-sdk-go-v2/service/sts
ask() { env -i HOME="$dir" AWS_CONFIG_FILE="$dir/config" AWS_SHARED_CREDENTIALS_FILE=/dev/null AWS_EC2_METADATA_DISABLED=true "$@" ./judge; }
got=$(
    echo "the profiles as they are:"
    ask
    echo "AWS_ENDPOINT_URL=http://127.0.0.1:3:"
    ask AWS_ENDPOINT_URL=http://127.0.0.1:3
    echo "AWS_ENDPOINT_URL_STS=http://127.0.0.1:4:"
    ask AWS_ENDPOINT_URL_STS=http://127.0.0.1:4
)
printf '%s\n' "$got"
want='the profiles as they are:
  role asks https://sts.eu-west-1.amazonaws.com
  web-identity asks https://sts.eu-west-1.amazonaws.com
  role-with-services asks http://127.0.0.1:2
AWS_ENDPOINT_URL=http://127.0.0.1:3:
  role asks https://sts.eu-west-1.amazonaws.com
  web-identity asks https://sts.eu-west-1.amazonaws.com
  role-with-services asks https://sts.eu-west-1.amazonaws.com
AWS_ENDPOINT_URL_STS=http://127.0.0.1:4:
  role asks http://127.0.0.1:4
  web-identity asks http://127.0.0.1:4
  role-with-services asks http://127.0.0.1:4'
[ "$got" = "$want" ] || { printf 'it is otherwise now; it was:\n%s\n' "$want"; exit 1; }

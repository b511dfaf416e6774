#!/usr/bin/env bash
# awscli 2.9.19 (Debian): --cli-input-json file:///dev/stdin finds no JSON, though it is there.
# Promised: a parameter takes its value from the file that file:// names
# (https://docs.aws.amazon.com/cli/latest/userguide/cli-usage-parameters-file.html).
# Guess: a pipe is a file that can be read once, and once is enough. Instead the CLI reads it once more, and refuses the
# empty second reading. A regular file with the same text is taken: the CLI goes on to the request, at a closed port.
# Ours: cmd/internal/awscli/request.go reads it once.
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
export HOME="$dir" AWS_CONFIG_FILE="$dir/config" AWS_SHARED_CREDENTIALS_FILE=/dev/null AWS_EC2_METADATA_DISABLED=true
unset AWS_PROFILE AWS_DEFAULT_PROFILE AWS_REGION AWS_DEFAULT_REGION AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN

export AWS_ACCESS_KEY_ID=AKIDEXAMPLE AWS_SECRET_ACCESS_KEY=example AWS_REGION=eu-west-1 AWS_MAX_ATTEMPTS=1
aws() { python3 debian/usr/bin/aws "$@" 2>&1 || echo "[exit code $?]"; }
aws --version
echo '{"Target": "i-0123456789abcdef0"}' >input.json
set -- ssm start-session --endpoint-url http://127.0.0.1:1 --cli-input-json
got=$(aws "$@" file://input.json | sed '/^$/d'; cat input.json | aws "$@" file:///dev/stdin | sed '/^$/d')
want='Could not connect to the endpoint URL: "http://127.0.0.1:1/"
[exit code 255]
Error parsing parameter '"'cli-input-json'"': Invalid JSON received.
[exit code 252]'
printf '%s\n' "$got"
[ "$got" = "$want" ] || { printf 'it is otherwise now; it was: %s\n' "$want"; exit 1; }

package awsconf

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// process is the link for credential_process: a command, split into words and run
// without a shell, that prints credentials as JSON. It runs at once, as in the CLI.
func (l *loader) process(name string) (provider, error) {
	command, ok := l.files.profiles[name].get("credential_process")
	if !ok {
		return nil, nil
	}
	return l.fetched(func(ctx context.Context) (aws.Credentials, error) { return runProcess(ctx, command, l.stdin) })
}

const customProcess = "custom-process"

func runProcess(ctx context.Context, command string, stdin *os.File) (aws.Credentials, error) {
	words, err := SplitWords(command)
	switch {
	case err != nil:
		return aws.Credentials{}, err
	case len(words) == 0:
		return aws.Credentials{}, errorf(CodeOther, "list index out of range")
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if stdin != nil {
		cmd.Stdin = stdin
	}
	if err := cmd.Run(); err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return aws.Credentials{}, retrievalError(customProcess, stderr.String())
		}
		return aws.Credentials{}, errorf(CodeOther, "%v", err)
	}
	return parseProcess(stdout.Bytes())
}

func parseProcess(out []byte) (aws.Credentials, error) {
	var answer struct {
		AccessKeyID, SecretAccessKey, SessionToken string
		Version, Expiration                        any
	}
	if json.Unmarshal(out, &answer) != nil { // the error may quote a secret
		return aws.Credentials{}, errorf(CodeOther, "the credential process printed no JSON object of credentials")
	}
	if answer.Version != 1.0 && answer.Version != true {
		return aws.Credentials{}, retrievalError(customProcess, fmt.Sprintf(
			"Unsupported version '%v' for credential process provider, supported versions: 1", cmp.Or(answer.Version, "<Version key not provided>")))
	}
	c := aws.Credentials{AccessKeyID: answer.AccessKeyID, SecretAccessKey: answer.SecretAccessKey, SessionToken: answer.SessionToken,
		CanExpire: answer.Expiration != nil}
	var err error
	if c.CanExpire {
		c.Expires, err = parseTime(fmt.Sprint(answer.Expiration)) // the CLI refuses a number, too
	}
	return c, err
}

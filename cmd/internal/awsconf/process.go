package awsconf

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"ssmguard/internal/nettext"
)

// process is the link for credential_process: a command, split into words and run
// without a shell, that prints credentials as JSON. It runs at once, as in the CLI.
func (l *loader) process(name string) (provider, error) {
	command, ok := l.files.profiles[name].get("credential_process")
	if !ok {
		return nil, nil
	}
	return l.fetched(func(ctx context.Context) (aws.Credentials, error) { return processBound.run(ctx, command, l.stdin) })
}

const customProcess = "custom-process"

// run runs a command for its credentials.
func (b bound) run(ctx context.Context, command string, stdin *os.File) (aws.Credentials, error) {
	words, err := commandWords(runtime.GOOS, command)
	switch {
	case err != nil:
		return aws.Credentials{}, err
	case len(words) == 0:
		return aws.Credentials{}, errorf(CodeOther, "list index out of range")
	}
	ctx, blame, cancel := b.timed(ctx)
	defer cancel()
	stdout, stderr := &limited{bound: b}, &limited{bound: b}
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.WaitDelay = time.Second // a program that it has started may hold its output
	if stdin != nil {
		cmd.Stdin = stdin
	}
	err = cmd.Run()
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil // it has ended well, and said all that it had to say
	}
	if err = blame(err); err != nil {
		var exit *exec.ExitError
		switch {
		case stdout.over, stderr.over:
			return aws.Credentials{}, retrievalError(customProcess, b.tooLarge().Error())
		case isBound(err):
			return aws.Credentials{}, retrievalError(customProcess, nettext.Of(err))
		case errors.As(err, &exit):
			return aws.Credentials{}, retrievalError(customProcess, string(stderr.data))
		}
		return aws.Credentials{}, errorf(CodeOther, "%v", err)
	}
	return parseProcess(stdout.data)
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

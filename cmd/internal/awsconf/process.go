package awsconf

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"strings"
	"syscall"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/aws"

	"ssmguard/cmd/internal/awscli"
)

// process is the link for credential_process: a command, split into words and run
// without a shell, that prints credentials as JSON. It runs at once, as in the CLI.
func (l *loader) process(name string) (provider, error) {
	command, ok := l.files.profiles[name].get("credential_process")
	if !ok {
		return nil, nil
	}
	creds, err := l.runProcess(l.ctx, command)
	if err != nil {
		return nil, err
	}
	// One run serves the first request; later ones, near the end, run it again.
	first := &creds
	return l.unlessExpired(func(ctx context.Context) (aws.Credentials, error) {
		if c := first; c != nil {
			first = nil
			if !c.CanExpire || l.now().Before(c.Expires) {
				return *c, nil
			}
		}
		return l.runProcess(ctx, command)
	}), nil
}

const customProcess = "custom-process"

func (l *loader) runProcess(ctx context.Context, command string) (aws.Credentials, error) {
	words, err := SplitWords(command)
	if err != nil || len(words) == 0 {
		return aws.Credentials{}, errorf(CodeOther, "%v", err)
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return aws.Credentials{}, retrievalError(customProcess, stderr.String())
		}
		return aws.Credentials{}, osError(err, words[0])
	}
	return parseProcess(stdout.Bytes())
}

func parseProcess(out []byte) (aws.Credentials, error) {
	var answer map[string]any
	if err := json.Unmarshal(out, &answer); err != nil {
		return aws.Credentials{}, errorf(CodeOther, "%s", awscli.JSONFault(string(out)))
	}
	if version, ok := answer["Version"]; !ok || version != float64(1) {
		shown := "<Version key not provided>"
		if ok {
			shown = fmt.Sprint(version)
		}
		return aws.Credentials{}, retrievalError(customProcess,
			"Unsupported version '"+shown+"' for credential process provider, supported versions: 1")
	}
	text := func(key string) string { s, _ := answer[key].(string); return s }
	for _, key := range []string{"AccessKeyId", "SecretAccessKey"} {
		if text(key) == "" {
			return aws.Credentials{}, retrievalError(customProcess, "Missing required key in response: '"+key+"'")
		}
	}
	c := aws.Credentials{AccessKeyID: text("AccessKeyId"), SecretAccessKey: text("SecretAccessKey"), SessionToken: text("SessionToken")}
	if e := text("Expiration"); e != "" {
		until, err := parseTime(e)
		if err != nil {
			return aws.Credentials{}, errorf(CodeOther, "Unknown string format: %s", e)
		}
		c.CanExpire, c.Expires = true, until
	}
	return c, nil
}

// osError is Python's text for a file that could not be opened or run.
func osError(err error, path string) *Error {
	var errno syscall.Errno
	switch {
	case errors.As(err, &errno):
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		errno = syscall.ENOENT
	default:
		return errorf(CodeOther, "%v", err)
	}
	msg := []rune(errno.Error())
	msg[0] = unicode.ToUpper(msg[0])
	return errorf(CodeOther, "[Errno %d] %s: %s", int(errno), string(msg), awscli.Quote(path))
}

// login is the link for profiles made by `aws login`. Its credentials are used
// while they are valid; renewing them is left to the aws command.
func (l *loader) login(name string) (provider, error) {
	session, ok := l.files.profiles[name].get("login_session")
	if !ok {
		return nil, nil
	}
	dir := l.env.path("AWS_LOGIN_CACHE_DIRECTORY", "~/.aws/login/cache")
	var t struct {
		AccessToken struct {
			AccessKeyID     string `json:"accessKeyId"`
			SecretAccessKey string `json:"secretAccessKey"`
			SessionToken    string `json:"sessionToken"`
			ExpiresAt       string `json:"expiresAt"`
		} `json:"accessToken"`
	}
	fault := func(what string) error {
		return errorf(CodeOther, "Error loading login session token: %s for session %s, Please reauthenticate with 'aws login'.", what, session)
	}
	if readJSON(strings.TrimRight(dir, "/")+"/"+sha256Hex(session)+".json", &t) != nil || t.AccessToken.AccessKeyID == "" {
		return nil, fault("Unable to load a existing login session")
	}
	until, err := parseTime(t.AccessToken.ExpiresAt)
	if err != nil || !l.now().Before(until) {
		return nil, fault("The login has expired")
	}
	return static(t.AccessToken.AccessKeyID, t.AccessToken.SecretAccessKey, t.AccessToken.SessionToken), nil
}

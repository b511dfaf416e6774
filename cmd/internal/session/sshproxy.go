package session

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"golang.org/x/sync/errgroup"

	"ssmguard/cmd/internal/ask"
	"ssmguard/cmd/internal/awscli"
	"ssmguard/cmd/internal/command"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/configs"
	"ssmguard/internal/safetext"
	"ssmguard/internal/usertext"
	"ssmguard/proxy"
	"ssmguard/proxy/awsssm"
)

// sshDocument is the document of sessions that carry one connection to a port.
const sshDocument = "AWS-StartSSHSession"

// sshOptions is an ssh-proxy command line.
type sshOptions struct {
	Host, Port, User, KeyFile string
}

func (o *sshOptions) flags() []command.Flag {
	return []command.Flag{
		{Name: "--push-key", Value: "FILE", Set: command.Text(&o.KeyFile),
			Text: "push a public key with EC2 Instance Connect first: sshd takes it for a minute"},
		{Name: "--user", Value: "USER", Set: command.Text(&o.User), Text: "the user to push it for, %r in an ssh_config"},
	}
}

// SSHProxy runs the words after `ssh-proxy`.
func SSHProxy(ctx context.Context, p *env.Process, words []string) error {
	var o sshOptions
	words, err := command.Take(o.flags(), words, p.Getenv)
	if err != nil {
		return err
	}
	if words, err = o.complete(words); err != nil {
		return err
	}
	line, err := ask.ReadSession(p, words, true)
	if err != nil {
		return err
	}
	if line.Call.Command != awscli.StartSession {
		return exit.Usagef("ssh-proxy takes the options of the AWS CLI beside its own; see %q", "ssmguard help ssh-proxy")
	}
	line.Own.Engine = cmp.Or(line.Own.Engine, configs.EngineNative)
	line.Own.PluginOutput = false // stdout is the connection's alone
	line.Call.Fill(awscli.Input{Target: o.Host, DocumentName: sshDocument,
		Parameters: []awscli.Parameter{{Name: "portNumber", Values: []string{o.Port}}}})
	return o.run(ctx, line)
}

// complete takes host and port from the first two words or the last two, and returns
// the other words.
func (o *sshOptions) complete(words []string) ([]string, error) {
	at, option := 0, func(i int) bool { return strings.HasPrefix(words[i], "-") }
	if len(words) > 2 && option(0) {
		at = len(words) - 2
	}
	if len(words) < 2 || option(at) || option(at+1) {
		return nil, exit.Usagef("ssh-proxy needs a host and a port, %%h and %%p in an ssh_config; see %q", "ssmguard help ssh-proxy")
	}
	o.Host, o.Port = words[at], words[at+1]
	if n, err := strconv.Atoi(o.Port); err != nil || n < 1 || n > 65535 {
		return nil, exit.Usagef("%q is not a port number", o.Port)
	}
	if (o.User == "") != (o.KeyFile == "") {
		return nil, exit.Usagef("--user and --push-key go together")
	}
	return slices.Delete(words, at, at+2), nil
}

func (o *sshOptions) run(ctx context.Context, line *ask.Line) error {
	var key string
	if o.KeyFile != "" {
		var err error
		if key, err = readPublicKey(o.KeyFile); err != nil {
			return err
		}
	}
	conf, err := line.ConfigureSession(ctx)
	if err != nil {
		return err
	}
	w, err := line.Enter(ctx, conf)
	if err != nil {
		return err
	}
	defer w.Evidence.Close()
	if key != "" {
		w.Opener = keyPusher{Opener: w.Opener, stderr: line.Process.Notes(), cfg: conf.Config, target: w.Spec.Target, user: o.User, key: key}
	}
	return newStart(line, w, conf).run(ctx)
}

// readPublicKey reads a public key; for a private key, the public one beside it.
func readPublicKey(file string) (string, error) {
	data, err := usertext.ReadFile(file)
	if err == nil && strings.Contains(string(data), "PRIVATE KEY-----") {
		file += ".pub"
		data, err = usertext.ReadFile(file)
	}
	if err != nil {
		return "", exit.WithCode(fmt.Errorf("cannot read the key: %w", err), exit.Config)
	}
	key := strings.TrimSpace(string(data))
	if len(strings.Fields(key)) < 2 || strings.ContainsAny(key, "\r\n") {
		return "", exit.Coded(fmt.Sprintf("%s is not a public key of OpenSSH", file), exit.Config)
	}
	return key, nil
}

// keyPusher pushes a key while the session is being opened. A key that cannot be pushed
// does not stop the session: sshd may accept it already.
type keyPusher struct {
	proxy.Opener
	stderr            io.Writer
	cfg               aws.Config
	target, user, key string
}

// Open opens the session and returns when the key was pushed, too.
func (k keyPusher) Open(ctx context.Context) (*proxy.Session, error) {
	var g errgroup.Group
	g.Go(func() error { return awsssm.PushKey(ctx, k.cfg, k.target, k.user, k.key) })
	session, err := k.Opener.Open(ctx)
	if pushed := g.Wait(); pushed != nil && err == nil {
		safetext.Fprintf(k.stderr, "ssmguard: warning: the key could not be pushed: %s\n", env.OneLine(pushed))
	}
	return session, err
}

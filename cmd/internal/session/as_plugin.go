package session

import (
	"context"
	"errors"
	"syscall"

	"ssmguard/cmd/internal/ask"
	"ssmguard/cmd/internal/awscli"
	"ssmguard/cmd/internal/awsconf"
	"ssmguard/cmd/internal/dial"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/configs"
	"ssmguard/internal/safetext"
	"ssmguard/proxy"
	"ssmguard/proxy/awsssm"
	"ssmguard/proxy/plugin"
)

// AsPlugin carries a session that another program, the AWS CLI for instance, has started and
// hands over as to its session-manager-plugin, over our own data channel. Stdout gets the
// plugin's lines. The exit code is the plugin's: 0 for every end that the plugin tells on
// stdout, a refused local port and a failed command included; 128 and the signal's number
// for an end by a signal; 1, with a line on stderr, where the plugin would wait for ever.
// With the response in the arguments it is 0 in place of 1.
func AsPlugin(ctx context.Context, p *env.Process, call *plugin.Call) int {
	err := handedOver(ctx, p, call.Session)
	var told toldError
	var signalled env.Signalled
	switch {
	case errors.As(err, &signalled) && signalled.Signal == syscall.SIGPIPE:
		return 0 // as any program whose reader has left
	case errors.As(err, &signalled):
		return 128 + int(signalled.Signal)
	case err == nil, errors.As(err, &told), exit.As[exit.StatusError](err):
		return 0
	}
	exit.Report(p, err)
	if call.Inline {
		return 0
	}
	return 1
}

// handedOver carries a session that was started by another program.
func handedOver(ctx context.Context, p *env.Process, s *proxy.Session) error {
	own, err := ask.OwnDefaults(p.Getenv)
	if err != nil {
		return err
	}
	conf, signs, err := configureHandedOver(ctx, p, own, s.Spec)
	if err != nil {
		return err
	}
	api := awsssm.New(conf.SSM)
	if s.StreamURL, err = api.Lead(ctx, s.StreamURL); err != nil {
		return errors.Join(err, proxy.End(ctx, api, s.ID))
	}
	dialer, err := dial.NewDialer(conf, api)
	if err != nil {
		return err
	}
	if !signs {
		dialer.Options.Sign = nil
	}
	n := &nativeSession{process: p, dialer: dialer, anyPeer: own.Peer == configs.PeerAny, speaks: true}
	return n.Run(ctx, s, proxy.Streams{In: p.Stdin, Out: p.Stdout, Err: p.Stderr}, nil)
}

// skipVariable is the official plugin's: "true" leaves the websocket's requests unsigned.
const skipVariable = "SSM_PLUGIN_SKIP_CLIENT_CONFIGURE"

// configureHandedOver loads the configuration that the arguments of a plugin name. Like the
// plugin, a session does without credentials: then signs is false, and a lost connection
// cannot be resumed.
func configureHandedOver(ctx context.Context, p *env.Process, own ask.OwnOptions, s proxy.Spec) (conf *awsconf.Session, signs bool, err error) {
	globals := awscli.DefaultGlobals()
	globals.Region, globals.EndpointURL = &s.Region, s.Endpoint
	if s.Profile != "" {
		globals.Profile = &s.Profile
	}
	configure := func() (*awsconf.Session, error) {
		line := ask.New(p, own, awscli.Start(globals, awscli.Input{Target: s.Target, DocumentName: s.Document}))
		return line.ConfigureSession(ctx)
	}
	if conf, err = configure(); err == nil {
		return conf, p.Getenv(skipVariable) != "true", nil
	}
	globals.NoSignRequest = true
	unsigned, failed := configure()
	if failed != nil {
		return nil, false, err
	}
	return unsigned, false, nil
}

// NotAPluginCall writes that the arguments of a session-manager-plugin cannot be used, as the
// plugin does, and returns its exit code.
func NotAPluginCall(p *env.Process, err error) int {
	safetext.Fprintf(p.Stdout, "Cannot perform start session: %v\n", err) //nolint:errcheck // there is nobody else to tell
	return 0
}

package ask

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"path/filepath"

	"ssmguard/cmd/internal/awsconf"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/configs"
	"ssmguard/guard"
	"ssmguard/guard/awsiam"
	"ssmguard/internal/awsapi"
	"ssmguard/internal/private"
	"ssmguard/internal/safetext"
	"ssmguard/proxy"
	"ssmguard/proxy/awsssm"
	"ssmguard/proxy/plugin"
)

// Connect loads the configuration as the AWS CLI would, and makes the line's question
// from it. The caller closes the question's Evidence.
func (l *Line) Connect(ctx context.Context) (*Question, *awsconf.Session, error) {
	conf, err := l.ConfigureSession(ctx)
	if err != nil {
		return nil, nil, err
	}
	w, err := l.Enter(ctx, conf)
	return w, conf, err
}

// ConfigureSession is Configure for one session: its credentials are renewed until the
// session ends.
func (l *Line) ConfigureSession(ctx context.Context) (*awsconf.Session, error) {
	conf, err := l.Configure(ctx)
	if err != nil || l.Call.Globals.NoSignRequest {
		return conf, err
	}
	return conf, l.Renewed(conf).hold(ctx)
}

// Configure loads the configuration and checks that it has credentials.
func (l *Line) Configure(ctx context.Context) (*awsconf.Session, error) {
	defer l.Process.ShowStatus("getting credentials", 0)()
	conf, err := awsconf.Load(ctx, awsconf.Options{Globals: l.Call.Globals, Service: l.Call.Service, Files: l.Process.AWSFiles(),
		Prompt: l.Prompter(), Stdin: env.FileOf(l.answers())})
	if err != nil {
		return nil, err
	}
	l.Process.Asked.Region = conf.Region
	if conf.ParameterValidation {
		if err := l.Call.Validate(); err != nil {
			return nil, err
		}
	}
	if l.Call.Globals.NoSignRequest {
		l.Own.Guard = configs.GuardOff // unsigned requests have no caller to check
	} else if _, err := conf.Credentials.Retrieve(ctx); err != nil {
		return nil, err
	}
	return conf, nil
}

// Gather returns the client that reads evidence with a configuration. The caller closes
// it.
func (l *Line) Gather(conf *awsconf.Session) *awsiam.Client {
	return awsiam.New(conf.Config, awsiam.Options{
		SSMEndpoint: conf.Endpoint,
		CacheDir:    l.CacheDir(),
		NoCache:     l.Own.NoCache,
		Timing:      l.Timings.add,
		LookupHost: func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		},
	})
}

// Judges returns the guard that judges by an account's evidence.
func (l *Line) Judges(evidence *awsiam.Client) *guard.Guard {
	return &guard.Guard{
		Inventory:  evidence,
		Simulators: []guard.Simulator{evidence, guard.Local{Source: evidence}},
		Log:        l.Log,
	}
}

// Enter makes the line's question from a configuration.
func (l *Line) Enter(ctx context.Context, conf *awsconf.Session) (*Question, error) {
	evidence := l.Gather(conf)
	w := &Question{
		Request:  Request(l.Call.Input, conf.Region),
		Evidence: evidence,
		Policies: evidence,
		Guard:    l.Judges(evidence),
		Spec:     l.spec(conf),
	}
	if err := l.resolveTarget(ctx, w); err != nil {
		evidence.Close()
		return nil, err
	}
	w.Opener = awsssm.Opener{Client: awsssm.New(conf.SSM), Spec: w.Spec}
	return w, nil
}

// Prompter asks for MFA codes.
func (l *Line) Prompter() awsconf.Prompter {
	ask := awsconf.Terminal(l.answers(), l.Process.Stderr, l.Process.Echo)
	return func(question string) (string, error) {
		l.Process.HideStatus()
		return ask(question)
	}
}

// answers is the stream from which answers are read without a terminal: stdin, unless
// stdin carries a session's data from its first byte.
func (l *Line) answers() io.Reader {
	if l.Call.Input.DocumentName == "AWS-StartSSHSession" {
		return nil
	}
	return l.Process.Stdin
}

// spec is the input of StartSession for the command line.
func (l *Line) spec(conf *awsconf.Session) proxy.Spec {
	in := l.Call.Input
	return proxy.Spec{
		Target: in.Target, Document: in.DocumentName, Reason: in.Reason, Parameters: Parameters(in),
		Region: conf.Region, Profile: conf.Profile, Endpoint: conf.Endpoint, Request: l.Call.RequestJSON,
	}
}

// Runner returns the plugin for the session, with the credentials of the caller that
// was checked.
func (l *Line) Runner(ctx context.Context, conf *awsconf.Session, sessions *awsssm.Client) (*plugin.Runner, error) {
	r, err := l.findPlugin(ctx)
	if err != nil {
		return nil, err
	}
	r.Terminator = sessions
	resume := func(ctx context.Context, id string) (*proxy.Session, error) {
		conf.CloseIdleConnections() // the network may be another: the plugin does not say how its connection was lost
		return sessions.Resume(ctx, id)
	}
	r.Calls = &plugin.Calls{Resume: resume, DataKey: awsssm.DataKey(conf.Config), Ahead: awsapi.ClockOf(conf.Config).Ahead}
	if !l.DropIn || !r.External() { // from the AWS CLI, such a plugin finds its certificates itself
		connect, bundle := conf.Connecting()
		r.Connection = &plugin.Connection{Proxy: connect, CABundle: bundle}
	}
	if credentials, ok := conf.Credentials.(*Renewing); ok { // none with --no-sign-request
		r.Credentials, r.Lends = credentials.keys, conf.Unshared
	}
	return r, nil
}

// findPlugin returns the plugin of --plugin or, for a command line of the AWS CLI, the
// plugin in PATH that the CLI would run.
func (l *Line) findPlugin(ctx context.Context) (*plugin.Runner, error) {
	name := l.Own.Plugin
	switch {
	case name == OwnPlugin && l.DropIn:
		r, err := plugin.External(ctx, plugin.Name, l.Process.Environ, l.Process.Stderr)
		var old *plugin.TooOldError
		switch {
		case errors.As(err, &old):
			safetext.Fprintf(l.Process.Notes(), "ssmguard: warning: %v; using the one built in\n", old)
		case !errors.Is(err, plugin.ErrNotFound):
			return r, err
		}
	case name == AutoPlugin:
		r, _, err := plugin.InPath(ctx, l.Process.Environ)
		if err == nil && plugin.Newer(r.Version(), plugin.NearestRelease) {
			return r, nil
		}
	case name != OwnPlugin && name != EmbeddedPlugin:
		r, err := plugin.External(ctx, name, l.Process.Environ, l.Process.Stderr)
		if errors.Is(err, plugin.ErrNotFound) {
			return nil, exit.Coded(fmt.Sprintf("there is no plugin %s; \"--plugin embedded\" takes the one built in", name), exit.Other)
		}
		return r, err
	}
	return plugin.Embedded(l.Process.Environ)
}

// CacheDir is the directory in which answers are kept for later runs, "" if there is none
// or none is wanted. One that others may have written is not used, which is said.
func (l *Line) CacheDir() string {
	base := l.Process.UserDir("XDG_CACHE_HOME", ".cache")
	if base == "" || l.Own.NoCache {
		return ""
	}
	for _, kind := range []string{awsiam.CacheKind, CompletionCache} {
		var distrusted *private.DistrustError
		if errors.As(private.CheckDir(l.Process.Getenv("SUDO_UID"), base, "ssmguard", kind), &distrusted) {
			l.Process.WarnOnce(fmt.Sprintf("the cache is not used: %v; %s, or give --no-cache", distrusted, distrusted.Advice()))
			return ""
		}
	}
	return filepath.Join(base, "ssmguard")
}

// CompletionCache is the directory below CacheDir for what the tab key has found.
const CompletionCache = "completion"

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"path/filepath"

	"ssmguard/cmd/internal/awsconf"
	"ssmguard/guard"
	"ssmguard/guard/awsiam"
	"ssmguard/proxy"
	"ssmguard/proxy/awsssm"
	"ssmguard/proxy/plugin"
)

// connect finds the configuration that the AWS CLI would find and makes the
// world of a session line from it. The world's evidence has to be closed.
func (l *sessionLine) connect(ctx context.Context) (*world, *awsconf.Session, error) {
	conf, err := l.configureSession(ctx)
	if err != nil {
		return nil, nil, err
	}
	w, err := l.enter(ctx, conf)
	return w, conf, err
}

// configureSession is configure for one session, whose credentials are renewed for
// as long as it lasts.
func (l *sessionLine) configureSession(ctx context.Context) (*awsconf.Session, error) {
	conf, err := l.configure(ctx)
	if err != nil || l.call.Globals.NoSignRequest {
		return conf, err
	}
	return conf, l.renewed(conf).hold(ctx)
}

// configure finds the configuration, and credentials that are there.
func (l *sessionLine) configure(ctx context.Context) (*awsconf.Session, error) {
	conf, err := awsconf.Load(ctx, awsconf.Options{Globals: l.call.Globals, Service: l.call.Service, Lookup: l.lookup,
		Prompt: l.prompter(), Stdin: fileOf(l.answers())})
	if err != nil {
		return nil, err
	}
	l.region = conf.Region
	if conf.ParameterValidation {
		if err := l.call.Validate(); err != nil {
			return nil, err
		}
	}
	if l.call.Globals.NoSignRequest {
		l.own.Guard = guardOff // nobody to check
	} else if _, err := conf.Credentials.Retrieve(ctx); err != nil {
		return nil, err
	}
	return conf, nil
}

// gather makes what reads the evidence of a configuration. It has to be closed.
func (l *sessionLine) gather(conf *awsconf.Session) *awsiam.Client {
	return awsiam.New(conf.Config, awsiam.Options{
		SSMEndpoint: conf.Endpoint,
		CacheDir:    l.cacheDir(),
		NoCache:     l.own.NoCache,
		Timing:      l.timings.add,
		LookupHost: func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		},
	})
}

// judges is the guard that rests on an account's evidence.
func (l *sessionLine) judges(evidence *awsiam.Client) *guard.Guard {
	return &guard.Guard{
		Inventory:  evidence,
		Simulators: []guard.Simulator{evidence, guard.Local{Source: evidence}},
		Log:        l.log,
	}
}

// enter makes the world of a session line from a configuration.
func (l *sessionLine) enter(ctx context.Context, conf *awsconf.Session) (*world, error) {
	evidence := l.gather(conf)
	w := &world{
		request:  request(l.call.Input, conf.Region),
		evidence: evidence,
		policies: evidence,
		guard:    l.judges(evidence),
		spec:     l.spec(conf),
		opener:   awsssm.New(conf.SSM, ""),
	}
	if err := l.resolveTarget(ctx, w); err != nil {
		evidence.Close()
		return nil, err
	}
	return w, nil
}

// prompter asks for MFA codes.
func (l *sessionLine) prompter() awsconf.Prompter {
	return awsconf.Terminal(l.answers(), l.stderr, l.echo)
}

// answers is where a question is answered when there is no terminal: stdin, unless
// it carries a session's data from its first byte.
func (l *sessionLine) answers() io.Reader {
	if l.call.Input.DocumentName == "AWS-StartSSHSession" {
		return nil
	}
	return l.stdin
}

// spec is the command line as StartSession is to be called.
func (l *sessionLine) spec(conf *awsconf.Session) proxy.Spec {
	in := l.call.Input
	return proxy.Spec{
		Target: in.Target, Document: in.DocumentName, Reason: in.Reason, Parameters: parameters(in),
		Region: conf.Region, Profile: conf.Profile, Endpoint: conf.Endpoint, Request: l.call.RequestJSON,
	}
}

// runner returns the plugin that is to carry the session, with the credentials of
// the caller that was checked.
func (l *sessionLine) runner(ctx context.Context, conf *awsconf.Session, opener proxy.Opener) (*plugin.Runner, error) {
	r, err := l.findPlugin(ctx)
	if err != nil {
		return nil, err
	}
	r.Opener = opener
	if credentials, ok := conf.Credentials.(*renewing); ok { // none with --no-sign-request
		r.Credentials = credentials.keys
	}
	return r, nil
}

// findPlugin finds the plugin that was asked for or, for a command line of the AWS
// CLI, the one in PATH that the CLI would run.
func (l *sessionLine) findPlugin(ctx context.Context) (*plugin.Runner, error) {
	name := l.own.Plugin
	switch {
	case name == ownPlugin && l.dropIn:
		r, err := plugin.External(ctx, plugin.Name, l.environ, l.stderr)
		var old *plugin.TooOldError
		switch {
		case errors.As(err, &old):
			fmt.Fprintf(l.stderr, "ssmguard: warning: %v; using the one built in\n", old)
		case !errors.Is(err, plugin.ErrNotFound):
			return r, err
		}
	case name != ownPlugin && name != embeddedPlugin:
		r, err := plugin.External(ctx, name, l.environ, l.stderr)
		if errors.Is(err, plugin.ErrNotFound) {
			return nil, coded(fmt.Sprintf("there is no plugin %s; \"--plugin embedded\" takes the one built in", name), exitOther)
		}
		return r, err
	}
	return plugin.Embedded(l.environ)
}

// cacheDir is where what one run learns is kept for the next, "" for nowhere.
func (l *sessionLine) cacheDir() string {
	dir := l.userDir("XDG_CACHE_HOME", ".cache")
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, "ssmguard")
}

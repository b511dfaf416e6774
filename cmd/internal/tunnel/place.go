package tunnel

import (
	"cmp"
	"context"
	"errors"
	"strconv"
	"sync"

	"ssmguard/cmd/internal/ask"
	"ssmguard/cmd/internal/awscli"
	"ssmguard/cmd/internal/awsconf"
	"ssmguard/cmd/internal/bastion"
	"ssmguard/cmd/internal/database"
	"ssmguard/cmd/internal/dial"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/cmd/internal/session"
	"ssmguard/configs"
	"ssmguard/guard"
	"ssmguard/guard/awsiam"
	"ssmguard/internal/safetext"
	"ssmguard/proxy"
	"ssmguard/proxy/awsdb"
	"ssmguard/proxy/awsssm"
)

// The documents that forward ports.
const (
	portDocument   = "AWS-StartPortForwardingSession"
	remoteDocument = "AWS-StartPortForwardingSessionToRemoteHost"
)

// placement finds the place of a tunnel in the account, once.
type placement struct {
	turn  *sync.Mutex // held while one of the command's tunnels finds its place
	find  func(context.Context) (*place, error)
	done  chan struct{} // closed when the place is found
	found *place
}

// get returns the place, and finds it if that is still to be done.
func (p *placement) get(ctx context.Context) (*place, error) {
	p.turn.Lock()
	defer p.turn.Unlock()
	if _, known := p.known(); !known {
		found, err := p.find(ctx)
		if err != nil {
			return nil, err
		}
		p.found = found
		close(p.done)
	}
	return p.found, nil
}

// known returns the place if it was found already.
func (p *placement) known() (_ *place, known bool) {
	select {
	case <-p.done:
		return p.found, true
	default:
		return nil, false
	}
}

// place is a tunnel's part in the account: the session it needs, the guard's question,
// and the clients that open and carry the session.
type place struct {
	far         far
	attempt     session.Attempt
	credentials *ask.Renewing
	decision    guard.Decision // the guard's, before the tunnel was opened
	api         *awsssm.Client
	carrier     func(lane int) proxy.Plugin
	dialer      *dial.Dialer // of our own data channel

	mu sync.Mutex // guards the target in attempt.Question
}

// enter finds the place of a tunnel. It does not ask the guard.
func enter(ctx context.Context, p *env.Process, conf configs.Tunnel, o *Options) (*place, error) {
	f, err := locate(ctx, p, conf, o)
	if err != nil {
		return nil, err
	}
	credentials := f.line.Renewed(f.aws)
	credentials.Again = "open the tunnel"
	w, err := f.line.Enter(ctx, f.aws)
	if err != nil {
		return nil, err
	}
	return &place{far: f, attempt: session.Attempt{Line: f.line, Question: w}, credentials: credentials, api: awsssm.New(f.aws.SSM)}, nil
}

func (p *place) close() { p.attempt.Question.Evidence.Close() }

// deniedError is the error of a tunnel that is not allowed; the denial was printed
// already.
type deniedError struct {
	error
	decision guard.Decision
}

// Unwrap returns the exit status.
func (e *deniedError) Unwrap() error { return e.error }

// permitted asks the guard whether the tunnel is allowed.
func (p *place) permitted(ctx context.Context) (err error) {
	p.decision, err = p.attempt.Judged(ctx)
	if exit.As[exit.StatusError](err) {
		return &deniedError{err, p.decision}
	}
	return err
}

// open opens a session, with the parameters of its document changed unless they are nil. It
// renews credentials that have expired since the last one, and finds a target that was replaced.
func (p *place) open(ctx context.Context, parameters map[string][]string, say func(string)) (*proxy.Session, error) {
	start := func() (*proxy.Session, error) {
		spec := p.spec()
		if parameters != nil {
			spec.Parameters = parameters
		}
		return p.api.Start(ctx, spec)
	}
	s, err := start()
	if ask.IsOutdated(err) && p.credentials.Renew(ctx) == nil || p.moved(ctx, err, say) {
		s, err = start()
	}
	return s, err
}

func (p *place) spec() proxy.Spec {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.attempt.Question.Spec
}

// moved resolves the name of a target that is not connected again, or finds another one that
// reaches the database, as a bastion may have been replaced, and reports whether it is another
// node now.
func (p *place) moved(ctx context.Context, err error, say func(string)) bool {
	name, w := p.far.conf.Target, p.attempt.Question
	var refused *proxy.Refused
	if !errors.As(err, &refused) || refused.Code != dial.NotConnected || awsiam.IsTargetID(name) && !p.far.conf.Found {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	w.Evidence.Refresh()
	id := ""
	if p.far.conf.Found {
		conf := p.far.conf
		conf.Start = configs.Off // nobody is asked now
		id, err = bastion.Choose(ctx, p.far.line, conf, false)
	} else {
		id, err = w.Evidence.ResolveTarget(ctx, w.Request.Region, name)
	}
	if err != nil || id == w.Spec.Target {
		return false
	}
	say(name + " is now " + id)
	w.Request.Target, w.Spec.Target, w.Spec.Request = id, id, "" // the request text has the target that was found first
	return true
}

// far is a tunnel's destination: the session it needs, the AWS configuration, and the
// database that was looked up.
type far struct {
	conf     configs.Tunnel // with the values of the lookup
	line     *ask.Line
	aws      *awsconf.Session
	endpoint awsdb.Endpoint // the database's, if it was looked up
}

// locate finds a tunnel's destination.
func locate(ctx context.Context, p *env.Process, conf configs.Tunnel, o *Options) (f far, err error) {
	f.conf = conf
	if f.line, err = sessionLine(p, conf, o); err != nil {
		return f, err
	}
	if f.aws, err = f.line.Configure(ctx); err != nil {
		return f, err
	}
	return f, f.lookUp(ctx, p, o)
}

// lookUp finds the host and port of a tunnel to a database. An endpoint with a known
// port needs no lookup.
func (f *far) lookUp(ctx context.Context, p *env.Process, o *Options) (err error) {
	look, name := awsdb.RDS, f.conf.RDS
	if f.conf.ElastiCache != "" {
		look, name = awsdb.ElastiCache, f.conf.ElastiCache
	}
	if name == "" {
		return nil
	}
	host, port, isAddress := awsdb.SplitAddress(name)
	port = cmp.Or(f.conf.Port, port)
	namesCache := o.Token && f.conf.ElastiCache != "" // a token for a cache has the cache's name in it
	if isAddress && port != 0 && !f.conf.Reader && !namesCache {
		f.endpoint = awsdb.Endpoint{Name: name, Host: host, Port: port}
	} else {
		if f.endpoint, err = look(ctx, f.aws.Config, name, f.conf.Reader); err != nil {
			return database.LookupError(err, f.conf, name)
		}
		f.endpoint.Port = cmp.Or(port, f.endpoint.Port)
	}
	e := f.endpoint
	f.conf.Host, f.conf.Port = e.Host, e.Port
	f.conf.Database = cmp.Or(f.conf.Database, e.Database)
	if e.Down() {
		safetext.Fprintf(p.Notes(), "ssmguard: warning: %s %s is %s: nothing answers there\n", e.Kind, e.Name, e.Status)
	}
	if e.Shards > 1 {
		safetext.Fprintf(p.Notes(), "ssmguard: warning: %s has %d shards, and clients in cluster mode connect to each of them, past the tunnel\n", e.Name, e.Shards)
	}
	f.line, err = sessionLine(p, f.conf, o)
	return err
}

// sessionLine returns the session that a tunnel needs.
func sessionLine(p *env.Process, conf configs.Tunnel, o *Options) (*ask.Line, error) {
	own, err := ask.OwnDefaults(p.Getenv)
	if err != nil {
		return nil, err
	}
	own.Guard, own.Plugin = cmp.Or(conf.Guard, own.Guard), cmp.Or(o.Open.Plugin, own.Plugin)
	own.Engine, own.NoCache = conf.Engine, own.NoCache || o.Open.NoCache
	in := awscli.Input{Target: conf.Target, DocumentName: portDocument, Reason: conf.Reason}
	if !configs.IsTarget(conf.Host) {
		in.DocumentName, in.Parameters = remoteDocument, []awscli.Parameter{{Name: "host", Values: []string{conf.Host}}}
	}
	if conf.IsProxy() { // the parameters come with each destination
		in.DocumentName, in.Parameters = remoteDocument, nil
	} else {
		in.Parameters = append(in.Parameters, awscli.Parameter{Name: "portNumber", Values: []string{strconv.Itoa(conf.Port)}})
	}
	globals := awscli.DefaultGlobals()
	if conf.Profile != "" {
		globals.Profile = &conf.Profile
	}
	if conf.Region != "" {
		globals.Region = &conf.Region
	}
	return ask.New(p, own, awscli.Start(globals, in)), nil
}

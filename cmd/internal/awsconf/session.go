package awsconf

import (
	"cmp"
	"context"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"ssmguard/cmd/internal/awscli"
	"ssmguard/internal/awsapi"
)

// Options are the inputs of Load.
type Options struct {
	Globals awscli.Globals
	Service string           // the service that the command calls: "ssm" (the default) or "ecs"
	Files   *Files           // files and environment
	Prompt  Prompter         // asks for MFA codes
	Stdin   *os.File         // stdin of a credential_process, which may prompt; nil if stdin carries a session's data
	Now     func() time.Time // Clock's if nil
	Clock   *awsapi.Clock    // AWS's, as an earlier session of this process knows it; nil: not known yet
}

// Session is the configuration in force for one command.
type Session struct {
	// Config serves IAM, STS, EC2 and other calls of our own: the flags of the
	// command line for endpoint and TLS do not touch them, as in the CLI.
	Config aws.Config
	// SSM serves StartSession and its relatives; retries are the CLI's.
	SSM aws.Config
	// ECS serves ExecuteCommand and DescribeTasks.
	ECS aws.Config
	// Endpoint is where SSM is called, exactly as configured: argv[6] of the plugin.
	Endpoint string
	// ECSEndpoint is the same for ECS.
	ECSEndpoint string
	// MessagesEndpoint is the endpoint that is configured for data channels alone, "" for none:
	// they are opened there instead of at the host that AWS names.
	MessagesEndpoint string
	Region           string
	// Profile is the name given by --profile, "" otherwise: argv[4] of the plugin.
	Profile string
	// ActiveProfile is the profile in force, by --profile or the environment, "" for none.
	ActiveProfile string
	// Credentials are those of Config and SSM, retrieved once and shared. Their
	// errors are *Error.
	Credentials aws.CredentialsProvider
	// Unshared is true when other programs cannot find the credentials: they are of a role
	// that needs an MFA code, or of "aws login", which older SDKs do not know.
	Unshared bool
	// ParameterValidation is false when the profile switches it off.
	ParameterValidation bool
}

// Load finds the configuration for a command: profile, credentials, retries, region and
// endpoint, in the order in which the CLI reports their faults. Calls for credentials
// are made when the credentials are first used. Errors are *Error.
func Load(ctx context.Context, o Options) (*Session, error) {
	if o.Clock == nil {
		o.Clock = new(awsapi.Clock)
	}
	if o.Now == nil {
		o.Now = o.Clock.Now
	}
	files := o.Files
	env := files.env
	if files.fault != nil {
		return nil, files.fault
	}
	name, explicit := files.profile(o.Globals.Profile)
	scoped, err := files.scoped(name, explicit)
	if err != nil {
		return nil, err
	}
	s := &Session{ParameterValidation: !strings.EqualFold(scoped.values["parameter_validation"], "false"), ActiveProfile: name}
	if o.Globals.Profile != nil {
		s.Profile = *o.Globals.Profile
	}
	settings := scope{env, scoped}
	l := &loader{ctx: ctx, scope: settings, files: files, profile: name, flag: o.Globals.Profile != nil, prompt: o.Prompt, stdin: o.Stdin, now: o.Now}
	if !explicit {
		l.profile = "default"
	}
	l.clients = clients{
		transports: &transports{env: env, connect: seconds(o.Globals.ConnectTimeout), read: seconds(o.Globals.ReadTimeout), clock: o.Clock},
		clock:      o.Clock,
		endpoints:  newEndpoints(settings, files.services),
		trust:      trust{bundle: cmp.Or(o.Globals.CABundle, settings.bundle())},
	}
	return s, s.resolve(l, o)
}

// resolve fills in the parts that depend on more than the files.
func (s *Session) resolve(l *loader, o Options) error {
	region, found, rerr := l.region(o.Globals.Region)
	l.clients.region = region
	creds := provider(func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, errNoCredentials })
	if !o.Globals.NoSignRequest {
		// The retries of the credential calls are those of the command.
		l.clients.retries, _ = l.scope.retries()
		p, err := l.load()
		switch _, absent := absence(err); {
		case absent: // reported when they are needed
			creds = func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, err }
		case err != nil:
			return err
		case p != nil:
			creds, s.Unshared = p, l.unshared
		}
	}
	var err error
	if l.clients.retries, err = l.scope.retries(); err != nil {
		return err
	}
	switch {
	case rerr != nil:
		return rerr
	case !found:
		return errNoRegion
	}
	s.Region = region
	s.Credentials = aws.NewCredentialsCache(creds)
	if o.Globals.NoSignRequest {
		s.Credentials = aws.AnonymousCredentials{}
	}
	return s.configs(l, o)
}

func (s *Session) configs(l *loader, o Options) error {
	for _, t := range []struct {
		name    string
		seconds int
	}{{"connect", o.Globals.ConnectTimeout}, {"read", o.Globals.ReadTimeout}} {
		if t.seconds < 0 {
			return errorf(CodeOther, "Attempted to set %s timeout to %d, but the timeout cannot be set to a value less than or equal to 0.", t.name, t.seconds)
		}
	}
	s.MessagesEndpoint = l.clients.endpoints.alone(messagesID)
	s.Config = l.clients.config("", nil)
	s.Config.Credentials = s.Credentials
	how := l.clients.trust
	how.skip = o.Globals.NoVerifySSL
	for _, svc := range []struct {
		id       string
		cfg      *aws.Config
		endpoint *string
	}{{"SSM", &s.SSM, &s.Endpoint}, {"ECS", &s.ECS, &s.ECSEndpoint}} {
		flagged, trusted := "", l.clients.trust
		called := strings.EqualFold(svc.id, o.Service) || o.Service == "" && svc.id == "SSM"
		if called {
			flagged, trusted = o.Globals.EndpointURL, how
		}
		cfg, endpoint, err := l.clients.service(svc.id, nil, flagged, trusted)
		if err != nil && called {
			return err
		}
		cfg.Credentials = s.Credentials
		*svc.cfg, *svc.endpoint = cfg, endpoint
	}
	return nil
}

// region is the region of the command, in the CLI's order of sources; found is false if
// no source has one. A pseudo region such as fips-us-east-1 asks for FIPS.
func (l *loader) region(flag *string) (region string, found bool, err error) {
	region, stated := l.scope.region(flag)
	if !stated {
		if region = l.instanceRegion(); region == "" {
			return "", false, nil
		}
	}
	if region == "" {
		return "", true, nil
	}
	if err := checkRegion(region); err != nil {
		return "", true, err
	}
	if plain := plainRegion(region); plain != region {
		region, l.clients.endpoints.fips = plain, true
	}
	return region, true, nil
}

// plainRegion returns the region that a pseudo region such as fips-us-east-1 is about.
func plainRegion(region string) string {
	return strings.TrimSuffix(strings.TrimPrefix(region, "fips-"), "-fips")
}

// region is the region that the command line, the environment or the profile states.
func (s scope) region(flag *string) (region string, stated bool) {
	if flag != nil {
		return *flag, true
	}
	if v, ok := s.env.first("AWS_REGION", "AWS_DEFAULT_REGION"); ok {
		return v, true
	}
	return s.profile.values["region"], s.profile.has("region")
}

// retries reads the retry settings of the CLI v2.
func (s scope) retries() (retries, error) {
	attempts, err := s.number("AWS_MAX_ATTEMPTS", "max_attempts", 3)
	r := retries{attempts: attempts}
	mode, given := s.lookup("AWS_RETRY_MODE", "retry_mode")
	switch {
	case err != nil:
		return r, err
	case given && mode != "standard" && mode != "adaptive":
		return r, errorf(CodeOther, "Invalid value provided to \"mode\": \"%s\" must be one of: \"standard\" or \"adaptive\"", mode)
	case r.attempts < 1:
		return r, errorf(CodeOther, "Value provided to \"max_attempts\": %d must be an integer greater than or equal to one.", r.attempts)
	}
	r.adaptive = mode == "adaptive"
	return r, nil
}

// bundle is the certificate file of the environment or the profile.
func (s scope) bundle() string {
	return cmp.Or(s.get("AWS_CA_BUNDLE", "ca_bundle"), s.env.get("REQUESTS_CA_BUNDLE"))
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }

// CloseIdleConnections closes the connections to AWS that no call is using. Those of before a
// loss of the network may be dead without a sign of it: an answer would be awaited in vain.
func (s *Session) CloseIdleConnections() {
	for _, client := range []aws.HTTPClient{s.Config.HTTPClient, s.SSM.HTTPClient} {
		if c, ok := client.(interface{ CloseIdleConnections() }); ok {
			c.CloseIdleConnections()
		}
	}
}

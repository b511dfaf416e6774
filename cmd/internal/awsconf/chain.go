package awsconf

import (
	"cmp"
	"context"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// A provider gives credentials when they are first needed.
type provider = aws.CredentialsProviderFunc

// loader builds the credential chain in two steps, as the CLI does: the link that
// applies is chosen and its configuration checked at once; calls to STS or SSO wait
// until credentials are needed.
type loader struct {
	ctx     context.Context
	scope   scope
	files   *Files
	profile string // the profile in force, "default" when none is selected
	flag    bool   // selected by --profile: the environment's keys are ignored
	clients clients
	prompt  Prompter
	stdin   *os.File
	now     func() time.Time

	unshared bool // see Session.Unshared
}

// A link of the chain returns nil if it does not apply.
type link func() (provider, error)

// load walks the chain in the CLI's order.
func (l *loader) load() (provider, error) {
	if _, _, err := l.scope.metadataLimits(); err != nil {
		return nil, err
	}
	links := []link{
		l.from(sourceAssumeRole, l.assumeRole),
		l.from(sourceWebIdentity, func() (provider, error) { return l.webIdentity(l.profile, l.flag) }),
	}
	if !l.flag {
		links = append([]link{l.from(sourceEnv, l.scope.env.keys)}, links...)
	}
	links = append(links, l.profileLinks(l.profile)...)
	return firstOf(append(links, l.from(sourceFile, l.scope.env.credentialFile), l.from(sourceFile, l.scope.env.botoConfig),
		l.from(sourceContainer, l.container), l.from(sourceInstance, l.instance)))
}

// The SDK's names for the sources of credentials. The limits of a session, and whether
// it may have used MFA, depend on the source.
const (
	sourceEnv         = "EnvConfigCredentials"
	sourceFile        = "SharedConfigCredentials"
	sourceAssumeRole  = "AssumeRoleProvider"
	sourceWebIdentity = "WebIdentityCredentials"
	sourceSSO         = "SSOProvider"
	sourceLogin       = "LoginProvider"
	sourceProcess     = "ProcessProvider"
	sourceContainer   = "CredentialsEndpointProvider"
	sourceInstance    = "EC2RoleProvider"
)

// FromEnvironment reports whether credentials are from environment variables, which do
// not change while a process runs.
func FromEnvironment(c aws.Credentials) bool { return c.Source == sourceEnv }

// sourceNames are our names and the CLI's for the sources.
var sourceNames = map[string]struct{ text, method string }{
	sourceEnv: {"the environment", "env"}, sourceFile: {"the configuration files", "config-file"},
	sourceAssumeRole: {"a profile's role", "assume-role"}, sourceWebIdentity: {"a web identity", "assume-role-with-web-identity"},
	sourceSSO: {"IAM Identity Center", "sso"}, sourceLogin: {"aws login", "login"}, sourceProcess: {"credential_process", customProcess},
	sourceContainer: {"the container", containerRole}, sourceInstance: {"the instance", "iam-role"},
}

// SourceText names the source of a Session's credentials, "" if it is not known.
func SourceText(c aws.Credentials) string { return sourceNames[c.Source].text }

// from sets the source of a link's credentials, and refuses credentials that cannot
// sign. Every signature, of a session's calls and of the call that assumes a role, uses
// credentials that passed here.
func (l *loader) from(source string, next link) link {
	return func() (provider, error) {
		p, err := next()
		if p == nil || err != nil {
			return nil, err
		}
		return func(ctx context.Context) (aws.Credentials, error) {
			c, err := p(ctx)
			if err != nil {
				return aws.Credentials{}, err
			}
			c.Source = source
			if err := l.judge(c); err != nil {
				return aws.Credentials{}, err
			}
			if c.CanExpire {
				c.Expires = l.clients.clock.Local(c.Expires) // whoever uses them compares it with this machine's clock
			}
			return c, nil
		}, nil
	}
}

// judge refuses credentials without keys, and credentials that have expired when they
// arrive.
func (l *loader) judge(c aws.Credentials) error {
	switch {
	case c.AccessKeyID == "":
		return retrievalError(sourceNames[c.Source].method, missingKey("AccessKeyId"))
	case c.SecretAccessKey == "":
		return retrievalError(sourceNames[c.Source].method, missingKey("SecretAccessKey"))
	case c.CanExpire && !l.now().Before(c.Expires):
		return errStillExpired
	}
	return nil
}

func missingKey(name string) string { return "Missing required key in response: '" + name + "'" }

func firstOf(links []link) (provider, error) {
	for _, next := range links {
		if p, err := next(); p != nil || err != nil {
			return p, err
		}
	}
	return nil, nil
}

// profileLinks are the links that depend on the profile only; they come after roles.
func (l *loader) profileLinks(name string) []link {
	return []link{
		l.from(sourceSSO, func() (provider, error) { return l.sso(name) }),
		l.from(sourceFile, func() (provider, error) { return keysOf(l.files.credentials[name], "shared-credentials-file") }),
		l.from(sourceLogin, func() (provider, error) { return l.login(name) }),
		l.from(sourceProcess, func() (provider, error) { return l.process(name) }),
		l.from(sourceFile, func() (provider, error) { return keysOf(l.files.config[name], "config-file") }),
	}
}

func static(key, secret, token string) provider {
	return func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: key, SecretAccessKey: secret, SessionToken: token}, nil
	}
}

// keys reads the keys of the environment.
func (e environment) keys() (provider, error) {
	key := e.get("AWS_ACCESS_KEY_ID")
	if key == "" {
		return nil, nil
	}
	secret := e.get("AWS_SECRET_ACCESS_KEY")
	if secret == "" {
		return nil, partialCredentials("env", "AWS_SECRET_ACCESS_KEY")
	}
	token := cmp.Or(e.get("AWS_SECURITY_TOKEN"), e.get("AWS_SESSION_TOKEN"))
	creds := aws.Credentials{AccessKeyID: key, SecretAccessKey: secret, SessionToken: token}
	expiry := e.get("AWS_CREDENTIAL_EXPIRATION")
	if expiry == "" {
		return static(key, secret, token), nil
	}
	until, err := parseTime(expiry)
	if err != nil {
		return nil, err
	}
	creds.CanExpire, creds.Expires = true, until
	return func(context.Context) (aws.Credentials, error) { return creds, nil }, nil
}

// keysOf reads the keys of a section. An empty key counts as missing: the CLI signs
// with it, and no service would accept that signature.
func keysOf(s section, method string) (provider, error) {
	key, ok := s.get("aws_access_key_id")
	secret := s.values["aws_secret_access_key"]
	switch {
	case !ok:
		return nil, nil
	case key == "":
		return nil, partialCredentials(method, "aws_access_key_id")
	case secret == "":
		return nil, partialCredentials(method, "aws_secret_access_key")
	}
	token, ok := s.get("aws_security_token")
	if !ok {
		token, _ = s.get("aws_session_token")
	}
	return static(key, secret, token), nil
}

// credentialFile reads the file of the old EC2 tools, named by AWS_CREDENTIAL_FILE.
func (e environment) credentialFile() (provider, error) {
	if _, ok := e.lookup("AWS_CREDENTIAL_FILE"); !ok {
		return nil, nil
	}
	data, err := cacheBound.readFile(e.path("AWS_CREDENTIAL_FILE", ""))
	if err != nil {
		return nil, nil
	}
	values := map[string]string{}
	for line := range strings.Lines(string(data)) {
		if k, v, ok := strings.Cut(line, "="); ok {
			values[strings.TrimSpace(k)] = strings.TrimSpace(v)
		}
	}
	if values["AWSAccessKeyId"] == "" {
		return nil, nil
	}
	if values["AWSSecretKey"] == "" {
		return nil, partialCredentials("ec2-credentials-file", "AWSSecretKey")
	}
	return static(values["AWSAccessKeyId"], values["AWSSecretKey"], ""), nil
}

// botoConfig reads the files of boto 2.
func (e environment) botoConfig() (provider, error) {
	paths := []string{"/etc/boto.cfg", e.path("", "~/.boto")}
	if _, ok := e.lookup("BOTO_CONFIG"); ok {
		paths = []string{e.path("BOTO_CONFIG", "")}
	}
	for _, path := range paths {
		sections, err := readINI(path, cacheBound.readFile)
		if err != nil {
			return nil, err
		}
		if p, err := keysOf(sections["Credentials"], "boto-config"); p != nil || err != nil {
			return p, err
		}
	}
	return nil, nil
}

// timeLayouts are the forms of expiry times in the environment, in caches and in
// answers.
var timeLayouts = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04:05MST", "2006-01-02 15:04:05Z07:00",
	"2006-01-02 15:04:05 MST", "20060102T150405Z0700", time.RFC1123, time.RFC1123Z}

// parseTime reads a time with its zone; a time without a zone is an error. Errors are
// *Error.
func parseTime(s string) (time.Time, error) {
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, s); err == nil {
			if zone, offset := t.Zone(); offset != 0 || zone == "" || zone == "UTC" || zone == "GMT" {
				return t, nil
			}
		}
	}
	return time.Time{}, errorf(CodeOther, "Unknown string format: %s", s)
}

package awsconf

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"ssmguard/cmd/internal/awscli"
)

// role is a profile's settings for assuming a role; a nil setting is missing and not
// sent.
type role struct {
	arn                                string
	sessionName, externalID, mfaSerial *string
	duration                           *int32
}

// assumeRole is the link for profiles with role_arn and a source of credentials.
func (l *loader) assumeRole() (provider, error) {
	if !wantsRole(l.files.profiles[l.profile]) {
		return nil, nil
	}
	return l.roleOf(l.profile, []string{l.profile})
}

func wantsRole(s section) bool { return s.has("role_arn") && !s.has("web_identity_token_file") }

func hasKeys(s section) bool {
	return s.has("aws_access_key_id") || s.has("aws_secret_access_key")
}

// roleOf checks one profile of a chain of roles and returns the provider that assumes
// its role. visited are the profiles of the chain so far.
func (l *loader) roleOf(name string, visited []string) (provider, error) {
	s := l.files.profiles[name]
	source, err := l.roleSource(name, s, visited)
	if err != nil {
		return nil, err
	}
	r := role{arn: s.values["role_arn"], sessionName: s.optional("role_session_name"),
		externalID: s.optional("external_id"), mfaSerial: s.optional("mfa_serial")}
	l.unshared = l.unshared || r.mfaSerial != nil
	if n, ok := awscli.ParseInt(s.values["duration_seconds"]); ok {
		// A number above int32 stays too large for STS.
		r.duration = aws.Int32(int32(min(n, math.MaxInt32)))
	}
	return l.cached(r.cacheKey(), "", func(ctx context.Context) (*cacheEntry, error) {
		return l.callAssumeRole(ctx, r, source)
	}), nil
}

// roleSource finds the credentials with which the role of a profile is assumed.
func (l *loader) roleSource(name string, s section, visited []string) (provider, error) {
	sourceProfile, hasProfile := s.get("source_profile")
	credentialSource, hasSource := s.get("credential_source")
	switch {
	case hasProfile && hasSource:
		return nil, errorf(CodeOther, "The profile \"%s\" contains both source_profile and credential_source.", name)
	case hasSource:
		return l.namedSource(credentialSource, name)
	case !hasProfile:
		return nil, partialCredentials("assume-role", "source_profile or credential_source")
	}
	from, ok := l.files.profiles[sourceProfile]
	if !ok {
		return nil, errorf(CodeOther, "The source_profile \"%s\" referenced in the profile \"%s\" does not exist.", sourceProfile, name)
	}
	if slices.Contains(visited, sourceProfile) && (sourceProfile != name || !hasKeys(from)) {
		return nil, errorf(CodeOther, "Infinite loop in credential configuration detected. Attempting to load from profile %s "+
			"which has already been visited. Visited profiles: %s", sourceProfile, strings.Join(visited, ", "))
	}
	if wantsRole(from) && !hasKeys(from) {
		return l.from(sourceAssumeRole, func() (provider, error) { return l.roleOf(sourceProfile, append(visited, sourceProfile)) })()
	}
	web := l.from(sourceWebIdentity, func() (provider, error) { return l.webIdentity(sourceProfile, true) })
	links := append([]link{web}, l.profileLinks(sourceProfile)...)
	p, err := firstOf(links)
	if p == nil && err == nil {
		err = errorf(CodeOther, "The source profile \"%s\" must have credentials.", sourceProfile)
	}
	return p, err
}

// namedSource finds the credentials that credential_source names.
func (l *loader) namedSource(source, profile string) (provider, error) {
	named, ok := map[string]link{
		"Environment":         l.from(sourceEnv, l.scope.env.keys),
		"EcsContainer":        l.from(sourceContainer, l.container),
		"Ec2InstanceMetadata": l.from(sourceInstance, l.instance),
	}[source]
	if !ok {
		return nil, errorf(CodeOther, "The credential source \"%s\" referenced in profile \"%s\" is not valid.", source, profile)
	}
	p, err := named()
	const none = "No credentials found in credential_source referenced in profile "
	switch reason, absent := absence(err); {
	case absent:
		return nil, retrievalError(source, none+profile+": "+reason)
	case p == nil && err == nil:
		return nil, retrievalError(source, none+profile)
	}
	return p, err
}

// cacheKey is the CLI's cache key: the arguments of the call without those that differ
// in each call.
func (r role) cacheKey() string {
	args := map[string]any{"RoleArn": r.arn}
	for k, v := range map[string]*string{"RoleSessionName": r.sessionName, "ExternalId": r.externalID, "SerialNumber": r.mfaSerial} {
		if v != nil {
			args[k] = *v
		}
	}
	if r.duration != nil {
		args["DurationSeconds"] = int(*r.duration)
	}
	return cacheKey(args, ", ", ": ")
}

// session is the configured name of the session or, as in the CLI, one with the time.
func (r role) session(now time.Time) *string {
	if r.sessionName != nil {
		return r.sessionName
	}
	return aws.String(fmt.Sprintf("AWS-CLI-session-%d", now.Unix()))
}

func (l *loader) callAssumeRole(ctx context.Context, r role, source provider) (*cacheEntry, error) {
	in := &sts.AssumeRoleInput{
		RoleArn: &r.arn, RoleSessionName: r.session(l.now()), DurationSeconds: r.duration,
		ExternalId: r.externalID, SerialNumber: r.mfaSerial,
	}
	if r.mfaSerial != nil {
		code, err := l.prompt("Enter MFA code for " + *r.mfaSerial + ": ")
		if err != nil {
			return nil, err
		}
		in.TokenCode = &code
	}
	if err := checkLengths(
		param{"RoleArn", in.RoleArn, 20}, param{"RoleSessionName", in.RoleSessionName, 2}, param{"ExternalId", in.ExternalId, 2},
		param{"SerialNumber", in.SerialNumber, 9}, param{"DurationSeconds", in.DurationSeconds, 900}, param{"TokenCode", in.TokenCode, 6},
	); err != nil {
		return nil, err
	}
	out, err := sts.NewFromConfig(l.clients.config("STS", source)).AssumeRole(ctx, in)
	if err != nil {
		return nil, Explain(err, l.clients.explanation("AssumeRole", "STS"))
	}
	e := entryOf(out.Credentials)
	if u := out.AssumedRoleUser; u != nil {
		e.AssumedRoleUser = &assumedRole{ID: aws.ToString(u.AssumedRoleId), Arn: aws.ToString(u.Arn)}
	}
	return e, nil
}

// webIdentity is the link for tokens of another identity provider. noEnv ignores the
// environment's settings.
func (l *loader) webIdentity(name string, noEnv bool) (provider, error) {
	setting := func(key, variable string) string {
		if v := l.scope.env.get(variable); v != "" && !noEnv {
			return v
		}
		return l.files.profiles[name].values[key]
	}
	path := setting("web_identity_token_file", "AWS_WEB_IDENTITY_TOKEN_FILE")
	if path == "" {
		return nil, nil
	}
	r := role{arn: setting("role_arn", "AWS_ROLE_ARN")}
	if name := setting("role_session_name", "AWS_ROLE_SESSION_NAME"); name != "" {
		r.sessionName = &name
	}
	if r.arn == "" {
		return nil, errorf(CodeOther, "The provided profile or the current environment is configured to assume role with web identity "+
			"but has no role ARN configured. Ensure that the profile has the role_arnconfiguration set or the AWS_ROLE_ARN env var is set.")
	}
	return l.cached(r.cacheKey(), "", func(ctx context.Context) (*cacheEntry, error) {
		return l.callWebIdentity(ctx, r, path)
	}), nil
}

func (l *loader) callWebIdentity(ctx context.Context, r role, path string) (*cacheEntry, error) {
	token, err := tokenBound.readFile(path)
	if err != nil {
		return nil, errorf(CodeOther, "%v", err)
	}
	in := &sts.AssumeRoleWithWebIdentityInput{RoleArn: &r.arn, RoleSessionName: r.session(l.now()),
		WebIdentityToken: aws.String(string(token))} // unchanged, newline included
	if err := checkLengths(param{"RoleArn", in.RoleArn, 20}, param{"RoleSessionName", in.RoleSessionName, 2},
		param{"WebIdentityToken", in.WebIdentityToken, 4}); err != nil {
		return nil, err
	}
	out, err := sts.NewFromConfig(l.clients.config("STS", anonymous)).AssumeRoleWithWebIdentity(ctx, in)
	if err != nil {
		return nil, Explain(err, l.clients.explanation("AssumeRoleWithWebIdentity", "STS"))
	}
	return entryOf(out.Credentials), nil
}

// entryOf makes an entry of an answer's credentials, of which any part may be missing.
func entryOf(c *types.Credentials) *cacheEntry {
	if c == nil {
		c = &types.Credentials{}
	}
	return newEntry(aws.ToString(c.AccessKeyId), aws.ToString(c.SecretAccessKey), aws.ToString(c.SessionToken), aws.ToTime(c.Expiration))
}

// A param is a parameter of a call to STS, a *string or an *int32, and the least
// length or number that the service's model lets it have.
type param struct {
	name  string
	value any
	least int
}

// checkLengths is the CLI's check of parameters before a call: nil pointers are
// not sent. The error is an *Error that names all faults.
func checkLengths(params ...param) error {
	var faults []string
	for _, p := range params {
		switch v := p.value.(type) {
		case *string:
			if v != nil && utf8.RuneCountInString(*v) < p.least {
				faults = append(faults, fmt.Sprintf("Invalid length for parameter %s, value: %d, valid min length: %d", p.name, utf8.RuneCountInString(*v), p.least))
			}
		case *int32:
			if v != nil && int(*v) < p.least {
				faults = append(faults, fmt.Sprintf("Invalid value for parameter %s, value: %d, valid min value: %d", p.name, *v, p.least))
			}
		}
	}
	if faults == nil {
		return nil
	}
	return &Error{Code: CodeUsage, Kind: "ParamValidation", Message: "Parameter validation failed:\n" + strings.Join(faults, "\n")}
}

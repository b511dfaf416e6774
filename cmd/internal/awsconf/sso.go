package awsconf

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sso"
	ssotypes "github.com/aws/aws-sdk-go-v2/service/sso/types"
	"github.com/aws/aws-sdk-go-v2/service/ssooidc"
)

// ssoConfig is what a profile says about IAM Identity Center, with the settings
// of its sso-session, if it names one.
type ssoConfig struct {
	session, startURL, region, account, role string
}

// sso is the link for profiles of IAM Identity Center.
func (l *loader) sso(name string) (provider, error) {
	s := l.files.profiles[name]
	if !s.has("sso_role_name") && !s.has("sso_account_id") {
		return nil, nil
	}
	values, err := l.ssoValues(name, s)
	if err != nil {
		return nil, err
	}
	c := ssoConfig{session: s.values["sso_session"], startURL: values["sso_start_url"], region: values["sso_region"],
		account: values["sso_account_id"], role: values["sso_role_name"]}
	args := map[string]any{"accountId": c.account, "roleName": c.role}
	if c.session != "" {
		args["sessionName"] = c.session
	} else {
		args["startUrl"] = c.startURL
	}
	return l.cached(cacheKey(args, ",", ":"), "sso", func(ctx context.Context) (*cacheEntry, error) {
		return l.callSSO(ctx, c)
	}), nil
}

var ssoKeys = []string{"sso_role_name", "sso_account_id", "sso_start_url", "sso_region"}

// ssoValues merges the settings of a profile and its sso-session.
func (l *loader) ssoValues(name string, s section) (map[string]string, error) {
	values := map[string]string{}
	for _, k := range ssoKeys {
		if v, ok := s.get(k); ok {
			values[k] = v
		}
	}
	if ref, ok := s.get("sso_session"); ok {
		session, ok := l.files.ssoSessions[ref]
		if !ok {
			return nil, errorf(CodeOther, "The specified sso-session does not exist: \"%s\"", ref)
		}
		for _, k := range ssoKeys {
			v, ok := session.get(k)
			if !ok {
				continue
			}
			if own, ok := s.get(k); ok && own != v {
				return nil, errorf(CodeOther, "The value for %s is inconsistent between profile (%s) and sso-session (%s).", k, own, v)
			}
			values[k] = v
		}
	}
	var missing []string
	for _, k := range ssoKeys {
		if _, ok := values[k]; !ok {
			missing = append(missing, k)
		}
	}
	if missing != nil {
		return nil, errorf(CodeOther, "The profile \"%s\" is configured to use SSO but is missing required configuration: %s",
			name, strings.Join(missing, ", "))
	}
	return values, nil
}

// ssoToken is a file of ~/.aws/sso/cache.
type ssoToken struct {
	StartURL              string `json:"startUrl,omitempty"`
	Region                string `json:"region,omitempty"`
	AccessToken           string `json:"accessToken"`
	ExpiresAt             string `json:"expiresAt"`
	ClientID              string `json:"clientId,omitempty"`
	ClientSecret          string `json:"clientSecret,omitempty"`
	RegistrationExpiresAt string `json:"registrationExpiresAt,omitempty"`
	RefreshToken          string `json:"refreshToken,omitempty"`
}

// token returns the access token of the login, refreshed when it is near its end.
func (l *loader) token(ctx context.Context, c ssoConfig) (string, error) {
	name := c.session
	if name == "" {
		name = c.startURL
	}
	path := l.env.aws("sso", "cache", sha1Hex(name)+".json")
	var t ssoToken
	if readJSON(path, &t) != nil {
		return "", errorf(CodeOther, "Error loading SSO Token: Token for %s does not exist", name)
	}
	if t.AccessToken == "" || t.ExpiresAt == "" {
		return "", errorf(CodeOther, "Error loading SSO Token: Token for %s is invalid", c.startURL)
	}
	until, err := parseTime(t.ExpiresAt)
	switch {
	case err != nil:
		return "", err
	case c.session == "" && !l.now().Before(until): // the old form knows no refresh
		return "", errSSOUnauthorized
	case c.session == "" || l.now().Add(freshFor).Before(until):
		return t.AccessToken, nil
	}
	if fresh := l.refreshToken(ctx, c, t); fresh != nil {
		t = *fresh
		until, _ = parseTime(t.ExpiresAt)
		_ = writeJSON(path, t) // costs another refresh next time, no more
	}
	if !l.now().Before(until) {
		return "", errorf(CodeOther, "Error when retrieving token from sso: Token has expired and refresh failed")
	}
	return t.AccessToken, nil
}

// refreshToken asks for a new access token; nil when that cannot be had.
func (l *loader) refreshToken(ctx context.Context, c ssoConfig, t ssoToken) *ssoToken {
	registered, err := parseTime(t.RegistrationExpiresAt)
	if t.RefreshToken == "" || t.ClientID == "" || t.ClientSecret == "" || err != nil || l.now().After(registered) {
		return nil
	}
	out, err := ssooidc.NewFromConfig(l.clients.configIn("SSO OIDC", c.region, anonymous)).CreateToken(ctx, &ssooidc.CreateTokenInput{
		GrantType: aws.String("refresh_token"), ClientId: &t.ClientID, ClientSecret: &t.ClientSecret, RefreshToken: &t.RefreshToken,
	})
	if err != nil || deref(out.AccessToken) == "" {
		return nil
	}
	t.StartURL, t.Region = c.startURL, c.region
	t.AccessToken = deref(out.AccessToken)
	t.ExpiresAt = l.now().Add(time.Duration(out.ExpiresIn) * time.Second).UTC().Format(time.RFC3339)
	if r := deref(out.RefreshToken); r != "" {
		t.RefreshToken = r
	}
	return &t
}

func (l *loader) callSSO(ctx context.Context, c ssoConfig) (*cacheEntry, error) {
	token, err := l.token(ctx, c)
	if err != nil {
		return nil, err
	}
	out, err := sso.NewFromConfig(l.clients.configIn("SSO", c.region, anonymous)).GetRoleCredentials(ctx, &sso.GetRoleCredentialsInput{
		AccessToken: &token, AccountId: &c.account, RoleName: &c.role,
	})
	var unauthorized *ssotypes.UnauthorizedException
	switch {
	case errors.As(err, &unauthorized):
		return nil, errSSOUnauthorized
	case err != nil:
		return nil, Explain(err, l.clients.explanation("GetRoleCredentials", "SSO"))
	}
	r := out.RoleCredentials
	if r == nil {
		r = &ssotypes.RoleCredentials{}
	}
	e := newEntry(deref(r.AccessKeyId), deref(r.SecretAccessKey), deref(r.SessionToken), time.UnixMilli(r.Expiration))
	e.Credentials.Expiration = strings.TrimSuffix(e.Credentials.Expiration, "UTC") + "Z"
	return e, nil
}

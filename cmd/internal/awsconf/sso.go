package awsconf

import (
	"cmp"
	"context"
	"errors"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/ssocreds"
	"github.com/aws/aws-sdk-go-v2/service/sso"
	ssotypes "github.com/aws/aws-sdk-go-v2/service/sso/types"
	"github.com/aws/aws-sdk-go-v2/service/ssooidc"
)

// ssoConfig is a profile's settings for IAM Identity Center, with those of its
// sso-session.
type ssoConfig struct {
	session, startURL, region, account, role string
}

// sso is the link for profiles of IAM Identity Center.
func (l *loader) sso(name string) (provider, error) {
	s := l.files.profiles[name]
	if !s.has("sso_role_name") && !s.has("sso_account_id") {
		return nil, nil
	}
	values, err := l.files.sso(name, s)
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
	file := []string{"sso", "cache", sha1Hex(cmp.Or(c.session, c.startURL)) + ".json"}
	return l.cached(cacheKey(args, ",", ":"), "sso", func(ctx context.Context) (*cacheEntry, error) {
		if err := checkToken("Error loading SSO Token", l.scope.env.aws(), file...); err != nil {
			return nil, err
		}
		return c.credentials(ctx, &l.clients, l.scope.env.aws(file...))
	}), nil
}

var ssoKeys = []string{"sso_role_name", "sso_account_id", "sso_start_url", "sso_region"}

// sso merges the settings of a profile and its sso-session.
func (f *Files) sso(name string, s section) (map[string]string, error) {
	values := map[string]string{}
	for _, k := range ssoKeys {
		if v, ok := s.get(k); ok {
			values[k] = v
		}
	}
	if ref, ok := s.get("sso_session"); ok {
		session, ok := f.ssoSessions[ref]
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

// tokens refreshes the tokens of a login for ssocreds, which accepts incomplete answers
// and loses a token that cannot be written to its file.
type tokens struct {
	client *ssooidc.Client
	fresh  string // the access token of the last answer
}

var errSSORefresh = errorf(CodeOther, "Error when retrieving token from sso: Token has expired and refresh failed")

// CreateToken implements ssocreds.CreateTokenAPIClient.
func (t *tokens) CreateToken(ctx context.Context, in *ssooidc.CreateTokenInput, opts ...func(*ssooidc.Options)) (*ssooidc.CreateTokenOutput, error) {
	out, err := t.client.CreateToken(ctx, in, opts...)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if isBound(err) {
		return nil, Explain(err, Call{Operation: "CreateToken"})
	}
	if err != nil || aws.ToString(out.AccessToken) == "" {
		return nil, errSSORefresh
	}
	if aws.ToString(out.RefreshToken) == "" {
		out.RefreshToken = in.RefreshToken
	}
	t.fresh = *out.AccessToken
	return out, nil
}

// faultOf is the reason why the token in a file cannot be used.
func (c ssoConfig) faultOf(path string) *Error {
	name := cmp.Or(c.session, c.startURL)
	var t struct{ AccessToken, ExpiresAt string }
	err := readJSON(path, &t)
	_, bad := time.Parse(time.RFC3339, t.ExpiresAt)
	switch {
	case err != nil:
		return errorf(CodeOther, "Error loading SSO Token: Token for %s does not exist", name)
	case t.AccessToken == "" || bad != nil:
		return errorf(CodeOther, "Error loading SSO Token: Token for %s is invalid", name)
	case c.session == "": // the old form has no refresh
		return errSSOUnauthorized
	}
	return errSSORefresh
}

// credentials returns the role's credentials, for the token of the login in a file of
// ~/.aws/sso/cache.
func (c ssoConfig) credentials(ctx context.Context, cl *clients, path string) (*cacheEntry, error) {
	if _, err := cacheBound.readFile(path); isBound(err) {
		return nil, errorf(CodeOther, "Error loading SSO Token: %v", err)
	}
	refresh := &tokens{client: ssooidc.NewFromConfig(cl.configIn(ssooidc.ServiceID, c.region, anonymous))}
	token, err := ssocreds.NewSSOTokenProvider(refresh, path).RetrieveBearerToken(ctx)
	var own *Error
	switch {
	case refresh.fresh != "":
		token.Value = refresh.fresh // even if it could not be written
		_ = os.Chmod(path, 0o600)   // as the CLI writes it
	case errors.As(err, &own), ctx.Err() != nil:
		return nil, err
	case err != nil:
		return nil, c.faultOf(path)
	}
	out, err := sso.NewFromConfig(cl.configIn(sso.ServiceID, c.region, anonymous)).GetRoleCredentials(ctx, &sso.GetRoleCredentialsInput{
		AccessToken: &token.Value, AccountId: &c.account, RoleName: &c.role,
	})
	var unauthorized *ssotypes.UnauthorizedException
	switch {
	case errors.As(err, &unauthorized):
		return nil, errSSOUnauthorized
	case err != nil:
		return nil, Explain(err, cl.explanation("GetRoleCredentials", sso.ServiceID))
	}
	r := out.RoleCredentials
	if r == nil {
		r = &ssotypes.RoleCredentials{}
	}
	e := newEntry(aws.ToString(r.AccessKeyId), aws.ToString(r.SecretAccessKey), aws.ToString(r.SessionToken), time.UnixMilli(r.Expiration))
	e.Credentials.Expiration = strings.TrimSuffix(e.Credentials.Expiration, "UTC") + "Z"
	return e, nil
}

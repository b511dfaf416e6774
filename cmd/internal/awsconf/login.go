package awsconf

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/signin"
	"github.com/aws/aws-sdk-go-v2/service/signin/types"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// This file uses the SDK's client of AWS Sign-In, but not its provider logincreds: that
// provider renews credentials only after they have expired, writes the file in place
// and drops unknown members, and its proofs leave out leading zeros of the public key,
// which makes a wrong key in one of 128 cases.

// loginFreshFor is the time before expiry from which the credentials of a login are
// renewed.
const loginFreshFor = 5 * time.Minute

// loginKeys are the credentials in a login's file.
type loginKeys struct {
	AccessKeyID     string `json:"accessKeyId"`
	SecretAccessKey string `json:"secretAccessKey"`
	SessionToken    string `json:"sessionToken"`
	AccountID       string `json:"accountId,omitempty"`
	ExpiresAt       string `json:"expiresAt,omitempty"`
}

// loginFile is a file of ~/.aws/login/cache, written by `aws login`. Members that are
// not read here are kept when the file is written again.
type loginFile struct {
	path    string
	members map[string]json.RawMessage
	keys    loginKeys
}

// loginMembers are the members that the file must have.
var loginMembers = []string{"accessToken", "refreshToken", "dpopKey", "clientId"}

// loginFault is a fault of a login's file.
func loginFault(format string, args ...any) *Error {
	return errorf(CodeOther, "Error loading login session token: "+format, args...)
}

// login is the link for profiles made by `aws login`.
func (l *loader) login(name string) (provider, error) {
	session, ok := l.files.profiles[name].get("login_session")
	if !ok {
		return nil, nil
	}
	l.unshared = true
	dir, file := l.scope.env.path("AWS_LOGIN_CACHE_DIRECTORY", "~/.aws/login/cache"), sha256Hex(session)+".json"
	if err := checkToken("Error loading login session token", dir, file); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, file)
	if _, err := readLogin(path, session); err != nil {
		return nil, err
	}
	return func(ctx context.Context) (aws.Credentials, error) {
		f, err := readLogin(path, session) // read again: another process may have renewed it
		if err != nil {
			return aws.Credentials{}, err
		}
		until, err := parseTime(f.keys.ExpiresAt)
		if err == nil && until.Sub(l.now()) <= loginFreshFor {
			until, err = f.renew(ctx, &l.clients, l.now)
		}
		return aws.Credentials{AccessKeyID: f.keys.AccessKeyID, SecretAccessKey: f.keys.SecretAccessKey, SessionToken: f.keys.SessionToken,
			CanExpire: true, Expires: until}, err
	}, nil
}

func readLogin(path, session string) (*loginFile, error) {
	f := &loginFile{path: path}
	if readJSON(path, &f.members) != nil {
		return nil, loginFault("Unable to load a existing login session for session %s, Please reauthenticate with 'aws login'.", session)
	}
	var missing []string
	for _, m := range loginMembers {
		if _, ok := f.members[m]; !ok {
			missing = append(missing, m)
		}
	}
	if missing == nil {
		switch err := json.Unmarshal(f.members["accessToken"], &f.keys); {
		case err != nil || f.keys.AccessKeyID == "" || f.keys.SecretAccessKey == "":
			missing = []string{"accessToken"}
		case f.keys.ExpiresAt == "":
			missing = []string{"expiresAt"}
		default:
			return f, nil
		}
	}
	return nil, loginFault("Failed to load access token from token cache, missing required fields: %s.", strings.Join(missing, ", "))
}

// text returns a member that is a string, nil for other types.
func (f *loginFile) text(name string) *string {
	var s *string
	_ = json.Unmarshal(f.members[name], &s) // the client refuses nil
	return s
}

// renew gets new credentials from AWS Sign-In by the refresh token, puts them into
// the file, and returns when they end.
func (f *loginFile) renew(ctx context.Context, c *clients, now func() time.Time) (until time.Time, err error) {
	key, err := parseLoginKey(aws.ToString(f.text("dpopKey")))
	if err != nil {
		return until, loginFault("Unable to load private key from cached token.")
	}
	if err := c.endpoints.check(signin.ServiceID); err != nil {
		return until, err
	}
	prove := middleware.FinalizeMiddlewareFunc("ssmguard.DPoP",
		func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (out middleware.FinalizeOutput, md middleware.Metadata, err error) {
			if req, ok := in.Request.(*smithyhttp.Request); ok {
				proof, err := dpop(key, req.URL.String(), now())
				if err != nil {
					return out, md, err
				}
				req.Header.Set("DPoP", proof)
			}
			return next.HandleFinalize(ctx, in)
		})
	out, err := signin.NewFromConfig(c.config(signin.ServiceID, anonymous)).CreateOAuth2Token(ctx, &signin.CreateOAuth2TokenInput{
		TokenInput: &types.CreateOAuth2TokenRequestBody{ClientId: f.text("clientId"), GrantType: aws.String("refresh_token"), RefreshToken: f.text("refreshToken")},
	}, signin.WithAPIOptions(func(s *middleware.Stack) error { return s.Finalize.Add(prove, middleware.After) }))
	if err != nil {
		return until, explainSignin(err, c)
	}
	answer := out.TokenOutput
	if answer == nil || answer.AccessToken == nil || aws.ToString(answer.AccessToken.AccessKeyId) == "" || aws.ToString(answer.AccessToken.SecretAccessKey) == "" ||
		aws.ToString(answer.RefreshToken) == "" || aws.ToInt32(answer.ExpiresIn) <= 0 {
		return until, loginFault("Unable to refresh access token due to an invalid service response. Please try running 'aws login' again. " +
			"If the issue persists, there may be a temporary signin service problem.")
	}
	until = now().Add(time.Duration(*answer.ExpiresIn) * time.Second).UTC().Truncate(time.Second)
	keys := answer.AccessToken
	f.keys = loginKeys{AccessKeyID: *keys.AccessKeyId, SecretAccessKey: *keys.SecretAccessKey, SessionToken: aws.ToString(keys.SessionToken),
		AccountID: f.keys.AccountID, ExpiresAt: until.Format(time.RFC3339)}
	for name, value := range map[string]any{"accessToken": f.keys, "refreshToken": answer.RefreshToken} {
		if f.members[name], err = json.Marshal(value); err != nil {
			return until, err
		}
	}
	_ = writeJSON(f.path, f.members) // a failure costs one renewal next time
	return until, nil
}

// loginRefusals are the CLI's messages for the codes of a refusal.
var loginRefusals = map[types.OAuth2ErrorCode]string{
	types.OAuth2ErrorCodeTokenExpired: "Your session has expired. Please reauthenticate using 'aws login'.",
	types.OAuth2ErrorCodeUserCredentialsChanged: "Unable to refresh login credentials because of a change in your password. " +
		"Please reauthenticate with your new password using 'aws login'.",
	types.OAuth2ErrorCodeInsufficientPermissions: "Unable to create or refresh login credentials due to insufficient permissions. " +
		"You may be missing permission for the 'signin:CreateOAuth2Token' action.",
}

func explainSignin(err error, c *clients) error {
	var denied *types.AccessDeniedException
	if !errors.As(err, &denied) {
		return Explain(err, c.explanation("CreateOAuth2Token", signin.ServiceID))
	}
	if text, ok := loginRefusals[denied.Error_]; ok {
		return errorf(CodeOther, "%s", text)
	}
	return errorf(CodeOther, "An unspecified error happened when resolving AWS credentials or refreshing a login session profile.")
}

package awsconf

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// loginFreshFor is how long before their end the credentials of a login are renewed.
const loginFreshFor = 5 * time.Minute

// loginKeys are the credentials in a login's file.
type loginKeys struct {
	AccessKeyID     string `json:"accessKeyId"`
	SecretAccessKey string `json:"secretAccessKey"`
	SessionToken    string `json:"sessionToken"`
	AccountID       string `json:"accountId,omitempty"`
	ExpiresAt       string `json:"expiresAt,omitempty"`
}

// whole tells whether a request can be signed with the keys.
func (k loginKeys) whole() bool { return k.AccessKeyID != "" && k.SecretAccessKey != "" }

// loginToken is a file of ~/.aws/login/cache, written by `aws login`. Members that
// are not read here are kept when it is written again.
type loginToken struct {
	path    string
	members map[string]json.RawMessage
	keys    loginKeys
}

// loginMembers are those that the file must have.
var loginMembers = []string{"accessToken", "refreshToken", "dpopKey", "clientId"}

// loginFault is a fault of a login's file.
func loginFault(text string) *Error {
	return errorf(CodeOther, "Error loading login session token: %s", text)
}

func loginLacks(members []string) *Error {
	return loginFault("Failed to load access token from token cache, missing required fields: " + strings.Join(members, ", ") + ".")
}

// login is the link for profiles made by `aws login`.
func (l *loader) login(name string) (provider, error) {
	session, ok := l.files.profiles[name].get("login_session")
	if !ok {
		return nil, nil
	}
	dir := l.env.path("AWS_LOGIN_CACHE_DIRECTORY", "~/.aws/login/cache")
	path := filepath.Join(dir, sha256Hex(session)+".json")
	if _, err := readLogin(path, session); err != nil {
		return nil, err
	}
	return func(ctx context.Context) (aws.Credentials, error) {
		// Read again: another process may have renewed it.
		t, err := readLogin(path, session)
		if err != nil {
			return aws.Credentials{}, err
		}
		until, err := parseTime(t.keys.ExpiresAt)
		if err != nil {
			return aws.Credentials{}, err
		}
		if until.Sub(l.now()) <= loginFreshFor {
			if until, err = l.renewLogin(ctx, t); err != nil {
				return aws.Credentials{}, err
			}
		}
		return aws.Credentials{AccessKeyID: t.keys.AccessKeyID, SecretAccessKey: t.keys.SecretAccessKey, SessionToken: t.keys.SessionToken,
			CanExpire: true, Expires: until}, nil
	}, nil
}

func readLogin(path, session string) (*loginToken, error) {
	t := &loginToken{path: path}
	if readJSON(path, &t.members) != nil {
		return nil, loginFault("Unable to load a existing login session for session " + session + ", Please reauthenticate with 'aws login'.")
	}
	var missing []string
	for _, m := range loginMembers {
		if _, ok := t.members[m]; !ok {
			missing = append(missing, m)
		}
	}
	if missing != nil {
		return nil, loginLacks(missing)
	}
	switch err := json.Unmarshal(t.members["accessToken"], &t.keys); {
	case err != nil || !t.keys.whole():
		missing = []string{"accessToken"}
	case t.keys.ExpiresAt == "":
		missing = []string{"expiresAt"}
	default:
		return t, nil
	}
	return nil, loginLacks(missing)
}

// text is a member that is a string.
func (t *loginToken) text(name string) string {
	var s string
	_ = json.Unmarshal(t.members[name], &s) // "" is refused by the service
	return s
}

// loginAnswer is what AWS Sign-In answers; Error is a reason, in refusals.
type loginAnswer struct {
	AccessToken    loginKeys `json:"accessToken"`
	ExpiresIn      int       `json:"expiresIn"`
	RefreshToken   string    `json:"refreshToken"`
	Error, Message string
}

// renewLogin gets new credentials from AWS Sign-In by the refresh token, puts them
// into t and its file, and returns how long they last.
func (l *loader) renewLogin(ctx context.Context, t *loginToken) (until time.Time, err error) {
	key, err := parseLoginKey(t.text("dpopKey"))
	if err != nil {
		return until, loginFault("Unable to load private key from cached token.")
	}
	body, err := json.Marshal(map[string]string{
		"clientId": t.text("clientId"), "grantType": "refresh_token", "refreshToken": t.text("refreshToken")})
	if err != nil {
		return until, err
	}
	endpoint, err := l.clients.signinEndpoint()
	if err != nil {
		return until, err
	}
	uri := strings.TrimRight(endpoint, "/") + "/v1/token"
	answer, err := l.askSignin(ctx, uri, body, func() (string, error) { return dpop(key, uri, l.now()) })
	if err != nil {
		return until, err
	}
	if !answer.AccessToken.whole() || answer.RefreshToken == "" || answer.ExpiresIn <= 0 {
		return until, loginFault("Unable to refresh access token due to an invalid service response. Please try running 'aws login' again. " +
			"If the issue persists, there may be a temporary signin service problem.")
	}
	until = l.now().Add(time.Duration(answer.ExpiresIn) * time.Second).UTC().Truncate(time.Second)
	account := t.keys.AccountID
	t.keys = answer.AccessToken
	t.keys.AccountID, t.keys.ExpiresAt = account, until.Format(time.RFC3339)
	if t.members["accessToken"], err = json.Marshal(t.keys); err != nil {
		return until, err
	}
	if t.members["refreshToken"], err = json.Marshal(answer.RefreshToken); err != nil {
		return until, err
	}
	_ = writeJSON(t.path, t.members) // costs another renewal next time, no more
	return until, nil
}

// askSignin sends a request, again after passing faults, each time with a proof of
// its own. Errors are *Error.
func (l *loader) askSignin(ctx context.Context, uri string, body []byte, proof func() (string, error)) (*loginAnswer, error) {
	retryer := l.clients.retries.retryer()
	for attempt := 1; ; attempt++ {
		header, err := proof()
		if err != nil {
			return nil, err
		}
		answer, err := l.postSignin(ctx, uri, header, body)
		if err == nil {
			return answer, nil
		}
		fault := l.explainSignin(err, answer)
		if attempt >= l.clients.retries.attempts || !retryer.IsErrorRetryable(err) {
			return nil, fault
		}
		wait, rerr := retryer.RetryDelay(attempt, err)
		if rerr != nil {
			return nil, fault
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, fault
		}
	}
}

// postSignin sends one request. The answer is there beside an error if the service
// gave one.
func (l *loader) postSignin(ctx context.Context, uri, proof string, body []byte) (*loginAnswer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, uri, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("DPoP", proof)
	resp, err := l.clients.transports.client(l.clients.trust).Do(req)
	if err != nil {
		return nil, &smithyhttp.RequestSendError{Err: err}
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return nil, &smithyhttp.RequestSendError{Err: err}
	}
	var answer loginAnswer
	err = json.Unmarshal(data, &answer)
	if resp.StatusCode == http.StatusOK {
		if err != nil {
			return nil, &smithy.DeserializationError{Err: err}
		}
		return &answer, nil
	}
	code, _, _ := strings.Cut(resp.Header.Get("X-Amzn-ErrorType"), ":")
	if code == "" {
		code = unknownCode
	}
	return &answer, &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: resp},
		Err: &smithy.GenericAPIError{Code: code, Message: answer.Message}}
}

// loginRefusals are the CLI's words for the reasons of a refusal.
var loginRefusals = map[string]string{
	"TOKEN_EXPIRED": "Your session has expired. Please reauthenticate using 'aws login'.",
	"USER_CREDENTIALS_CHANGED": "Unable to refresh login credentials because of a change in your password. " +
		"Please reauthenticate with your new password using 'aws login'.",
	"INSUFFICIENT_PERMISSIONS": "Unable to create or refresh login credentials due to insufficient permissions. " +
		"You may be missing permission for the 'signin:CreateOAuth2Token' action.",
}

func (l *loader) explainSignin(err error, answer *loginAnswer) error {
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != "AccessDeniedException" {
		return Explain(err, l.clients.explanation("CreateOAuth2Token", signin))
	}
	if text, ok := loginRefusals[answer.Error]; ok {
		return errorf(CodeOther, "%s", text)
	}
	return errorf(CodeOther, "An unspecified error happened when resolving AWS credentials or refreshing a login session profile.")
}

// signin is the SDK's name of AWS Sign-In.
const signin = "Signin"

// signinEndpoint is where AWS Sign-In answers in our region. Unlike other services
// it has domains of its own.
func (c *clients) signinEndpoint() (string, error) {
	e := c.endpoints
	if err := e.check(signin); err != nil {
		return "", err
	}
	if own := e.configured(signin); own != "" {
		return own, nil
	}
	if e.fips || e.dualStack {
		return e.byRules(signin, c.region)
	}
	for _, p := range []struct{ prefix, domain string }{{"cn-", "signin.amazonaws.cn"}, {"us-gov-", "signin.amazonaws-us-gov.com"}} {
		if strings.HasPrefix(c.region, p.prefix) {
			return "https://" + c.region + "." + p.domain, nil
		}
	}
	rules, err := e.byRules(signin, c.region)
	if strings.HasSuffix(rules, "."+c.region+".amazonaws.com") {
		return "https://" + c.region + ".signin.aws.amazon.com", err
	}
	return rules, err
}

package awsconf

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"ssmguard/cmd/internal/awscli"
)

// cloud plays STS, SSO, OIDC, a container endpoint and an instance's metadata.
type cloud struct {
	*httptest.Server
	mu     sync.Mutex
	calls  []string
	refuse map[string]string // operation -> error code
	own    map[string]string // operation -> an answer of the test's own
	before func(call string) // the answer; nil for nothing
}

func newCloud(t *testing.T) *cloud {
	c := &cloud{refuse: map[string]string{}, own: map[string]string{}}
	c.Server = httptest.NewServer(c)
	t.Cleanup(c.Close)
	return c
}

const assumed = `<%[1]sResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><%[1]sResult><Credentials><AccessKeyId>%[2]s</AccessKeyId>` +
	`<SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></%[1]sResult></%[1]sResponse>`

func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	call := r.Method + " " + r.URL.Path
	if r.URL.Path == "/" {
		_ = r.ParseForm()
		call = r.PostForm.Get("Action")
	}
	signer, _, _ := strings.Cut(strings.TrimPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential="), "/")
	note := call
	if signer != "" {
		note += " by " + signer
	}
	if id := r.PostForm.Get("ExternalId"); id != "" {
		note += " external " + id
	}
	if s := r.PostForm.Get("DurationSeconds"); s != "" {
		note += " for " + s + " s"
	}
	if code := r.PostForm.Get("TokenCode"); code != "" {
		note += " code " + code
	}
	if b := r.Header.Get("X-Amz-Sso_bearer_token"); b != "" {
		note += " bearer " + b
	}
	if c.before != nil {
		c.before(call)
	}
	c.mu.Lock()
	c.calls = append(c.calls, note)
	code, own := c.refuse[call], c.own[call]
	c.mu.Unlock()
	if code != "" {
		w.Header().Set("X-Amzn-Errortype", code)
		w.WriteHeader(http.StatusForbidden)
		if r.URL.Path != "/" {
			if own == "" {
				own = `{"message":"no"}`
			}
			_, _ = io.WriteString(w, own)
			return
		}
		fmt.Fprintf(w, "<ErrorResponse><Error><Code>%s</Code><Message>no</Message></Error></ErrorResponse>", code)
		return
	}
	answers := map[string]string{
		"AssumeRole":                  fmt.Sprintf(assumed, "AssumeRole", "ASIAROLE"),
		"AssumeRoleWithWebIdentity":   fmt.Sprintf(assumed, "AssumeRoleWithWebIdentity", "ASIAWEB"),
		"GET /federation/credentials": `{"roleCredentials":{"accessKeyId":"ASIASSO","secretAccessKey":"s","sessionToken":"t","expiration":4070908800000}}`,
		"POST /token":                 `{"accessToken":"fresh","expiresIn":28800,"refreshToken":"r2","tokenType":"Bearer"}`,
		"GET /creds":                  `{"AccessKeyId":"ASIACONTAINER","SecretAccessKey":"s","Token":"t","Expiration":"2099-01-01T00:00:00Z"}`,
		"GET /v1" + rolePath:          "role",
		"GET /v1" + rolePath + "role": `{"Code":"Success","AccessKeyId":"ASIAIMDS","SecretAccessKey":"s","Token":"t","Expiration":"2099-01-01T00:00:00Z"}`,
		"PUT /latest/api/token":       "token",
		"GET " + rolePath:             "role",
		"GET " + rolePath + "role":    `{"Code":"Success","AccessKeyId":"ASIAIMDS","SecretAccessKey":"s","Token":"t","Expiration":"2099-01-01T00:00:00Z"}`,
		"GET /latest/meta-data/placement/availability-zone/": "eu-west-1b",
	}
	if own != "" {
		answers[call] = own
	}
	if answers[call] == "" {
		w.WriteHeader(http.StatusNotFound)
	}
	_, _ = io.WriteString(w, answers[call])
}

// seen returns the calls so far and forgets them.
func (c *cloud) seen() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	calls := c.calls
	c.calls = nil
	return calls
}

// home is a home directory that lasts over several commands.
type home struct {
	dir   string
	env   map[string]string
	codes []string // what the user types when asked for an MFA code
	now   time.Time
}

func newHome(t *testing.T, c *cloud, config string) *home {
	h := &home{dir: t.TempDir(), now: time.Now(), env: map[string]string{"AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_ENDPOINT_URL_STS": c.URL, "AWS_ENDPOINT_URL_SSO": c.URL, "AWS_ENDPOINT_URL_SSO_OIDC": c.URL, "AWS_MAX_ATTEMPTS": "1",
		"AWS_METADATA_SERVICE_TIMEOUT": "120"}} // a busy machine may need more than the one second
	h.write(t, "config", config)
	return h
}

func (h *home) write(t *testing.T, name, content string) {
	t.Helper()
	path := filepath.Join(h.dir, ".aws", name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// key runs one command as far as its credentials and returns their key.
func (h *home) key(args ...string) (string, error) {
	c, err := h.credentials(args...)
	return c.AccessKeyID, err
}

func (h *home) credentials(args ...string) (aws.Credentials, error) {
	s, err := h.session(args...)
	if err != nil {
		return aws.Credentials{}, err
	}
	c, err := s.Credentials.Retrieve(context.Background())
	var own *Error
	if errors.As(err, &own) {
		err = own
	}
	return c, err
}

func (h *home) lookup(k string) (string, bool) {
	if k == "HOME" {
		return h.dir, true
	}
	v, ok := h.env[k]
	return v, ok
}

func (h *home) session(args ...string) (*Session, error) {
	inv, err := awscli.Parse(append([]string{"ssm", "start-session", "--target", "i-1"}, args...), awscli.Env{})
	if err != nil {
		return nil, err
	}
	return Load(context.Background(), Options{Globals: inv.Globals, Now: func() time.Time { return h.now },
		Files: Read(h.lookup, os.ReadFile),
		Prompt: func(string) (string, error) {
			if len(h.codes) == 0 {
				return "", errors.New("asked once too often")
			}
			code := h.codes[0]
			h.codes = h.codes[1:]
			return code, nil
		}})
}

const roleConfig = `[profile base]
aws_access_key_id = AKIDBASE
aws_secret_access_key = s
[profile role]
role_arn = arn:aws:iam::123456789012:role/r
source_profile = base
role_session_name = sess
mfa_serial = arn:aws:iam::123456789012:mfa/alice
[profile chain]
role_arn = arn:aws:iam::123456789012:role/r2
source_profile = role
role_session_name = sess
`

// TestRoleCache: an MFA code is asked for once, then the CLI's cache serves, until
// its last fifteen minutes.
func TestRoleCache(t *testing.T) {
	c := newCloud(t)
	h := newHome(t, c, roleConfig)
	h.codes = []string{"123456", "654321"}
	for i, want := range [][]string{{"AssumeRole by AKIDBASE code 123456"}, nil, {"AssumeRole by AKIDBASE code 654321"}} {
		if i == 2 {
			h.now = time.Date(2098, 12, 31, 23, 46, 0, 0, time.UTC)
		}
		key, err := h.key("--profile", "role")
		if err != nil || key != "ASIAROLE" {
			t.Fatalf("run %d: %s %v", i, key, err)
		}
		if diff := cmp.Diff(want, c.seen()); diff != "" {
			t.Errorf("run %d: calls (-want +got):\n%s", i, diff)
		}
	}
	files, _ := filepath.Glob(filepath.Join(h.dir, ".aws/cli/cache/*"))
	if len(files) != 1 {
		t.Fatalf("cache holds %v", files)
	}
	if info, err := os.Stat(files[0]); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	var e cacheEntry
	if err := readJSON(files[0], &e); err != nil || e.Credentials.Expiration != "2099-01-01T00:00:00UTC" {
		t.Errorf("cache entry %+v, %v", e, err)
	}
}

// Credentials in a cache that others can write are not used, and none are put there.
func TestForeignRoleCache(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("who may write a directory is not told by its mode here")
	}
	c := newCloud(t)
	h := newHome(t, c, roleConfig)
	h.codes = []string{"123456", "654321", "111111"}
	dir := filepath.Join(h.dir, ".aws/cli/cache")
	for i, mode := range []os.FileMode{0o700, 0o707, 0o700} {
		if i > 0 {
			if err := os.Chmod(dir, mode); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := h.key("--profile", "role"); err != nil {
			t.Fatal(err)
		}
		if calls := c.seen(); (len(calls) == 0) != (i == 2) {
			t.Errorf("run %d, mode %v: calls %q", i, mode, calls)
		}
	}
}

func TestRoleChain(t *testing.T) {
	c := newCloud(t)
	h := newHome(t, c, roleConfig)
	h.codes = []string{"123456"}
	key, err := h.key("--profile", "chain")
	if err != nil || key != "ASIAROLE" {
		t.Fatal(key, err)
	}
	if diff := cmp.Diff([]string{"AssumeRole by AKIDBASE code 123456", "AssumeRole by ASIAROLE"}, c.seen()); diff != "" {
		t.Error(diff)
	}
}

func TestRoleRefused(t *testing.T) {
	c := newCloud(t)
	c.refuse["AssumeRole"] = "AccessDenied"
	h := newHome(t, c, strings.ReplaceAll(roleConfig, "mfa_serial", "x"))
	_, err := h.key("--profile", "role")
	var e *Error
	want := "An error occurred (AccessDenied) when calling the AssumeRole operation: no"
	if !errors.As(err, &e) || e.Code != CodeRefused || e.Message != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// TestCacheKeys holds the names of the CLI's cache files, as recorded.
func TestCacheKeys(t *testing.T) {
	r := role{arn: "arn:aws:iam::123456789012:role/r", sessionName: aws.String("sess")}
	if got, want := r.cacheKey(), "175d090882904d61f291b0f821afc3c4efd51ae1"; got != want {
		t.Errorf("role: %s, want %s", got, want)
	}
	got := cacheKey(map[string]any{"accountId": "123456789012", "roleName": "Admin", "sessionName": "corp"}, ",", ":")
	if want := "8457bc68cf9d4aa8d629a61563948e8bd3159d49"; got != want {
		t.Errorf("sso: %s, want %s", got, want)
	}
}

const ssoConfigText = `[profile sso]
sso_session = corp
sso_account_id = 123456789012
sso_role_name = Admin
[sso-session corp]
sso_start_url = https://corp.awsapps.com/start
sso_region = us-east-1
`

func ssoTokenFile(t *testing.T, h *home, expires string) string {
	token, err := json.Marshal(map[string]string{"accessToken": "old", "expiresAt": expires, "clientId": "c", "clientSecret": "s",
		"refreshToken": "r", "registrationExpiresAt": "2098-01-01T00:00:00Z", "startUrl": "https://corp.awsapps.com/start"})
	if err != nil {
		t.Fatal(err)
	}
	name := "sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json"
	h.write(t, name, string(token))
	return filepath.Join(h.dir, ".aws", name)
}

func TestSSO(t *testing.T) {
	c := newCloud(t)
	h := newHome(t, c, ssoConfigText)
	path := ssoTokenFile(t, h, "2001-01-01T00:00:00Z")
	if err := os.Chmod(path, 0o644); err != nil { // ssocreds would keep that
		t.Fatal(err)
	}
	for i, want := range [][]string{{"POST /token", "GET /federation/credentials bearer fresh"}, nil} {
		key, err := h.key("--profile", "sso")
		if err != nil || key != "ASIASSO" {
			t.Fatalf("run %d: %s %v", i, key, err)
		}
		if diff := cmp.Diff(want, c.seen()); diff != "" {
			t.Errorf("run %d: calls (-want +got):\n%s", i, diff)
		}
	}
	var token map[string]string
	if err := readJSON(path, &token); err != nil || token["accessToken"] != "fresh" || token["refreshToken"] != "r2" || token["startUrl"] == "" {
		t.Errorf("token %+v, %v", token, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

// TestSSOAnswers: answers that ssocreds of the SDK would take for more than they
// are. It forgets a refresh token that is not given again, and fails where the new
// token cannot be written.
func TestSSOAnswers(t *testing.T) {
	for name, tc := range map[string]struct {
		token, role string // the services' answers
		gone        bool   // the file of the token, when the answer comes
		key, fault  string
		refresh     string // what the file has then
	}{
		"no refresh token": {token: `{"accessToken":"fresh","expiresIn":28800}`, key: "ASIASSO", refresh: "r"},
		"no access token":  {token: `{"expiresIn":28800,"refreshToken":"r2"}`, fault: errSSORefresh.Message, refresh: "r"},
		"nowhere to write": {gone: true, key: "ASIASSO"},
		"no credentials":   {role: `{}`, fault: "Error when retrieving credentials from sso: Missing required key in response: 'AccessKeyId'", refresh: "r2"},
	} {
		c := newCloud(t)
		h := newHome(t, c, ssoConfigText)
		path := ssoTokenFile(t, h, "2001-01-01T00:00:00Z")
		c.own["POST /token"], c.own["GET /federation/credentials"] = tc.token, tc.role
		c.before = func(call string) {
			if tc.gone && call == "POST /token" {
				os.Remove(path) //nolint:errcheck // the test would fail
			}
		}
		if key, err := h.key("--profile", "sso"); key != tc.key || text(err) != tc.fault {
			t.Errorf("%s: %s %v, want %s %s", name, key, err, tc.key, tc.fault)
		}
		var token map[string]string
		if err := readJSON(path, &token); (err != nil) != tc.gone || token["refreshToken"] != tc.refresh {
			t.Errorf("%s: token %v, %v", name, token, err)
		}
	}
}

func TestSSOFaults(t *testing.T) {
	for _, tc := range []struct {
		name    string
		expires string // of the token; "" for no token
		refuse  [2]string
		code    int
		message string
	}{
		{"no token", "", [2]string{}, 255, "Error loading SSO Token: Token for corp does not exist"},
		{"no refresh", "2001-01-01T00:00:00Z", [2]string{"POST /token", "InvalidGrantException"}, 255,
			"Error when retrieving token from sso: Token has expired and refresh failed"},
		{"unauthorized", "2099-01-01T00:00:00Z", [2]string{"GET /federation/credentials", "UnauthorizedException"}, 255, errSSOUnauthorized.Message},
		{"forbidden", "2099-01-01T00:00:00Z", [2]string{"GET /federation/credentials", "ForbiddenException"}, 254,
			"An error occurred (ForbiddenException) when calling the GetRoleCredentials operation: no"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := newCloud(t)
			c.refuse[tc.refuse[0]] = tc.refuse[1]
			h := newHome(t, c, ssoConfigText)
			if tc.expires != "" {
				ssoTokenFile(t, h, tc.expires)
			}
			_, err := h.key("--profile", "sso")
			var e *Error
			if !errors.As(err, &e) || e.Code != tc.code || !strings.HasPrefix(e.Message, tc.message) {
				t.Errorf("got %v, want %d %s", err, tc.code, tc.message)
			}
		})
	}
}

// TestSSOWithoutRefresh: a token that cannot be refreshed is reported in the CLI's
// words, without a call.
func TestSSOWithoutRefresh(t *testing.T) {
	c := newCloud(t)
	h := newHome(t, c, ssoConfigText)
	h.write(t, "sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json", `{"accessToken":"old","expiresAt":"2001-01-01T00:00:00Z"}`)
	if key, err := h.key("--profile", "sso"); key != "" || !errors.Is(err, errSSORefresh) || len(c.seen()) != 0 {
		t.Errorf("%s %v", key, err)
	}
}

// TestInstanceAgain: credentials that are fetched again, hours later, get a token of
// the metadata service of their own.
func TestInstanceAgain(t *testing.T) {
	c := newCloud(t)
	h := newHome(t, c, "")
	h.env["AWS_EC2_METADATA_DISABLED"], h.env["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = "", c.URL
	s, err := h.session()
	if err != nil {
		t.Fatal(err)
	}
	once := []string{"PUT /latest/api/token", "GET " + rolePath, "GET " + rolePath + "role"}
	for i, want := range [][]string{once, once} {
		if i == 1 {
			s.Credentials.(*aws.CredentialsCache).Invalidate()
		}
		if got, err := s.Credentials.Retrieve(t.Context()); err != nil || got.AccessKeyID != "ASIAIMDS" {
			t.Errorf("%s %v", got.AccessKeyID, err)
		}
		if diff := cmp.Diff(want, c.seen()); diff != "" {
			t.Errorf("time %d: calls (-want +got):\n%s", i, diff)
		}
	}
}

func TestOtherSources(t *testing.T) {
	c := newCloud(t)
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("jwt-token"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		env  map[string]string
		key  string
		want []string
	}{
		{"web identity", map[string]string{"AWS_ROLE_ARN": "arn:aws:iam::1:role/w", "AWS_WEB_IDENTITY_TOKEN_FILE": token}, "ASIAWEB",
			[]string{"AssumeRoleWithWebIdentity"}},
		{"container", map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": c.URL + "/creds"}, "ASIACONTAINER", []string{"GET /creds"}},
		{"instance", map[string]string{"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": c.URL + "/"}, "ASIAIMDS",
			[]string{"PUT /latest/api/token", "GET " + rolePath, "GET " + rolePath + "role"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := newHome(t, c, "")
			for k, v := range tc.env {
				h.env[k] = v
			}
			got, err := h.credentials()
			if err != nil || got.AccessKeyID != tc.key || !got.CanExpire || got.Expires.Year() != 2099 {
				t.Errorf("%s until %v, %v, want %s", got.AccessKeyID, got.Expires, err, tc.key)
			}
			if diff := cmp.Diff(tc.want, c.seen()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRegionOfInstance(t *testing.T) {
	c := newCloud(t)
	h := newHome(t, c, "")
	delete(h.env, "AWS_REGION")
	h.env["AWS_EC2_METADATA_DISABLED"] = ""
	h.env["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = c.URL
	h.env["AWS_ACCESS_KEY_ID"], h.env["AWS_SECRET_ACCESS_KEY"] = "AKID", "s"
	s, err := Load(context.Background(), Options{Files: Read(h.lookup, os.ReadFile)})
	if err != nil || s.Region != "eu-west-1" {
		t.Errorf("%v %v", s, err)
	}
}

func TestProcess(t *testing.T) {
	for _, tc := range []struct{ command, key, message string }{
		{`echo '{"Version":1,"AccessKeyId":"AKID","SecretAccessKey":"s"}'`, "AKID", ""},
		{`echo '{"Version":2}'`, "", "Error when retrieving credentials from custom-process: Unsupported version '2' for credential process provider, supported versions: 1"},
		{`echo '{"Version":1,"AccessKeyId":"A"}'`, "", "Error when retrieving credentials from custom-process: Missing required key in response: 'SecretAccessKey'"},
		{`sh -c 'echo login needed >&2; exit 3'`, "", "Error when retrieving credentials from custom-process: login needed\n"},
		{`/nope/cp $HOME`, "", "/nope/cp: no such file or directory"},
		{`echo '{"Version":1,"AccessKeyId":"AKID","SecretAccessKey":"s","Expiration":"2099-01-01T00:00:00+0000"}'`, "AKID", ""},
		{`echo nonsense`, "", "the credential process printed no JSON object of credentials"},
		{`echo '{"Version":1,"AccessKeyId":"A","SecretAccessKey":"s","Expiration":"2001-01-01T00:00:00Z"}'`, "", errStillExpired.Message},
	} {
		h := newHome(t, newCloud(t), "[profile p]\ncredential_process = "+tc.command+"\n")
		key, err := h.key("--profile", "p")
		message := ""
		if err != nil {
			message = err.Error()
		}
		if key != tc.key || message != tc.message {
			t.Errorf("%s: %q %q, want %q %q", tc.command, key, message, tc.key, tc.message)
		}
	}
}

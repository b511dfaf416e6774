package sandbox

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"ssmguard/internal/private"
	"ssmguard/internal/sandbox/api"
	"ssmguard/internal/spelling"
)

// Login finds the credentials of a login; "" is the world's default.
func (s *Sandbox) Login(name string) (api.Credentials, error) {
	if name == "" {
		name = s.World.Default
	}
	logins := s.Account.Logins()
	names := make([]string, len(logins))
	for i, l := range logins {
		if names[i] = l.Login; name == "" || l.Login == name {
			return l, nil
		}
	}
	if near := spelling.Nearest(name, names); near != "" {
		return api.Credentials{}, fmt.Errorf("no login %q in world %s, did you mean %q?", name, s.World.Name, near)
	}
	return api.Credentials{}, fmt.Errorf("no login %q in world %s; valid: %v", name, s.World.Name, names)
}

// profileFiles are an AWS configuration with one profile per login and per web
// identity, in a directory of its own.
type profileFiles struct{ dir string }

func (f profileFiles) Config() string { return filepath.Join(f.dir, "config") }

func (f profileFiles) Credentials() string { return filepath.Join(f.dir, "credentials") }

func (f profileFiles) remove() error {
	if f.dir == "" {
		return nil
	}
	// Not RemoveAll: Wine before 9 refuses how it removes files.
	entries, err := os.ReadDir(f.dir)
	for _, e := range entries {
		err = errors.Join(err, os.Remove(filepath.Join(f.dir, e.Name())))
	}
	return errors.Join(err, os.Remove(f.dir))
}

// writeProfiles writes the files, readable by their owner alone.
func writeProfiles(s *Sandbox) (profileFiles, error) {
	dir, err := private.MkdirTemp("ssmguard-sandbox-")
	if err != nil {
		return profileFiles{}, err
	}
	f := profileFiles{dir}
	var config, credentials strings.Builder
	profile := func(name string) {
		fmt.Fprintf(&config, "[profile %s]\nregion = %s\nendpoint_url = %s\n", name, s.World.Region, s.Endpoint())
	}
	for _, l := range s.Account.Logins() {
		profile(l.Login)
		fmt.Fprintln(&config)
		fmt.Fprintf(&credentials, "[%s]\naws_access_key_id = %s\naws_secret_access_key = %s\n", l.Login, l.AccessKeyID, l.SecretAccessKey)
		if l.SessionToken != "" {
			fmt.Fprintf(&credentials, "aws_session_token = %s\n", l.SessionToken)
		}
		fmt.Fprintln(&credentials)
	}
	// The AWS CLI keeps the credentials of a role by the name of their session, and those of
	// another run are of no use.
	session := "run-" + rand.Text()[:16]
	for i, w := range s.webIdentities() {
		token := filepath.Join(dir, fmt.Sprintf("web-identity-%d", i))
		profile(w.profile)
		fmt.Fprintf(&config, "role_arn = %s\nrole_session_name = %s\nweb_identity_token_file = %s\n\n", w.role, session, token)
		err = errors.Join(err, os.WriteFile(token, []byte(s.Account.WebToken(api.WebClaims{Issuer: "https://" + w.provider, Subject: w.subject})), 0o600))
	}
	err = errors.Join(
		err,
		os.WriteFile(f.Config(), []byte(config.String()), 0o600),
		os.WriteFile(f.Credentials(), []byte(credentials.String()), 0o600))
	return f, err
}

// webIdentity is a role with a provider that it trusts.
type webIdentity struct{ profile, role, provider, subject string }

// webIdentities are those that roles of the world trust. The profile of the first one
// of role R is R-web-identity, that of the second R-web-identity-2.
func (s *Sandbox) webIdentities() []webIdentity {
	var all []webIdentity
	for i := range s.Account.World.Roles { // those have their paths
		r := &s.Account.World.Roles[i]
		for n, provider := range r.WebIdentities() {
			w := webIdentity{profile: r.Name + "-web-identity", role: s.Account.RoleARN(r), provider: provider, subject: r.Name}
			if n > 0 {
				w.profile += fmt.Sprintf("-%d", n+1)
			}
			all = append(all, w)
		}
	}
	return all
}

// Variable is one entry of an environment.
type Variable struct{ Name, Value string }

// Environment returns the variables with which a shell uses the sandbox as a login.
func (s *Sandbox) Environment(l api.Credentials) []Variable {
	all := []Variable{
		{"AWS_ENDPOINT_URL", s.Endpoint()},
		{"AWS_REGION", s.World.Region},
		{"AWS_DEFAULT_REGION", s.World.Region},
		{"AWS_ACCESS_KEY_ID", l.AccessKeyID},
		{"AWS_SECRET_ACCESS_KEY", l.SecretAccessKey},
		{"AWS_CONFIG_FILE", s.Files.Config()},
		{"AWS_SHARED_CREDENTIALS_FILE", s.Files.Credentials()},
		{"AWS_EC2_METADATA_DISABLED", "true"},
		{"SSMGUARD_SANDBOX", fmt.Sprint(os.Getpid())},
	}
	if l.SessionToken != "" {
		all = append(all, Variable{"AWS_SESSION_TOKEN", l.SessionToken})
	}
	return all
}

// Outside are the user's variables that would make a command use another account or a
// proxy.
var Outside = []string{"AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", "HTTP_PROXY", "http_proxy"}

package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"al.essio.dev/pkg/shellescape"

	"ssmguard/guard/account"
)

// profileFiles are an AWS configuration with one profile per login, in a
// directory of its own.
type profileFiles struct{ dir string }

func (f profileFiles) config() string      { return filepath.Join(f.dir, "config") }
func (f profileFiles) credentials() string { return filepath.Join(f.dir, "credentials") }

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
func writeProfiles(s *sandbox) (profileFiles, error) {
	dir, err := os.MkdirTemp("", "ssmguard-sandbox-")
	if err != nil {
		return profileFiles{}, err
	}
	f := profileFiles{dir}
	var config, credentials strings.Builder
	for _, l := range s.account.Logins() {
		fmt.Fprintf(&config, "[profile %s]\nregion = %s\nendpoint_url = %s\n\n", l.Login, s.world.Region, s.endpoint())
		fmt.Fprintf(&credentials, "[%s]\naws_access_key_id = %s\naws_secret_access_key = %s\n", l.Login, l.AccessKeyID, l.SecretAccessKey)
		if l.SessionToken != "" {
			fmt.Fprintf(&credentials, "aws_session_token = %s\n", l.SessionToken)
		}
		fmt.Fprintln(&credentials)
	}
	err = errors.Join(
		os.WriteFile(f.config(), []byte(config.String()), 0o600),
		os.WriteFile(f.credentials(), []byte(credentials.String()), 0o600))
	return f, err
}

// variable is one entry of an environment.
type variable struct{ name, value string }

// environment is what a shell needs to use the sandbox as a login.
func (s *sandbox) environment(l account.Credentials) []variable {
	all := []variable{
		{"AWS_ENDPOINT_URL", s.endpoint()},
		{"AWS_REGION", s.world.Region},
		{"AWS_DEFAULT_REGION", s.world.Region},
		{"AWS_ACCESS_KEY_ID", l.AccessKeyID},
		{"AWS_SECRET_ACCESS_KEY", l.SecretAccessKey},
		{"AWS_CONFIG_FILE", s.files.config()},
		{"AWS_SHARED_CREDENTIALS_FILE", s.files.credentials()},
		{"AWS_EC2_METADATA_DISABLED", "true"},
		{"SSMGUARD_SANDBOX", fmt.Sprint(os.Getpid())},
	}
	if l.SessionToken != "" {
		all = append(all, variable{"AWS_SESSION_TOKEN", l.SessionToken})
	}
	return all
}

// outside are variables of the user's that would lead a command out of the sandbox.
var outside = []string{"AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", "HTTP_PROXY", "http_proxy"}

// shellLines is the environment as lines for eval.
func shellLines(env []variable) string {
	var b strings.Builder
	for _, v := range env {
		fmt.Fprintf(&b, "export %s=%s\n", v.name, shellescape.Quote(v.value))
	}
	var stray []string
	for _, name := range outside {
		if !slices.ContainsFunc(env, func(v variable) bool { return v.name == name }) {
			stray = append(stray, name)
		}
	}
	fmt.Fprintf(&b, "unset %s\n", strings.Join(stray, " "))
	return b.String()
}

// inside is the environment of a command that runs in the sandbox.
func (p *process) inside(env []variable) []string {
	all := slices.DeleteFunc(slices.Clone(p.environ), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return slices.Contains(outside, name) || slices.ContainsFunc(env, func(v variable) bool { return v.name == name })
	})
	for _, v := range env {
		all = append(all, v.name+"="+v.value)
	}
	return all
}

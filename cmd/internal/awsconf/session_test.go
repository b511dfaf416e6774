package awsconf

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"ssmguard/cmd/internal/awscli"
)

// world is an environment with files, for one test.
type world struct {
	env         map[string]string
	config      string
	credentials string
	args        []string // globals
}

func (w world) load(t *testing.T) (*Session, error) {
	t.Helper()
	home := t.TempDir()
	for name, content := range map[string]string{"config": w.config, "credentials": w.credentials} {
		if content == "" {
			continue
		}
		if err := os.MkdirAll(filepath.Join(home, ".aws"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(home, ".aws", name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	inv, err := awscli.Parse(append([]string{"ssm", "start-session", "--target", "i-1"}, w.args...), awscli.Env{})
	if err != nil {
		t.Fatal(err)
	}
	lookup := func(key string) (string, bool) {
		switch key {
		case "HOME":
			return home, true
		case "AWS_EC2_METADATA_DISABLED":
			return "true", true
		}
		v, ok := w.env[key]
		return v, ok
	}
	return Load(context.Background(), Options{Globals: inv.Globals, Files: Read(lookup, os.ReadFile)})
}

var keys = map[string]string{"AWS_ACCESS_KEY_ID": "AKIDENV", "AWS_SECRET_ACCESS_KEY": "s", "AWS_REGION": "us-east-1"}

// with returns the usual environment with changes; an empty key is removed.
func with(pairs ...string) map[string]string {
	out := map[string]string{}
	for k, v := range keys {
		out[k] = v
	}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == "-" {
			delete(out, pairs[i])
			continue
		}
		out[pairs[i]] = pairs[i+1]
	}
	return out
}

func TestRegionAndEndpoint(t *testing.T) {
	for _, c := range []struct {
		name             string
		world            world
		region, endpoint string
	}{
		{"environment", world{env: keys}, "us-east-1", "https://ssm.us-east-1.amazonaws.com"},
		{"flag wins", world{env: keys, args: []string{"--region", "eu-west-1"}}, "eu-west-1", "https://ssm.eu-west-1.amazonaws.com"},
		{"profile", world{env: with("AWS_REGION", "-"), config: "[default]\nregion=eu-west-1\n"}, "eu-west-1", "https://ssm.eu-west-1.amazonaws.com"},
		{"credentials file wins over config", world{env: with("AWS_REGION", "-"), config: "[default]\nregion=eu-west-1\n",
			credentials: "[default]\nregion = eu-west-2\n"}, "eu-west-2", "https://ssm.eu-west-2.amazonaws.com"},
		{"default region", world{env: with("AWS_REGION", "-", "AWS_DEFAULT_REGION", "eu-west-3")}, "eu-west-3", "https://ssm.eu-west-3.amazonaws.com"},
		{"china", world{env: with("AWS_REGION", "cn-north-1")}, "cn-north-1", "https://ssm.cn-north-1.amazonaws.com.cn"},
		{"pseudo region", world{env: with("AWS_REGION", "fips-us-east-1")}, "us-east-1", "https://ssm-fips.us-east-1.amazonaws.com"},
		{"flag endpoint verbatim", world{env: with("AWS_ENDPOINT_URL", "http://g"), args: []string{"--endpoint-url", "HTTP://u:p@h:1/x/?q"}},
			"us-east-1", "HTTP://u:p@h:1/x/?q"},
		{"service variable", world{env: with("AWS_ENDPOINT_URL", "http://g", "AWS_ENDPOINT_URL_SSM", "http://s/")}, "us-east-1", "http://s/"},
		{"general variable beats services", world{env: with("AWS_ENDPOINT_URL", "http://g"),
			config: "[default]\nservices = l\n[services l]\nssm =\n  endpoint_url = http://l\n"}, "us-east-1", "http://g"},
		{"services beat profile", world{env: keys,
			config: "[default]\nendpoint_url = http://p\nservices = l\n[services l]\nssm =\n  endpoint_url = http://l\n"}, "us-east-1", "http://l"},
		{"profile endpoint", world{env: keys, config: "[default]\nendpoint_url = http://p\n"}, "us-east-1", "http://p"},
		{"ignored", world{env: with("AWS_ENDPOINT_URL", "http://g", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "TRUE")},
			"us-east-1", "https://ssm.us-east-1.amazonaws.com"},
		{"endpoint beats FIPS", world{env: with("AWS_ENDPOINT_URL", "http://g", "AWS_USE_FIPS_ENDPOINT", "true")}, "us-east-1", "http://g"},
		{"dual stack", world{env: keys, config: "[default]\nuse_dualstack_endpoint = true\n"}, "us-east-1", "https://ssm.us-east-1.api.aws"},
		{"gov FIPS", world{env: with("AWS_REGION", "us-gov-west-1", "AWS_USE_FIPS_ENDPOINT", "true")}, "us-gov-west-1", "https://ssm.us-gov-west-1.amazonaws.com"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := c.world.load(t)
			if err != nil {
				t.Fatal(err)
			}
			if s.Region != c.region || s.Endpoint != c.endpoint {
				t.Errorf("got %s %s, want %s %s", s.Region, s.Endpoint, c.region, c.endpoint)
			}
		})
	}
}

func TestFaults(t *testing.T) {
	for _, c := range []struct {
		name  string
		world world
		code  int
		msg   string
	}{
		{"no region", world{env: with("AWS_REGION", "-")}, 253, errNoRegion.Message},
		{"empty region", world{env: with("AWS_REGION", "")}, 255, "Invalid endpoint: https://ssm..amazonaws.com"},
		{"bad region", world{env: with("AWS_REGION", "a b")}, 255, "Provided region_name 'a b' doesn't match a supported format."},
		{"bad attempts", world{env: with("AWS_MAX_ATTEMPTS", "x")}, 255, "invalid literal for int() with base 10: 'x'"},
		{"no attempts", world{env: with("AWS_MAX_ATTEMPTS", "0")}, 255,
			`Value provided to "max_attempts": 0 must be an integer greater than or equal to one.`},
		{"retry mode", world{env: keys, config: "[default]\nretry_mode = legacy\n"}, 255,
			`Invalid value provided to "mode": "legacy" must be one of: "standard" or "adaptive"`},
		{"profile", world{env: keys, args: []string{"--profile", "x"}}, 255, "The config profile (x) could not be found"},
		{"empty profile", world{env: with("AWS_PROFILE", "")}, 255, "The config profile () could not be found"},
		{"half a key", world{env: with("AWS_SECRET_ACCESS_KEY", "-")}, 255, "Partial credentials found in env, missing: AWS_SECRET_ACCESS_KEY"},
		{"half a key before no region", world{env: with("AWS_SECRET_ACCESS_KEY", "-", "AWS_REGION", "-")}, 255,
			"Partial credentials found in env, missing: AWS_SECRET_ACCESS_KEY"},
		{"endpoint", world{env: with("AWS_ENDPOINT_URL", "localhost:4566")}, 255, "Invalid endpoint: localhost:4566"},
		{"negative timeout", world{env: keys, args: []string{"--cli-read-timeout", "-1"}}, 255,
			"Attempted to set read timeout to -1, but the timeout cannot be set to a value less than or equal to 0."},
		{"unknown source", world{env: keys, args: []string{"--profile", "r"},
			config: "[profile r]\nrole_arn = a\ncredential_source = Moon\n"}, 255,
			`The credential source "Moon" referenced in profile "r" is not valid.`},
		{"two sources", world{env: keys, args: []string{"--profile", "r"},
			config: "[profile r]\nrole_arn = a\ncredential_source = Environment\nsource_profile = r\n"}, 255,
			`The profile "r" contains both source_profile and credential_source.`},
		{"no such source", world{env: keys, args: []string{"--profile", "r"}, config: "[profile r]\nrole_arn = a\nsource_profile = x\n"}, 255,
			`The source_profile "x" referenced in the profile "r" does not exist.`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := c.world.load(t)
			var e *Error
			if !errors.As(err, &e) || e.Code != c.code || e.Message != c.msg {
				t.Errorf("got %#v, want %d %s", err, c.code, c.msg)
			}
		})
	}
}

func TestIdentity(t *testing.T) {
	two := "[profile p]\naws_access_key_id = AKIDCONFIG\naws_secret_access_key = s\n"
	for _, c := range []struct {
		name  string
		world world
		key   string
		token string
	}{
		{"environment", world{env: keys}, "AKIDENV", ""},
		{"old token first", world{env: with("AWS_SESSION_TOKEN", "new", "AWS_SECURITY_TOKEN", "old")}, "AKIDENV", "old"},
		{"flag beats environment", world{env: keys, args: []string{"--profile", "p"}, config: two}, "AKIDCONFIG", ""},
		{"environment beats AWS_PROFILE", world{env: with("AWS_PROFILE", "p"), config: two}, "AKIDENV", ""},
		{"credentials file beats config file", world{env: keys, args: []string{"--profile", "p"}, config: two,
			credentials: "[p]\naws_access_key_id = AKIDFILE\naws_secret_access_key = s\naws_session_token = t\n"}, "AKIDFILE", "t"},
		{"process beats config file", world{env: keys, args: []string{"--profile", "p"}, config: two +
			`credential_process = echo '{"Version": 1, "AccessKeyId": "AKIDPROC", "SecretAccessKey": "s"}'` + "\n"}, "AKIDPROC", ""},
		{"quoted name", world{env: keys, args: []string{"--profile", "my dev"},
			config: "[profile \"my dev\"]\naws_access_key_id = AKIDQ\naws_secret_access_key = s\n"}, "AKIDQ", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := c.world.load(t)
			if err != nil {
				t.Fatal(err)
			}
			got, err := s.Credentials.Retrieve(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if got.AccessKeyID != c.key || got.SessionToken != c.token {
				t.Errorf("got %s %q, want %s %q", got.AccessKeyID, got.SessionToken, c.key, c.token)
			}
		})
	}
}

func TestNoCredentialsIsFoundLate(t *testing.T) {
	s, err := world{env: with("AWS_ACCESS_KEY_ID", "-")}.load(t)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Credentials.Retrieve(context.Background())
	if !errors.Is(err, errNoCredentials) {
		t.Errorf("got %v, want %v", err, errNoCredentials)
	}
}

func TestLabels(t *testing.T) {
	for s, want := range map[string]bool{"eu-west-1": true, "a": true, "": false, "-a": false, "a-": false, "a b": false, "a/b": false,
		"eu-west-1 # home": false, "é": false, "a\n": false} {
		if validLabel(s) != want {
			t.Errorf("%q: want %t", s, want)
		}
	}
	for s, ok := range map[string]bool{"http://h": true, "http://127.0.0.1:1/x": true, "http://[::1]:1": true, "http://a_b": false,
		"http://": false, "h:1": false, "https://vpce-1.ssm.us-east-1.vpce.amazonaws.com": true} {
		if err := checkEndpoint(s); (err == nil) != ok {
			t.Errorf("%q: %v", s, err)
		}
	}
}

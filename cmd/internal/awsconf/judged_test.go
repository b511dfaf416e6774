package awsconf

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ssmguard/cmd/internal/awscli"
)

// TestJudged has corner cases whose answers are the stock AWS CLI's: its calls and the
// key they end with, or its words. ROLE is a profile's beginning.
func TestJudged(t *testing.T) {
	const (
		base    = "[profile b]\naws_access_key_id = AKIDB\naws_secret_access_key = s\n"
		begin   = base + "[profile p]\nrole_arn = arn:aws:iam::123456789012:role/r\nsource_profile = b\n"
		invalid = "Parameter validation failed:\nInvalid "
	)
	assume, web := []string{"AssumeRole by AKIDB"}, []string{"AssumeRoleWithWebIdentity"}
	dir := t.TempDir()
	token, oneLine := filepath.Join(dir, "token"), filepath.Join(dir, "one")
	for path, text := range map[string]string{token: "line\n", oneLine: "pod-token"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, tc := range map[string]struct {
		env    map[string]string // @ is the address of the fake services
		config string
		args   []string
		key    string
		fault  string
		code   int
		calls  []string
	}{
		"duration below what STS takes": {config: begin + "duration_seconds = -1\n", fault: invalid + "value for parameter DurationSeconds, value: -1, valid min value: 900", code: 252},
		"duration":                      {config: begin + "duration_seconds = 3600\n", key: "ASIAROLE", calls: []string{"AssumeRole by AKIDB for 3600 s"}},
		"duration of no whole minutes":  {config: begin + "duration_seconds = 901\n", key: "ASIAROLE", calls: []string{"AssumeRole by AKIDB for 901 s"}},
		"duration that is no number":    {config: begin + "duration_seconds = 1h\n", key: "ASIAROLE", calls: assume},
		"external ID":                   {config: begin + "external_id = partner\n", key: "ASIAROLE", calls: []string{"AssumeRole by AKIDB external partner"}},
		"no ARN":                        {config: base + "[profile p]\nrole_arn =\nsource_profile = b\n", fault: invalid + "length for parameter RoleArn, value: 0, valid min length: 20", code: 252},
		"two faults": {config: begin + "role_session_name = x\nexternal_id =\n", code: 252,
			fault: invalid + "length for parameter RoleSessionName, value: 1, valid min length: 2\nInvalid length for parameter ExternalId, value: 0, valid min length: 2"},
		"short code": {config: begin + "mfa_serial = arn:aws:iam::1:mfa/a\n", fault: invalid + "length for parameter TokenCode, value: 5, valid min length: 6", code: 252},
		"empty serial is asked for, too": {config: begin + "mfa_serial =\n", code: 252,
			fault: invalid + "length for parameter SerialNumber, value: 0, valid min length: 9\nInvalid length for parameter TokenCode, value: 5, valid min length: 6"},
		"token with its newline": {env: map[string]string{"AWS_WEB_IDENTITY_TOKEN_FILE": token, "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/r"}, key: "ASIAWEB", calls: web},

		"security token that is empty": {env: map[string]string{"AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SECURITY_TOKEN": ""}, key: "A"},
		"end without a zone": {env: map[string]string{"AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "s", "AWS_CREDENTIAL_EXPIRATION": "2098-01-01T00:00:00"},
			fault: "Unknown string format: 2098-01-01T00:00:00", code: 255},
		"end as a mail has it": {env: map[string]string{"AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "s", "AWS_CREDENTIAL_EXPIRATION": "Wed, 01 Jan 2098 00:00:00 GMT"}, key: "A"},
		"end in short":         {env: map[string]string{"AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "s", "AWS_CREDENTIAL_EXPIRATION": "20980101T000000Z"}, key: "A"},

		"process of no words":     {config: "[profile p]\ncredential_process =\n", fault: "list index out of range", code: 255},
		"process with a list":     {config: "[profile p]\ncredential_process = echo [1]\n", fault: "the credential process printed no JSON object of credentials", code: 255},
		"version that equals one": {config: "[profile p]\ncredential_process = echo '{\"Version\":true,\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s\"}'\n", key: "A"},

		"container of no address": {env: map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": ""}, code: 255,
			fault: "Unsupported host 'None'.  Can only retrieve metadata from a loopback address or one of these hosts: 169.254.170.2, 169.254.170.23, fd00:ec2::23, localhost"},
		"container's token file before its token": {env: map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": "@/creds",
			"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": oneLine, "AWS_CONTAINER_AUTHORIZATION_TOKEN": "old"}, key: "ASIACONTAINER", calls: []string{"GET /creds by pod-token"}},
		"container's token": {env: map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": "@/creds", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "task-token"},
			key: "ASIACONTAINER", calls: []string{"GET /creds by task-token"}},
		"container at a host of its own": {env: map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://192.0.2.1/creds"}, code: 255,
			fault: "Unsupported host '192.0.2.1'.  Can only retrieve metadata from a loopback address or one of these hosts: 169.254.170.2, 169.254.170.23, fd00:ec2::23, localhost"},
		"container's token file gone": {env: map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": "@/creds", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/nope"},
			fault: "/nope: no such file or directory", code: 255},
		"container's token of two lines": {env: map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": "@/creds", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": token},
			fault: "Auth token value is not a legal header value", code: 255},
		"container without JSON": {env: map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": "@/latest/meta-data/placement/availability-zone/"}, code: 255,
			fault: "Error when retrieving credentials from container-role: Error retrieving metadata: Unable to parse JSON returned from container metadata services",
			calls: slices.Repeat([]string{"GET /latest/meta-data/placement/availability-zone/"}, containerTries)},

		"instance without tokens": {env: map[string]string{"AWS_EC2_METADATA_DISABLED": "", "AWS_EC2_METADATA_SERVICE_ENDPOINT": "@/v1"},
			key: "ASIAIMDS", calls: []string{"PUT /v1/latest/api/token", "GET /v1" + rolePath, "GET /v1" + rolePath + "role"}},
		"instance that may not be asked without": {env: map[string]string{"AWS_EC2_METADATA_DISABLED": "", "AWS_EC2_METADATA_SERVICE_ENDPOINT": "@/v1", "AWS_EC2_METADATA_V1_DISABLED": "true"},
			fault: errNoToken.Message, code: 255, calls: []string{"PUT /v1/latest/api/token"}},
		"attempts that are no number": {env: map[string]string{"AWS_METADATA_SERVICE_NUM_ATTEMPTS": "x"}, fault: "invalid literal for int() with base 10: 'x'", code: 255},

		"retry mode that is empty":   {env: map[string]string{"AWS_RETRY_MODE": ""}, fault: `Invalid value provided to "mode": "" must be one of: "standard" or "adaptive"`, code: 255},
		"max attempts that is empty": {env: map[string]string{"AWS_MAX_ATTEMPTS": ""}, fault: "invalid literal for int() with base 10: ''", code: 255},
		"max attempts with blanks around it": {env: map[string]string{"AWS_MAX_ATTEMPTS": " 10 ", "AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "s"},
			key: "A"},
		"services section that is not there": {config: "[profile p]\nservices = zz\naws_access_key_id = A\naws_secret_access_key = s\n", code: 255,
			fault: `The profile is configured to use the services section but the "zz" services configuration does not exist.`},
		"services section without a table": {config: "[profile p]\nservices = s\naws_access_key_id = A\naws_secret_access_key = s\n[services s]\nssm = http://x\n",
			fault: "'str' object has no attribute 'get'", code: 255},
		"services section that does not matter": {config: "[profile p]\nservices = zz\naws_access_key_id = A\naws_secret_access_key = s\n",
			args: []string{"--endpoint-url", "http://127.0.0.1:1"}, key: "A"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			h := newHome(t, c, tc.config)
			h.codes = []string{"12345"}
			for k, v := range tc.env {
				if len(v) > 0 && v[0] == '@' {
					v = c.URL + v[1:]
				}
				h.env[k] = v
			}
			args := tc.args
			if tc.config != "" {
				args = append(args, "--profile", "p")
			}
			key, err := h.key(args...)
			own, _ := err.(*Error)
			if own == nil {
				own = &Error{}
			}
			if key != tc.key || text(err) != tc.fault || own.Code != tc.code {
				t.Errorf("key %s, %d %v\nwant %s, %d %s", key, own.Code, err, tc.key, tc.code, tc.fault)
			}
			if diff := cmp.Diff(tc.calls, c.seen()); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

// TestExpiredInstance: when EC2 is late with new credentials, the old ones serve.
func TestExpiredInstance(t *testing.T) {
	h := newHome(t, newCloud(t), "")
	h.now = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
	c := newCloud(t)
	h.env["AWS_EC2_METADATA_DISABLED"], h.env["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = "", c.URL
	if key, err := h.key(); key != "ASIAIMDS" || err != nil {
		t.Errorf("%s %v", key, err)
	}
}

// TestPath: where files are looked for when their names begin with ~.
func TestPath(t *testing.T) {
	env := awscli.Env{Lookup: func(key string) (string, bool) { return "/home/me", key == "HOME" }}
	for in, want := range map[string]string{"~": "/home/me", "~/x": "/home/me/x", "~x/y": "~x/y", "a~/b": "a~/b", "$HOME/x": "/home/me/x", "~/$NO": "/home/me/$NO"} {
		if got := env.ExpandPath(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

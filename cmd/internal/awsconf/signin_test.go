package awsconf

import (
	"maps"
	"os"
	"testing"
)

// TestSignIn: what renews a login is told by the kind of the profile that the credentials come from.
func TestSignIn(t *testing.T) {
	const config = `[default]
login_session = arn:aws:sts::123456789012:assumed-role/Dev/ann
[profile sso]
sso_session = corp
sso_account_id = 1
sso_role_name = r
[profile legacy]
sso_start_url = https://corp.example/start
sso_region = us-east-1
sso_account_id = 1
sso_role_name = r
[profile console]
login_session = arn:aws:iam::123456789012:user/ann
[profile role]
role_arn = arn:aws:iam::123456789012:role/r
source_profile = sso
[profile chain]
role_arn = arn:aws:iam::123456789012:role/c
source_profile = role
[profile instance]
role_arn = arn:aws:iam::123456789012:role/r
credential_source = Ec2InstanceMetadata
[profile keys]
aws_access_key_id = A
aws_secret_access_key = s
[profile process]
credential_process = /bin/true
[profile itself]
role_arn = arn:aws:iam::123456789012:role/r
source_profile = itself
login_session = arn:aws:iam::123456789012:user/ann
[profile ring]
role_arn = arn:aws:iam::123456789012:role/r
source_profile = gnir
[profile gnir]
role_arn = arn:aws:iam::123456789012:role/r
source_profile = ring
`
	h := newHome(t, newCloud(t), config)
	h.write(t, "credentials", "[stored]\naws_access_key_id = A\naws_secret_access_key = s\n")
	type signIn struct{ command, profile string }
	for _, tc := range []struct {
		profile, variable, key string
		want                   signIn
	}{
		{"", "", "", signIn{"aws login", "default"}},
		{"sso", "", "", signIn{"aws sso login", "sso"}},
		{"legacy", "", "", signIn{"aws sso login", "legacy"}},
		{"console", "", "", signIn{"aws login", "console"}},
		{"", "console", "", signIn{"aws login", "console"}},
		{"role", "", "", signIn{"aws sso login", "sso"}},
		{"chain", "", "", signIn{"aws sso login", "sso"}},
		{"sso", "", "AKID", signIn{"aws sso login", "sso"}}, // --profile goes before keys in the environment
		{"", "sso", "AKID", signIn{}},
		{"instance", "", "", signIn{}},
		{"keys", "", "", signIn{}},
		{"stored", "", "", signIn{}},
		{"process", "", "", signIn{}},
		{"itself", "", "", signIn{}},
		{"ring", "", "", signIn{}},
		{"none", "", "", signIn{}},
	} {
		h.env["AWS_PROFILE"], h.env["AWS_ACCESS_KEY_ID"] = tc.variable, tc.key
		if tc.variable == "" {
			delete(h.env, "AWS_PROFILE")
		}
		var flag *string
		if tc.profile != "" {
			flag = &tc.profile
		}
		command, profile := Read(h.lookup, os.ReadFile).SignIn(flag)
		if got := (signIn{command, profile}); got != tc.want {
			t.Errorf("--profile %q, AWS_PROFILE %q, key %q: %v, want %v", tc.profile, tc.variable, tc.key, got, tc.want)
		}
	}
}

// TestDataChannelEndpoint: only what is configured for data channels alone leads them.
func TestDataChannelEndpoint(t *testing.T) {
	const all, own = "http://127.0.0.1:1", "https://vpce-1.ssmmessages.us-east-1.vpce.amazonaws.com"
	const services = "[default]\nservices = s\n[services s]\nssmmessages =\n  endpoint_url = " + own + "\nssm =\n  endpoint_url = " + all + "\n"
	for name, tc := range map[string]struct {
		config string
		env    map[string]string
		want   string
	}{
		"nothing":              {"", nil, ""},
		"a variable":           {"", map[string]string{"AWS_ENDPOINT_URL_SSMMESSAGES": own}, own},
		"the profile":          {services, nil, own},
		"that of all services": {"", map[string]string{"AWS_ENDPOINT_URL": all}, ""},
		"all, by the profile":  {"[default]\nendpoint_url = " + all + "\n", nil, ""},
		"of another service":   {"", map[string]string{"AWS_ENDPOINT_URL_SSM": all}, ""},
		"a variable for all":   {services, map[string]string{"AWS_ENDPOINT_URL": all}, ""},
		"ignored":              {services, map[string]string{"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHome(t, newCloud(t), tc.config)
			maps.Copy(h.env, tc.env)
			for _, args := range [][]string{nil, {"--endpoint-url", "https://ssm.example"}} {
				s, err := h.session(args...)
				if err != nil {
					t.Fatal(err)
				}
				led := s.SSM.ConfigSources[0].(interface{ DataChannelEndpoint() string }).DataChannelEndpoint()
				if led != tc.want || s.MessagesEndpoint != tc.want {
					t.Errorf("%v: %q and %q, want %q", args, led, s.MessagesEndpoint, tc.want)
				}
			}
		})
	}
}

package awsconf

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"
	"github.com/aws/aws-sdk-go-v2/credentials/logincreds"
	"github.com/aws/aws-sdk-go-v2/credentials/processcreds"
	"github.com/aws/aws-sdk-go-v2/credentials/ssocreds"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
)

// TestSources: credentials say where they come from, in the SDK's words; whoever
// judges a session by that reads it here. They say it again from the cache. Those that
// other programs cannot find are known.
func TestSources(t *testing.T) {
	c := newCloud(t)
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("jwt-token"), 0o600); err != nil {
		t.Fatal(err)
	}
	const process = "[profile p]\ncredential_process = echo '{\"Version\":1,\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s\"}'\n"
	for _, tc := range []struct {
		config, profile string
		env             map[string]string
		want            string
		unshared        bool
	}{
		{"", "", map[string]string{"AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "s"}, "EnvConfigCredentials", false},
		{roleConfig, "base", nil, "SharedConfigCredentials", false},
		{roleConfig, "role", nil, stscreds.ProviderName, true},
		{roleConfig, "chain", nil, stscreds.ProviderName, true},
		{strings.ReplaceAll(roleConfig, "mfa_serial", "x"), "chain", nil, stscreds.ProviderName, false},
		{"", "", map[string]string{"AWS_ROLE_ARN": "arn:aws:iam::1:role/w", "AWS_WEB_IDENTITY_TOKEN_FILE": token}, stscreds.WebIdentityProviderName, false},
		{ssoConfigText, "sso", nil, ssocreds.ProviderName, false},
		{"[profile l]\nlogin_session = arn:aws:iam::1:user/ann\n", "l", nil, logincreds.ProviderName, true},
		{process, "p", nil, processcreds.ProviderName, false},
		{"", "", map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": c.URL + "/creds"}, endpointcreds.ProviderName, false},
		{"", "", map[string]string{"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": c.URL + "/"}, ec2rolecreds.ProviderName, false},
	} {
		h := newHome(t, c, tc.config)
		h.codes = []string{"123456"}
		ssoTokenFile(t, h, "2099-01-01T00:00:00Z")
		h.write(t, "login/cache/"+sha256Hex("arn:aws:iam::1:user/ann")+".json",
			`{"accessToken":{"accessKeyId":"ASIALOGIN","secretAccessKey":"s","sessionToken":"t","expiresAt":"2099-01-01T00:00:00Z"},
				"clientId":"c","refreshToken":"r","dpopKey":"k"}`)
		for k, v := range tc.env {
			h.env[k] = v
		}
		var args []string
		if tc.profile != "" {
			args = []string{"--profile", tc.profile}
		}
		if s, err := h.session(args...); err != nil || s.Unshared != tc.unshared {
			t.Errorf("%s: unshared %v, %v", tc.want, !tc.unshared, err)
		}
		for range 2 {
			if got, err := h.credentials(args...); err != nil || got.Source != tc.want {
				t.Errorf("%s: source %q, %v", tc.want, got.Source, err)
			} else if SourceText(got) == "" {
				t.Errorf("%s: no words for it", tc.want)
			}
		}
	}
}

package awsconf

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"ssmguard/internal/memtest"
)

// FuzzCredentials: the caches of roles, of logins and of single sign-on, what a credential
// process prints and what metadata answers: whatever is written there, it is credentials,
// whole, or an error.
func FuzzCredentials(f *testing.F) {
	for _, seed := range []string{
		`{"Credentials":{"AccessKeyId":"ASIAX","SecretAccessKey":"x","SessionToken":"y","Expiration":"2030-01-02T03:04:05UTC"},"ProviderType":"sso","AssumedRoleUser":{"Arn":"a"}}`,
		`{"accessToken":{"accessKeyId":"ASIAX","secretAccessKey":"x","sessionToken":"y","expiresAt":"2030-01-02T03:04:05Z"},"clientId":"c","refreshToken":"r","dpopKey":"k","loginSession":"l","tokenType":"t","idToken":"i"}`,
		`{"accessToken":"a","expiresAt":"2030-01-02T03:04:05Z","refreshToken":"r","clientId":"c","clientSecret":"s","registrationExpiresAt":"2030-01-02T03:04:05Z"}`,
		`{"Version":1,"AccessKeyId":"AKIDX","SecretAccessKey":"x","SessionToken":"y","Expiration":"2030-01-02T03:04:05+01:00"}`,
		`{"Version":true,"Expiration":1e300}`, `{"Version":[[[]]]}`,
		`{"Code":"Success","AccessKeyId":"ASIAX","SecretAccessKey":"x","Token":"y","Expiration":"2030-01-02T03:04:05Z"}`,
		`{"Code":"Failed","Message":"no\nnever"}`, "null", "[]", "{", "",
	} {
		f.Add([]byte(seed))
	}
	path := filepath.Join(f.TempDir(), "cache.json")
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		defer memtest.Bounded(t, len(text))()
		var role cacheEntry
		if readJSON(path, &role) == nil {
			if c, err := role.credentials(); err == nil && (!c.CanExpire || c.Expires.IsZero() != (role.Credentials.Expiration == "") && c.Expires.IsZero()) {
				t.Errorf("%+v never expire", c)
			}
		}
		if login, err := readLogin(path, "s"); err == nil && (login.keys.AccessKeyID == "" || login.keys.SecretAccessKey == "" || login.keys.ExpiresAt == "") {
			t.Error("a login without keys")
		} else if (login == nil) == (err == nil) {
			t.Errorf("%v, %v", login, err)
		}
		if (ssoConfig{session: "s"}).faultOf(path) == nil {
			t.Error("no fault of a token that cannot be used")
		}
		_, _ = parseProcess(text) // without keys they are refused where they are used, as in the AWS CLI
		var remote remoteCredentials
		if json.Unmarshal(text, &remote) == nil && remote.lacks() == "" {
			if c, err := remote.credentials(); err == nil && !c.HasKeys() {
				t.Errorf("metadata gave no keys: %+v", remote)
			}
		}
	})
}

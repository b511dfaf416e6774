package awsconf

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// TestTokensOfOthers: the token of a login that another user may have put there is not used,
// and the message names the file or directory and what to do.
func TestTokensOfOthers(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root gives files away")
	}
	const nobody = 65534
	c := newCloud(t)
	login := "login/cache/" + sha256Hex("arn:aws:iam::1:user/ann") + ".json"
	for _, test := range []struct{ profile, what, given string }{
		{"sso", "", ""},
		{"sso", "Error loading SSO Token", "sso/cache"},
		{"sso", "Error loading SSO Token", "sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json"},
		{"l", "", ""},
		{"l", "Error loading login session token", login},
	} {
		h := newHome(t, c, ssoConfigText+"\n[profile l]\nlogin_session = arn:aws:iam::1:user/ann\n")
		ssoTokenFile(t, h, "2099-01-01T00:00:00Z")
		h.write(t, login, `{"accessToken":{"accessKeyId":"ASIALOGIN","secretAccessKey":"s","sessionToken":"t","expiresAt":"2099-01-01T00:00:00Z"},
			"clientId":"c","refreshToken":"r","dpopKey":"k"}`)
		path := filepath.Join(h.dir, ".aws", test.given)
		if test.given != "" {
			if err := os.Chown(path, nobody, nobody); err != nil {
				t.Fatal(err)
			}
		}
		_, err := h.credentials("--profile", test.profile)
		want := test.what + ": " + path + " belongs to uid 65534; chown it if you trust it"
		var own *Error
		if (err == nil) != (test.what == "") || err != nil && (err.Error() != want || !errors.As(err, &own)) {
			t.Errorf("%s, %s of another user: %v", test.profile, test.given, err)
		}
	}
}

//go:build unix

package plugin_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ssmguard/internal/sandbox/gateway"
)

// An external plugin whose SDK cannot find the caller's credentials gets those that hold
// when it asks, whatever its environment and its profiles have. Here it is our own program
// as the AWS CLI calls it, which finds credentials as the official one does.
func TestLentCredentials(t *testing.T) {
	st := newStage(t)
	if err := os.MkdirAll(filepath.Join(st.home, ".aws"), 0o700); err != nil {
		t.Fatal(err)
	}
	file := "[default]\naws_access_key_id = AKIDDEFAULT\naws_secret_access_key = x\n[dev]\naws_access_key_id = AKIDDEV\naws_secret_access_key = x\n"
	if err := os.WriteFile(filepath.Join(st.home, ".aws", "credentials"), []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	o, s := st.start(gateway.SessionConfig{Kind: gateway.Shell})
	o.External = script(t, 0o755, fmt.Sprintf("#!/bin/bash\n[ \"$1\" = --version ] && { echo 2; exit; }\nexec -a session-manager-plugin %s \"$@\"\n", os.Args[0]))
	o.Lends, o.Login, o.Spec.Profile = true, "changes", "dev"
	st.environ = []string{"AWS_PROFILE=dev"}
	d := st.run(o)
	d.await(d.out, "$ ")
	status := resumed(t, s)
	d.sayAndExit()
	d.wait()
	want := []gateway.Connect{{Signed: true, AccessKey: accessKey + "1"}, {Signed: true, AccessKey: status.Connects[1].AccessKey}}
	if diff := cmp.Diff(want, status.Connects); diff != "" || !strings.HasPrefix(status.Connects[1].AccessKey, accessKey) || status.Connects[1].AccessKey == accessKey+"1" {
		t.Errorf("%s\n%v, stderr %q", diff, status.Connects, d.err)
	}
}

// Without the token there are no credentials, and where there are none the reason is said.
func TestLentCredentialsAreKept(t *testing.T) {
	for name, tc := range map[string]struct{ login, token, want string }{
		"given":    {"", "$AWS_CONTAINER_AUTHORIZATION_TOKEN", `200 {"AccessKeyId":"AKIDCHECKED","SecretAccessKey":"s3cret","Token":"t0ken"}`},
		"no token": {"", "", "403 "},
		"another":  {"", "guessed", "403 "},
		"run out":  {"gone", "$AWS_CONTAINER_AUTHORIZATION_TOKEN", `400 {"code":"CredentialsNotAvailable","message":"credentials have expired; log in again"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := newStage(t)
			o, _ := st.start(gateway.SessionConfig{Kind: gateway.Shell})
			o.External = script(t, 0o755, "#!/bin/sh\n[ \"$1\" = --version ] && { echo 2; exit; }\necho \"$AWS_CONTAINER_CREDENTIALS_FULL_URI "+tc.token+"\"; read wait\n")
			o.Lends, o.Login = true, tc.login
			d := st.run(o)
			d.await(d.out, "\n")
			words := strings.Split(strings.TrimSuffix(d.out.String(), "\n"), " ")
			r, err := http.NewRequest(http.MethodGet, words[0], nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", words[1])
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body := new(strings.Builder)
			if err := resp.Write(body); err != nil {
				t.Fatal(err)
			}
			_, content, _ := strings.Cut(body.String(), "\r\n\r\n")
			if got := fmt.Sprint(resp.StatusCode, " ", strings.TrimSpace(content)); got != tc.want {
				t.Errorf("%s, want %s", got, tc.want)
			}
			d.say("\n")
			d.wait()
			if _, err := http.DefaultClient.Do(r); err == nil {
				t.Error("it is lent when the plugin has gone")
			}
		})
	}
}

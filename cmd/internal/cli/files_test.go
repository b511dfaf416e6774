package cli

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
)

// TestFilesAreReadOnce: whatever a command line needs of ~/.aws, and however it
// ends, each of the two files is read once.
func TestFilesAreReadOnce(t *testing.T) {
	aws := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Amzn-ErrorType", "AccessDeniedException")
		w.WriteHeader(http.StatusForbidden)
	}))
	defer aws.Close()
	home := t.TempDir()
	t.Chdir(home)
	config, credentials := filepath.Join(home, "config"), filepath.Join(home, "credentials")
	for name, text := range map[string]string{
		config:      "[default]\nregion = eu-west-1\nendpoint_url = " + aws.URL + "\n[profile half]\naws_access_key_id = A\n",
		credentials: "[default]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = s\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range []string{
		"start-session --target i-0123456789abcdef0",
		"start-session --target i-0123456789abcdef0 --guard off",
		"start-session --target i-0123456789abcdef0 --profile none",
		"start-session --target i-0123456789abcdef0 --profile half",
		"aws ssm start-session --target i-0123456789abcdef0",
		"ecs execute-command --cluster c --task t --command sh --interactive",
		"ssh-proxy i-0123456789abcdef0 22",
		"check --target i-0123456789abcdef0",
		"policy --target i-0123456789abcdef0",
		"doctor --target i-0123456789abcdef0",
		"tunnel up --target i-0123456789abcdef0 --port 22",
		"__complete start-session --target ",
		"__complete start-session --profile ",
	} {
		var out, errs bytes.Buffer
		var read []string
		p := env.NewProcess(strings.NewReader(""), &out, &errs)
		p.Environ = []string{"HOME=" + home, "AWS_CONFIG_FILE=" + config, "AWS_SHARED_CREDENTIALS_FILE=" + credentials,
			"AWS_EC2_METADATA_DISABLED=true", "AWS_MAX_ATTEMPTS=1"}
		p.ReadFile = func(name string) ([]byte, error) {
			read = append(read, name)
			return os.ReadFile(name)
		}
		code := exit.Report(p, run(t.Context(), p, append([]string{"ssmguard"}, strings.Split(args, " ")...)))
		if !slices.Equal(read, []string{config, credentials}) {
			t.Errorf("%s: read %q; %d %s%s", args, read, code, &out, &errs)
		}
	}
}

package cli

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
)

// runApp runs a command line in this process.
func typed(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	p := env.NewProcess(strings.NewReader(""), &out, &errs)
	code = exit.Report(p, runApp(t.Context(), p, append([]string{"ssmguard"}, args...)))
	return out.String(), errs.String(), code
}

func TestSandboxCommandLine(t *testing.T) {
	for _, test := range []struct {
		args string
		want string
	}{
		{"--world nope", `ssmguard: no world "nope"; valid: bastions, databases, default, `},
		{"--world defalt", `ssmguard: no world "defalt", did you mean "default"?`},
		{"--world no/such.yaml", `ssmguard: no/such.yaml: no such file or directory`},
		{"--as alise", `ssmguard: no login "alise" in world default, did you mean "alice"?`},
		{"--output xml", `ssmguard: --output xml: valid: text, json`},
		{"--listen 0.0.0.0:0", `ssmguard: --listen 0.0.0.0:0: the sandbox gives out shells, so it listens on loopback addresses only`},
		{"--listen here", `ssmguard: --listen here: give HOST:PORT`},
		{"default", `ssmguard: there is no program default in PATH; a world is named with --world`},
		{"--pizza", `ssmguard: unknown option: --pizza; see "ssmguard help sandbox"`},
	} {
		stdout, stderr, code := typed(t, append([]string{"sandbox"}, strings.Fields(test.args)...)...)
		if code != exit.Usage || stdout != "" || !strings.HasPrefix(stderr, test.want) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%s: %d, %q %q, want %q", test.args, code, stdout, stderr, test.want)
		}
	}
}

func TestSandboxList(t *testing.T) {
	stdout, stderr, code := typed(t, "sandbox", "--list")
	if code != 0 || stderr != "" || !strings.Contains(stdout, "seed2-tag-only ") || !strings.Contains(stdout, "\ndefault ") {
		t.Errorf("%d %q %q", code, stdout, stderr)
	}
}

// A command runs with the sandbox's environment, and nothing of the user's that
// would lead it elsewhere; its exit code is ours, and no file stays.
func TestSandboxRunsACommand(t *testing.T) {
	t.Setenv("AWS_PROFILE", "work")
	t.Setenv("AWS_SESSION_TOKEN", "stray")
	t.Setenv("AWS_ACCESS_KEY_ID", "stray")
	const script = `echo "$AWS_PROFILE|$AWS_SESSION_TOKEN|$AWS_REGION|$AWS_EC2_METADATA_DISABLED"
echo "$AWS_ENDPOINT_URL $AWS_ACCESS_KEY_ID" >&2
echo "$AWS_CONFIG_FILE"
stat -c %a "$AWS_CONFIG_FILE" "$AWS_SHARED_CREDENTIALS_FILE"
grep -c '^\[profile ' "$AWS_CONFIG_FILE"
exit 7`
	stdout, stderr, code := typed(t, "sandbox", "--as", "bob", "--", "sh", "-c", script)
	lines := strings.Split(stdout, "\n")
	if code != 7 || len(lines) != 6 {
		t.Fatalf("%d %q %q", code, stdout, stderr)
	}
	if diff := cmp.Diff([]string{"||ap-northeast-1|true", "600", "600", "12"}, append(lines[:1:1], lines[2:5]...)); diff != "" {
		t.Error(diff)
	}
	if !strings.HasPrefix(stderr, "http://127.0.0.1:") || !strings.Contains(stderr, " AKIA") {
		t.Errorf("environment %q", stderr)
	}
	if _, err := os.Stat(lines[1]); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", lines[1], err)
	}
}

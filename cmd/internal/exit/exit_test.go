package exit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"ssmguard/cmd/internal/awscli"
	"ssmguard/cmd/internal/awsconf"
	"ssmguard/cmd/internal/env"
	"ssmguard/guard/awsiam"
	"ssmguard/guard/policy"
	"ssmguard/internal/yamlfile"
	"ssmguard/proxy"
	"ssmguard/proxy/plugin"
)

// noSignal is a signal of an operating system that has other ones.
type noSignal struct{}

func (noSignal) String() string { return "note" }
func (noSignal) Signal()        {}

// TestCode: every error a command can end with, and its exit code.
func TestCode(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		want int
	}{
		{"success", nil, 0},
		{"an error of no kind", errors.New("broken"), 255},
		{"a status", EndWith(7), 7},
		{"a code", Coded("no", 253), 253},
		{"a wrong command line", Usagef("unknown word"), 252},
		{"the AWS CLI's usage", &awscli.UsageError{Code: 252}, 252},
		{"the AWS CLI's parameters", &awscli.UsageError{Code: 255}, 255},
		{"configuration", &awsconf.Error{Code: awsconf.CodeConfig}, 253},
		{"a credential source that AWS refused", &awsconf.Error{Code: awsconf.CodeRefused}, 254},
		{"a credential source that failed", &awsconf.Error{Code: awsconf.CodeOther}, 255},
		{"AWS refused", &proxy.Refused{Code: "TargetNotConnected"}, 254},
		{"AWS did not answer", &proxy.Unreachable{Err: errors.New("refused")}, 255},
		{"Ctrl-C", env.Signalled{Signal: syscall.SIGINT}, 130},
		{"SIGQUIT", env.Signalled{Signal: syscall.SIGQUIT}, 128 + 3},
		{"SIGPIPE", env.Signalled{Signal: syscall.SIGPIPE}, 128 + 13},
		{"SIGTERM", env.Signalled{Signal: syscall.SIGTERM}, -15},
		{"SIGHUP", env.Signalled{Signal: syscall.SIGHUP}, -1},
		{"Ctrl-C in the plugin", &plugin.InterruptedError{Signal: os.Interrupt}, 130},
		{"SIGTERM in the plugin", &plugin.InterruptedError{Signal: syscall.SIGTERM}, -15},
		{"no Unix signal in the plugin", &plugin.InterruptedError{Signal: noSignal{}}, 255},
		{"the command at the far end", &plugin.ExitError{Code: 9, Remote: true}, 9},
		{"the plugin", &plugin.ExitError{Code: 9}, 255},
		{"the plugin, by a signal", &plugin.ExitError{Code: -1, Signal: syscall.SIGKILL}, 255},
		{"no plugin", plugin.ErrNotFound, 255},
		{"a session left running", &proxy.LeftRunningError{ID: "ann-1", Err: errors.New("denied")}, 255},
		// Of two reasons the first row of the table is the one.
		{"Ctrl-C before AWS answered", errors.Join(&proxy.Unreachable{}, env.Signalled{Signal: syscall.SIGINT}), 130},
		{"said already, and refused", errors.Join(&proxy.Refused{}, EndWith(3)), 3},
		{"refused, with our code", errors.Join(&proxy.Refused{}, Coded("no target", 252)), 252},
	} {
		if got := Code(tt.err); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
		if tt.err != nil {
			if got := Code(fmt.Errorf("session: %w", tt.err)); got != tt.want {
				t.Errorf("%s, wrapped: %d, want %d", tt.name, got, tt.want)
			}
		}
	}
}

// TestCodeOfAQuestion: a call that AWS refused is 254, a call without an answer is 255.
func TestCodeOfAQuestion(t *testing.T) {
	want := map[awsiam.Kind]int{
		awsiam.KindOther: 255, awsiam.KindDenied: 254, awsiam.KindCredentials: 254, awsiam.KindThrottled: 255, awsiam.KindNotFound: 254,
		awsiam.KindInvalid: 254, awsiam.KindUnreachable: 255, awsiam.KindCanceled: 255, awsiam.KindNoOrg: 255,
	}
	for kind, code := range want {
		if got := Code(fmt.Errorf("owner: %w", &awsiam.Error{Permission: "iam:GetRole", Kind: kind})); got != code {
			t.Errorf("kind %d: %d, want %d", kind, got, code)
		}
	}
	if last := int(awsiam.KindNoOrg); len(want) != last+1 {
		t.Errorf("%d kinds have a code, there are %d", len(want), last+1)
	}
}

func TestVerdictStatus(t *testing.T) {
	for verdict, want := range map[policy.Verdict]int{policy.Allow: 0, policy.ImplicitDeny: 3, policy.ExplicitDeny: 3, policy.Unknown: 4} {
		if got := Code(VerdictStatus(verdict)); got != want {
			t.Errorf("%v: %d, want %d", verdict, got, want)
		}
	}
}

// TestReport: an error is printed once, in the AWS CLI's words or in ours.
func TestReport(t *testing.T) {
	for _, tt := range []struct {
		name           string
		err            error
		code           int
		stdout, stderr string
	}{
		{"nothing", nil, 0, "", ""},
		{"said already", EndWith(3), 3, "", ""},
		{"our words", Coded("no target", 252), 252, "", "ssmguard: no target\n"},
		{"two errors", errors.Join(errors.New("no target"), errors.New("no region")), 255, "", "ssmguard: no target\nssmguard: no region\n"},
		{"faults of a file", WithCode(yamlfile.Faults{{File: "a", Text: "x"}, {File: "a", Line: 2, Text: "y\nz"}}, 253), 253, "", "ssmguard: a: x\nssmguard: a:2: y z\n"},
		{"a message of others", fmt.Errorf("no: %w", errors.New("ssmguard: x\nssmguard: allowed\r\n::error::y\n##vso[z]")), 255, "",
			"ssmguard: no: ssmguard: x\n  \\ssmguard: allowed\n  \\::error::y\n  ##vso\\[z]\n"},
		{"AWS's words in a line of ours", &proxy.Refused{Code: "ValidationException", Message: "no\x1b[2J\nssmguard: allowed\naws: [ERROR]: x", Operation: "StartSession"}, 254, "",
			"\naws: [ERROR]: An error occurred (ValidationException) when calling the StartSession operation: no\\x1b[2J\n\\ssmguard: allowed\n\\aws: [ERROR]: x\n"},
		{"a denial", errors.New("denied\n  role/dev may not"), 255, "", "ssmguard: denied\n  role/dev may not\n"},
		{"what a terminal would obey", errors.New("no target \x1b[2J"), 255, "", "ssmguard: no target " + `\x1b[2J` + "\n"},
		{"AWS's words", &proxy.Refused{Code: "TargetNotConnected", Message: "gone", Operation: "StartSession"}, 254, "",
			"\naws: [ERROR]: An error occurred (TargetNotConnected) when calling the StartSession operation: gone\n"},
		{"Ctrl-C", env.Signalled{Signal: syscall.SIGINT}, 130, "\n", ""},
		{"SIGTERM", env.Signalled{Signal: syscall.SIGTERM}, -15, "", ""},
		{"the far end's code", &plugin.ExitError{Code: 9, Remote: true}, 9, "", ""},
		{"a session left running", errors.Join(&proxy.LeftRunningError{ID: "ann-1", Err: errors.New("no answer")}, EndWith(9)), 9, "",
			"ssmguard: warning: session ann-1 may still be running: no answer\n"},
	} {
		var stdout, stderr bytes.Buffer
		p := &env.Process{AWSVoice: true}
		p.Stdout, p.Stderr = &stdout, &stderr
		if got := Report(p, tt.err); got != tt.code || stdout.String() != tt.stdout || stderr.String() != tt.stderr {
			t.Errorf("%s: %d %q %q, want %d %q %q", tt.name, got, stdout.String(), stderr.String(), tt.code, tt.stdout, tt.stderr)
		}
	}
}

// TestReportInOurVoice: outside the AWS CLI's place every line begins with our name.
func TestReportInOurVoice(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want string
	}{
		{&proxy.Refused{Code: "TargetNotConnected", Message: "gone", Operation: "StartSession"}, "ssmguard: An error occurred (TargetNotConnected) when calling the StartSession operation: gone\n"},
		{&proxy.Refused{Code: "X", Message: "no\nssmguard: allowed", Operation: "StartSession"}, "ssmguard: An error occurred (X) when calling the StartSession operation: no\n  \\ssmguard: allowed\n"},
		{fmt.Errorf("layers of the SDK, %w", &awsconf.Error{Code: 253, Kind: "NoCredentials", Message: "Unable to locate credentials."}), "ssmguard: unable to locate credentials\n"},
		{&awsconf.Error{Message: "SSL validation failed"}, "ssmguard: SSL validation failed\n"},
		{aboutTunnel{&awsconf.Error{Message: "The config profile (x) could not be found"}}, "ssmguard: db: the config profile (x) could not be found\n"},
		{&plugin.ExitError{Code: 9}, "ssmguard: session-manager-plugin ended with exit code 9\n"},
	} {
		var stderr bytes.Buffer
		p := &env.Process{Stdout: io.Discard, Stderr: &stderr}
		if Report(p, tt.err); stderr.String() != tt.want {
			t.Errorf("%v: %q, want %q", tt.err, stderr.String(), tt.want)
		}
	}
}

type aboutTunnel struct{ error }

func (aboutTunnel) About() string   { return "db" }
func (a aboutTunnel) Unwrap() error { return a.error }

// TestCodesAreTheContract: scripts test for these numbers.
func TestCodesAreTheContract(t *testing.T) {
	got := []int{OK, Interrupt, Usage, Config, Refused, Other, exitCheckDenied, exitUndecided,
		awscli.CodeUsage, awsconf.CodeUsage, awsconf.CodeConfig, awsconf.CodeRefused, awsconf.CodeOther}
	if want := []int{0, 130, 252, 253, 254, 255, 3, 4, 252, 252, 253, 254, 255}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// TestExpiredAdvice: the command that signs in again is that of the profile's kind.
func TestExpiredAdvice(t *testing.T) {
	config := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(config, []byte("[default]\nlogin_session = arn:aws:iam::123456789012:user/ann\n"+
		"[profile dev ops]\n[profile 'dev ops']\nsso_account_id = 1\nsso_role_name = r\n[profile keys]\naws_access_key_id = A\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	expired := &proxy.Refused{Code: "ExpiredTokenException"}
	for profile, want := range map[string]string{
		"":        "the credentials have expired: get new ones with \"aws login\"",
		"dev ops": "the credentials have expired: get new ones with \"aws sso login --profile 'dev ops'\"",
		"keys":    "the credentials have expired: get new ones",
	} {
		p := &env.Process{Environ: []string{"HOME=" + t.TempDir(), "AWS_CONFIG_FILE=" + config}, Asked: env.Asked{Profile: profile}}
		if got := Advice(p, expired); got != want {
			t.Errorf("%q: %q, want %q", profile, got, want)
		}
	}
}

//go:build unix

package plugin_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ssmguard/internal/sandbox/gateway"
	"ssmguard/proxy"
	"ssmguard/proxy/plugin"
)

func TestExternalIsProbed(t *testing.T) {
	const good = "#!/bin/sh\necho 1.2.707.0\n"
	type want struct {
		is     error
		text   string
		stderr string
	}
	for name, tc := range map[string]struct {
		file string
		want want
	}{
		"good":           {script(t, 0o755, good), want{}},
		"missing":        {filepath.Join(t.TempDir(), "none"), want{is: plugin.ErrNotFound}},
		"directory":      {t.TempDir(), want{is: syscall.EACCES}},
		"not executable": {script(t, 0o644, good), want{is: fs.ErrPermission, text: "cannot be run: "}},
		"no program":     {script(t, 0o755, "echo 1.2.707.0"), want{is: syscall.ENOEXEC, text: "exec format error"}},
		"no interpreter": {script(t, 0o755, "#!/nope/sh\n"), want{is: plugin.ErrNotFound}},
		"old":            {script(t, 0o755, "#!/bin/sh\necho 1.2.497.0\n"), want{text: "arguments only; update it above 1.2.497.0, or use --plugin embedded"}},
		"failing": {script(t, 0o755, "#!/bin/sh\necho oops >&2; exit 1\n"),
			want{text: "Command '['session-manager-plugin', '--version']' returned non-zero exit status 1.", stderr: "oops\n"}},
		"talking": {script(t, 0o755, "#!/bin/sh\necho warn >&2; echo 2\n"), want{stderr: "warn\n"}},
	} {
		var stderr bytes.Buffer
		r, err := plugin.External(t.Context(), tc.file, nil, &stderr)
		switch {
		case tc.want.is == nil && tc.want.text == "":
			if err != nil || r == nil {
				t.Errorf("%s: %v", name, err)
			}
		case tc.want.is != nil && !errors.Is(err, tc.want.is), err == nil || !strings.Contains(err.Error(), tc.want.text):
			t.Errorf("%s: %v", name, err)
		}
		if stderr.String() != tc.want.stderr {
			t.Errorf("%s: stderr %q", name, &stderr)
		}
	}
}

func TestExternalIsSearched(t *testing.T) {
	const good = "#!/bin/sh\necho 1.2.707.0\n"
	none := t.TempDir()
	dir := func(mode os.FileMode, text string) string { return filepath.Dir(script(t, mode, text)) }
	isDir := t.TempDir()
	os.Mkdir(filepath.Join(isDir, plugin.Name), 0o755)
	t.Chdir(dir(0o755, good))
	for name, tc := range map[string]struct {
		path string
		ok   bool
	}{
		"found":               {none + ":" + dir(0o755, good), true},
		"after no executable": {dir(0o644, "x") + ":" + dir(0o755, good), true},
		"after a directory":   {isDir + ":" + dir(0o755, good), true},
		"after no program":    {dir(0o755, "x") + ":" + dir(0o755, good), true},
		"empty element":       {":" + none, true},
		"current directory":   {none, false},
	} {
		_, err := plugin.External(t.Context(), plugin.Name, []string{"PATH=" + tc.path}, nil)
		if (err == nil) != tc.ok || err != nil && !errors.Is(err, plugin.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What an external plugin gets is what it gets from the AWS CLI.
func TestExternalCall(t *testing.T) {
	st := newStage(t)
	dump := filepath.Join(t.TempDir(), "dump")
	file := script(t, 0o755, `
#!/bin/sh
[ "$1" = --version ] && { echo 1.2.707.0; exit; }
{ tr '\0' '\n' </proc/$$/cmdline; echo "response $AWS_SSM_START_SESSION_RESPONSE"; echo "key $AWS_ACCESS_KEY_ID"
env | grep -v ^`+racesVariable+`= | grep -c SSMGUARD_; while read -r line; do case $line in SigBlk*|SigIgn*) echo "$line";; esac; done </proc/$$/status; find /proc/$$/fd -lname 'pipe:*' -name '[3-9]'; } >`+dump+`
cat; echo out; echo err >&2; exit 3
`)
	o, _ := st.start(gateway.SessionConfig{Kind: gateway.Shell})
	o.External, o.Spec.Profile, o.Spec.Request = file, "dev", `{"Target": "i-0123", "Reason": "\u00e9"}`
	d := st.run(o)
	d.say("typed\n")
	d.in.Close()
	want := "*plugin.ExitError Command '['session-manager-plugin', 'AWS_SSM_START_SESSION_RESPONSE', 'eu-west-1', 'StartSession', 'dev', " +
		`'{"Target": "i-0123", "Reason": "\u00e9"}', '` + st.api.URL + "']' returned non-zero exit status 3."
	if got := resultOf(d); got != want {
		t.Errorf("result %s\nwant   %s", got, want)
	}
	if d.cmd.ProcessState.ExitCode() != 3 || d.out.String() != "typed\nout\n" || !strings.HasPrefix(d.err.String(), "err\n") {
		t.Errorf("exit status %d, stdout %q, stderr %q", d.cmd.ProcessState.ExitCode(), d.out, d.err)
	}
	text, err := os.ReadFile(dump)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	const session = 1<<(syscall.SIGINT-1) | 1<<(syscall.SIGQUIT-1) | 1<<(syscall.SIGTSTP-1)
	wantLines := []string{"/bin/sh", file, "AWS_SSM_START_SESSION_RESPONSE", "eu-west-1", "StartSession", "dev", o.Spec.Request, st.api.URL,
		fmt.Sprintf(`response {"SessionId": %q, "TokenValue": %q, "StreamUrl": %q}`, o.ID, o.Token, o.StreamURL),
		"key AKIDSTALE", "0", fmt.Sprintf("SigBlk:\t%016x", 0), fmt.Sprintf("SigIgn:\t%016x", session)} // and no pipe beside the standard streams
	if diff := cmp.Diff(wantLines, lines); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"TerminateSession " + accessKey}, st.called()); diff != "" {
		t.Errorf("a failed plugin leaves the session: %s", diff)
	}
}

// The trusted certificates are given to an external plugin by the variables that it knows.
func TestExternalCertificates(t *testing.T) {
	st := newStage(t)
	o, _ := st.start(gateway.SessionConfig{Kind: gateway.Shell})
	o.External = script(t, 0o755, "#!/bin/sh\n[ \"$1\" = --version ] && { echo 2; exit; }\necho $AWS_CA_BUNDLE $SSL_CERT_FILE\n")
	o.CABundle = "/etc/corp.pem"
	d := st.run(o)
	if d.wait(); d.out.String() != "/etc/corp.pem /etc/corp.pem\n" {
		t.Errorf("stdout %q, stderr %q", d.out, d.err)
	}
}

// An external plugin that ends well is believed, but for ssh, whose normal end
// leaves the session running.
func TestExternalEnd(t *testing.T) {
	file := script(t, 0o755, "#!/bin/sh\n[ \"$1\" = --version ] && echo 2\nexit 0\n")
	for document, calls := range map[string][]string{"": nil, "AWS-StartSSHSession": {"TerminateSession " + accessKey}} {
		st := newStage(t)
		o, _ := st.start(gateway.SessionConfig{Kind: gateway.Shell})
		o.External, o.Spec.Document = file, document
		if got := resultOf(st.run(o)); got != "well" {
			t.Error(got)
		}
		if diff := cmp.Diff(calls, st.called()); diff != "" {
			t.Errorf("%q: %s", document, diff)
		}
	}
}

func TestExternalReadiness(t *testing.T) {
	st := newStage(t)
	file := script(t, 0o755, `
#!/bin/sh
[ "$1" = --version ] && { echo 2; exit; }
printf 'Port 123 ope'; printf 'ned for sessionId x.'; printf '\nWaiting for connections...\n'; read x
`)
	o, _ := st.start(gateway.SessionConfig{Kind: gateway.Shell})
	r, err := plugin.External(t.Context(), file, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	var said bytes.Buffer
	ready := make(chan struct{})
	go func() { <-ready; out.Close() }()
	err = r.Run(t.Context(), &proxy.Session{ID: o.ID}, proxy.Streams{In: in, Out: &said}, func() { close(ready) })
	var exit *plugin.ExitError
	if err != nil && !errors.As(err, &exit) || said.String() != "Port 123 opened for sessionId x.\nWaiting for connections...\n" {
		t.Errorf("%v, said %q", err, &said)
	}
}

// Where nobody asks for readiness the plugin has the caller's own stdout, so that it
// is the plugin that learns when nobody reads it any more.
func TestExternalStdout(t *testing.T) {
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	file := script(t, 0o755, "#!/bin/sh\n[ \"$1\" = --version ] && { echo 2; exit; }\n[ /dev/fd/1 -ef "+out.Name()+" ]\n")
	r, err := plugin.External(t.Context(), file, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Run(t.Context(), &proxy.Session{ID: "ann-1"}, proxy.Streams{Out: out}, nil); err != nil {
		t.Errorf("stdout is another file: %v", err)
	}
}

// What cannot be terminated is named, so that it can be by hand.
func TestLeftRunning(t *testing.T) {
	st := newStage(t)
	st.refuse("TerminateSession")
	o, _ := st.start(gateway.SessionConfig{Kind: gateway.Shell})
	o.External = script(t, 0o755, "#!/bin/sh\n[ \"$1\" = --version ] && { echo 2; exit; }\nexit 4\n")
	got := resultOf(st.run(o))
	if !strings.Contains(got, "exit status 4.") || !strings.Contains(got, "session "+o.ID+" may still be running: An error occurred (AccessDeniedException)") {
		t.Error(got)
	}
}

// resultOf is what a driver says about its result.
func resultOf(d *driver) string {
	d.wait()
	_, result, _ := strings.Cut(d.err.String(), "result: ")
	return strings.TrimSpace(result)
}

// script writes an external plugin and returns its path.
func script(t *testing.T, mode os.FileMode, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "session-manager-plugin")
	if err := os.WriteFile(file, bytes.TrimLeft([]byte(text), "\n"), mode); err != nil {
		t.Fatal(err)
	}
	return file
}

//go:build unix

package plugin_test

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ssmguard/internal/sandbox/gateway"
)

// dropIn is the plugin as the AWS CLI or anybody else calls it.
func (st *stage) dropIn(args ...string) *driver {
	st.t.Helper()
	cmd := st.command(order{})
	cmd.Args = append([]string{"/usr/local/bin/session-manager-plugin"}, args...)
	cmd.Env = append(cmd.Env[1:], unraced())
	d := &driver{t: st.t, cmd: cmd, out: newSpoken(), err: newSpoken(), ended: make(chan struct{})}
	in, err := cmd.StdinPipe()
	if err != nil {
		st.t.Fatal(err)
	}
	d.in = in
	cmd.Stdout, cmd.Stderr = d.out, d.err
	if err := cmd.Start(); err != nil {
		st.t.Fatal(err)
	}
	d.watch(func() { d.result = cmd.Wait() })
	return d
}

func TestDropInTalk(t *testing.T) {
	st := newStage(t)
	for want, args := range map[string][]string{
		"\nThe Session Manager plugin was installed successfully. Use the AWS CLI to start a session.\n\n": {},
		"1.2.804.0\n": {"--version"},
		"\nUnknown operation frob. \nUse session-manager-plugin --version to check the version.\n\n": {"frob"},
		"Invalid Operation": {"{}", "eu-west-1", "StopSession", "", `{"Target": "i-1"}`, ""},
		"Cannot perform start session: unexpected end of JSON input\n":                       {"", "eu-west-1", "StartSession", "", "{}", ""},
		"Cannot perform start session: the StartSession response is not what it should be\n": {`["secret"]`, "eu-west-1", "StartSession", "", "{}", ""},
		"Cannot perform start session: the StartSession response has no TokenValue\n":        {`{"SessionId": "a", "StreamUrl": "b"}`, "eu-west-1", "StartSession", "", "{}", ""},
	} {
		d := st.dropIn(args...)
		if code := d.wait(); code != 0 || d.out.String() != want || d.err.String() != "" {
			t.Errorf("%q: exit status %d, stdout %q, stderr %q", args, code, d.out, d.err)
		}
	}
}

// Every form in which callers hand a response over.
func TestDropInForms(t *testing.T) {
	for name, form := range map[string]func(o order) []string{
		"aws cli": func(o order) []string {
			return []string{inline("SessionId", "TokenValue", "StreamUrl", o), "eu-west-1", "StartSession", "", `{"Target": "i-0123"}`, o.Spec.Endpoint}
		},
		"ecs": func(o order) []string {
			return []string{inline("sessionId", "tokenValue", "streamUrl", o), "eu-west-1", "StartSession", "", `{"Target": "ecs:c_t_r"}`, o.Spec.Endpoint}
		},
		"legacy": func(o order) []string {
			return []string{inline("SessionId", "TokenValue", "StreamUrl", o), "eu-west-1", "StartSession"}
		},
		"no target": func(o order) []string {
			return []string{inline("SessionId", "TokenValue", "StreamUrl", o), "eu-west-1", "StartSession", "", "{}"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			st := newStage(t)
			o, s := st.start(gateway.SessionConfig{Kind: gateway.InteractiveCommands, Properties: gateway.Properties{
				Linux: &gateway.Commands{Commands: "echo sum=$((20+22))"}}})
			d := st.dropIn(form(o)...)
			if code := d.wait(); code != 0 || d.err.String() != "" {
				t.Errorf("exit status %d, stderr %q", code, d.err)
			}
			want := fmt.Sprintf("\nStarting session with SessionId: %s\nsum=42\r\n\n\nExiting session with sessionId: %s.\n\n", o.ID, o.ID)
			if diff := cmp.Diff(want, d.out.String()); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff([]gateway.Connect{{Signed: true, AccessKey: "AKIDSTALE"}}, awaitEnd(t, s).Connects); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestDropInTrusts: what the AWS CLI passes on may lead elsewhere, or be in the clear. Then the
// session is ended, and nothing is sent there.
func TestDropInTrusts(t *testing.T) {
	for name, tc := range map[string]struct {
		endpoint    func(*stage) string
		stream, why string
		ended       bool // its end can be asked for
	}{
		"elsewhere":    {func(st *stage) string { return st.api.URL }, "ws://10.0.0.7:9/v1", `"10.0.0.7"`, true},
		"in the clear": {func(*stage) string { return "https://127.0.0.1:1" }, "ws://127.0.0.1:9/v1", "without TLS", false},
		"no endpoint":  {func(*stage) string { return "" }, "wss://gateway.example/v1", `"gateway.example"`, true},
	} {
		t.Run(name, func(t *testing.T) {
			st := newStage(t)
			o := order{ID: "ann-1", StreamURL: tc.stream, Token: "hush"}
			d := st.dropIn(inline("SessionId", "TokenValue", "StreamUrl", o), "eu-west-1", "StartSession", "", `{"Target": "i-0123"}`, tc.endpoint(st))
			code := d.wait()
			text := d.err.String()
			if code != 0 || d.out.String() != "" || !strings.Contains(text, tc.why) || strings.Count(text, "\n") != 1 || strings.Contains(text, "hush") {
				t.Errorf("exit status %d, stdout %q, stderr %q", code, d.out, text)
			}
			if tc.ended {
				if diff := cmp.Diff([]string{"TerminateSession AKIDSTALE"}, st.called()); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

func inline(id, token, url string, o order) string {
	return fmt.Sprintf(`{%q: %q, %q: %q, %q: %q}`, id, o.ID, token, o.Token, url, o.StreamURL)
}

// Called by others, the plugin's exit status is what it always was, but it does
// not hang and leaves nothing behind. It is 0 for every end where the token is in the
// arguments, which the AWS CLI prints if its plugin fails.
func TestDropInEnds(t *testing.T) {
	for name, tc := range map[string]struct {
		before, after func(*stage, *gateway.Session, *driver)
		code          int
		err           string
		calls         []string
	}{
		"idle": {after: func(_ *stage, s *gateway.Session, _ *driver) { s.Finish("idle") }},
		"refused": {before: func(_ *stage, s *gateway.Session, _ *driver) { s.RefuseConnects(100) }, code: 1,
			err: "ssmguard: cannot connect to the session: websocket: bad handshake\n"},
		"lost": {after: func(st *stage, s *gateway.Session, _ *driver) { st.refuse("ResumeSession"); s.Cut(gateway.CutFrame) }, code: 1,
			err: "ssmguard: the connection was lost (websocket: close 1001 (going away)) and the session could not be resumed: An error occurred (AccessDeniedException) when calling the ResumeSession operation: no\n"},
		"terminated": {after: func(_ *stage, _ *gateway.Session, d *driver) { d.cmd.Process.Signal(syscall.SIGTERM) }, code: 143,
			calls: []string{"TerminateSession AKIDSTALE"}},
	} {
		for form, code := range map[string]int{"inline": 0, "in a variable": tc.code} {
			t.Run(name+" "+form, func(t *testing.T) {
				t.Parallel()
				st := newStage(t)
				o, s := st.start(gateway.SessionConfig{Kind: gateway.Shell})
				if tc.before != nil {
					tc.before(st, s, nil)
				}
				response := inline("SessionId", "TokenValue", "StreamUrl", o)
				if form != "inline" {
					st.environ = append(st.environ, "AWS_SSM_START_SESSION_RESPONSE_1="+response)
					response = "AWS_SSM_START_SESSION_RESPONSE_1"
				}
				d := st.dropIn(response, "eu-west-1", "StartSession", "", "{}", st.api.URL)
				if tc.after != nil {
					d.await(d.out, "$ ")
					tc.after(st, s, d)
				}
				if got := d.wait(); got != code || d.err.String() != tc.err {
					t.Errorf("exit status %d, stderr %q", got, d.err)
				}
				if tc.calls != nil {
					if diff := cmp.Diff(tc.calls, st.called()); diff != "" {
						t.Error(diff)
					}
					awaitEnd(t, s)
				}
			})
		}
	}
}

// A profile in the arguments has its own credentials for other callers; ours
// hands over the ones that were checked.
func TestProfile(t *testing.T) {
	st := newStage(t)
	os.Mkdir(filepath.Join(st.home, ".aws"), 0o700)
	file := "[other]\naws_access_key_id = AKIDOTHER\naws_secret_access_key = x\n"
	if err := os.WriteFile(filepath.Join(st.home, ".aws", "credentials"), []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	config := gateway.SessionConfig{Kind: gateway.InteractiveCommands, Properties: gateway.Properties{Linux: &gateway.Commands{Commands: "echo hello"}}}
	o, other := st.start(config)
	st.dropIn(inline("SessionId", "TokenValue", "StreamUrl", o), "eu-west-1", "StartSession", "other", "{}", "").wait()
	o, ours := st.start(config)
	o.Spec.Profile = "other"
	st.run(o).wait()
	got := []gateway.Connect{awaitEnd(t, other).Connects[0], awaitEnd(t, ours).Connects[0]}
	if diff := cmp.Diff([]gateway.Connect{{Signed: true, AccessKey: "AKIDOTHER"}, {Signed: true, AccessKey: accessKey}}, got); diff != "" {
		t.Error(diff)
	}
}

// The embedded plugin writes what the official program writes, byte for byte.
func TestSameOutputAsOfficial(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the official plugin")
	}
	official := filepath.Join(t.TempDir(), "session-manager-plugin")
	build := exec.Command("go", "build", "-o", official, "github.com/aws/session-manager-plugin/src/sessionmanagerplugin-main")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	st := newStage(t)
	for name, config := range map[string]gateway.SessionConfig{
		"interactive": {Kind: gateway.InteractiveCommands, Properties: gateway.Properties{Linux: &gateway.Commands{Commands: "printf 'one\\ntwo'"}}},
		"separate":    {Kind: gateway.NonInteractiveCommands, CustomerMessage: "hello", Properties: gateway.Properties{Linux: &gateway.Commands{Commands: "echo one; exit 3", SeparateOutputStream: true}}},
		"failing":     {Kind: gateway.NonInteractiveCommands},
		"encrypted":   {Kind: gateway.NonInteractiveCommands, KMSKeyID: "k", Properties: gateway.Properties{Linux: &gateway.Commands{Commands: "echo one"}}},
		"far closed":  {Kind: gateway.Port, Properties: gateway.Properties{PortNumber: closedPort(t)}},
	} {
		var outputs [2]string
		for i, path := range []string{"", official} {
			o, _ := st.start(config)
			o.External = path
			d := st.run(o)
			d.wait()
			outputs[i] = strings.ReplaceAll(d.out.String(), o.ID, "ID")
		}
		if diff := cmp.Diff(outputs[1], outputs[0]); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestDropInIsLed: in the place of the AWS CLI's plugin, too, the data channel is opened at the
// endpoint that is configured for data channels, whatever host AWS has named.
func TestDropInIsLed(t *testing.T) {
	for name, configure := range map[string]func(st *stage, endpoint string){
		"a variable": func(st *stage, endpoint string) {
			st.environ = append(st.environ, "AWS_ENDPOINT_URL_SSMMESSAGES="+endpoint)
		},
		"the profile": func(st *stage, endpoint string) {
			file := filepath.Join(st.home, "lead")
			if err := os.WriteFile(file, []byte("[default]\nservices = s\n[services s]\nssmmessages =\n  endpoint_url = "+endpoint+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			st.environ = append(st.environ, "AWS_CONFIG_FILE="+file)
		},
	} {
		t.Run(name, func(t *testing.T) {
			st := newStage(t)
			o, _ := st.start(gateway.SessionConfig{Kind: gateway.InteractiveCommands, Properties: gateway.Properties{
				Linux: &gateway.Commands{Commands: "echo sum=$((20+22))"}}})
			real, err := url.Parse(o.StreamURL)
			if err != nil {
				t.Fatal(err)
			}
			configure(st, "http://"+real.Host)
			real.Host = "127.0.0.1:1" // where nobody answers
			o.StreamURL = real.String()
			d := st.dropIn(inline("SessionId", "TokenValue", "StreamUrl", o), "eu-west-1", "StartSession", "", `{"Target": "i-0123"}`, o.Spec.Endpoint)
			if code := d.wait(); code != 0 || !strings.Contains(d.out.String(), "sum=42") || d.err.String() != "" {
				t.Errorf("exit status %d, stdout %q, stderr %q", code, d.out, d.err)
			}
		})
	}
}

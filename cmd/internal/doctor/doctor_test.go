package doctor

import (
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"ssmguard/cmd/internal/ask"
	"ssmguard/cmd/internal/awscli"
	"ssmguard/cmd/internal/awsconf"
	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/report"
)

func TestClock(t *testing.T) {
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		theirs time.Time
		want   report.Level
	}{
		{now, report.OK},
		{now.Add(-20 * time.Second), report.OK},
		{now.Add(time.Minute), report.Warn},
		{now.Add(-6 * time.Minute), report.Warn},
		{now.Add(time.Hour), report.Warn},
		{time.Time{}, report.Warn},
	}
	for _, tt := range tests {
		if got := clock(tt.theirs, now); got.Level != tt.want || got.Text == "" || (got.Do != "") != (got.Level == report.Warn && !tt.theirs.IsZero()) {
			t.Errorf("clock at %s: %+v, want %s", tt.theirs, got, tt.want)
		}
	}
}

// TestNoIdentity: the doctor gives the reason why there are no credentials, as a
// session does, whenever it is found, and advice that fits it.
func TestNoIdentity(t *testing.T) {
	says := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, `{"Message":"no role in this region"}`) //nolint:errcheck // the client reads it
	}))
	defer says.Close()
	home := t.TempDir()
	config := filepath.Join(home, "config")
	const profiles = "[profile half]\naws_access_key_id = A\naws_secret_access_key =\n" +
		"[profile sso]\nsso_start_url = https://corp.example/start\nsso_region = us-east-1\nsso_account_id = 1\nsso_role_name = r\n"
	if err := os.WriteFile(config, []byte(profiles), 0o600); err != nil {
		t.Fatal(err)
	}
	const where, get = `see "aws configure list" for where the credentials come from`, `run "aws configure", "aws login" or "aws sso login", or name a profile with --profile`
	for _, tt := range []struct {
		env      map[string]string
		text, do string
	}{
		{map[string]string{"AWS_PROFILE": "half"}, "Partial credentials found in config-file, missing: aws_secret_access_key", where},
		{map[string]string{"AWS_PROFILE": "sso"}, "Error loading SSO Token: Token for https://corp.example/start does not exist", where},
		{map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": says.URL},
			"Error when retrieving credentials from container-role: Error retrieving metadata: the answer has no AccessKeyId; it says 'no role in this region'", where},
		{map[string]string{"AWS_EC2_METADATA_DISABLED": "", "AWS_EC2_METADATA_SERVICE_ENDPOINT": says.URL},
			`Unable to locate credentials. You can configure credentials by running "aws login". (the instance: the answer has no AccessKeyId; it says 'no role in this region')`, get},
	} {
		environ := map[string]string{"HOME": home, "AWS_CONFIG_FILE": config, "AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true"}
		maps.Copy(environ, tt.env)
		d := &doctor{Line: &ask.Line{Process: &env.Process{}, Call: &awscli.Invocation{}}}
		d.conf, d.fault = awsconf.Load(t.Context(), awsconf.Options{
			Files: awsconf.Read(func(k string) (string, bool) { v, ok := environ[k]; return v, ok }, os.ReadFile)})
		var fails []report.Check
		for _, c := range append(d.identity(t.Context()), d.region(t.Context())...) {
			if c.Level == report.Fail {
				fails = append(fails, c)
			}
		}
		want := []report.Check{{Level: report.Fail, Name: "identity", Text: tt.text, Do: tt.do}}
		if !slices.Equal(fails, want) {
			t.Errorf("%v: %+v\nwant %+v", tt.env, fails, want)
		}
	}
}

func TestMessagesEndpoint(t *testing.T) {
	tests := map[string]string{
		"https://ssm.us-east-1.amazonaws.com":      "https://ssmmessages.us-east-1.amazonaws.com",
		"https://ssm-fips.us-east-1.amazonaws.com": "https://ssmmessages-fips.us-east-1.amazonaws.com",
		"https://ssm.cn-north-1.amazonaws.com.cn":  "https://ssmmessages.cn-north-1.amazonaws.com.cn",
		"https://ssm.us-east-1.api.aws":            "https://ssmmessages.us-east-1.api.aws",
		"http://127.0.0.1:8080":                    "",
		"https://vpce-1.ssm.example.com":           "",
	}
	for in, want := range tests {
		if got := messagesEndpoint(in); got != want {
			t.Errorf("messagesEndpoint(%s) = %q, want %q", in, got, want)
		}
	}
}

func TestProxyPasswordIsNotShown(t *testing.T) {
	for in, want := range map[string]string{
		"http://me:secret@proxy:3128": "http://me:xxxxx@proxy:3128",
		"http://me:se%c@t@proxy:3128": "http://me:xxxxx@proxy:3128",
		"me:secret@proxy:3128":        "me:xxxxx@proxy:3128",
		"http://me@proxy:3128":        "http://me@proxy:3128",
		"http://proxy:3128":           "http://proxy:3128",
		"localhost,.internal":         "localhost,.internal",
	} {
		if got := withoutPassword(in); got != want {
			t.Errorf("%s is shown as %s, want %s", in, got, want)
		}
	}
}

// TestConfiguredMessages: an endpoint that is configured for data channels is told, and tried.
func TestConfiguredMessages(t *testing.T) {
	messages := httptest.NewServer(http.NotFoundHandler())
	ssm := httptest.NewServer(http.NotFoundHandler())
	defer ssm.Close()
	environ := map[string]string{"HOME": t.TempDir(), "AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_ENDPOINT_URL_SSM": ssm.URL, "AWS_ENDPOINT_URL_SSMMESSAGES": messages.URL}
	look := func() report.Check {
		d := &doctor{Line: &ask.Line{Process: &env.Process{}, Call: &awscli.Invocation{}}, now: time.Now}
		d.conf, d.fault = awsconf.Load(t.Context(), awsconf.Options{Globals: awscli.DefaultGlobals(),
			Files: awsconf.Read(func(k string) (string, bool) { v, ok := environ[k]; return v, ok }, os.ReadFile)})
		checks := d.endpoints(t.Context())
		return checks[len(checks)-1]
	}
	if want := (report.Check{Level: report.OK, Name: "endpoint", Text: messages.URL + " (configured for data channels)"}); look() != want {
		t.Errorf("%+v, want %+v", look(), want)
	}
	messages.Close()
	if c := look(); c.Level != report.Fail || !strings.HasPrefix(c.Text, messages.URL+": ") {
		t.Errorf("closed: %+v", c)
	}
}

// TestToldOneByOne: what was found is told while later checks are under way, in their order.
func TestToldOneByOne(t *testing.T) {
	d := &doctor{Line: &ask.Line{Process: env.NewProcess(strings.NewReader(""), io.Discard, io.Discard)}}
	told := make(chan string, 2)
	check := func(name string) []report.Check { return []report.Check{{Level: report.OK, Name: name}} }
	var waited string
	checks, err := d.look(t.Context(), []checkup{
		{"the first", func(*doctor, context.Context) []report.Check { return check("first") }},
		{"the second", func(*doctor, context.Context) []report.Check { waited = <-told; return check("second") }},
	}, func(found []report.Check) error { told <- found[0].Name; return nil })
	if err != nil || waited != "first" || len(checks) != 2 || checks[1].Name != "second" {
		t.Errorf("the second check heard of %q; %+v, %v", waited, checks, err)
	}
	full := errors.New("disk full")
	checks, err = d.look(t.Context(), []checkup{
		{"one", func(*doctor, context.Context) []report.Check { return check("one") }},
		{"two", func(*doctor, context.Context) []report.Check { return check("two") }},
	}, func([]report.Check) error { return full })
	if !errors.Is(err, full) || len(checks) != 2 {
		t.Errorf("%+v, %v", checks, err)
	}
}

// noHost is a client for which no name of a host is known.
type noHost struct{}

func (noHost) Do(r *http.Request) (*http.Response, error) {
	return nil, &url.Error{Op: "Get", URL: r.URL.String(), Err: &net.DNSError{Err: "no such host", Name: r.URL.Hostname(), IsNotFound: true}}
}

// TestMisspeltRegion: a region is called missing after its endpoint was looked up, and then
// nothing else is.
func TestMisspeltRegion(t *testing.T) {
	for region, want := range map[string]report.Check{
		"us-esat-1":     {Level: report.Fail, Name: "region", Text: "us-esat-1: AWS has no endpoint of this name", Do: "there is no region us-esat-1; did you mean us-east-1?"},
		"us-east-1":     {Level: report.OK, Name: "region", Text: "us-east-1"},
		"us-iso-east-1": {Level: report.OK, Name: "region", Text: "us-iso-east-1"},
	} {
		d := &doctor{now: time.Now, conf: &awsconf.Session{Region: region, Endpoint: "https://ssm." + region + ".amazonaws.com"}}
		d.conf.SSM.HTTPClient = noHost{}
		if got := d.region(t.Context()); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %+v, want %+v", region, got, want)
		}
		do := d.endpoints(t.Context())[0].Do
		if wrong := want.Level == report.Fail; wrong != (do == "correct the region") || do == "" {
			t.Errorf("%s: endpoint: %q", region, do)
		}
	}
}

// A signal ends the checks with itself; what a check says after it is no finding.
func TestInterrupted(t *testing.T) {
	ctx, interrupt := context.WithCancelCause(t.Context())
	var told []report.Check
	d := &doctor{Line: &ask.Line{Process: env.NewProcess(strings.NewReader(""), io.Discard, io.Discard)}}
	checks, err := d.look(ctx, []checkup{
		{"first", func(*doctor, context.Context) []report.Check { return []report.Check{{Name: "first"}} }},
		{"second", func(_ *doctor, ctx context.Context) []report.Check {
			<-ctx.Done()
			return []report.Check{{Name: "second", Text: ctx.Err().Error()}}
		}},
	}, func(found []report.Check) error {
		told = append(told, found...)
		interrupt(env.Signalled{Signal: syscall.SIGINT})
		return nil
	})
	if want := (env.Signalled{Signal: syscall.SIGINT}); err != want || len(checks) != 1 || len(told) != 1 {
		t.Errorf("checks %+v, told %+v, error %v; want the first check and %v", checks, told, err, want)
	}
}

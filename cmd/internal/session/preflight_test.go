package session

import (
	"net"
	"strings"
	"testing"

	"ssmguard/cmd/internal/exit"
	"ssmguard/proxy"
)

func TestCheckLocalPort(t *testing.T) {
	l, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, taken, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name       string
		parameters map[string][]string
		want       string // part of the error, "" for none
		code       int
	}{
		{"none", nil, "", exit.OK},
		{"empty", map[string][]string{"localPortNumber": {}}, "", exit.OK},
		{"any", map[string][]string{"localPortNumber": {"0"}}, "", exit.OK},
		{"taken", map[string][]string{"localPortNumber": {taken}}, "local port " + taken + " is in use", exit.Other},
		{"no number", map[string][]string{"localPortNumber": {"eighty"}}, `"eighty" is not a port number`, exit.Usage},
		{"too big", map[string][]string{"localPortNumber": {"70000"}}, `"70000" is not a port number`, exit.Usage},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := checkLocalPort(tt.parameters)
			if code := exit.Code(err); code != tt.code {
				t.Errorf("code %d, want %d", code, tt.code)
			}
			if tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

// TestWarnOfOthers: others who are logged in are named where the plugin opens a port, and are
// not looked for elsewhere.
func TestWarnOfOthers(t *testing.T) {
	const forward = "AWS-StartPortForwardingSession"
	for _, tt := range []struct {
		document, parameter string
		others              []string
		want                string // who is told of
	}{
		{forward, "portNumber", nil, ""},
		{forward, "portNumber", []string{"ann"}, "ann is"},
		{"arn:aws:ssm:us-east-1::document/" + forward, "portNumber", []string{"ann"}, "ann is"},
		{forward + "ToRemoteHost", "host", []string{"ann", "bob"}, "ann, bob are"},
		{forward, "portNumber", []string{"ann", "bob", "cyd", "dan", "eve"}, "ann, bob, cyd, 2 more are"},
		{forward, "localUnixSocket", []string{"ann"}, ""},
		{"AWS-StartSSHSession", "portNumber", []string{"ann"}, ""},
		{"", "", []string{"ann"}, ""},
		{"Corp-Database", "localPortNumber", []string{"ann"}, "ann is"},
		{"Corp-Shell", "reason", []string{"ann"}, ""},
		{forward, "portNumber", []string{"a\x1b[2J\n::b"}, `a\x1b[2J ::b is`},
	} {
		var said strings.Builder
		warnOfOthers(&said, proxy.Spec{Document: tt.document, Parameters: map[string][]string{tt.parameter: {"1"}}}, func() []string { return tt.others })
		want := ""
		if tt.want != "" {
			want = "ssmguard: warning: the port is open to every user of this machine, and " + tt.want + " logged in; --engine native keeps it for you and root\n"
		}
		if said.String() != want {
			t.Errorf("%s, %s: %q, want %q", tt.document, tt.parameter, said.String(), want)
		}
	}
}

// TestWarnOfHost: a remote host that newer agents refuse is warned of, and nothing else.
func TestWarnOfHost(t *testing.T) {
	const remote = "AWS-StartPortForwardingSessionToRemoteHost"
	const loopback = "agents from 3.3.4851.0 on forward to no loopback address as a remote host"
	for _, tt := range []struct{ document, host, want string }{
		{remote, "db.internal", ""},
		{"AWS-StartPortForwardingSession", "localhost", ""},
		{remote, "localhost", "ssmguard: warning: host=localhost: " + loopback +
			"; for a port of the target itself use --document-name AWS-StartPortForwardingSession, without host\n"},
		{"arn:aws:ssm:us-east-1::document/" + remote, "127.0.0.2", "ssmguard: warning: host=127.0.0.2: " + loopback + "\n"},
		{remote, "169.254.170.2", "ssmguard: warning: host=169.254.170.2: agents do not forward to the address where instances, tasks and pods get their credentials\n"},
	} {
		var said strings.Builder
		warnOfHost(&said, proxy.Spec{Document: tt.document, Parameters: map[string][]string{"host": {tt.host}}})
		if said.String() != tt.want {
			t.Errorf("%s: %q, want %q", tt.host, said.String(), tt.want)
		}
	}
}

// Input that the plugin does not read on Windows is told of.
func TestWarnOfPipe(t *testing.T) {
	for _, test := range []struct {
		system   string
		terminal bool
		spec     proxy.Spec
		want     bool
	}{
		{"windows", false, proxy.Spec{}, true},
		{"windows", false, proxy.Spec{Document: "arn:aws:ssm:eu-west-1::document/AWS-StartInteractiveCommand"}, true},
		{"windows", true, proxy.Spec{}, false},
		{"linux", false, proxy.Spec{}, false},
		{"windows", false, proxy.Spec{Document: "AWS-StartSSHSession"}, false},
		{"windows", false, proxy.Spec{Document: "AWS-StartPortForwardingSession"}, false},
	} {
		var said strings.Builder
		warnOfPipe(test.system, &said, test.spec, test.terminal)
		if got := strings.Contains(said.String(), "--engine native reads what is piped"); got != test.want {
			t.Errorf("%+v: %q", test, &said)
		}
	}
}

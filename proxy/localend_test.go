package proxy

import (
	"errors"
	"strings"
	"testing"
)

func TestLocalEnd(t *testing.T) {
	with := func(pairs ...string) map[string][]string {
		p := make(map[string][]string)
		for i := 0; i < len(pairs); i += 2 {
			p[pairs[i]] = []string{pairs[i+1]}
		}
		return p
	}
	const forward, toHost, toSocket = "AWS-StartPortForwardingSession", "AWS-StartPortForwardingSessionToRemoteHost", "AWS-StartPortForwardingSessionToSocket"
	for _, tc := range []struct {
		name         string
		spec         Spec
		port, socket string
		want         string // "no": refused
	}{
		{"a shell", Spec{}, "0", "", "no"},
		{"the account's shell", Spec{Document: "SSM-SessionManagerRunShell"}, "5432", "", "no"},
		{"a shell's socket", Spec{}, "", "/home/u/.ssh/agent", "no"},
		{"a command", Spec{Document: "AWS-StartInteractiveCommand", Parameters: with("command", "top")}, "5432", "", "no"},
		{"a command with words of a port", Spec{Document: "AWS-StartInteractiveCommand", Parameters: with("localPortNumber", "1")}, "1", "", "no"},
		{"ssh", Spec{Document: "AWS-StartSSHSession", Parameters: with("portNumber", "22")}, "22", "", "no"},
		{"a task", Spec{Target: "ecs:c_t_r"}, "5432", "", "no"},
		{"a port", Spec{Document: forward, Parameters: with("portNumber", "80", "localPortNumber", "8080")}, "8080", "", "8080"},
		{"by its ARN", Spec{Document: "arn:aws:ssm:us-east-1::document/" + forward, Parameters: with("localPortNumber", "8080")}, "8080", "", "8080"},
		{"any port", Spec{Document: toHost, Parameters: with("host", "db")}, "0", "", "0"},
		{"any port, as old agents say it", Spec{Document: toHost}, "", "", ""},
		{"any port, with zeros", Spec{Document: toHost, Parameters: with("localPortNumber", "00")}, "0", "", "0"},
		{"another port", Spec{Document: toHost, Parameters: with("localPortNumber", "8080")}, "5432", "", "no"},
		{"a certain port instead of any", Spec{Document: toHost}, "5432", "", "no"},
		{"a socket instead of a port", Spec{Document: toHost, Parameters: with("localPortNumber", "8080")}, "8080", "/tmp/s", "no"},
		{"a socket", Spec{Document: toSocket, Parameters: with("localUnixSocket", "/tmp/s")}, "", "/tmp/s", "/tmp/s"},
		{"another socket", Spec{Document: toSocket, Parameters: with("localUnixSocket", "/tmp/s")}, "", "/tmp/t", "no"},
		{"an own shell", Spec{Document: "Corp-Shell", SessionType: "Standard_Stream"}, "5432", "", "no"},
		{"an own command", Spec{Document: "Corp-Top", SessionType: "InteractiveCommands"}, "5432", "", "no"},
		{"an own port", Spec{Document: "Corp-Db", SessionType: "Port"}, "5432", "", "5432"},
		{"an own port by its parameters", Spec{Document: "Corp-Db", Parameters: with("portNumber", "5432")}, "15432", "", "15432"},
		{"an own document that nobody could read", Spec{Document: "Corp-Db"}, "5432", "", "5432"},
		{"the socket of one", Spec{Document: "Corp-Db"}, "", "/tmp/s", "no"},
		{"the socket that was asked of one", Spec{Document: "Corp-Db", Parameters: with("path", "/tmp/s")}, "", "/tmp/s", "/tmp/s"},
	} {
		got, err := tc.spec.LocalEnd(tc.port, tc.socket)
		var refused *ListenError
		switch {
		case tc.want == "no" && (!errors.As(err, &refused) || got != "" || strings.ContainsAny(err.Error(), "\n\x1b")):
			t.Errorf("%s: %q, %v; want it refused", tc.name, got, err)
		case tc.want != "no" && (err != nil || got != tc.want):
			t.Errorf("%s: %q, %v; want %q", tc.name, got, err, tc.want)
		}
	}
}

func TestRemoteEnd(t *testing.T) {
	for want, parameters := range map[string]map[string][]string{
		"the remote port":  nil,
		"port 80 of i-1":   {"portNumber": {"80"}},
		"db.internal:5432": {"host": {"db.internal"}, "portNumber": {"5432"}},
		"[fd00::1]:5432":   {"host": {"fd00::1"}, "portNumber": {"5432"}},
	} {
		if got := (Spec{Target: "i-1", Parameters: parameters}).RemoteEnd(); got != want {
			t.Errorf("%v: %q, want %q", parameters, got, want)
		}
	}
}

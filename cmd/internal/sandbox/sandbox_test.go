package sandbox

import (
	"encoding/json"
	"net"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ssmguard/cmd/internal/env"
	"ssmguard/cmd/internal/exit"
	"ssmguard/internal/peer"
	"ssmguard/internal/sandbox"
	"ssmguard/internal/sandbox/sandboxtest"
	"ssmguard/internal/sandbox/world"
)

func TestSandboxEnvironment(t *testing.T) {
	s := sandboxtest.Served(t, "default")
	login, err := s.Login("sso")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	text, err := shellLines("", s.Environment(login))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(text) {
		name, _, _ := strings.Cut(strings.TrimPrefix(line, "export "), "=")
		names = append(names, strings.TrimSpace(name))
	}
	want := []string{
		"AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_CONFIG_FILE",
		"AWS_SHARED_CREDENTIALS_FILE", "AWS_EC2_METADATA_DISABLED", "SSMGUARD_SANDBOX", "AWS_SESSION_TOKEN",
		"unset AWS_PROFILE AWS_DEFAULT_PROFILE AWS_ROLE_ARN AWS_WEB_IDENTITY_TOKEN_FILE HTTP_PROXY http_proxy",
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
	text, err = describe(s, login)
	var described struct {
		Endpoint, Login string
		Environment     map[string]string
		Logins          []Login
	}
	if err := json.Unmarshal([]byte(text), &described); err != nil {
		t.Fatal(err)
	}
	if err != nil || described.Login != "sso" || described.Environment["AWS_ENDPOINT_URL"] != described.Endpoint || len(described.Logins) != 12 {
		t.Errorf("%s, %v", text, err)
	}
}

// The first connection of another user is told, and none that is gone already.
func TestFirstRefusalIsTold(t *testing.T) {
	var stderr strings.Builder
	tell := tellFirst(&env.Process{Stderr: &stderr})
	for _, err := range []error{peer.ErrGone, &peer.ForeignError{UID: 4000000000}, &peer.ForeignError{UID: 4000000001}} {
		tell(err)
	}
	want := "ssmguard: refused: the connection is from uid 4000000000; --peer any admits every user of this machine\n"
	if diff := cmp.Diff(want, stderr.String()); diff != "" {
		t.Error(diff)
	}
}

// A port that is taken has nothing to do with the network.
func TestSandboxPortTaken(t *testing.T) {
	w, err := world.Load("default")
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = sandbox.Open(w, sandbox.Options{Listen: l.Addr().String()})
	if err == nil || !strings.Contains(err.Error(), "cannot serve the sandbox") {
		t.Errorf("opened on a port that is taken: %v", err)
	}
	if advice := exit.Advice((&env.Process{}), err); advice != "" {
		t.Errorf("advises: %s", advice)
	}
}

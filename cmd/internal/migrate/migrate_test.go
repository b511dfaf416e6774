package migrate

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ssmguard/cmd/internal/env"
	"ssmguard/configs"
)

// TestShellLines: a line of a shell is a tunnel, none of ours, or one that says why it is none.
func TestShellLines(t *testing.T) {
	p := env.NewProcess(strings.NewReader(""), io.Discard, io.Discard)
	const remote = " --document-name AWS-StartPortForwardingSessionToRemoteHost --parameters host=db.internal,portNumber=5432,localPortNumber=15432"
	want := configs.Tunnel{Target: "i-1", Host: "db.internal", Port: 5432, LocalPort: 15432}
	dev := want
	dev.Profile, dev.Region = "dev", "eu-west-1"
	for _, c := range []struct {
		line string
		want *configs.Tunnel // nil: none of ours
		why  string          // part of the reason
	}{
		{line: "aws ssm start-session --target i-1" + remote, want: &want},
		{line: "/usr/local/bin/aws ssm start-session --target i-1" + remote + " 2>/dev/null &", want: &want},
		{line: "aws ssm start-session --target i-1" + remote + " && echo 'done'", want: &want},
		{line: "AWS_PROFILE=dev AWS_REGION=eu-west-1 aws ssm start-session --target i-1" + remote, want: &dev},
		{line: "aws --profile dev ssm start-session --target i-1" + remote + " --region eu-west-1 # the database", want: &dev},
		{line: "ssmguard start-session --guard warn --target i-1" + remote, want: &want},
		{line: `aws ssm start-session --target i-1 --document-name AWS-StartPortForwardingSessionToRemoteHost --parameters '{"host":["db.internal"],"portNumber":["5432"],"localPortNumber":["15432"]}'`, want: &want},
		{line: "aws ssm start-session --target i-1"},
		{line: "echo aws ssm start-session --target i-1" + remote},
		{line: "grep start-session.*AWS-StartPortForwarding ~/.bash_history"},
		{line: "vault exec dev -- aws ssm start-session --target i-1" + remote},
		{line: "aws ssm start-session --target $ID" + remote, want: &want, why: "a variable"},
		{line: "aws ssm start-session --target `id`" + remote, want: &want, why: "a variable"},
		{line: "aws ssm start-session --target 'i-1" + remote, want: &want, why: "quotation"},
		{line: "aws ssm start-session --no-such-option --target i-1" + remote, want: &want, why: "no-such-option"},
	} {
		got, ours, err := fromShell(p, c.line)
		switch {
		case ours != (c.want != nil):
			t.Errorf("%s: ours: %v, %v", c.line, ours, err)
		case c.why != "" && (err == nil || !strings.Contains(err.Error(), c.why)):
			t.Errorf("%s: %v, want %s", c.line, err, c.why)
		case c.why == "" && c.want != nil && (err != nil || got != *c.want):
			t.Errorf("%s: %+v, %v", c.line, got, err)
		}
	}
}

// TestNames: a name is one that a file can have, is free, and says where the tunnel leads.
func TestNames(t *testing.T) {
	n := newNames(configs.Config{Tunnels: map[string]configs.Tunnel{"db": {Target: "i-1", Host: "db.internal", Port: 1}}, Groups: map[string][]string{"web": nil}})
	for _, c := range []struct {
		tunnel configs.Tunnel
		want   string // "": it is there
	}{
		{configs.Tunnel{Target: "i-1", Host: "db.internal", Port: 1}, ""},
		{configs.Tunnel{Name: "other", Target: "i-1", Host: "db.internal", Port: 1}, ""},
		{configs.Tunnel{Target: "i-2", Host: "db.internal", Port: 1}, "db-2"},
		{configs.Tunnel{Target: "i-3", Host: "db.internal", Port: 1}, "db-3"},
		{configs.Tunnel{Target: "i-1", Host: "db.internal", Port: 1, LocalPort: 5}, "db-4"},
		{configs.Tunnel{Name: "web", Target: "i-1", Port: 80}, "web-2"},
		{configs.Tunnel{Target: "tag:Name=jump host", Host: "10.0.0.1", Port: 80}, "jump-host-80"},
		{configs.Tunnel{Target: "i-1", Host: "localhost", Port: 90}, "i-1-90"},
		{configs.Tunnel{Target: "i-1", Host: "fd00::1", Port: 90}, "i-1-90-2"},
		{configs.Tunnel{Name: "../\x1b[2J\u202e", Target: "i-1", Port: 70}, "2J-"},
		{configs.Tunnel{Name: "...", Target: "i-1", Port: 71}, "tunnel"},
	} {
		got, write := n.settle(c.tunnel)
		if write {
			n.take(got)
		}
		if write != (c.want != "") || write && got.Name != c.want {
			t.Errorf("%+v: %q, %v, want %q", c.tunnel, got.Name, write, c.want)
		}
		if err := configs.CheckName(got.Name); write && err != nil {
			t.Errorf("%q: %v", got.Name, err)
		}
	}
}

// TestLargeHistories: of a history the end is read, from the beginning of a line.
func TestLargeHistories(t *testing.T) {
	file := filepath.Join(t.TempDir(), ".bash_history")
	line := "aws ssm start-session --target i-1 --document-name AWS-StartPortForwardingSession --parameters portNumber=80\n"
	if err := os.WriteFile(file, []byte(line+strings.Repeat("ls -l # "+strings.Repeat("x", 1000)+"\n", 1100)+line), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := readHistory(env.NewProcess(strings.NewReader(""), io.Discard, io.Discard), file, "")
	if err != nil || len(f.tunnels) != 1 || len(f.left) != 0 {
		t.Errorf("%d tunnels, %v, %v", len(f.tunnels), f.left, err)
	}
}

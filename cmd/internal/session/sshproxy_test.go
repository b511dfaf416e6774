package session

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ssmguard/cmd/internal/exit"
)

func TestSSHOptionsComplete(t *testing.T) {
	tests := []struct {
		words, host, port, rest, fault string
	}{
		{"bastion 22", "bastion", "22", "", ""},
		{"bastion 22 --profile prod", "bastion", "22", "--profile prod", ""},
		{"--profile prod bastion 22", "bastion", "22", "--profile prod", ""},
		{"tag:Role=db 2222 --debug", "tag:Role=db", "2222", "--debug", ""},
		{"", "", "", "", "needs a host and a port"},
		{"bastion", "", "", "", "needs a host and a port"},
		{"--profile prod", "", "", "", "needs a host and a port"},
		{"bastion ssh", "", "", "", `"ssh" is not a port number`},
		{"bastion 65536", "", "", "", `"65536" is not a port number`},
		{"bastion 0", "", "", "", `"0" is not a port number`},
	}
	for _, tt := range tests {
		var o sshOptions
		rest, err := o.complete(strings.Fields(tt.words))
		if tt.fault != "" {
			if err == nil || !strings.Contains(err.Error(), tt.fault) || exit.Code(err) != exit.Usage {
				t.Errorf("%q: %v, want %q", tt.words, err, tt.fault)
			}
			continue
		}
		if err != nil || o.Host != tt.host || o.Port != tt.port || strings.Join(rest, " ") != tt.rest {
			t.Errorf("%q: %+v, rest %q, error %v", tt.words, o, rest, err)
		}
	}
}

// TestKeyAndUserGoTogether: a key is pushed for a user, and a user is there for a key.
func TestKeyAndUserGoTogether(t *testing.T) {
	for _, o := range []sshOptions{{User: "ann"}, {KeyFile: "id.pub"}, {User: "ann", KeyFile: "id.pub"}, {}} {
		together := (o.User == "") == (o.KeyFile == "")
		_, err := o.complete([]string{"bastion", "22"})
		if (err == nil) != together || err != nil && exit.Code(err) != exit.Usage {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

func TestReadPublicKey(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	private := write("id", "-----BEGIN OPENSSH PRIVATE KEY-----\n")
	if _, err := readPublicKey(private); err == nil {
		t.Error("a private key was taken")
	}
	public := write("id.pub", "ssh-ed25519 AAAA me\n")
	for _, file := range []string{private, public} {
		if key, err := readPublicKey(file); err != nil || key != "ssh-ed25519 AAAA me" {
			t.Errorf("%s: %q, %v", file, key, err)
		}
	}
	if _, err := readPublicKey(write("other", "a\nb\n")); err == nil {
		t.Error("two lines were taken")
	}
}

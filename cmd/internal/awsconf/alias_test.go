package awsconf

import (
	"os"
	"path/filepath"
	"testing"
)

func TestAliased(t *testing.T) {
	for text, want := range map[string]bool{
		"":                                    false,
		"[toplevel]\nssm = !x\n":              true,
		"[toplevel]\nguard =\n  !f() {\n }\n": false,
		"[command ssm]\nstart-session = !x\n": true,
		"[command ssm]\nss = start-session\n": false,
		"not an alias file":                   false,
	} {
		home := t.TempDir()
		if err := os.MkdirAll(filepath.Join(home, ".aws/cli"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(home, ".aws/cli/alias"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := Aliased("ssm", "start-session", func(string) (string, bool) { return home, true }); got != want {
			t.Errorf("%q: %t, want %t", text, got, want)
		}
	}
	if Aliased("ssm", "start-session", func(string) (string, bool) { return "", false }) {
		t.Error("without a file")
	}
}

package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ssmguard/internal/safetext/safetexttest"
)

// TestHostileWords: no word of a command line, no value of an option or variable, and no
// name of a file acts on the terminal in what a command says of it. Every command is
// given each as a word, as the value of each option, and as what an option reads.
func TestHostileWords(t *testing.T) {
	home := t.TempDir()
	for _, v := range []string{"HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "PATH", "USERPROFILE"} {
		t.Setenv(v, home)
	}
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "AWS_") || strings.HasPrefix(name, "SSMGUARD_") {
			t.Setenv(name, "")
			os.Unsetenv(name)
		}
	}
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Chdir(home)
	lines, shown := 0, 0
	try := func(words ...string) {
		lines++
		var out bytes.Buffer
		Main(append([]string{"ssmguard"}, words...), strings.NewReader(""), &out, &out)
		if fault := safetexttest.Fault(out.String()); fault != "" {
			t.Errorf("%q: %s", words, fault)
		}
		if strings.Contains(out.String(), "forged") {
			shown++
		}
	}
	_, all := declared(t)
	for _, text := range safetexttest.Texts {
		file := filepath.Join(home, strings.ReplaceAll(text, "/", "_"))
		if err := os.WriteFile(file, []byte(`{"`+text+`": [`), 0o600); err != nil {
			t.Skip("the file system has no such names")
		}
		try(text)
		try("--"+text, "check")
		try("help", text)
		try("aws", text)
		try("aws", "ssm", text)
		for _, c := range all {
			name := strings.Fields(c.Path())
			if name[0] == "ssmguard" {
				name = name[1:]
			}
			if name[0] == "demo" { // takes nothing, and takes its time
				continue
			}
			with := func(words ...string) { try(slices.Concat(name, words)...) }
			with(text)
			with("--" + text)
			with("--"+text+"=x", text)
			for _, f := range c.Flags() {
				if !f.TakesValue() {
					continue
				}
				for _, value := range []string{text, file, "file://" + file, "a=" + text, text + "=a", "1" + text} {
					with(f.Name, value)
					with(f.Name+"="+value, "--target", "i-0123456789abcdef0")
				}
			}
		}
	}
	if lines < 3000 || shown < 1000 {
		t.Errorf("only %d command lines were tried, of which %d were answered with the text", lines, shown)
	}
}

// TestHostileFiles: nor what is in the AWS CLI's files, in ours and in a project's.
func TestHostileFiles(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	for _, v := range []string{"XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "PATH"} {
		t.Setenv(v, filepath.Join(home, v))
	}
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_REGION", "us-east-1")
	t.Chdir(home)
	write := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(home, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(home, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	target := []string{"--target", "i-0123456789abcdef0"}
	for _, text := range safetexttest.Texts {
		line := strings.NewReplacer("\n", " ", "\r", " ").Replace(text)
		for _, config := range []string{
			"[profile " + line + "]\nregion = " + line + "\n",
			"[default]\nregion = " + line + "\n",
			"[default]\nsso_session = " + line + "\nsso_account_id = " + line + "\nsso_role_name = x\n",
			"[default]\nrole_arn = " + line + "\nsource_profile = " + line + "\n",
			"[default]\nrole_arn = " + line + "\ncredential_source = " + line + "\n",
			"[default]\ncredential_process = " + line + "\n",
			"[default]\nservices = " + line + "\ncli_error_format = " + line + "\n",
			"[default\n" + line + "\n",
			line,
		} {
			write(".aws/config", config)
			for _, words := range [][]string{{"check"}, {"start-session"}, {"doctor"}, {"start-session", "--profile", "defalt"}} {
				var out bytes.Buffer
				Main(slices.Concat([]string{"ssmguard"}, words, target), strings.NewReader(""), &out, &out)
				if fault := safetexttest.Fault(out.String()); fault != "" {
					t.Errorf("%q with %q: %s", words, config, fault)
				}
			}
		}
		os.Remove(filepath.Join(home, ".aws", "config"))
		for _, file := range []string{".ssmguard.yaml", "XDG_CONFIG_HOME/ssmguard/config.yaml"} {
			for _, config := range []string{
				text, "tunnels: {" + text + ": {target: x, port: 1}}\n",
				"tunnels:\n  db: {target: " + line + ", port: " + line + "}\n",
				"tunnels:\n  db: {" + line + ": x}\n",
				"tunnels:\n  \"\\u001b\\u202e\\nssmguard: forged\": {target: x, port: 1}\n",
				"tunnels:\n  db: {target: \"a\\u202e\\nssmguard: forged\", port: 1}\n",
				"tunnels:\n  ssmguard: {target: x, port: 1, local_port: 1}\n",
				"groups:\n  " + line + ": [" + line + "]\n",
			} {
				write(file, config)
				for _, words := range [][]string{{"ls"}, {"up", "db"}, {"check", "db"}, {"env", "db"}, {"logs", "db"}, {"ls", "--output", "json"}} {
					var out bytes.Buffer
					Main(append([]string{"ssmguard", "tunnel"}, words...), strings.NewReader(""), &out, &out)
					if fault := safetexttest.Fault(out.String()); fault != "" {
						t.Errorf("%q with %q: %s", words, config, fault)
					}
				}
			}
			os.Remove(filepath.Join(home, file))
		}
	}
}

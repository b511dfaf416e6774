package awscli

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A session that nobody typed is the one that its words would have made.
func TestStart(t *testing.T) {
	typed, err := Parse([]string{"ssm", "start-session", "--reason", "a reason", "--parameters", `{"host": ["db"], "portNumber": ["5432"]}`,
		"--document-name", "D", "--target", "i-1"}, Env{})
	if err != nil {
		t.Fatal(err)
	}
	filled := Start(DefaultGlobals(), Input{Target: "i-1", DocumentName: "D", Reason: "a reason",
		Parameters: []Parameter{{"host", []string{"db"}}, {"portNumber", []string{"5432"}}}})
	if diff := cmp.Diff(typed.Input, filled.Input); diff != "" {
		t.Errorf("input (-typed +filled):\n%s", diff)
	}
	if typed.RequestJSON != filled.RequestJSON || typed.Command != filled.Command || typed.Service != filled.Service {
		t.Errorf("filled %+v, typed %+v", filled, typed)
	}
	if diff := cmp.Diff(typed.Globals, filled.Globals); diff != "" {
		t.Errorf("globals (-typed +filled):\n%s", diff)
	}
}

// What is filled in is no word: it names no file, and is validated as it stands.
func TestFill(t *testing.T) {
	read := func(string) ([]byte, error) { t.Error("a file was read"); return nil, nil }
	inv, err := Parse([]string{"ssm", "start-session", "--reason", "why", "--document-name", "typed"}, Env{ReadFile: read, Lenient: true})
	if err != nil || !inv.Lacks {
		t.Fatalf("%+v, %v", inv, err)
	}
	inv.Fill(Input{Target: "file:///etc/passwd", DocumentName: "filled"})
	const want = `{"Target": "file:///etc/passwd", "DocumentName": "filled", "Reason": "why"}`
	if inv.RequestJSON != want || inv.Input.Target != "file:///etc/passwd" || inv.Input.Reason != "why" || inv.Validate() != nil {
		t.Errorf("%s, %+v, %v", inv.RequestJSON, inv.Input, inv.Validate())
	}
	inv.Fill(Input{Parameters: []Parameter{{"portNumber", []string{""}}}})
	if err := inv.Validate(); err == nil {
		t.Error("an empty value was taken")
	}
	for _, words := range [][]string{{"--target", ""}, {"--cli-input-json", "{}"}} {
		if inv, err := Parse(append([]string{"ssm", "start-session"}, words...), Env{Lenient: true}); err != nil || inv.Lacks {
			t.Errorf("%q lacks an option: %v", words, err)
		}
	}
}

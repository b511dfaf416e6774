package cli

import (
	"bytes"
	"testing"
)

func TestPrintedStatement(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"one line", "ssmguard: error: no [SG101]\n  nearest  statement {1}\n  fix      add to role/dev:\n           {\"Effect\":\"Allow\"}\n           checked: yes\n", `{"Effect":"Allow"}`},
		{"several lines", "  fix      add to role/dev:\n           {\n             \"Effect\": \"Allow\"\n           }\n  more     x\n", "{\n             \"Effect\": \"Allow\"\n           }"},
		{"no fix", "ssmguard: error: no [SG101]\n  more     x\n", ""},
		{"a fix without statement", "  fix      sign in:\n           with MFA\n", ""},
	} {
		got, err := printedStatement(test.text)
		if string(got) != test.want || (err == nil) != (test.want != "") {
			t.Errorf("%s: %q, %v", test.name, got, err)
		}
	}
}

// The port counts as open when the plugin waits for connections, in whatever pieces it says so.
func TestPortWatch(t *testing.T) {
	var out bytes.Buffer
	w := &portWatch{out: &out, port: make(chan string, 1)}
	pieces := []string{"\nStarting session\nPort 41", "33 opened for sess", "ionId alice-1.\nWaiting for conn", "ections...\n", "\nConnection accepted\n"}
	for i, piece := range pieces {
		if _, err := w.Write([]byte(piece)); err != nil {
			t.Fatal(err)
		}
		if told := len(w.port) > 0; told != (i >= 3) {
			t.Errorf("after piece %d: told %v", i, told)
		}
	}
	if len(w.seen) > 0 {
		t.Errorf("keeps %q of a session that may go on for long", w.seen)
	}
	if port := <-w.port; port != "4133" {
		t.Errorf("port %s", port)
	}
	if got := out.String(); got != "\nStarting session\nPort 4133 opened for sessionId alice-1.\nWaiting for connections...\n\nConnection accepted\n" {
		t.Errorf("passed on %q", got)
	}
}

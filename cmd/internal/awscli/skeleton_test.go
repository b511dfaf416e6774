package awscli

import "testing"

// TestSampleAnswer holds what the AWS CLI 2.9 prints; what is not printed here is
// left to it.
func TestSampleAnswer(t *testing.T) {
	const json = "{\n    \"SessionId\": \"SessionId\",\n    \"TokenValue\": \"TokenValue\",\n    \"StreamUrl\": \"StreamUrl\"\n}\n"
	for _, tc := range []struct {
		query, output, env string
		want               string // "": the aws command prints it
	}{
		{"", "", "", json},
		{"", "json", "text", json},
		{"", "", "text", "SessionId\tStreamUrl\tTokenValue\n"},
		{"", "yaml", "", "SessionId: SessionId\nStreamUrl: StreamUrl\nTokenValue: TokenValue\n"},
		{"[SessionId,TokenValue]", "text", "", "SessionId\tTokenValue\n"},
		{"[SessionId,TokenValue]", "yaml", "", "- SessionId\n- TokenValue\n"},
		{"SessionId", "text", "", "SessionId\n"},
		{"Nope", "text", "", "None\n"},
		{"Nope", "json", "", "null\n"},
		{"SessionId", "yaml", "", ""},
		{"Nope", "yaml", "", ""},
		{"", "table", "", ""},
		{"", "yaml-stream", "", ""},
		{"{a:SessionId,b:{c:TokenValue}}", "text", "", ""},
		{"[{a:SessionId},{a:TokenValue}]", "text", "", ""},
		{"{a:SessionId,b:{c:TokenValue}}", "yaml", "", ""},
		{"length(SessionId)", "json", "", ""},
	} {
		args := []string{"ssm", "start-session", "--target", "i-1", "--generate-cli-skeleton", "output"}
		if tc.query != "" {
			args = append(args, "--query", tc.query)
		}
		if tc.output != "" {
			args = append(args, "--output", tc.output)
		}
		inv, err := Parse(args, Env{Lookup: func(key string) (string, bool) { return tc.env, key == "AWS_DEFAULT_OUTPUT" && tc.env != "" }})
		if err != nil {
			t.Fatal(err)
		}
		command := Print
		if tc.want == "" {
			command = Foreign
		}
		if inv.Command != command || inv.Output != tc.want {
			t.Errorf("%q %s %s: %v %q, want %v %q", tc.query, tc.output, tc.env, inv.Command, inv.Output, command, tc.want)
		}
	}
}

func TestTakesValue(t *testing.T) {
	for word, want := range map[string]bool{"--region": true, "--profile": true, "--debug": false, "--target": false, "ssm": false} {
		if got := TakesValue(word); got != want {
			t.Errorf("%s: %v", word, got)
		}
	}
}

func TestParseInt(t *testing.T) {
	for in, want := range map[string]int{"7": 7, " 1_0\n": 10, "-3": -3, "+4": 4} {
		if got, ok := ParseInt(in); got != want || !ok {
			t.Errorf("%q: %d, %v", in, got, ok)
		}
	}
	for _, in := range []string{"", "x", "1.0", "_1", "1__0", "0x10"} {
		if got, ok := ParseInt(in); ok {
			t.Errorf("%q: %d", in, got)
		}
	}
}

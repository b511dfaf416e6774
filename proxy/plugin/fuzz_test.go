package plugin

import (
	"bytes"
	"strings"
	"testing"

	"ssmguard/internal/memtest"
)

// FuzzResponse: whatever the AWS CLI passes on as AWS's response, it is a session with all
// that one needs, or an error in which no text of the response is.
func FuzzResponse(f *testing.F) {
	for _, seed := range []string{
		`{"SessionId":"ann-1","TokenValue":"hush","StreamUrl":"wss://ssmmessages.eu-west-1.amazonaws.com/v1/data-channel/ann-1"}`,
		`{"SessionId":"ann-1","TokenValue":"","StreamUrl":"wss://h"}`, `{"SessionId":1,"TokenValue":"hush"}`, `{"TokenValue":"hush"`, "null", "[]", "",
	} {
		f.Add(seed, `{"Target":"i-0123456789abcdef0","DocumentName":"AWS-StartPortForwardingSession","Parameters":{"portNumber":["80"]}}`)
		f.Add(seed, "")
	}
	f.Fuzz(func(t *testing.T, response, request string) {
		if strings.HasPrefix(response, responsePrefix) {
			return // the name of a variable
		}
		defer memtest.Bounded(t, len(response)+len(request))()
		c := new(child)
		s, err := c.parse([]string{Name, response, "eu-west-1", "StartSession", "", request, "https://ssm.eu-west-1.amazonaws.com"})
		switch {
		case err != nil:
			if s != nil || len(response) > 100 && strings.Contains(err.Error(), response) || strings.Contains(err.Error(), "hush") {
				t.Errorf("%v, %v", s, err)
			}
		case s.SessionId == "" || s.TokenValue == "" || s.StreamUrl == "":
			t.Errorf("a session without %+v", s)
		case c.spec.Document != unknownDocument && c.spec.Target == "":
			t.Errorf("a request without a target: %+v", c.spec)
		}
	})
}

// FuzzEvents: whatever a child writes, its parent reads to the end.
func FuzzEvents(f *testing.F) {
	f.Add([]byte(`{"closed":true,"reason":"no"}` + "\n" + `{"exitCode":3}` + "\nnoise\n"))
	f.Add([]byte("{}\n\n\x00"))
	f.Fuzz(func(t *testing.T, text []byte) {
		defer memtest.Bounded(t, len(text))()
		heard := 0
		follow(bytes.NewReader(text), func(event) { heard++ })
		if lines := bytes.Count(text, []byte("\n")) + 1; heard > lines {
			t.Errorf("%d events in %d lines", heard, lines)
		}
	})
}

package session

import (
	"net"
	"strings"
	"testing"

	"ssmguard/cmd/internal/exit"
)

func TestCheckLocalPort(t *testing.T) {
	l, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, taken, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name       string
		parameters map[string][]string
		want       string // part of the error, "" for none
		code       int
	}{
		{"none", nil, "", exit.OK},
		{"empty", map[string][]string{"localPortNumber": {}}, "", exit.OK},
		{"any", map[string][]string{"localPortNumber": {"0"}}, "", exit.OK},
		{"taken", map[string][]string{"localPortNumber": {taken}}, "local port " + taken + " is in use", exit.Other},
		{"no number", map[string][]string{"localPortNumber": {"eighty"}}, `"eighty" is not a port number`, exit.Usage},
		{"too big", map[string][]string{"localPortNumber": {"70000"}}, `"70000" is not a port number`, exit.Usage},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := checkLocalPort(tt.parameters)
			if code := exit.Code(err); code != tt.code {
				t.Errorf("code %d, want %d", code, tt.code)
			}
			if tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

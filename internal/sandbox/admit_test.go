package sandbox_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"ssmguard/internal/sandbox/sandboxtest"
)

// A page in a browser reaches this machine's ports, under a name of its own when that
// leads here. Neither the account nor the gateway answers it.
func TestPagesAreRefused(t *testing.T) {
	s := sandboxtest.Served(t, "default")
	port := s.Endpoint()[strings.LastIndex(s.Endpoint(), ":"):]
	for _, test := range []struct {
		name, host, origin string
		refused            bool
	}{
		{"its own address", "127.0.0.1" + port, "", false},
		{"localhost", "localhost" + port, "", false},
		{"localhost through a relay", "LocalHost:8080", "", false},
		{"another loopback address", "127.8.9.1", "", false},
		{"IPv6", "[::1]" + port, "", false},
		{"IPv6 without a port", "[::1]", "", false},
		{"IPv4 in IPv6", "[::ffff:127.0.0.1]" + port, "", false},
		{"a name that was made to lead here", "rebound.example.com" + port, "", true},
		{"a name that begins as an address", "127.0.0.1.example.com" + port, "", true},
		{"a name that ends as ours", "example.localhost" + port, "", true},
		{"any address", "0.0.0.0" + port, "", true},
		{"an address of a network", "192.0.2.1" + port, "", true},
		{"no brackets", "::ffff:192.0.2.1", "", true},
		{"a page", "127.0.0.1" + port, "https://example.com", true},
		{"a page of this machine", "127.0.0.1" + port, s.Endpoint(), true},
		{"a page without a name", "127.0.0.1" + port, "null", true},
	} {
		for _, at := range []struct{ method, url, answer string }{
			{"POST", s.Endpoint() + "/", "MissingAuthenticationToken"},
			{"OPTIONS", s.Endpoint() + "/", "MissingAuthenticationToken"},
			{"GET", "http://" + s.Gateway.Addr() + "/v1/data-channel/none?role=publish_subscribe", "no such data channel"},
		} {
			r, err := http.NewRequestWithContext(t.Context(), at.method, at.url, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			r.Host = test.host
			if test.origin != "" {
				r.Header.Set("Origin", test.origin)
			}
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil {
				t.Fatal(err)
			}
			refused := resp.StatusCode == http.StatusForbidden && strings.HasPrefix(string(body), "the sandbox is ")
			if refused != test.refused || !refused && !strings.Contains(string(body), at.answer) {
				t.Errorf("%s, %s %s: %s %s", test.name, at.method, at.url, resp.Status, body)
			}
			for name := range resp.Header {
				if strings.HasPrefix(name, "Access-Control-") {
					t.Errorf("%s, %s %s: %s", test.name, at.method, at.url, name)
				}
			}
		}
	}
}

package dynamic

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestVariables(t *testing.T) {
	for _, tc := range []struct {
		clients Clients
		noProxy string
		want    string
	}{
		{Clients{SOCKS: "127.0.0.1:1080"}, "", `ALL_PROXY=socks5h://127.0.0.1:1080 HTTP_PROXY=socks5h://127.0.0.1:1080 http_proxy=socks5h://127.0.0.1:1080 HTTPS_PROXY=socks5h://127.0.0.1:1080 NO_PROXY=localhost,127.0.0.1,::1`},
		{Clients{HTTPProxy: "127.0.0.1:8080"}, "a", `HTTPS_PROXY=http://127.0.0.1:8080 NO_PROXY=a,localhost,127.0.0.1,::1`},
		{Clients{SOCKS: "127.0.0.1:1080", HTTPProxy: "[::1]:8080"}, "a,localhost,127.0.0.1,::1", `ALL_PROXY=socks5h://127.0.0.1:1080 HTTP_PROXY=socks5h://127.0.0.1:1080 http_proxy=socks5h://127.0.0.1:1080 HTTPS_PROXY=http://[::1]:8080 NO_PROXY=a,localhost,127.0.0.1,::1`},
	} {
		vars, err := tc.clients.Variables(tc.noProxy)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, v := range vars {
			got = append(got, fmt.Sprintf("%s=%s", v.Name, v.Value))
		}
		if diff := cmp.Diff(tc.want, strings.Join(got, " ")); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", tc.clients, diff)
		}
	}
	for _, none := range []Clients{{}, {SOCKS: "unix:/s"}, {SOCKS: "127.0.0.1:1", HTTPProxy: "unix:/s"}} {
		if vars, err := none.Variables(""); err == nil {
			t.Errorf("%+v: %v", none, vars)
		}
	}
}

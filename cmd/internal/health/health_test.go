package health

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ssmguard/cmd/internal/dial"
	"ssmguard/cmd/internal/keeper"
	"ssmguard/internal/safetext/safetexttest"
)

// served are the tunnels of a process in every state that matters here.
func served() []keeper.Status {
	at := time.Unix(1795000000, 250e6)
	return []keeper.Status{
		{Tunnel: "orders", Name: "ready", Since: at, Expires: at.Add(time.Hour), Reconnects: 2, Refused: 1,
			Counts: dial.Counts{Up: 1 << 40, Down: 7, Open: 3, Opened: 9, Sessions: 4, Rate: 250000, RoundTripMs: 12.5}},
		{Tunnel: "lazy", Name: "idle", Lazy: true, Since: at},
		{Tunnel: "web", Name: "waiting", Error: "AccessDeniedException: arn:aws:iam::111122223333:role/dev"},
		{Tunnel: "proxy", Name: "ready", SOCKS: "127.0.0.1:1080", Destinations: 5},
	}
}

// get asks a server.
func get(t *testing.T, client *http.Client, method, url, host string) (code int, kind, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = host
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, answer.Header.Get("Content-Type"), string(b)
}

func TestHandler(t *testing.T) {
	all := served()
	s := httptest.NewServer(Handler(func() []keeper.Status { return all }))
	defer s.Close()
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		method, path, host string
		code               int
		body               string
	}{
		{"GET", "/live", "", 200, "live\n"},
		{"HEAD", "/live", "", 200, ""},
		{"GET", "/ready", "", 503, "web: waiting\n"}, // and not why: the reason names accounts
		{"GET", "/live", "localhost:" + port, 200, "live\n"},
		{"GET", "/live", "[::1]:" + port, 200, "live\n"},
		{"GET", "/metrics", "evil.example:" + port, 421, "ask by the address, or by localhost\n"},
		{"GET", "/", "", 404, "there are /live, /ready and /metrics\n"},
		{"POST", "/live", "", 405, "Method Not Allowed\n"},
	} {
		code, _, body := get(t, s.Client(), test.method, s.URL+test.path, test.host)
		if code != test.code || body != test.body {
			t.Errorf("%s %s of %q: %d %q", test.method, test.path, test.host, code, body)
		}
	}
	all = append(all[:2:2], all[3])
	if code, _, body := get(t, s.Client(), "GET", s.URL+"/ready", ""); code != 200 || body != "ready\n" {
		t.Errorf("%d %q", code, body)
	}
	if code, kind, body := get(t, s.Client(), "GET", s.URL+"/metrics", ""); code != 200 || kind != contentType || !strings.Contains(body, "ssmguard_tunnel_ready{tunnel=\"lazy\"} 1\n") {
		t.Errorf("%d %s\n%s", code, kind, body)
	}
}

// parsed reads Prometheus' text format as its page lays it down, and gives each sample's value.
func parsed(t *testing.T, text string) map[string]float64 {
	t.Helper()
	comment := regexp.MustCompile(`^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.*)$`)
	sample := regexp.MustCompile(`^([a-zA-Z_:][a-zA-Z0-9_:]*)\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\\\|\\"|\\n)*",?)*)\} ([0-9.e+-]+)$`)
	if !strings.HasSuffix(text, "\n") {
		t.Error("the last line has no end")
	}
	values, kinds, now := make(map[string]float64), make(map[string]string), ""
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if c := comment.FindStringSubmatch(line); c != nil {
			if c[1] == "TYPE" {
				if kinds[c[2]] != "" || c[3] != "gauge" && c[3] != "counter" || (c[3] == "counter") != strings.HasSuffix(c[2], "_total") {
					t.Errorf("%q", line)
				}
				kinds[c[2]], now = c[3], c[2]
			}
			continue
		}
		m := sample.FindStringSubmatch(line)
		if m == nil || m[1] != now {
			t.Errorf("not of the format, or not below its type: %q", line)
			continue
		}
		value, err := strconv.ParseFloat(m[3], 64)
		key := m[1] + "{" + m[2] + "}"
		if _, twice := values[key]; err != nil || twice {
			t.Errorf("%q: %v, twice %t", line, err, twice)
		}
		values[key] = value
	}
	return values
}

// Each number is there once, in its unit; what is not known is left out.
func TestMetrics(t *testing.T) {
	values := parsed(t, metrics(served()))
	got := make(map[string]float64)
	for name, value := range values {
		if strings.Contains(name, `"orders"`) || strings.Contains(name, `"proxy"`) && strings.Contains(name, "destinations") ||
			strings.Contains(name, `"web"`) && (strings.Contains(name, "waiting") || strings.Contains(name, "_ready")) {
			if !strings.Contains(name, "ssmguard_tunnel_state{") || value == 1 {
				got[strings.TrimPrefix(name, "ssmguard_tunnel_")] = value
			}
		}
	}
	want := map[string]float64{
		`state{tunnel="orders",state="ready"}`:                  1,
		`state{tunnel="web",state="waiting"}`:                   1,
		`ready{tunnel="orders"}`:                                1,
		`ready{tunnel="web"}`:                                   0,
		`sent_bytes_total{tunnel="orders"}`:                     1 << 40,
		`received_bytes_total{tunnel="orders"}`:                 7,
		`connections{tunnel="orders"}`:                          3,
		`connections_opened_total{tunnel="orders"}`:             9,
		`connections_refused_total{tunnel="orders"}`:            1,
		`sessions_total{tunnel="orders"}`:                       4,
		`reconnects_total{tunnel="orders"}`:                     2,
		`destinations{tunnel="proxy"}`:                          5,
		`round_trip_seconds{tunnel="orders"}`:                   0.0125,
		`path_bytes_per_second{tunnel="orders"}`:                250000,
		`credentials_expire_timestamp_seconds{tunnel="orders"}`: 1795003600.25,
		`state_since_timestamp_seconds{tunnel="orders"}`:        1795000000.25,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, name := range []string{"round_trip_seconds", "path_bytes_per_second", "credentials_expire_timestamp_seconds", "destinations"} {
		if _, there := values[fmt.Sprintf(`ssmguard_tunnel_%s{tunnel="lazy"}`, name)]; there {
			t.Errorf("%s is told of a tunnel that has none", name)
		}
	}
}

// No name of a tunnel is more than the value of a label.
func TestMetricsOfHostileNames(t *testing.T) {
	for _, text := range append(safetexttest.Texts, "a\"} 1\nb{c=\"", `\`, "\n", "\xff") {
		s := served()[0]
		s.Tunnel = text
		want := len(parsed(t, metrics(served()[:1])))
		if got := len(parsed(t, metrics([]keeper.Status{s}))); got != want {
			t.Errorf("%q: %d values, want %d", text, got, want)
		}
	}
}

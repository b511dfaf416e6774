package awsssm

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"ssmguard/proxy"
)

// The endpoints of the tests below.
const (
	ofRegion = "https://ssm.us-east-1.amazonaws.com"
	ofCorp   = "https://ssm.corp.example:8443/aws"
	ofVPC    = "https://vpce-0abc-xyz.ssm.us-east-1.vpce.amazonaws.com"
)

func TestGateways(t *testing.T) {
	for _, tc := range []struct {
		api, region, configured, stream string
		trusted                         bool
	}{
		// AWS's own, in every form.
		{ofRegion, "us-east-1", "", "wss://ssmmessages.us-east-1.amazonaws.com/v1/data-channel/a?role=publish_subscribe", true},
		{ofRegion, "us-east-1", "", "wss://SSMMESSAGES.us-east-1.amazonaws.com/v1", true},
		{ofRegion, "us-east-1", "", "wss://ssmmessages.us-east-1.amazonaws.com:443/v1", true},
		{ofRegion, "us-east-1", "", "wss://ssmmessages.us-east-1.api.aws/v1", true},
		{ofRegion, "us-east-1", "", "wss://ssmmessages-fips.us-east-1.amazonaws.com/v1", true},
		{ofRegion, "us-east-1", "", "wss://ssmmessages-fips.us-east-1.api.aws/v1", true},
		{ofRegion, "us-east-1", "", "wss://vpce-0abc-xyz-us-east-1a.ssmmessages.us-east-1.vpce.amazonaws.com/v1", true},
		{"https://ssm-fips.us-east-1.amazonaws.com", "us-east-1", "", "wss://ssmmessages.us-east-1.amazonaws.com/v1", true},
		{"https://ssm-fips.us-east-1.amazonaws.com", "us-east-1", "", "wss://ssmmessages-fips.us-east-1.amazonaws.com/v1", true},
		{ofVPC, "us-east-1", "", "wss://ssmmessages.us-east-1.amazonaws.com/v1", true},
		{ofVPC, "us-east-1", "", "wss://vpce-0def-uvw.ssmmessages.us-east-1.vpce.amazonaws.com/v1", true},
		{"https://ecs.us-east-1.amazonaws.com", "us-east-1", "", "wss://ssmmessages.us-east-1.amazonaws.com/v1", true},
		{"https://ssm.cn-north-1.amazonaws.com.cn", "cn-north-1", "", "wss://ssmmessages.cn-north-1.amazonaws.com.cn/v1", true},
		{"https://ssm.us-gov-west-1.amazonaws.com", "us-gov-west-1", "", "wss://ssmmessages.us-gov-west-1.amazonaws.com/v1", true},
		{"https://ssm.us-iso-east-1.c2s.ic.gov", "us-iso-east-1", "", "wss://ssmmessages.us-iso-east-1.c2s.ic.gov/v1", true},
		{"https://ssm.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1", "", "wss://ssmmessages.eusc-de-east-1.amazonaws.eu/v1", true},
		{ofRegion, "us-east-1", "", "wss://ssmmessages.eu-west-1.amazonaws.com/v1", true},
		{"https://ssm.us-gov-west-1.amazonaws.com", "us-gov-west-1", "", "wss://ssmmessages.us-east-1.amazonaws.com/v1", true},
		{ofRegion, "us-east-1", "", "wss://ssmmessages-fips.eu-west-1.api.aws/v1", true},
		// Endpoints of the user's own.
		{ofCorp, "us-east-1", "", "wss://ssm.corp.example:9443/v1", true},
		{ofCorp, "us-east-1", "", "wss://ssmmessages.corp.example/v1", true},
		{ofCorp, "us-east-1", "", "wss://ssmmessages.us-east-1.amazonaws.com/v1", true},
		{ofCorp, "us-east-1", "https://gateway.example", "wss://gateway.example/v1", true},
		{"http://127.0.0.1:4566", "us-east-1", "", "ws://127.0.0.1:4567/v1", true},
		{"http://localhost:4566", "us-east-1", "", "ws://[::1]:4567/v1", true},
		{"https://127.0.0.1:4566", "us-east-1", "", "wss://localhost:4567/v1", true},
		{"http://10.0.0.7:4566", "us-east-1", "", "ws://10.0.0.7:80/v1", true},
		// In the clear behind https.
		{ofRegion, "us-east-1", "", "ws://ssmmessages.us-east-1.amazonaws.com/v1", false},
		{ofCorp, "us-east-1", "http://gateway.example", "ws://gateway.example/v1", false},
		{"https://127.0.0.1:4566", "us-east-1", "", "ws://127.0.0.1:4567/v1", false},
		// Elsewhere.
		{ofRegion, "us-east-1", "", "wss://gateway.example/v1", false},
		{ofRegion, "us-east-1", "", "wss://ssmmessages.us-east-1.amazonaws.com.gateway.example/v1", false},
		{ofRegion, "us-east-1", "", "wss://ssmmessages.us-east-1.amazonaws.com@gateway.example/v1", false},
		{ofRegion, "us-east-1", "", "wss://us-east-1.amazonaws.com@ssmmessages.us-east-1.amazonaws.com/v1", false},
		{ofRegion, "us-east-1", "", "wss://ssmmessages.amazonaws.com/v1", false},
		{ofRegion, "us-east-1", "", "wss://ssmmessages..amazonaws.com/v1", false},
		{ofRegion, "us-east-1", "", "wss://ssmmessages.s3.amazonaws.com/v1", false},
		{ofRegion, "us-east-1", "", "wss://ssmmessages.s3-eu-west-1.amazonaws.com/v1", false},
		{ofRegion, "us-east-1", "", "wss://ssmmessages.s3-website-us-east-1.amazonaws.com/v1", false},
		{ofRegion, "us-east-1", "", "wss://ssmmessages.bucket.s3.amazonaws.com/v1", false},
		{ofRegion, "us-east-1", "", "wss://ssmmessages.execute-api.eu-west-1.amazonaws.com/v1", false},
		{ofRegion, "us-east-1", "", "wss://vpce-0abc-xyz.ssmmessages.eu-west-1.vpce.amazonaws.com/v1", false},
		{ofRegion, "us-east-1", "", "wss://ssmmessages.us-east-1.amazonaws.com.cn/v1", false},
		{ofVPC, "us-east-1", "", "wss://ssmmessages.us-east-1.amazonaws.com:8443/v1", false},
		{ofRegion, "us-east-1", "", "wss://a.b.ssmmessages.us-east-1.vpce.amazonaws.com/v1", false},
		{ofRegion, "us-east-1", "", "wss://vpce-0abc.other.us-east-1.vpce.amazonaws.com/v1", false},
		{ofRegion, "us-east-1", "", "wss://127.0.0.1/v1", false},
		{ofCorp, "us-east-1", "", "wss://other.corp.example/v1", false},
		{"https://corp.example", "us-east-1", "", "wss://ssmmessages.example/v1", false},
		{"http://10.0.0.7:4566", "us-east-1", "", "ws://ssmmessages.0.0.7/v1", false},
		{"http://127.0.0.1:4566", "us-east-1", "", "ws://10.0.0.7/v1", false},
		// No URL of a websocket.
		{ofRegion, "us-east-1", "", "https://ssmmessages.us-east-1.amazonaws.com/v1", false},
		{ofRegion, "us-east-1", "", "wss:///v1", false},
		{ofRegion, "us-east-1", "", "wss:ssmmessages.us-east-1.amazonaws.com", false},
		{ofRegion, "us-east-1", "", "://", false},
		{ofRegion, "us-east-1", "", "", false},
	} {
		api, err := url.Parse(tc.api)
		if err != nil {
			t.Fatal(err)
		}
		err = Gateways{API: api, Region: tc.region, Configured: []string{tc.configured}}.Check(proxy.NewSecret(tc.stream))
		if (err == nil) != tc.trusted {
			t.Errorf("%s at %s (%q): %v", tc.stream, tc.api, tc.configured, err)
		}
		var distrusted *StreamURLError
		if err != nil && (!errors.As(err, &distrusted) || strings.ContainsAny(err.Error(), "\r\n\x1b") || strings.Contains(err.Error(), "/v1")) {
			t.Errorf("%s: %q", tc.stream, err)
		}
	}
}

// TestStreamURLIsChecked: neither the session that is opened nor the one that is resumed may
// lead elsewhere; the former is ended in the account.
func TestStreamURLIsChecked(t *testing.T) {
	a := serve(t, func(_ string, w http.ResponseWriter) {
		io.WriteString(w, `{"SessionId":"ann-1","TokenValue":"sesame","StreamUrl":"ws://gateway.example/v1/ann-1?hush"}`)
	})
	c := client(a.URL)
	var distrusted *StreamURLError
	if s, err := c.Start(t.Context(), proxy.Spec{Target: "i-1"}); !errors.As(err, &distrusted) || s != nil {
		t.Errorf("opened %+v, %v", s, err)
	}
	if len(a.calls) != 2 || a.calls[1] != (call{"TerminateSession", `{"SessionId":"ann-1"}`}) {
		t.Errorf("calls %+v", a.calls)
	}
	if s, err := c.Resume(t.Context(), "ann-1"); !errors.As(err, &distrusted) || s != nil {
		t.Errorf("resumed %+v, %v", s, err)
	}
	if text := distrusted.Error(); !strings.Contains(text, `"gateway.example"`) || strings.Contains(text, "hush") {
		t.Error(text)
	}
}

// TestLead: the endpoint that is configured for data channels alone is where they are opened,
// whatever host AWS names.
func TestLead(t *testing.T) {
	const stream = "wss://ssmmessages.us-east-1.amazonaws.com/v1/data-channel/ann-1?role=publish_subscribe&a=%2B"
	for _, tc := range []struct{ api, messages, stream, want string }{ // want "" for a fault
		{ofRegion, "", stream, stream},
		{ofVPC, "https://vpce-0def-uvw.ssmmessages.us-east-1.vpce.amazonaws.com", stream,
			"wss://vpce-0def-uvw.ssmmessages.us-east-1.vpce.amazonaws.com/v1/data-channel/ann-1?role=publish_subscribe&a=%2B"},
		{ofRegion, "https://gateway.example:8443/ssm/", stream, "wss://gateway.example:8443/ssm/v1/data-channel/ann-1?role=publish_subscribe&a=%2B"},
		{ofRegion, "wss://gateway.example", "wss://elsewhere.example/v1", "wss://gateway.example/v1"},
		{"http://127.0.0.1:4566", "http://127.0.0.1:4567", "ws://127.0.0.1:4568/v1", "ws://127.0.0.1:4567/v1"},
		{"http://127.0.0.1:4566", "http://127.0.0.1", "ws://127.0.0.1:4568/v1", "ws://127.0.0.1:4568/v1"},
		{ofRegion, "http://gateway.example", stream, ""},
		{ofRegion, "gateway.example", stream, ""},
		{ofRegion, "ftp://gateway.example", stream, ""},
		{ofRegion, "https://u:p@gateway.example", stream, ""},
		{ofRegion, "https://gateway.example", "https://gateway.example/v1", ""},
		{ofRegion, "https://gateway.example", "wss://a@gateway.example/v1", ""},
	} {
		api, err := url.Parse(tc.api)
		if err != nil {
			t.Fatal(err)
		}
		led, err := Gateways{API: api, Region: "us-east-1", Messages: tc.messages}.Lead(proxy.NewSecret(tc.stream))
		var distrusted *StreamURLError
		switch {
		case tc.want == "" && (!errors.As(err, &distrusted) || strings.Contains(err.Error(), "/v1")):
			t.Errorf("%s: %v", tc.messages, err)
		case tc.want != "" && (err != nil || led.Reveal() != tc.want):
			t.Errorf("%s: %q (%v), want %q", tc.messages, led.Reveal(), err, tc.want)
		}
	}
}

// configuredLead is a source of configuration with an endpoint for data channels alone.
type configuredLead string

func (l configuredLead) DataChannelEndpoint() string { return string(l) }

// TestSessionsAreLed: a session that is opened and one that is resumed go to the endpoint that is
// configured for data channels.
func TestSessionsAreLed(t *testing.T) {
	a := serve(t, func(_ string, w http.ResponseWriter) {
		io.WriteString(w, `{"SessionId":"ann-1","TokenValue":"sesame","StreamUrl":"wss://ssmmessages.us-east-1.amazonaws.com/v1/ann-1?a=b"}`)
	})
	c := client(a.URL)
	c.cfg.ConfigSources = append(c.cfg.ConfigSources, configuredLead("http://127.0.0.1:9/x"))
	opened, err := c.Start(t.Context(), proxy.Spec{Target: "i-1"})
	if err != nil {
		t.Fatal(err)
	}
	resumed, err := c.Resume(t.Context(), "ann-1")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []*proxy.Session{opened, resumed} {
		if got := s.StreamURL.Reveal(); got != "ws://127.0.0.1:9/x/v1/ann-1?a=b" {
			t.Error(got)
		}
	}
}

func BenchmarkGateways(b *testing.B) {
	for name, endpoint := range map[string]string{"own": ofRegion, "other": ofVPC} {
		b.Run(name, func(b *testing.B) {
			api, _ := url.Parse(endpoint)
			g := Gateways{API: api, Region: "us-east-1"}
			stream := proxy.NewSecret("wss://vpce-0abc-xyz.ssmmessages.us-east-1.vpce.amazonaws.com/v1")
			if name == "own" {
				stream = proxy.NewSecret("wss://ssmmessages.us-east-1.amazonaws.com/v1/data-channel/a?role=publish_subscribe")
			}
			for b.Loop() {
				if err := g.Check(stream); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

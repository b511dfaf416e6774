package awsconf

import (
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestOneTrust: the certificates of the variables, the profile or the command line are
// those of every call and of the data channel. --no-verify-ssl is about the calls of the
// command's service alone.
func TestOneTrust(t *testing.T) {
	far := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	far.Config.ErrorLog = log.New(io.Discard, "", 0) // clients that do not trust it are expected
	far.StartTLS()
	t.Cleanup(far.Close)
	type trusts struct{ SSM, Others, ECS, DataChannel bool }
	all, none := trusts{true, true, true, true}, trusts{}
	c := newCloud(t)
	for name, tc := range map[string]struct {
		env, profile string
		args         []string
		want         trusts
	}{
		"nothing":       {want: none},
		"AWS_CA_BUNDLE": {env: "AWS_CA_BUNDLE", want: all},
		"Python's":      {env: "REQUESTS_CA_BUNDLE", want: all},
		"the profile":   {profile: "ca_bundle", want: all},
		"--ca-bundle":   {args: []string{"--ca-bundle"}, want: all},
		"not verified":  {args: []string{"--no-verify-ssl"}, want: trusts{SSM: true}},
		"both":          {env: "AWS_CA_BUNDLE", args: []string{"--no-verify-ssl"}, want: all},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHome(t, c, "")
			h.write(t, "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: far.Certificate().Raw})))
			bundle := filepath.Join(h.dir, ".aws", "ca.pem")
			if tc.env != "" {
				h.env[tc.env] = bundle
			}
			if tc.profile != "" {
				h.write(t, "config", "[default]\n"+tc.profile+" = "+bundle+"\n")
			}
			if len(tc.args) > 0 && tc.args[0] == "--ca-bundle" {
				tc.args = append(tc.args, bundle)
			}
			s, err := h.session(tc.args...)
			if err != nil {
				t.Fatal(err)
			}
			reaches := func(client interface {
				Do(*http.Request) (*http.Response, error)
			}) bool {
				req, err := http.NewRequest(http.MethodGet, far.URL, nil)
				if err != nil {
					t.Fatal(err)
				}
				resp, err := client.Do(req)
				if err != nil {
					return false
				}
				resp.Body.Close()
				return true
			}
			proxy, trusted, err := s.Dialing()
			if err != nil {
				t.Fatal(err)
			}
			_, plugins := s.Connecting()
			channel := reaches(&http.Client{Transport: &http.Transport{Proxy: proxy, TLSClientConfig: trusted}})
			if channel != (plugins == bundle) {
				t.Errorf("the plugin's certificates are %q", plugins)
			}
			got := trusts{reaches(s.SSM.HTTPClient), reaches(s.Config.HTTPClient), reaches(s.ECS.HTTPClient), channel}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

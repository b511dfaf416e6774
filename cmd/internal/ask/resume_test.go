package ask

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"ssmguard/cmd/internal/env"
	"ssmguard/proxy/awsssm"
)

// A plugin's session is resumed over a new connection to AWS: that of before may be dead.
func TestResumeOverNewConnection(t *testing.T) {
	var connections atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"SessionId":"ann-1","TokenValue":"t","StreamUrl":"ws://127.0.0.1/"}`)
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	p := &env.Process{Environ: []string{"HOME=" + t.TempDir(), "AWS_ACCESS_KEY_ID=AKIDX", "AWS_SECRET_ACCESS_KEY=x", "AWS_REGION=eu-west-1",
		"AWS_ENDPOINT_URL=" + server.URL, "AWS_EC2_METADATA_DISABLED=true"}}
	line, err := Read(p, []string{"ssm", "start-session", "--target", "i-0123456789abcdef0"})
	if err != nil {
		t.Fatal(err)
	}
	conf, err := line.Configure(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r, err := line.Runner(t.Context(), conf, awsssm.New(conf.SSM))
	if err != nil {
		t.Fatal(err)
	}
	for n := range int32(2) {
		if _, err := r.Calls.Resume(t.Context(), "ann-1"); err != nil {
			t.Fatal(err)
		}
		if got := connections.Load(); got != n+1 {
			t.Errorf("%d connections for %d calls", got, n+1)
		}
	}
}

package awsiam

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"ssmguard/guard"
	"ssmguard/guard/account"
	"ssmguard/guard/policy"
)

// rounds counts how many calls deep a client's reads are: it holds every call
// until no more come, and then lets all of them go at once.
type rounds struct {
	server http.Handler
	quiet  time.Duration

	mu    sync.Mutex
	gate  chan struct{}
	timer *time.Timer
	n     int
}

func (r *rounds) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	if r.gate == nil {
		r.gate = make(chan struct{})
		r.timer = time.AfterFunc(r.quiet, r.release)
		r.n++
	} else {
		r.timer.Reset(r.quiet)
	}
	gate := r.gate
	r.mu.Unlock()
	<-gate
	r.server.ServeHTTP(w, req)
}

func (r *rounds) release() {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.gate)
	r.gate = nil
}

func (r *rounds) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.n
}

// However much there is to read, the guard adds the time of four calls at most.
func TestFourCallsDeep(t *testing.T) {
	role := devWorld()
	role.Policies = []account.Policy{
		{Name: "AmazonSSMFullAccess", AWS: true, Document: allowStart},
		{Name: "Own", Document: readAll},
		{Name: "Limit", Document: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`},
	}
	role.Roles[0].Attached = []string{"AmazonSSMFullAccess", "Own"}
	role.Roles[0].Boundary = "Limit"
	role.Keys = []account.Key{{ID: "11111111-2222-3333-4444-555555555555", Alias: "sessions"}}
	role.Documents = []account.Document{{Name: guard.DefaultDocument, Content: `{"schemaVersion":"1.0","sessionType":"Standard_Stream","inputs":{"kmsKeyId":"alias/sessions"}}`}}

	user := role
	user.Roles = nil
	user.Users = []account.User{{
		Principal: account.Principal{Name: "ann", Inline: []account.Policy{inline("own", allowStart)}},
		Groups:    []string{"ops"},
	}}
	user.Groups = []account.Group{{Name: "ops", Attached: []string{"Own"}, Inline: []account.Policy{inline("read", readAll)}}}
	user.Logins = []account.Login{{Name: "ann", Principal: "user/ann"}}

	for name, w := range map[string]account.World{"role": role, "user": user} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv, err := account.New(w, account.Options{})
			if err != nil {
				t.Fatal(err)
			}
			r := &rounds{server: srv, quiet: 150 * time.Millisecond}
			h := httptest.NewServer(r)
			defer h.Close()
			c := New(accountConfig(h.URL, srv.Logins()[0], "EnvConfigCredentials"), Options{})
			defer c.Close()
			c.Prefetch(context.Background(), guard.Request{Region: testRegion, Target: bastion})
			if d := check(t, c, bastion, ""); d.Verdict() != policy.Allow {
				t.Errorf("verdict %v: %v", d.Verdict(), d.Findings)
			}
			if n := r.count(); n > 4 {
				t.Errorf("%d calls deep", n)
			}
		})
	}
}

// benchDelay is what a call to AWS takes.
const benchDelay = 40 * time.Millisecond

// BenchmarkGuard shows what the guard adds to a bare StartSession: run it with
// -bench Guard -benchtime 20x.
func BenchmarkGuard(b *testing.B) {
	w := devWorld()
	w.Delay = benchDelay
	srv, err := account.New(w, account.Options{})
	if err != nil {
		b.Fatal(err)
	}
	h := httptest.NewServer(srv)
	defer h.Close()
	cfg := accountConfig(h.URL, srv.Logins()[0], "EnvConfigCredentials")
	r := guard.Request{Region: testRegion, Target: bastion, Document: "AWS-StartSSHSession"}
	start := func(b *testing.B, c *Client) {
		in := &ssm.StartSessionInput{Target: aws.String(r.Target), DocumentName: aws.String(r.Document)}
		_, err := c.ssm.StartSession(b.Context(), in, func(o *ssm.Options) { o.Retryer = aws.NopRetryer{} })
		if KindOf(err) == KindDenied {
			b.Fatal(err)
		}
	}
	ask := func(b *testing.B, c *Client) {
		if _, ok := c.RecentlyAllowed(b.Context(), r); ok {
			return
		}
		c.Prefetch(b.Context(), r)
		caller, err := c.Caller(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		r := r
		r.Caller = caller
		d, err := (&guard.Guard{Inventory: c, Simulators: []guard.Simulator{c, guard.Local{Source: c}}}).Check(b.Context(), r)
		if err != nil || d.Verdict() != policy.Allow {
			b.Fatal(d.Verdict(), err)
		}
		c.RememberAllowed(b.Context(), r)
	}
	run := func(name string, o Options, each ...func(*testing.B, *Client)) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				c := New(cfg, o)
				for _, f := range each {
					f(b, c)
				}
				c.Close()
			}
		})
	}
	run("bare", Options{}, start)
	run("cold", Options{}, ask, start)
	run("warm", Options{CacheDir: b.TempDir()}, ask, start)
}

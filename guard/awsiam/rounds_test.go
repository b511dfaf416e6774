package awsiam

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"ssmguard/guard"
	"ssmguard/guard/policy"
	"ssmguard/internal/sandbox/account"
	"ssmguard/internal/sandbox/api"
	"ssmguard/internal/sandbox/world"
)

// distant is an account that answers every call after one round, in time that
// stands still while anything is still to do: what is asked at once takes one
// round, and the time that has passed counts the rounds.
type distant struct{ server http.Handler }

const round = time.Second

func (d distant) Do(req *http.Request) (*http.Response, error) {
	select {
	case <-req.Context().Done():
		return nil, req.Context().Err()
	case <-time.After(round):
	}
	in := httptest.NewRequest(req.Method, req.URL.String(), req.Body).WithContext(req.Context())
	in.Header, in.ContentLength = req.Header, req.ContentLength
	w := httptest.NewRecorder()
	if err := d.serve(w, in); err != nil {
		return nil, err
	}
	return w.Result(), nil
}

// serve has the account answer; a connection that it drops, or that the caller gives
// up, is an error.
func (d distant) serve(w http.ResponseWriter, in *http.Request) (err error) {
	defer func() {
		if p := recover(); p == http.ErrAbortHandler {
			err = io.ErrUnexpectedEOF
		} else if p != nil {
			panic(p)
		}
	}()
	d.server.ServeHTTP(w, in)
	return in.Context().Err()
}

// distantAccount is a client of an account that is a round away.
func distantAccount(t *testing.T, w world.World, o Options) (*Client, *api.Server) {
	t.Helper()
	srv, err := account.New(w, api.Options{})
	if err != nil {
		t.Fatal(err)
	}
	cfg := accountConfig("http://aws.invalid", srv.Logins()[0], "EnvConfigCredentials")
	cfg.HTTPClient = distant{srv}
	return New(cfg, o), srv
}

// However much there is to read, the guard adds the time of four calls at most.
func TestFourCallsDeep(t *testing.T) {
	role := devWorld()
	role.Policies = []world.Policy{
		{Name: "AmazonSSMFullAccess", AWS: true, Document: allowStart},
		{Name: "Own", Document: readAll},
		{Name: "Limit", Document: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`},
	}
	role.Roles[0].Attached = []string{"AmazonSSMFullAccess", "Own"}
	role.Roles[0].Boundary = "Limit"
	role.Keys = []world.Key{{ID: "11111111-2222-3333-4444-555555555555", Alias: "sessions"}}
	role.Documents = []world.Document{{Name: guard.DefaultDocument, Content: `{"schemaVersion":"1.0","sessionType":"Standard_Stream","inputs":{"kmsKeyId":"alias/sessions"}}`}}

	user := role
	user.Roles = nil
	user.Users = []world.User{{
		Principal: world.Principal{Name: "ann", Inline: []world.Policy{inline("own", allowStart)}},
		Groups:    []string{"ops"},
	}}
	user.Groups = []world.Group{{Name: "ops", Attached: []string{"Own"}, Inline: []world.Policy{inline("read", readAll)}}}
	user.Logins = []world.Login{{Name: "ann", Principal: "user/ann"}}

	for name, w := range map[string]world.World{"role": role, "user": user} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, _ := distantAccount(t, w, Options{CallTimeout: time.Minute})
				start := time.Now()
				c.Prefetch(t.Context(), guard.Request{Region: testRegion, Target: bastion})
				if d := check(t, c, bastion, ""); d.Verdict() != policy.Allow {
					t.Errorf("verdict %v: %v", d.Verdict(), d.Findings)
				}
				c.Close()
				if n := time.Since(start) / round; n == 0 || n > 4 {
					t.Errorf("%d calls deep", n)
				}
			})
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
	srv, err := account.New(w, api.Options{})
	if err != nil {
		b.Fatal(err)
	}
	h := httptest.NewServer(srv)
	defer h.Close()
	cfg := accountConfig(h.URL, srv.Logins()[0], "EnvConfigCredentials")
	r := guard.Request{Region: testRegion, Target: bastion, Document: "AWS-StartSSHSession"}
	start := func(b *testing.B, c *Client) {
		if err := startSession(b.Context(), c, r.Target, r.Document); KindOf(err) == KindDenied {
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
		c.RememberAllowed(b.Context(), r, "")
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

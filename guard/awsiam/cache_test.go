package awsiam

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ssmguard/guard"
	"ssmguard/guard/policy"
	"ssmguard/internal/sandbox/account"
	"ssmguard/internal/sandbox/api"
	"ssmguard/internal/sandbox/world"
)

func TestCacheKeeps(t *testing.T) {
	k := cache{dir: filepath.Join(t.TempDir(), "new", "cache")}
	now := time.Now()
	var got string
	if k.get("a", now, &got) {
		t.Error("found what nobody wrote")
	}
	k.put("a", now, "value", time.Minute)
	if !k.get("a", now.Add(59*time.Second), &got) || got != "value" {
		t.Errorf("got %q", got)
	}
	if k.get("a", now.Add(time.Minute), &got) {
		t.Error("found what has expired")
	}
	if files, _ := os.ReadDir(k.dir); len(files) != 0 {
		t.Errorf("left behind: %v", files)
	}
}

func TestCacheFiles(t *testing.T) {
	k := cache{dir: filepath.Join(t.TempDir(), "cache")}
	now := time.Now()
	k.put("a", now, "value", time.Minute)
	path := filepath.Join(k.dir, "a")
	for _, p := range []struct {
		path string
		mode os.FileMode
	}{{path, 0o600}, {k.dir, 0o700}} {
		if info, err := os.Stat(p.path); err != nil || info.Mode().Perm() != p.mode {
			t.Errorf("%s: %v, %v", p.path, info.Mode(), err)
		}
	}
	var got string
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if k.get("a", now, &got) {
		t.Error("read a file that others can read, so perhaps write")
	}
	for name, body := range map[string]string{"empty": "", "text": "hello", "type": `{"expires":"2999-01-01T00:00:00Z","value":7}`} {
		if err := os.WriteFile(filepath.Join(k.dir, name), []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
		if k.get(name, now, &got) {
			t.Errorf("%s: read damage", name)
		}
	}
	if err := os.Symlink("/etc/hostname", filepath.Join(k.dir, "link")); err != nil {
		t.Fatal(err)
	}
	if k.get("link", now, &got) {
		t.Error("followed a link")
	}
}

func TestCacheSweep(t *testing.T) {
	k := cache{dir: t.TempDir()}
	now := time.Now()
	for name, age := range map[string]time.Duration{
		"allow-new": time.Second, "allow-old": time.Hour, "managed-new": time.Hour, "managed-old": 2 * managedAge,
	} {
		k.put(name, now, 1, time.Minute)
		if err := os.Chtimes(filepath.Join(k.dir, name), now, now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	k.sweep(now)
	var left []string
	files, _ := os.ReadDir(k.dir)
	for _, f := range files {
		left = append(left, f.Name())
	}
	if diff := cmp.Diff([]string{"allow-new", "managed-new"}, left); diff != "" {
		t.Error(diff)
	}
}

// cached serves a world and makes clients that share one cache directory.
func cached(t *testing.T, w world.World) (client func(Options) *Client, srv *api.Server, dir string) {
	t.Helper()
	srv, err := account.New(w, api.Options{})
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(srv)
	t.Cleanup(h.Close)
	dir = filepath.Join(t.TempDir(), "cache")
	return func(o Options) *Client {
		o.CacheDir = dir
		c := New(accountConfig(h.URL, srv.Logins()[0], "EnvConfigCredentials"), patient(o))
		t.Cleanup(c.Close)
		return c
	}, srv, dir
}

func managedWorld() world.World {
	w := devWorld()
	w.Policies = []world.Policy{{Name: "AmazonSSMFullAccess", AWS: true, Document: allowStart}}
	w.Roles[0].Attached = []string{"AmazonSSMFullAccess"}
	return w
}

// operations counts the calls of an operation, or of a service: "iam:".
func operations(srv *api.Server, name string) int {
	n := 0
	for _, call := range srv.Calls() {
		if call.Operation == name || strings.HasSuffix(name, ":") && strings.HasPrefix(call.Operation, name) {
			n++
		}
	}
	return n
}

func TestWarmClientAsksNothing(t *testing.T) {
	client, srv, _ := cached(t, managedWorld())
	first := client(Options{})
	wantCaller, _ := first.Caller(t.Context())
	wantSet, err := first.Policies(t.Context(), guard.Caller{})
	if err != nil || first.Cached() {
		t.Fatalf("cold: cached %v, %v", first.Cached(), err)
	}
	srv.ForgetCalls()
	warm := client(Options{})
	caller, err := warm.Caller(t.Context())
	if err != nil || caller.Principal != wantCaller.Principal || caller.Tags["team"] != "data" {
		t.Errorf("caller %+v, %v", caller, err)
	}
	set, err := warm.Policies(t.Context(), guard.Caller{})
	if err != nil || len(set.Identity) != len(wantSet.Identity) || !warm.Cached() {
		t.Errorf("policies %+v, %v", set, err)
	}
	if n := len(srv.Calls()); n > 0 {
		t.Errorf("%d calls: %v", n, srv.Calls())
	}

	warm.Refresh()
	if _, err := warm.Policies(t.Context(), guard.Caller{}); err != nil || warm.Cached() {
		t.Errorf("after Refresh: cached %v, %v", warm.Cached(), err)
	}
	if operations(srv, "iam:GetRolePolicy") != 2 || operations(srv, "sts:") != 1 {
		t.Errorf("Refresh did not ask: %v", srv.Calls())
	}
	if n := operations(srv, "iam:GetPolicyVersion"); n != 0 {
		t.Errorf("a version of AWS's policy was read again, %d times", n)
	}

	srv.ForgetCalls()
	cold := client(Options{NoCache: true})
	if _, err := cold.Policies(t.Context(), guard.Caller{}); err != nil || operations(srv, "iam:GetPolicyVersion") != 1 {
		t.Errorf("NoCache read the cache: %v, %v", srv.Calls(), err)
	}
}

// Of a user's sessions one may have used MFA and the next may not have; a role's
// are alike to IAM.
func TestCacheTellsSessionsApart(t *testing.T) {
	for _, tt := range []struct {
		name  string
		first world.Login
		next  world.Login
		mfa   guard.MFA // of the next
		calls int       // of iam:GetUser or iam:GetRole
	}{
		{"user, then with MFA", world.Login{Principal: "user/ann"}, world.Login{Principal: "user/ann", Temporary: true, MFA: true}, guard.MFATrue, 1},
		{"with MFA, then without", world.Login{Principal: "user/ann", Temporary: true, MFA: true}, world.Login{Principal: "user/ann", Temporary: true}, guard.MFAFalse, 1},
		{"role, assumed twice", world.Login{Principal: "role/dev", Session: "a"}, world.Login{Principal: "role/dev", Session: "b"}, guard.MFAUnknown, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := devWorld()
			onUser(&w, []world.Policy{inline("read", readAll)}, "")
			tt.first.Name, tt.next.Name = "first", "next"
			w.Logins = []world.Login{tt.first, tt.next}
			srv, err := account.New(w, api.Options{})
			if err != nil {
				t.Fatal(err)
			}
			h := httptest.NewServer(srv)
			defer h.Close()
			dir := t.TempDir()
			for i, login := range srv.Logins() {
				srv.ForgetCalls()
				c := New(accountConfig(h.URL, login, "EnvConfigCredentials"), patient(Options{CacheDir: dir}))
				caller, _ := c.Caller(t.Context())
				_, _ = c.Policies(t.Context(), caller)
				c.Close()
				if i == 0 {
					continue
				}
				if caller.MFA != tt.mfa || caller.SessionARN != login.ARN {
					t.Errorf("caller %+v", caller)
				}
				if n := operations(srv, "iam:GetUser") + operations(srv, "iam:GetRole"); n != tt.calls {
					t.Errorf("asked IAM %d times: %v", n, srv.Calls())
				}
			}
		})
	}
}

// What was refused is asked again the next time.
func TestRefusalsAreNotKept(t *testing.T) {
	w := devWorld()
	w.Roles[0].Inline[1] = inline("read", statement(`{"Effect":"Allow","Action":"iam:GetRole","Resource":"*"}`))
	client, srv, _ := cached(t, w)
	for range 2 {
		if _, err := client(Options{}).Policies(t.Context(), guard.Caller{}); err == nil {
			t.Error("nothing was refused")
		}
	}
	if n := operations(srv, "iam:ListRolePolicies"); n != 2 {
		t.Errorf("asked %d times", n)
	}
}

func TestRecentlyAllowed(t *testing.T) {
	client, srv, _ := cached(t, devWorld())
	r := guard.Request{Region: testRegion, Target: bastion, Document: "AWS-StartSSHSession"}
	c := client(Options{})
	if _, ok := c.RecentlyAllowed(t.Context(), r); ok {
		t.Error("allowed by nobody")
	}
	c.RememberAllowed(t.Context(), r, "Port")
	srv.ForgetCalls()
	next := client(Options{})
	if a, ok := next.RecentlyAllowed(t.Context(), r); !ok || time.Since(a.At) > time.Minute || a.SessionType != "Port" {
		t.Errorf("%+v, %v", a, ok)
	}
	other := r
	other.Target = "i-00000000000000009"
	if _, ok := next.RecentlyAllowed(t.Context(), other); ok {
		t.Error("another target is another question")
	}
	other = r
	other.Container = "web"
	if _, ok := next.RecentlyAllowed(t.Context(), other); ok {
		t.Error("a command in a container is another question")
	}
	if len(srv.Calls()) > 0 {
		t.Errorf("calls %v", srv.Calls())
	}
	if _, ok := client(Options{NoCache: true}).RecentlyAllowed(t.Context(), r); ok {
		t.Error("NoCache read the cache")
	}
	next.Refresh()
	if _, ok := next.RecentlyAllowed(t.Context(), r); ok {
		t.Error("Refresh reads from AWS alone")
	}
	next.ForgetAllowed(t.Context(), r)
	if _, ok := client(Options{}).RecentlyAllowed(t.Context(), r); ok {
		t.Error("not forgotten")
	}
}

// The cache holds no secret and nothing that names the caller in a file name.
func TestCacheHoldsNoSecrets(t *testing.T) {
	client, srv, dir := cached(t, managedWorld())
	c := client(Options{})
	d := check(t, c, bastion, "")
	if d.Verdict() != policy.Allow {
		t.Errorf("verdict %v", d.Verdict())
	}
	c.RememberAllowed(t.Context(), d.Request, d.Facts.SessionType)
	login := srv.Logins()[0]
	dir = filepath.Join(dir, "evidence")
	files, err := os.ReadDir(dir)
	if err != nil || len(files) < 4 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, f := range files {
		body, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{login.AccessKeyID, login.SecretAccessKey, login.SessionToken} {
			if strings.Contains(string(body)+f.Name(), secret) {
				t.Errorf("%s holds a credential", f.Name())
			}
		}
		if strings.Contains(f.Name(), testAccount) {
			t.Errorf("%s names the account", f.Name())
		}
	}
}

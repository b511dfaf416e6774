package awsiam

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"ssmguard/guard"
	"ssmguard/guard/policy"
)

func TestThroughVPCEndpoint(t *testing.T) {
	addrs := func(list ...string) func(context.Context, string) ([]netip.Addr, error) {
		return func(_ context.Context, host string) ([]netip.Addr, error) {
			if host != "ssm.eu-central-1.amazonaws.com" {
				return nil, errors.New("asked for " + host)
			}
			var out []netip.Addr
			for _, a := range list {
				out = append(out, netip.MustParseAddr(a))
			}
			return out, nil
		}
	}
	for _, tt := range []struct {
		name, endpoint string
		lookup         func(context.Context, string) ([]netip.Addr, error)
		want           bool
	}{
		{"public", "", addrs("52.94.0.1", "52.94.0.2"), false},
		{"private DNS", "", addrs("10.0.1.7", "10.0.2.7"), true},
		{"private DNS, IPv6", "", addrs("fd00::7"), true},
		{"private DNS, shared address space", "", addrs("100.64.3.7"), true},
		{"next to the shared address space", "", addrs("100.128.0.1"), false},
		{"some public", "", addrs("10.0.1.7", "52.94.0.1"), false},
		{"no answer", "", func(context.Context, string) ([]netip.Addr, error) { return nil, errors.New("no such host") }, false},
		{"nobody to ask", "", nil, false},
		{"the endpoint's own name", "https://vpce-0123-abcd.ssm.eu-central-1.vpce.amazonaws.com", nil, true},
		{"a private address", "http://10.1.2.3:8080", nil, true},
		{"loopback", "http://127.0.0.1:4566", nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := fakeConfig("")
			cfg.BaseEndpoint = nil
			if tt.endpoint != "" {
				cfg.BaseEndpoint = aws.String(tt.endpoint)
			}
			c := New(cfg, Options{LookupHost: tt.lookup})
			defer c.Close()
			if got := c.throughVPCEndpoint(t.Context()); got != tt.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

// The endpoint of Systems Manager alone is another one.
func TestSSMEndpoint(t *testing.T) {
	c := New(fakeConfig("http://127.0.0.1:1"), Options{SSMEndpoint: "http://127.0.0.1:2"})
	defer c.Close()
	for service, want := range map[string]string{"ssm": "http://127.0.0.1:2", "iam": "http://127.0.0.1:1"} {
		if got, err := c.apis[service].Endpoint(t.Context()); err != nil || got.String() != want {
			t.Errorf("%s: %v %v, want %s", service, got, err, want)
		}
	}
}

func TestLayersOfTheSession(t *testing.T) {
	w := devWorld()
	w.Logins[0].Session = "i-0123456789abcdef0"
	c, _ := serve(t, w, Options{})
	set, err := c.Policies(t.Context(), guard.Caller{})
	if err != nil || !slices.Equal(set.Partial, []policy.Kind{policy.Session}) {
		t.Errorf("%v, %v", set.Partial, err)
	}
	cfg := c.credentials
	c.Refresh()
	c.credentials = aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
		creds, err := cfg.Retrieve(ctx)
		creds.Source = "EC2RoleProvider"
		return creds, err
	})
	if set, err = c.Policies(t.Context(), guard.Caller{}); err != nil || set.Partial != nil {
		t.Errorf("%v, %v", set.Partial, err)
	}
}

// Close ends what Prefetch began, and waits for it.
func TestClose(t *testing.T) {
	stop := make(chan struct{})
	defer close(stop)
	asked := make(chan struct{})
	var once sync.Once
	c, _ := newFake(t, Options{CallTimeout: time.Hour}, map[string]func(http.ResponseWriter, fakeCall){
		"GetCallerIdentity": func(http.ResponseWriter, fakeCall) { once.Do(func() { close(asked) }); <-stop },
		"DescribeInstances": silence(stop),
	})
	c.Prefetch(t.Context(), guard.Request{Target: bastion})
	<-asked
	c.Close()
	if _, err := c.Caller(t.Context()); KindOf(err) != KindCanceled {
		t.Errorf("a closed client answers: %v", err)
	}
	if f, err := c.Facts(t.Context(), guard.Request{Target: bastion}); err == nil || len(f.Unknown) == 0 {
		t.Errorf("a closed client knows facts: %+v, %v", f, err)
	}
}

func TestTimings(t *testing.T) {
	var mu sync.Mutex
	seen := make(map[string]int)
	c, _ := serve(t, devWorld(), Options{Timing: func(op string, took time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		if took > 0 {
			seen[op]++
		}
	}})
	check(t, c, bastion, "")
	mu.Lock()
	defer mu.Unlock()
	for op, n := range map[string]int{"sts:GetCallerIdentity": 1, "iam:GetRole": 1, "iam:GetRolePolicy": 2, "iam:SimulatePrincipalPolicy": 5, "ec2:DescribeInstances": 1} {
		if seen[op] != n {
			t.Errorf("%s: %d, want %d", op, seen[op], n)
		}
	}
}

// A client asks everything once, however often it is asked.
func TestAskedOnce(t *testing.T) {
	c, srv := serve(t, devWorld(), Options{})
	r := guard.Request{Region: testRegion, Target: bastion}
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() { c.Prefetch(t.Context(), r) })
		wg.Go(func() { _, _ = c.Caller(t.Context()) })
		wg.Go(func() { _, _ = c.Policies(t.Context(), guard.Caller{}) })
		wg.Go(func() { _, _ = c.Facts(t.Context(), r) })
	}
	wg.Wait()
	for _, op := range []string{"sts:GetCallerIdentity", "iam:GetRole", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies", "ec2:DescribeInstances", "ssm:GetDocument"} {
		if n := operations(srv, op); n != 1 {
			t.Errorf("%s: %d times", op, n)
		}
	}
}

package account

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ssmguard/internal/sandbox/api"
	"ssmguard/internal/sandbox/world"
)

func TestFaults(t *testing.T) {
	s, c := open(t, userWith(allow("*", "*")), api.Options{})
	getUser := func() failure { return c.ask(nil, "iam", "GetUser") }
	s.Inject(world.Fault{Operation: "iam:*", Call: 2, Kind: world.Throttle})
	if f := getUser(); f.Code != "" {
		t.Errorf("first call: %+v", f)
	}
	if f := getUser(); f != (failure{400, "Throttling", "Rate exceeded"}) {
		t.Errorf("second call: %+v", f)
	}
	if f := getUser(); f.Code != "" {
		t.Errorf("third call: %+v", f)
	}
	s.Inject(world.Fault{Operation: "*", Kind: world.Unavailable})
	if f := getUser(); f.Status != 503 {
		t.Error(f)
	}
	if f := c.post(nil, "ssm", "DescribeSessions", start{"State": "Active"}); f.Status != 503 {
		t.Error(f)
	}
	s.Heal()
	if f := getUser(); f.Code != "" {
		t.Errorf("healed: %+v", f)
	}
	s.Inject(world.Fault{Operation: "ssm:DescribeSessions", Kind: world.Throttle})
	if f := c.post(nil, "ssm", "DescribeSessions", start{"State": "Active"}); f.Code != "ThrottlingException" || f.Message != "Rate exceeded" {
		t.Error(f)
	}
}

func TestGarbageAndDrop(t *testing.T) {
	s, c := open(t, userWith(allow("*", "*")), api.Options{})
	s.Inject(world.Fault{Operation: "iam:GetUser", Call: 1, Kind: world.Garbage}, world.Fault{Operation: "iam:GetUser", Call: 2, Kind: world.Drop})
	r := c.query("iam", "GetUser")
	c.sign(r, "iam")
	if body, f := c.send(r); f.Code != "" || !strings.HasPrefix(string(body), "<html>") {
		t.Errorf("%s %v", body, f)
	}
	r = c.query("iam", "GetUser")
	c.sign(r, "iam")
	if resp, err := http.DefaultClient.Do(r); err == nil {
		resp.Body.Close()
		t.Error("an answer came over the dropped connection")
	}
}

// A delayed call is answered late, and given up when its caller goes.
func TestDelay(t *testing.T) {
	s, c := open(t, userWith(allow("*", "*")), api.Options{})
	s.Inject(world.Fault{Operation: "iam:GetUser", Delay: time.Hour})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	r := c.query("iam", "GetUser").WithContext(ctx)
	c.sign(r, "iam")
	if resp, err := http.DefaultClient.Do(r); err == nil {
		resp.Body.Close()
		t.Error("answered at once")
	}
	if f := c.ask(nil, "sts", "GetCallerIdentity"); f.Code != "" {
		t.Errorf("another operation: %+v", f)
	}
}

func TestCallLog(t *testing.T) {
	s, c := open(t, userWith(), api.Options{})
	c.ask(nil, "sts", "GetCallerIdentity")
	c.ask(nil, "iam", "GetUser")
	keys := c.keys
	keys.AccessKeyID = "AKIAIOSFODNN7EXAMPLE"
	c.as(keys).post(nil, "ssm", "DescribeSessions", start{})
	var got []string
	for _, l := range s.Calls() {
		got = append(got, fmt.Sprintf("%s %s %s %s", l.Operation, l.Region, l.Principal, l.Error))
	}
	want := []string{
		"sts:GetCallerIdentity us-east-1 " + aliceARN + " ", "iam:GetUser us-east-1 " + aliceARN + " AccessDenied",
		"ssm:DescribeSessions us-east-1  UnrecognizedClientException",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	s.ForgetCalls()
	if n := len(s.Calls()); n != 0 {
		t.Errorf("%d calls left", n)
	}
}

func TestNewRefuses(t *testing.T) {
	for want, change := range map[string]func(*world.World){
		`no managed policy "None"`:              func(w *world.World) { w.Users[0].Attached = []string{"None"} },
		`no managed policy "Limit" for the bou`: func(w *world.World) { w.Users[0].Boundary = "Limit" },
		`user alice: no group "none"`:           func(w *world.World) { w.Users[0].Groups = []string{"none"} },
		`user/alice: policy p1`:                 func(w *world.World) { w.Users[0].Inline[0].Document = "{}" },
		`no user "eve"`:                         func(w *world.World) { w.Logins[0].Principal = "user/eve" },
		`principal "pizza" is none of`:          func(w *world.World) { w.Logins[0].Principal = "pizza" },
		`session policy 1`:                      func(w *world.World) { w.Logins[0].Policies = []string{"{}"} },
		`endpoint policy`:                       func(w *world.World) { w.Endpoint = &world.Policy{Document: "{}"} },
		`federated/USER/NAME`:                   func(w *world.World) { w.Logins[0].Principal = "federated/guest" },
	} {
		w := userWith(allow("*", "*"))
		change(&w)
		if _, err := New(w, api.Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

// Serve ends with its context, calls in flight included.
func TestServeEnds(t *testing.T) {
	s, err := New(userWith(allow("*", "*")), api.Options{})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	c := &client{t: t, url: "http://" + l.Addr().String(), keys: s.Logins()[0], region: "us-east-1", now: time.Now()}
	if f := c.ask(nil, "sts", "GetCallerIdentity"); f.Code != "" {
		t.Error(f)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// Calls and changes from many sides do not disturb each other.
func TestConcurrentCalls(t *testing.T) {
	s, c := open(t, sessionWorld(allow("*", "*")), api.Options{Channels: &quiet{}})
	var g sync.WaitGroup
	for i := range 8 {
		g.Go(func() {
			for range 5 {
				if f := c.ask(nil, "iam", "GetUser"); f.Code != "" {
					t.Error(f)
				}
				if f := c.post(nil, "ssm", "StartSession", start{"Target": "i-0123456789abcdef0"}); f.Code != "" {
					t.Error(f)
				}
				if err := s.PutInline("user/alice", fmt.Sprint("extra", i), allow("*", "*")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	g.Wait()
	if n := len(s.Calls()); n != 80 {
		t.Errorf("%d calls logged", n)
	}
}

// quiet is a gateway that keeps nothing.
type quiet struct{ ready }

func (*quiet) Start(context.Context, api.SessionStart) (string, string, error) {
	return "ws://127.0.0.1:1/", "token", nil
}

// Nothing prints or logs a secret.
func TestCredentialsPrintNoSecret(t *testing.T) {
	w := userWith()
	w.Logins = append(w.Logins, world.Login{Name: "token", Principal: "user/alice", Temporary: true})
	s, _ := open(t, w, api.Options{})
	for _, l := range s.Logins() {
		for _, text := range []string{fmt.Sprint(l), fmt.Sprintf("%v %+v %#v %s", l, l, l, l), l.LogValue().String()} {
			if strings.Contains(text, l.SecretAccessKey) || l.SessionToken != "" && strings.Contains(text, l.SessionToken) || !strings.Contains(text, l.AccessKeyID) {
				t.Errorf("printed as %s", text)
			}
		}
	}
	if got := slices.Compact([]string{s.Logins()[0].AccessKeyID[:4], s.Logins()[1].AccessKeyID[:4]}); !slices.Equal(got, []string{"AKIA", "ASIA"}) {
		t.Errorf("key ids %v", got)
	}
}

// The plugin signs the upgrade of its data channel for ssmmessages.
func TestVerifyUpgrade(t *testing.T) {
	s, c := open(t, userWith(), api.Options{})
	upgrade := func(service string, keys api.Credentials) error {
		r, err := http.NewRequest("GET", "http://127.0.0.1:1/v1/data-channel/x?role=publish", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		c.as(keys).sign(r, service)
		return s.VerifyUpgrade(r)
	}
	wrong := c.keys
	wrong.SecretAccessKey += "x"
	if err := upgrade("ssmmessages", c.keys); err != nil {
		t.Error(err)
	}
	if upgrade("ssm", c.keys) == nil || upgrade("ssmmessages", wrong) == nil {
		t.Error("accepted")
	}
}

// An operation that panics costs its own call and no other.
func TestPanicLeavesAccountUsable(t *testing.T) {
	s, c := open(t, userWith(allow("*", "*")), api.Options{})
	func() {
		defer func() {
			if recover() == nil {
				t.Error("a call without an operation did not panic")
			}
		}()
		s.Operate(nil) //nolint:errcheck // it does not return
	}()
	if f := c.ask(nil, "iam", "GetUser"); f.Code != "" {
		t.Errorf("the call after it: %+v", f)
	}
}

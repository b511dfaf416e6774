package awsiam

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"ssmguard/guard"
	"ssmguard/guard/policy"
	"ssmguard/internal/sandbox/world"
)

// Every disturbance of every call ends in an answer in time, and in none that
// the account does not bear out.
func TestFaults(t *testing.T) {
	ops := []string{"sts:*", "iam:GetRole", "iam:GetRolePolicy", "iam:SimulatePrincipalPolicy", "iam:*", "ec2:*", "ssm:*", "organizations:*", "*"}
	kinds := []world.Fault{
		{Kind: world.Throttle}, {Kind: world.Unavailable}, {Kind: world.Garbage}, {Kind: world.Drop},
		{Kind: world.Throttle, Call: 1}, {Kind: world.Drop, Call: 1}, {Delay: time.Hour},
	}
	denies := devWorld()
	denies.Roles[0].Inline[0] = inline("ssm", `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"ssm:StartSession","Resource":"*"}}`)
	for name, w := range map[string]world.World{"allowed": devWorld(), "denied": denies} {
		for _, op := range ops {
			for _, f := range kinds {
				f.Operation = op
				t.Run(name+" "+op+" "+string(f.Kind), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { disturbed(t, w, f, name == "denied") })
				})
			}
		}
	}
}

// disturbed asks an account with a fault.
func disturbed(t *testing.T, w world.World, f world.Fault, denied bool) {
	c, srv := distantAccount(t, w, Options{})
	defer c.Close()
	srv.Inject(f)
	start := time.Now()
	caller, err := c.Caller(t.Context())
	if caller.SessionARN == "" {
		if err == nil {
			t.Error("no caller and no error")
		}
		return
	}
	g := &guard.Guard{Inventory: c, Simulators: []guard.Simulator{c, guard.Local{Source: c}}}
	d, err := g.Check(t.Context(), guard.Request{Caller: caller, Region: testRegion, Target: bastion})
	if err != nil {
		t.Fatal(err)
	}
	if v := d.Verdict(); v.Denies() != denied && v != policy.Unknown {
		t.Errorf("verdict %v", v)
	}
	if took := time.Since(start); took > time.Minute {
		t.Errorf("took %v", took)
	}
}

func TestThrottledSimulation(t *testing.T) {
	c, f := newFake(t, Options{}, map[string]func(http.ResponseWriter, fakeCall){"SimulatePrincipalPolicy": throttled})
	rulings, err := c.Simulate(t.Context(), dev, []guard.Grant{startGrant(nil)})
	if KindOf(err) != KindThrottled {
		t.Errorf("error %v", err)
	}
	if len(rulings) != 1 || rulings[0].Answer.Verdict != policy.Unknown {
		t.Errorf("rulings %+v", rulings)
	}
	if n := f.count("SimulatePrincipalPolicy"); n != maxAttempts {
		t.Errorf("%d attempts, want %d", n, maxAttempts)
	}
}

func TestSilentServer(t *testing.T) {
	stop := make(chan struct{})
	defer close(stop)
	c, _ := newFake(t, Options{CallTimeout: 50 * time.Millisecond}, map[string]func(http.ResponseWriter, fakeCall){
		"GetCallerIdentity": silence(stop), "SimulatePrincipalPolicy": silence(stop),
	})
	if _, err := c.Caller(t.Context()); KindOf(err) != KindUnreachable {
		t.Errorf("caller: %v", err)
	}
	if _, err := c.Simulate(t.Context(), dev, []guard.Grant{startGrant(nil)}); KindOf(err) != KindUnreachable {
		t.Errorf("simulate: %v", err)
	}
}

// A caller who gives up is not kept, whatever is under way, and does not spoil the
// answer for others.
func TestCanceled(t *testing.T) {
	stop := make(chan struct{})
	asked := make(chan struct{}, 9)
	c, f := newFake(t, Options{CallTimeout: time.Hour}, map[string]func(http.ResponseWriter, fakeCall){
		"GetCallerIdentity": func(w http.ResponseWriter, call fakeCall) {
			asked <- struct{}{}
			<-stop
			whoami(devSession)(w, call)
		},
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked; cancel() }()
	if _, err := c.Caller(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("caller: %v", err)
	}
	close(stop)
	if caller, _ := c.Caller(t.Context()); caller.SessionARN != devSession || f.count("GetCallerIdentity") != 1 {
		t.Errorf("the next one gets %+v, after %d calls", caller, f.count("GetCallerIdentity"))
	}
}

func TestNoCredentials(t *testing.T) {
	cfg := fakeConfig("http://127.0.0.1:0")
	cfg.Credentials = nil
	c := New(cfg, Options{})
	defer c.Close()
	if _, err := c.Caller(t.Context()); KindOf(err) != KindCredentials {
		t.Errorf("error %v", err)
	}
	if set, err := c.Policies(t.Context(), guard.Caller{}); err == nil || len(set.Partial) == 0 {
		t.Errorf("policies that nobody read look whole: %v, %v", set, err)
	}
}

package ask

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"ssmguard/cmd/internal/awsconf"
	"ssmguard/cmd/internal/env"
)

// login is credentials that run out.
func login(key string, until time.Time) aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: key, CanExpire: true, Expires: until}, nil
	})
}

func TestRenewingTakesUpANewLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := login("second", time.Now().Add(2*time.Hour))
		looked := 0
		r := &Renewing{now: login("first", time.Now().Add(time.Hour)), load: func(context.Context) (*awsconf.Session, error) {
			looked++
			return &awsconf.Session{Credentials: next}, nil
		}}
		if c, err := r.Retrieve(t.Context()); err != nil || c.AccessKeyID != "first" || looked != 0 {
			t.Errorf("%s after %d looks, %v", c.AccessKeyID, looked, err)
		}
		time.Sleep(61 * time.Minute)
		if c, err := r.Retrieve(t.Context()); err != nil || c.AccessKeyID != "second" || looked != 1 {
			t.Errorf("%s after %d looks, %v", c.AccessKeyID, looked, err)
		}
		if left := time.Until(r.Expires()); left != 59*time.Minute {
			t.Errorf("%v left", left)
		}
	})
}

// TestRenewedReadsTheFilesAgain: a new login is found where it is written.
func TestRenewedReadsTheFilesAgain(t *testing.T) {
	file := filepath.Join(t.TempDir(), "credentials")
	p := &env.Process{Environ: []string{"HOME=" + filepath.Dir(file), "AWS_SHARED_CREDENTIALS_FILE=" + file,
		"AWS_REGION=eu-west-1", "AWS_EC2_METADATA_DISABLED=true"}}
	var line *Line
	var renewing *Renewing
	for _, key := range []string{"FIRST", "SECOND"} {
		if err := os.WriteFile(file, []byte("[default]\naws_access_key_id = "+key+"\naws_secret_access_key = s\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if line == nil {
			var err error
			if line, err = Read(p, []string{"ssm", "start-session", "--target", "i-0123456789abcdef0"}); err != nil {
				t.Fatal(err)
			}
			conf, err := line.Configure(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			renewing = line.Renewed(conf)
		} else if err := renewing.Renew(t.Context()); err != nil {
			t.Fatal(err)
		}
		if c, err := renewing.Retrieve(t.Context()); err != nil || c.AccessKeyID != key {
			t.Errorf("%s %v, want %s", c.AccessKeyID, err, key)
		}
	}
}

func TestExpiryIsAnnounced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var fresh atomic.Pointer[time.Time] // when those of a new login run out
		r := &Renewing{now: login("first", start.Add(time.Hour)), load: func(context.Context) (*awsconf.Session, error) {
			until := fresh.Load()
			if until == nil {
				return nil, errors.New("not logged in")
			}
			return &awsconf.Session{Credentials: login("newer", *until)}, nil
		}}
		if _, err := r.Retrieve(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var mu sync.Mutex
		var told []string
		done := make(chan struct{})
		go func() {
			defer close(done)
			r.Announce(ctx, func(note string) {
				mu.Lock()
				defer mu.Unlock()
				told = append(told, note)
			})
		}()
		at := func(when time.Duration, want ...string) {
			t.Helper()
			time.Sleep(time.Until(start.Add(when)))
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			if diff := cmp.Diff(want, told); diff != "" {
				t.Errorf("after %v -want +got:\n%s", when, diff)
			}
		}
		ahead := "credentials expire in 10m0s; log in again, or the tunnel cannot be resumed then"
		over := "credentials have expired; log in again: a connection that is lost cannot be resumed"
		at(49 * time.Minute)
		at(59*time.Minute, ahead)
		at(2*time.Hour, ahead, over)
		// A new login is taken up without a word, at the latest when it is looked for.
		second, third := start.Add(5*time.Hour), start.Add(9*time.Hour)
		fresh.Store(&second)
		if err := r.Renew(ctx); err != nil {
			t.Fatal(err)
		}
		at(4*time.Hour, ahead, over)
		if !r.Expires().Equal(second) {
			t.Errorf("expires %v", r.Expires())
		}
		fresh.Store(&third)
		at(6*time.Hour, ahead, over)
		if !r.Expires().Equal(third) {
			t.Errorf("expires %v", r.Expires())
		}
		cancel()
		<-done
	})
}

func TestRemedy(t *testing.T) {
	r := &Renewing{}
	r.note(aws.Credentials{Source: "SSOProvider"})
	if got := r.remedy(); got != "log in again" {
		t.Error(got)
	}
	r.note(aws.Credentials{Source: "EnvConfigCredentials"})
	if got := r.remedy(); !strings.Contains(got, "open the tunnel again") {
		t.Error(got)
	}
}

// A plugin gets credentials that are valid at that time, and no prompt for a code
// interrupts a session.
func TestKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		asked := 0
		first := aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
			asked++
			return login("first", start.Add(time.Hour)).Retrieve(ctx)
		})
		var next aws.CredentialsProvider
		missing := errors.New("Error loading SSO Token: Token for corp does not exist.")
		r := &Renewing{now: first, Again: "start", load: func(context.Context) (*awsconf.Session, error) {
			if next == nil {
				return nil, missing
			}
			return &awsconf.Session{Credentials: next}, nil
		}}
		if err := r.hold(t.Context()); err != nil {
			t.Fatal(err)
		}
		given := func(what, refused, key, text string) {
			t.Helper()
			c, err := r.keys(t.Context(), refused)
			if c.AccessKeyID != key || (err == nil) != (text == "") || err != nil && err.Error() != text {
				t.Errorf("%s: %q, %v", what, c.AccessKeyID, err)
			}
		}
		given("at the start", "", "first", "")
		given("a refusal of something else", "AccessDeniedException", "first", "")
		lost := "credentials have expired (Error loading SSO Token: Token for corp does not exist); log in again"
		given("refused, no others", "ExpiredTokenException", "", lost)
		time.Sleep(61 * time.Minute)
		given("run out", "", "", lost)
		next = login("second", start.Add(2*time.Hour))
		given("a new login", "", "second", "")
		given("refused, the same", "ExpiredTokenException", "", "credentials have expired (ExpiredTokenException); log in again")
		next = login("third", start.Add(2*time.Hour))
		given("refused, others", "ExpiredTokenException", "third", "")
		next = login("old", start)
		time.Sleep(time.Hour)
		given("others that have run out", "", "", "credentials have expired; log in again")
		if asked != 1 {
			t.Errorf("asked for credentials %d times where it may prompt", asked)
		}
		next = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "environment", Source: "EnvConfigCredentials"}, nil
		})
		given("of the environment", "", "environment", "")
		given("of the environment, refused", "ExpiredToken", "",
			"credentials have expired (ExpiredToken); they are in the environment, so start again with new ones")
	})
}

package cli

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"ssmguard/cmd/internal/awsconf"
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
		r := &renewing{now: login("first", time.Now().Add(time.Hour)), load: func(context.Context) (*awsconf.Session, error) {
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
		if left := time.Until(r.expires()); left != 59*time.Minute {
			t.Errorf("%v left", left)
		}
	})
}

func TestExpiryIsAnnouncedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var fresh aws.CredentialsProvider
		r := &renewing{now: login("first", start.Add(time.Hour)), load: func(context.Context) (*awsconf.Session, error) {
			if fresh == nil {
				return nil, errors.New("not logged in")
			}
			return &awsconf.Session{Credentials: fresh}, nil
		}}
		if _, err := r.Retrieve(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var told []time.Duration
		done := make(chan struct{})
		go func() { defer close(done); r.announce(ctx, func(left time.Duration) { told = append(told, left) }) }()
		time.Sleep(59 * time.Minute)
		synctest.Wait()
		if len(told) != 1 || told[0] > announceAhead || told[0] < announceAhead-time.Minute {
			t.Errorf("told %v", told)
		}
		// A new login in time is taken up without a word.
		fresh = login("second", start.Add(3*time.Hour))
		if err := r.Renew(ctx); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if len(told) != 1 || !r.expires().Equal(start.Add(3*time.Hour)) {
			t.Errorf("told %v, expires %v", told, r.expires())
		}
		cancel()
		<-done
	})
}

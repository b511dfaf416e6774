package session

import (
	"bytes"
	"context"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"ssmguard/configs"
	"ssmguard/guard"
	"ssmguard/guard/awsiam"
	"ssmguard/internal/sandbox/account"
	"ssmguard/internal/sandbox/api"
	"ssmguard/internal/sandbox/world"
	"ssmguard/proxy"
	"ssmguard/proxy/awsssm"
)

// callTime is what every call to the account takes in the benchmark.
const callTime = 40 * time.Millisecond

// BenchmarkStart measures the time to a session against an account whose every
// call takes callTime: with nobody asking, and with the guard, cold and after a
// run that has left its answers in the cache.
func BenchmarkStart(b *testing.B) {
	for _, bm := range []struct {
		name string
		mode configs.GuardMode
		warm bool
	}{{"bare", configs.GuardOff, false}, {"cold", configs.GuardOn, false}, {"warm", configs.GuardOn, true}} {
		b.Run(bm.name, func(b *testing.B) {
			cfg := slowAccount(b)
			cache := b.TempDir()
			if bm.warm {
				startOnce(b, slowStart(cfg, bm.mode, cache))
			}
			for b.Loop() {
				if !bm.warm {
					cache = b.TempDir()
				}
				startOnce(b, slowStart(cfg, bm.mode, cache))
			}
		})
	}
}

func startOnce(b *testing.B, o *start) {
	b.Helper()
	defer o.attempt.Question.Evidence.Close()
	if err := o.run(b.Context()); err != nil {
		b.Fatal(err)
	}
}

// opened is a gateway that opens every session and carries none.
type opened struct{}

func (opened) Start(context.Context, api.SessionStart) (string, string, error) {
	return "wss://gateway.invalid/", "token", nil
}

func (opened) Resume(context.Context, string) (string, string, error) { return "", "", nil }

func (opened) Terminate(context.Context, string) error { return nil }

const everything = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`

// slowAccount serves an account and returns what its user needs.
func slowAccount(b *testing.B) aws.Config {
	b.Helper()
	server, err := account.New(world.World{
		Account: "111122223333", Region: "us-east-1", Delay: callTime,
		Users:  []world.User{{Principal: world.Principal{Name: "ann", Inline: []world.Policy{{Name: "all", Document: everything}}}}},
		Logins: []world.Login{{Name: "ann", Principal: "user/ann", AccessKeyID: "AKIAEXAMPLEEXAMPLE00", SecretAccessKey: "example"}},
		Nodes:  []world.Node{{ID: "i-0123456789abcdef0", Ping: "Online", Agent: "3.3.0.0"}},
	}, api.Options{Channels: opened{}})
	if err != nil {
		b.Fatal(err)
	}
	web := httptest.NewServer(server)
	b.Cleanup(web.Close)
	keys := server.Logins()[0]
	return aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(web.URL),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: keys.AccessKeyID, SecretAccessKey: keys.SecretAccessKey}, nil
		}),
	}
}

// slowStart is a start-session command whose plugin ends at once.
func slowStart(cfg aws.Config, mode configs.GuardMode, cache string) *start {
	o := (&stage{}).options(mode, new(bytes.Buffer), new(bytes.Buffer))
	client := awsiam.New(cfg, awsiam.Options{CacheDir: cache})
	o.attempt.Question.Evidence = client
	o.attempt.Question.Guard = &guard.Guard{Inventory: client, Simulators: []guard.Simulator{client, guard.Local{Source: client}}}
	o.attempt.Question.Spec = proxy.Spec{Target: "i-0123456789abcdef0"}
	o.attempt.Question.Opener = awsssm.Opener{Client: awsssm.New(cfg), Spec: o.attempt.Question.Spec}
	return o
}

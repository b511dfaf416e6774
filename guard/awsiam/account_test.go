package awsiam

import (
	"context"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"ssmguard/guard"
	"ssmguard/guard/finding"
	"ssmguard/guard/policy"
	"ssmguard/internal/sandbox/account"
	"ssmguard/internal/sandbox/api"
	"ssmguard/internal/sandbox/world"
)

const (
	testAccount = "111122223333"
	testRegion  = "eu-central-1"
	bastion     = "i-0123456789abcdef0"
)

// allowStart is what a session needs, for every target and document.
const allowStart = `{"Version":"2012-10-17","Statement":[
  {"Sid":"Target","Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ec2:*:*:instance/*"},
  {"Sid":"Document","Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ssm:*:*:document/*"}
]}`

// readAll lets a caller read everything about themselves and the account.
const readAll = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["iam:Get*","iam:List*","iam:Simulate*","ec2:Describe*","ssm:Describe*","ssm:Get*","ssm:List*","ecs:Describe*","kms:DescribeKey","organizations:*"],"Resource":"*"}}`

func inline(name, document string) world.Policy {
	return world.Policy{Name: name, Document: document}
}

// devWorld is an account with one role, which can start sessions and read
// everything.
func devWorld() world.World {
	return world.World{
		Account: testAccount, Region: testRegion,
		Roles: []world.Role{{Principal: world.Principal{
			Name: "dev", Path: "/team/", Inline: []world.Policy{inline("ssm", allowStart), inline("read", readAll)},
			Tags: map[string]string{"team": "data"},
		}}},
		Nodes:  []world.Node{{ID: bastion, Tags: map[string]string{"Name": "bastion"}, Ping: "Online", Agent: "3.3.1.0", PrivateIP: "10.0.0.5", PrivateDNS: "ip-10-0-0-5.internal"}},
		Logins: []world.Login{{Name: "ann", Principal: "role/dev"}},
	}
}

// serve opens a world and returns a client with the credentials of its first
// login. Options may be the zero value.
func serve(t *testing.T, w world.World, o Options) (*Client, *api.Server) {
	t.Helper()
	srv, err := account.New(w, api.Options{})
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(srv)
	t.Cleanup(h.Close)
	c := New(accountConfig(h.URL, srv.Logins()[0], "EnvConfigCredentials"), patient(o))
	t.Cleanup(c.Close)
	return c, srv
}

// accountConfig gives a client an account's login, said to come from one of the
// SDK's providers.
func accountConfig(url string, login api.Credentials, source string) aws.Config {
	return aws.Config{
		Region:       testRegion,
		BaseEndpoint: aws.String(url),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{
				AccessKeyID: login.AccessKeyID, SecretAccessKey: login.SecretAccessKey, SessionToken: login.SessionToken, Source: source,
			}, nil
		}),
	}
}

// check runs the whole guard with both judges.
func check(t *testing.T, c *Client, target, document string) guard.Decision {
	t.Helper()
	caller, err := c.Caller(t.Context())
	if caller.SessionARN == "" {
		t.Fatal(err)
	}
	g := &guard.Guard{Patience: 2 * time.Minute, Inventory: c, Simulators: []guard.Simulator{c, guard.Local{Source: c}}}
	d, err := g.Check(t.Context(), guard.Request{Caller: caller, Region: testRegion, Target: target, Document: document})
	if err != nil {
		t.Fatal(err)
	}
	return finding.Explain(d)
}

func TestCheckRole(t *testing.T) {
	c, srv := serve(t, devWorld(), Options{})
	d := check(t, c, bastion, "AWS-StartSSHSession")
	if v := d.Verdict(); v != policy.Allow {
		t.Errorf("verdict %v", v)
		for _, r := range d.Rulings {
			t.Log(r.Judge, r.Grant.ID, r.Answer.Verdict, r.Answer.DependsOn)
		}
		for _, f := range d.Findings {
			t.Log(f.Code, f.Summary, f.Detail)
		}
	}
	for _, call := range srv.Calls() {
		t.Log(call.Operation, call.Error)
	}
}

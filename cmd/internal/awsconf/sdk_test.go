package awsconf

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"
	"github.com/aws/aws-sdk-go-v2/credentials/logincreds"
	"github.com/aws/aws-sdk-go-v2/credentials/processcreds"
	"github.com/aws/aws-sdk-go-v2/credentials/ssocreds"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/aws-sdk-go-v2/service/signin"
	"github.com/aws/aws-sdk-go-v2/service/sso"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// outcome describes the result of a provider.
func outcome(p aws.CredentialsProvider) (text string) {
	defer func() {
		if recover() != nil {
			text = "panic"
		}
	}()
	c, err := p.Retrieve(context.Background())
	if err != nil {
		return err.Error()
	}
	text = fmt.Sprintf("key %q", c.AccessKeyID)
	if c.CanExpire {
		text += fmt.Sprint(" until ", c.Expires.Year())
	}
	return text
}

// TestSDKProviders holds why most sources of credentials are ours: where the SDK's
// providers do otherwise than the AWS CLI, which we do as. A case that fails, since
// the SDK has changed, asks whether its provider would do now.
func TestSDKProviders(t *testing.T) {
	c := newCloud(t)
	h := newHome(t, c, "")
	metadata := func(path string) *ec2rolecreds.Provider {
		return ec2rolecreds.New(func(o *ec2rolecreds.Options) {
			o.Client = imds.New(imds.Options{ClientEnableState: imds.ClientEnabled, Endpoint: c.URL + path, Retryer: aws.NopRetryer{}})
		})
	}
	process := func(output string) aws.CredentialsProvider {
		return processcreds.NewProviderCommand(processcreds.NewCommandBuilderFunc(func(ctx context.Context) (*exec.Cmd, error) {
			return exec.CommandContext(ctx, "echo", output), nil
		}))
	}
	login := func(left time.Duration, key string) aws.CredentialsProvider {
		file := newSignin(t).login(h, left)
		if key != "" {
			h.write(t, "login.json", strings.Replace(`{"accessToken":{"accessKeyId":"A","secretAccessKey":"s","sessionToken":"t","accountId":"1","expiresAt":"2001-01-01T00:00:00Z"},
				"clientId":"c","refreshToken":"r","dpopKey":"KEY"}`, "KEY", key, 1))
			file = filepath.Join(h.dir, ".aws/login.json")
		}
		return logincreds.New(signin.New(signin.Options{Region: "us-east-1"}), file)
	}
	for _, tc := range []struct {
		fault string
		ask   func() aws.CredentialsProvider
		says  string
		calls []string // nil: not looked at
	}{
		{"a duration is sent where none is configured", func() aws.CredentialsProvider {
			return stscreds.NewAssumeRoleProvider(sts.New(sts.Options{Region: "us-east-1", BaseEndpoint: &c.URL, Credentials: aws.AnonymousCredentials{}}), "arn:aws:iam::1:role/r")
		}, `key "ASIAROLE"`, []string{"AssumeRole for 900 s"}},
		{"an answer without keys is taken for credentials", func() aws.CredentialsProvider {
			c.own["GET /creds"] = `{"message":"no role"}`
			return endpointcreds.New(c.URL + "/creds")
		}, `key ""`, nil},
		{"all credentials of an instance end within the hour", func() aws.CredentialsProvider {
			return metadata("")
		}, fmt.Sprintf(`key "ASIAIMDS" until %d`, time.Now().Add(time.Hour).Year()), nil},
		{"the path of the metadata's endpoint is left out, and a token without its age is not used", func() aws.CredentialsProvider {
			return metadata("/v1")
		}, `key "ASIAIMDS"`, []string{"PUT /latest/api/token", "GET " + rolePath, "PUT /latest/api/token", "GET " + rolePath + "role"}},
		{"an instance's answer without a code is refused", func() aws.CredentialsProvider {
			c.own["GET "+rolePath+"role"] = remote(given{"AKID", "s", "2099-01-01T00:00:00Z"})
			return metadata("")
		}, "failed to get role EC2 IMDS role credentials", nil},
		{"the error of a process has its output", func() aws.CredentialsProvider {
			return process(`{"SecretAccessKey":"hidden",}`)
		}, `process provider error: parse failed of process output: {"SecretAccessKey":"hidden",}`, nil},
		{"a process may not write a zone without a colon", func() aws.CredentialsProvider {
			return process(`{"Version":1,"AccessKeyId":"A","SecretAccessKey":"s","Expiration":"2099-01-01T00:00:00+0000"}`)
		}, "process provider error: parse failed", nil},
		{"a login is renewed when it has ended", func() aws.CredentialsProvider {
			return login(time.Second*50, "")
		}, `key "ASIAOLD"`, nil},
		{"a login without a key panics", func() aws.CredentialsProvider { return login(0, "none") }, "panic", nil},
		{"an answer of Identity Center without credentials panics", func() aws.CredentialsProvider {
			c.own["GET /federation/credentials"] = "{}"
			return ssocreds.New(sso.New(sso.Options{Region: "us-east-1", BaseEndpoint: &c.URL}), "123456789012", "Admin", "",
				func(o *ssocreds.Options) { o.CachedTokenFilepath = ssoTokenFile(t, h, "2099-01-01T00:00:00Z") })
		}, "panic", nil},
	} {
		c.seen()
		if got := outcome(tc.ask()); !strings.HasPrefix(got, tc.says) {
			t.Errorf("%s: %s, not %s", tc.fault, got, tc.says)
		}
		if calls := c.seen(); tc.calls != nil && !slices.Equal(calls, tc.calls) {
			t.Errorf("%s: calls %q, not %q", tc.fault, calls, tc.calls)
		}
	}
}

// TestNobodyAnswers: where the metadata's address swallows what is sent, one request
// is waited for. The SDK's client asks a second time, without a token.
func TestNobodyAnswers(t *testing.T) {
	var mu sync.Mutex
	var asked []string
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		asked = append(asked, r.Method)
		mu.Unlock()
		panic(http.ErrAbortHandler) // any failure will do
	}))
	defer s.Close()
	h := newHome(t, newCloud(t), "")
	h.env["AWS_EC2_METADATA_DISABLED"], h.env["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = "", s.URL
	if _, err := h.key(); err == nil || err.Error() != errNoCredentials.Message {
		t.Errorf("%v", err)
	}
	seen := func() []string {
		mu.Lock()
		defer mu.Unlock()
		were := asked
		asked = nil
		return were
	}
	ours := seen()
	client := imds.New(imds.Options{ClientEnableState: imds.ClientEnabled, Endpoint: s.URL, Retryer: retry.AddWithMaxAttempts(aws.NopRetryer{}, 1)})
	if _, err := client.GetMetadata(t.Context(), &imds.GetMetadataInput{Path: "x"}); err == nil {
		t.Error("the SDK has an answer")
	}
	if theirs := seen(); !slices.Equal(ours, []string{"PUT"}) || !slices.Equal(theirs, []string{"PUT", "GET"}) {
		t.Errorf("asked %q, the SDK %q", ours, theirs)
	}
}

package check

import (
	"bytes"
	"encoding/base64"
	"net/http/httptest"
	"strings"
	"testing"

	"ssmguard/cmd/internal/env"
	"ssmguard/internal/sandbox/account"
	"ssmguard/internal/sandbox/api"
	"ssmguard/internal/sandbox/world"
)

// TestExplainEncoded: an encoded message is decoded by AWS where the caller may,
// and otherwise the page says who can.
func TestExplainEncoded(t *testing.T) {
	const denial = `{"allowed":false,"explicitDeny":true,"context":{"principal":{"arn":"arn:aws:iam::111122223333:user/ann"},` +
		`"action":"ssm:StartSession","resource":"arn:aws:ssm:us-east-1::document/AWS-StartSSHSession"}}`
	message := "An error occurred (UnauthorizedOperation) when calling the StartSession operation: You are not authorized to perform this operation. " +
		"Encoded authorization failure message: " + base64.URLEncoding.EncodeToString([]byte(denial))
	tests := []struct {
		name, action, want string
	}{
		{"may decode", "sts:DecodeAuthorizationMessage", "ssmguard: error: AWS refused ssm:StartSession to user/ann: some policy denies it [SG600]\n"},
		{"may not", "s3:GetObject", "ssmguard: error: AWS refused and encoded the reason [SG608]\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			allowed := world.Policy{Name: "p", Document: `{"Statement":{"Effect":"Allow","Action":"` + tt.action + `","Resource":"*"}}`}
			server, err := account.New(world.World{
				Account: "111122223333", Region: "us-east-1",
				Users:  []world.User{{Principal: world.Principal{Name: "ann", Inline: []world.Policy{allowed}}}},
				Logins: []world.Login{{Name: "ann", Principal: "user/ann"}},
			}, api.Options{})
			if err != nil {
				t.Fatal(err)
			}
			web := httptest.NewServer(server)
			defer web.Close()
			keys := server.Logins()[0]
			var stdout bytes.Buffer
			o := &explainOptions{process: &env.Process{Stdout: &stdout, Environ: []string{
				"HOME=" + t.TempDir(), "AWS_ENDPOINT_URL=" + web.URL, "AWS_REGION=us-east-1",
				"AWS_ACCESS_KEY_ID=" + keys.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + keys.SecretAccessKey,
			}}, text: message}
			if err := o.run(t.Context()); err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(stdout.String(), tt.want) {
				t.Errorf("got %q, want %q", stdout.String(), tt.want)
			}
		})
	}
}

package awsssm

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"ssmguard/proxy"
)

func TestPushKey(t *testing.T) {
	tests := []struct {
		name, answer string
		status       int
		want         func(error) bool
	}{
		{"taken", `{"RequestId":"r","Success":true}`, 200, func(err error) bool { return err == nil }},
		{"not taken", `{"RequestId":"r","Success":false}`, 200, func(err error) bool { return errors.Is(err, errKeyNotTaken) }},
		{"refused", `{"__type":"EC2InstanceNotFoundException","message":"no such instance"}`, 400, func(err error) bool {
			var r *proxy.Refused
			return errors.As(err, &r) && r.Code == "EC2InstanceNotFoundException" && r.Operation == "SendSSHPublicKey"
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var body, target string
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				b, _ := io.ReadAll(r.Body)
				body, target = string(b), r.Header.Get("X-Amz-Target")
				w.Header().Set("Content-Type", "application/x-amz-json-1.1")
				w.WriteHeader(tt.status)
				fmt.Fprint(w, tt.answer)
			}))
			defer srv.Close()
			err := PushKey(t.Context(), aws.Config{
				Region: "us-east-1", BaseEndpoint: aws.String(srv.URL), Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
				Retryer: func() aws.Retryer { return aws.NopRetryer{} },
			}, "i-0123456789abcdef0", "ec2-user", "ssh-ed25519 AAAA me")
			if !tt.want(err) {
				t.Errorf("error: %v", err)
			}
			for _, part := range []string{`"InstanceId":"i-0123456789abcdef0"`, `"InstanceOSUser":"ec2-user"`, `"SSHPublicKey":"ssh-ed25519 AAAA me"`} {
				if !strings.Contains(body, part) {
					t.Errorf("the request has no %s: %s", part, body)
				}
			}
			if !strings.HasSuffix(target, ".SendSSHPublicKey") {
				t.Errorf("called %q", target)
			}
		})
	}
}

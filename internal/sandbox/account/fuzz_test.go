package account

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"ssmguard/internal/memtest"
	"ssmguard/internal/sandbox/api"
)

// FuzzServe sends whatever to every operation, signed: no input may break the
// account, nor make it say that it broke.
func FuzzServe(f *testing.F) {
	for service, all := range services() {
		for name := range all {
			f.Add(service, name, `{"Target":"i-0123456789abcdef0","DocumentName":"AWS-StartSSHSession","Parameters":{"portNumber":["22"]}}`)
			f.Add(service, name, "UserName=alice&PolicySourceArn="+aliceARN+"&ActionNames.member.1=ssm:StartSession&Filter.1.Name=tag:x&Filter.1.Value.1=*")
		}
	}
	w := withKey(allow("*", "*"))
	w.Tasks, w.Organization = withTask().Tasks, organized(true).Organization
	f.Fuzz(func(t *testing.T, service, operation, body string) {
		defer memtest.Bounded(t, len(body))()
		if strings.ContainsAny(service+operation, "\r\n\x00") {
			return // no header can hold it
		}
		s, err := New(w, api.Options{Channels: &quiet{}})
		if err != nil {
			t.Fatal(err)
		}
		c := &client{t: t, url: "http://127.0.0.1:1", keys: s.Logins()[0], region: "us-east-1", now: time.Now()}
		var r *http.Request
		if api.JSONServices[service] {
			r = c.request([]byte(body), "application/x-amz-json-1.1", testPrefixes[service]+"."+operation)
		} else {
			r = c.request([]byte("Action="+operation+"&Version="+testVersions[service]+"&"+body), "application/x-www-form-urlencoded", "")
		}
		c.sign(r, service)
		answer := httptest.NewRecorder()
		s.ServeHTTP(answer, r)
		if answer.Code == http.StatusInternalServerError {
			t.Errorf("%s:%s: status %d, %s", service, operation, answer.Code, answer.Body)
		}
	})
}

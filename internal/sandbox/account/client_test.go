package account

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"ssmguard/internal/sandbox/api"
	"ssmguard/internal/sandbox/world"
)

// client calls an account as an SDK would: signed, over HTTP.
type client struct {
	t      *testing.T
	url    string
	keys   api.Credentials
	region string
	now    time.Time
}

// open serves a world until the test ends.
func open(t *testing.T, w world.World, o api.Options) (*api.Server, *client) {
	t.Helper()
	if w.Account == "" {
		w.Account, w.Region = testAccount, "us-east-1"
	}
	s, err := New(w, o)
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	now := time.Now()
	if o.Now != nil {
		now = o.Now()
	}
	c := &client{t: t, url: h.URL, region: w.Region, now: now}
	if len(s.Logins()) > 0 {
		c.keys = s.Logins()[0]
	}
	return s, c
}

const testAccount = "111122223333"

// as is the same client with other keys.
func (c *client) as(keys api.Credentials) *client {
	other := *c
	other.keys = keys
	return &other
}

// in is the same client in another region.
func (c *client) in(region string) *client {
	other := *c
	other.region = region
	return &other
}

var testVersions = map[string]string{
	"sts": "2011-06-15", "iam": "2010-05-08", "ec2": "2016-11-15", "rds": "2014-10-31", "elasticache": "2015-02-02",
}

var testPrefixes = map[string]string{
	"ssm": "AmazonSSM", "kms": "TrentService", "ecs": "AmazonEC2ContainerServiceV20141113", "organizations": "AWSOrganizationsV20161128",
}

// query builds the request of a query service from pairs of names and values.
func (c *client) query(service, action string, pairs ...string) *http.Request {
	form := url.Values{"Action": {action}, "Version": {testVersions[service]}}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return c.request([]byte(form.Encode()), "application/x-www-form-urlencoded; charset=utf-8", "")
}

func (c *client) request(body []byte, contentType, target string) *http.Request {
	r, err := http.NewRequest("POST", c.url+"/", bytes.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Content-Type", contentType)
	if target != "" {
		r.Header.Set("X-Amz-Target", target)
	}
	return r
}

// sign signs a request whose Host is its URL's.
func (c *client) sign(r *http.Request, service string) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.Host = r.URL.Host
	r.Header.Set("X-Amz-Date", c.now.UTC().Format(api.SigTime))
	if c.keys.SessionToken != "" {
		r.Header.Set("X-Amz-Security-Token", c.keys.SessionToken)
	}
	sig := api.Signature{KeyID: c.keys.AccessKeyID, Date: c.now.UTC().Format("20060102"), Region: c.region, Service: service, Headers: []string{"host"}}
	for name := range r.Header {
		sig.Headers = append(sig.Headers, strings.ToLower(name))
	}
	slices.Sort(sig.Headers)
	r.Header.Set("Authorization", api.SigAlgorithm+" Credential="+sig.KeyID+"/"+sig.Scope()+", SignedHeaders="+strings.Join(sig.Headers, ";")+
		", Signature="+sig.Compute(r, body, c.keys.SecretAccessKey))
}

// failure is an error answer of any protocol.
type failure struct {
	Status        int
	Code, Message string
}

// send sends a request and returns the body, or the failure the server answered.
func (c *client) send(r *http.Request) ([]byte, failure) {
	c.t.Helper()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	if resp.StatusCode == http.StatusOK {
		return body, failure{}
	}
	f := failure{Status: resp.StatusCode}
	var members map[string]string
	var q api.QueryError
	var e api.EC2Error
	switch {
	case json.Unmarshal(body, &members) == nil:
		f.Code, f.Message = members["__type"], members["message"]+members["Message"]
	case xml.Unmarshal(body, &q) == nil:
		f.Code, f.Message = q.Code, q.Message
	case xml.Unmarshal(body, &e) == nil:
		f.Code, f.Message = e.Code, e.Message
	default:
		c.t.Fatalf("status %d with a body of no protocol: %s", resp.StatusCode, body)
	}
	return nil, f
}

// ask calls a query operation; out, when not nil, takes the result element.
func (c *client) ask(out any, service, action string, pairs ...string) failure {
	c.t.Helper()
	r := c.query(service, action, pairs...)
	c.sign(r, service)
	body, f := c.send(r)
	if f.Code != "" || out == nil {
		return f
	}
	var frame struct {
		Inner []byte `xml:",innerxml"`
	}
	if service != "ec2" {
		if err := xml.Unmarshal(body, &frame); err != nil {
			c.t.Fatalf("%s: %v in %s", action, err, body)
		}
		body = frame.Inner
	}
	if err := xml.Unmarshal(body, out); err != nil {
		c.t.Fatalf("%s: %v in %s", action, err, body)
	}
	return f
}

// post calls a JSON operation.
func (c *client) post(out any, service, operation string, in any) failure {
	c.t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		c.t.Fatal(err)
	}
	r := c.request(body, "application/x-amz-json-1.1", testPrefixes[service]+"."+operation)
	c.sign(r, service)
	answer, f := c.send(r)
	if f.Code == "" && out != nil {
		if err := json.Unmarshal(answer, out); err != nil {
			c.t.Fatalf("%s: %v in %s", operation, err, answer)
		}
	}
	return f
}

// allow is a policy that allows actions on resources; the last argument is the resource.
func allow(actionsThenResource ...string) string {
	n := len(actionsThenResource) - 1
	b, err := json.Marshal(map[string]any{
		"Version":   "2012-10-17",
		"Statement": []any{map[string]any{"Effect": "Allow", "Action": actionsThenResource[:n], "Resource": actionsThenResource[n]}},
	})
	if err != nil {
		panic(err)
	}
	return string(b)
}

func deny(action, resource string) string {
	return strings.Replace(allow(action, resource), "Allow", "Deny", 1)
}

// userWith is a world of one user with inline policies p1, p2, ...
func userWith(documents ...string) world.World {
	u := world.User{Principal: world.Principal{Name: "alice"}}
	for i, d := range documents {
		u.Inline = append(u.Inline, world.Policy{Name: "p" + string(rune('1'+i)), Document: d})
	}
	return world.World{Account: testAccount, Region: "us-east-1", Users: []world.User{u}, Logins: []world.Login{{Name: "alice", Principal: "user/alice"}}}
}

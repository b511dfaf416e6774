package awsapi

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
)

// respond serves one answer, and keeps the last request.
func respond(t *testing.T, status int, header http.Header, body string) (cfg aws.Config, last func() (*http.Request, string)) {
	t.Helper()
	var request *http.Request
	var sent string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		request, sent = r, string(text)
		for k, v := range header {
			w.Header()[k] = v
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	}))
	t.Cleanup(s.Close)
	return aws.Config{
		Region: "eu-west-1", BaseEndpoint: aws.String(s.URL + "/sub?q=1"), AppID: "app",
		Retryer: func() aws.Retryer { return aws.NopRetryer{} },
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "s", SessionToken: "tok"}, nil
		}),
	}, func() (*http.Request, string) { return request, sent }
}

// TestQuery: forms go out, XML of either protocol comes in.
func TestQuery(t *testing.T) {
	type answer struct {
		Next  string   `xml:"nextToken"`
		Names []string `xml:"set>item>inner>item>name"`
	}
	const inner = `<set><item><inner><item><name>a&amp;b</name></item><item><name>c</name></item></inner></item><item><inner><item><name>d</name></item></inner></item></set><nextToken>n</nextToken>`
	for name, c := range map[string]struct {
		api  func(aws.Config) *API
		body string
		form url.Values
	}{
		"ec2": {EC2, `<?xml version="1.0"?><DescribeThingsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">` + inner + `</DescribeThingsResponse>`,
			url.Values{"Action": {"DescribeThings"}, "Version": {"2016-11-15"}, "Filter.1.Name": {"tag:Ä b"}}},
		"query": {RDS, `<DescribeThingsResponse><DescribeThingsResult>` + inner + `</DescribeThingsResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></DescribeThingsResponse>`,
			url.Values{"Action": {"DescribeThings"}, "Version": {"2014-10-31"}, "Filter.1.Name": {"tag:Ä b"}}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, last := respond(t, 200, nil, c.body)
			out, err := Call[answer](t.Context(), c.api(cfg), "us-west-2", "DescribeThings", Form{"Filter.1.Name": "tag:Ä b", "Marker": ""})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&answer{Next: "n", Names: []string{"a&b", "c", "d"}}, out); diff != "" {
				t.Error(diff)
			}
			r, sent := last()
			if form, err := url.ParseQuery(sent); err != nil || cmp.Diff(c.form, form) != "" {
				t.Errorf("sent %s", sent)
			}
			h := r.Header
			if r.Method != http.MethodPost || r.URL.String() != "/sub?q=1" || r.ContentLength != int64(len(sent)) || h.Get("X-Amz-Security-Token") != "tok" ||
				!strings.Contains(h.Get("Authorization"), "/us-west-2/"+map[string]string{"ec2": "ec2", "query": "rds"}[name]+"/aws4_request") {
				t.Errorf("%s %s %v", r.Method, r.URL, h)
			}
			for _, want := range []string{"aws-sdk-go-v2/", " api/" + map[string]string{"ec2": "ec2", "query": "rds"}[name], " app/app"} {
				if !strings.Contains(h.Get("User-Agent"), want) {
					t.Errorf("user agent %q without %q", h.Get("User-Agent"), want)
				}
			}
			if h.Get("Amz-Sdk-Invocation-Id") == "" || h.Get("Amz-Sdk-Request") != "attempt=1; max=1" {
				t.Errorf("%v", h)
			}
		})
	}
}

// TestFaultsOfTheSDK compares errors with those of the SDK's clients.
func TestFaultsOfTheSDK(t *testing.T) {
	id := http.Header{"X-Amzn-Requestid": {"from-header"}}
	for name, c := range map[string]struct {
		service string
		status  int
		header  http.Header
		body    string
	}{
		"ec2":             {"EC2", 403, nil, `<?xml version="1.0"?><Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no &lt;b&gt;</Message></Error></Errors><RequestID>r-1</RequestID></Response>`},
		"ec2 empty error": {"EC2", 400, nil, `<Response><Errors><Error></Error></Errors><RequestID>r-1</RequestID></Response>`},
		"json":            {"SSM", 400, id, `{"__type":"com.amazonaws.ssm#AccessDeniedException","Message":"no"}`},
		"json modelled":   {"SSM", 400, id, `{"__type":"InvalidDocument","message":"which"}`},
		"json header":     {"SSM", 400, http.Header{"X-Amzn-Errortype": {"InvalidDocument:http://x"}}, `{}`},
		"json page":       {"SSM", 503, nil, `<html>busy</html>`},
		"json empty":      {"SSM", 500, nil, ``},
		"json no type":    {"SSM", 400, nil, `{"message":"what"}`},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, _ := respond(t, c.status, c.header, c.body)
			cfg.BaseEndpoint = aws.String(strings.TrimSuffix(*cfg.BaseEndpoint, "/sub?q=1"))
			var ours, theirs error
			if c.service == "EC2" {
				_, ours = Call[struct{}](t.Context(), EC2(cfg), "", "DescribeRegions", Form{})
				_, theirs = ec2.NewFromConfig(cfg).DescribeRegions(t.Context(), nil)
			} else {
				_, ours = Call[struct{}](t.Context(), SSM(cfg, ""), "", "ListDocuments", struct{}{})
				_, theirs = ssm.NewFromConfig(cfg).ListDocuments(t.Context(), nil)
			}
			if diff := cmp.Diff(seen(theirs), seen(ours)); diff != "" {
				t.Errorf("SDK's (-), ours (+):\n%s\n%v\n%v", diff, theirs, ours)
			}
		})
	}
}

// facts is what tables of errors look at.
type facts struct {
	Code, Message, RequestID, Service, Operation string
	Status                                       int
	Garbled                                      bool
}

func seen(err error) (f facts) {
	var api smithy.APIError
	if errors.As(err, &api) {
		f.Code, f.Message = api.ErrorCode(), api.ErrorMessage()
		if f.Message == f.Code { // the SDK repeats its word for an unknown error
			f.Message = ""
		}
	}
	var response *awshttp.ResponseError
	if errors.As(err, &response) {
		f.RequestID, f.Status = response.RequestID, response.HTTPStatusCode()
	}
	var call *smithy.OperationError
	if errors.As(err, &call) {
		f.Service, f.Operation = call.Service(), call.Operation()
	}
	f.Garbled = as[*smithy.DeserializationError](err)
	return f
}

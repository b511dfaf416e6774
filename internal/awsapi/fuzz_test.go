package awsapi

import (
	"net/http"
	"strings"
	"testing"

	"ssmguard/internal/memtest"
)

// FuzzAnswer: whatever a service answers, in any protocol, is read without breaking, and
// costs memory by its size.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		`{"SessionId":"ann-1","TokenValue":"x","StreamUrl":"wss://h/v1","Items":[{"Name":"a","Tags":{"k":["v"]}}]}`,
		`{"__type":"com.amazonaws.ssm#AccessDeniedException:http://x","message":"no"}`,
		`<GetRoleResponse><GetRoleResult><SessionId>a</SessionId><Items><Name>a</Name></Items></GetRoleResult></GetRoleResponse>`,
		`<ErrorResponse><Error><Code>AccessDenied</Code><Message>no &amp; never</Message></Error><RequestId>1-2</RequestId></ErrorResponse>`,
		`<Response><Errors><Error><Code>UnauthorizedOperation</Code></Error></Errors><RequestID>1</RequestID></Response>`,
		"<GetRoleResult><![CDATA[x]]><!-- y --></GetRoleResult>", "{", "null", "[]", "<", "",
	} {
		f.Add([]byte(seed), "")
		f.Add([]byte(seed), "Throttled:http://x")
	}
	f.Fuzz(func(t *testing.T, answer []byte, header string) {
		defer memtest.Bounded(t, len(answer)+len(header))()
		for _, p := range []protocol{jsonRPC("AmazonSSM"), query{"2010-05-08", "Result"}, query{"2016-11-15", "Response"}} {
			var out struct {
				SessionID, TokenValue, StreamURL *string
				Items                            []struct {
					Name string
					Tags map[string][]string `xml:"-"`
				}
			}
			_ = p.read("GetRole", answer, &out) // an error is an answer, too
			fault, id, err := p.fault(http.Header{"X-Amzn-Errortype": {header}}, answer)
			if (fault == nil) == (err == nil) {
				t.Errorf("%T: %+v, %v", p, fault, err)
			}
			if fault != nil && (len(fault.Code) > len(answer)+len(header) || len(id) > len(answer)) {
				t.Errorf("%T: more was read than there is: %q, %q", p, fault.Code, id)
			}
			if _, inJSON := p.(jsonRPC); inJSON && fault != nil && strings.ContainsAny(fault.Code, "#:") {
				t.Errorf("code %q", fault.Code)
			}
		}
	})
}

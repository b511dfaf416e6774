package account

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// call is one request on its way through the account.
type call struct {
	*Server
	ctx                        context.Context
	request                    *http.Request
	body                       []byte
	form                       url.Values // of query services
	service, operation, region string
	id                         string // request id
	sig                        signature
	signed                     bool
	who                        *caller
}

// handler runs one operation. The result is encoded as the service does.
type handler func(c *call) (any, error)

// Services is everything an account can do, per service and operation.
type Services map[string]map[string]handler

// jsonServices speak JSON 1.1; the others the query protocol.
var jsonServices = map[string]bool{"ssm": true, "kms": true, "ecs": true, "organizations": true}

// targetPrefixes tell the service of an unsigned JSON request, versions that of a query request.
var (
	targetPrefixes = map[string]string{
		"AmazonSSM": "ssm", "TrentService": "kms", "AmazonEC2ContainerServiceV20141113": "ecs", "AWSOrganizationsV20161128": "organizations",
	}
	versions = map[string]string{
		"2011-06-15": "sts", "2010-05-08": "iam", "2016-11-15": "ec2", "2014-10-31": "rds", "2015-02-02": "elasticache",
	}
	namespaces = map[string]string{
		"sts": "https://sts.amazonaws.com/doc/2011-06-15/", "iam": "https://iam.amazonaws.com/doc/2010-05-08/",
		"ec2": "http://ec2.amazonaws.com/doc/2016-11-15/", "rds": "http://rds.amazonaws.com/doc/2014-10-31/",
		"elasticache": "http://elasticache.amazonaws.com/doc/2015-02-02/",
	}
)

// route finds out which operation of which service a request means.
func (s *Server) route(r *http.Request, body []byte) *call {
	c := &call{Server: s, ctx: r.Context(), request: r, body: body, region: s.world.Region, id: requestID()}
	c.sig, c.signed = parseSignature(r.Header.Get("Authorization"))
	if prefix, operation, ok := strings.Cut(r.Header.Get("X-Amz-Target"), "."); ok {
		c.service, c.operation = targetPrefixes[prefix], operation
	} else {
		c.form, _ = url.ParseQuery(string(body))
		if len(body) == 0 {
			c.form = r.URL.Query()
		}
		c.service, c.operation = versions[c.form.Get("Version")], c.form.Get("Action")
	}
	if c.signed {
		c.service, c.region = c.sig.service, c.sig.region
	}
	return c
}

func requestID() string {
	var b [16]byte
	rand.Read(b[:])
	h := hex.EncodeToString(b[:])
	return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
}

func (c *call) run() (any, error) {
	h, ok := c.services[c.service][c.operation]
	if !ok {
		return nil, troubleFor(c.service, unknownOperation, "Could not find operation "+c.operation+" of service "+c.service)
	}
	return h(c)
}

// decode reads the JSON input of an operation.
func (c *call) decode(in any) error {
	if err := json.Unmarshal(c.body, in); err != nil {
		return refuse("SerializationException", "Start of structure or map found where not expected.")
	}
	return nil
}

// write sends the answer in the protocol of the service.
func (c *call) write(w http.ResponseWriter, out any, err error) {
	w.Header().Set("Date", c.now().UTC().Format(http.TimeFormat))
	w.Header().Set("X-Amzn-Requestid", c.id)
	status, body := http.StatusOK, []byte(nil)
	f, isFault := err.(*fault)
	switch {
	case err != nil && !isFault:
		c.log.Error("operation failed", "service", c.service, "operation", c.operation, "error", err)
		f = &fault{Code: "InternalFailure", Message: "The request processing has failed because of an unknown error", Status: http.StatusInternalServerError}
		fallthrough
	case isFault:
		status, body = f.Status, c.encodeFault(f)
	default:
		body = c.encode(out)
	}
	contentType := "text/xml"
	if jsonServices[c.service] {
		contentType = "application/x-amz-json-1.1"
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	w.Write(body) //nolint:errcheck // the client has gone
}

func (c *call) encode(out any) []byte {
	if jsonServices[c.service] {
		b, err := json.Marshal(out)
		if err != nil {
			c.log.Error("cannot encode an answer", "operation", c.operation, "error", err)
		}
		return b
	}
	var b bytes.Buffer
	e := xml.NewEncoder(&b)
	root := xml.StartElement{Name: xml.Name{Local: c.operation + "Response"}, Attr: []xml.Attr{{Name: xml.Name{Local: "xmlns"}, Value: namespaces[c.service]}}}
	var err error
	if c.service == "ec2" {
		err = e.EncodeElement(out, root)
	} else {
		err = e.EncodeElement(queryAnswer{result{c.operation + "Result", out}, c.id}, root)
	}
	if err != nil {
		c.log.Error("cannot encode an answer", "operation", c.operation, "error", err)
	}
	return b.Bytes()
}

// queryAnswer is the frame of an answer of the query services.
type queryAnswer struct {
	Result    result
	RequestID string `xml:"ResponseMetadata>RequestId"`
}

// result is an element whose name is the operation's.
type result struct {
	name  string
	value any
}

// MarshalXML writes the value under its name; operations without output have none.
func (r result) MarshalXML(e *xml.Encoder, _ xml.StartElement) error {
	if r.value == nil {
		return nil
	}
	return e.EncodeElement(r.value, xml.StartElement{Name: xml.Name{Local: r.name}})
}

func (c *call) encodeFault(f *fault) []byte {
	if jsonServices[c.service] {
		members := map[string]string{"__type": f.Code, messageMember(c.service, f.Code): f.Message}
		for k, v := range f.Extra {
			members[k] = v
		}
		b, _ := json.Marshal(members) //nolint:errcheck // a map of strings
		return b
	}
	var b bytes.Buffer
	e := xml.NewEncoder(&b)
	var err error
	if c.service == "ec2" {
		err = e.Encode(ec2Error{Code: f.Code, Message: f.Message, RequestID: c.id})
	} else {
		kind := "Sender"
		if f.Status >= 500 {
			kind = "Receiver"
		}
		err = e.Encode(queryError{NS: namespaces[c.service], Type: kind, Code: f.Code, Message: f.Message, RequestID: c.id})
	}
	if err != nil {
		c.log.Error("cannot encode an error", "operation", c.operation, "error", err)
	}
	return b.Bytes()
}

// messageMember is the name under which a JSON service puts its text.
func messageMember(service, code string) string {
	if service == "ssm" && (code == "AccessDeniedException" || code == "TargetNotConnected" || code == "InvalidDocument" || code == "DoesNotExistException") {
		return "Message"
	}
	if service == "organizations" {
		return "Message"
	}
	return "message"
}

type queryError struct {
	XMLName   xml.Name `xml:"ErrorResponse"`
	NS        string   `xml:"xmlns,attr"`
	Type      string   `xml:"Error>Type"`
	Code      string   `xml:"Error>Code"`
	Message   string   `xml:"Error>Message"`
	RequestID string   `xml:"RequestId"`
}

type ec2Error struct {
	XMLName   xml.Name `xml:"Response"`
	Code      string   `xml:"Errors>Error>Code"`
	Message   string   `xml:"Errors>Error>Message"`
	RequestID string   `xml:"RequestID"`
}

package api

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

// Request is one request on its way through the account.
type Request struct {
	*Server
	Ctx                        context.Context
	Request                    *http.Request
	body                       []byte
	Form                       url.Values // of query services
	Service, Operation, Region string
	ID                         string // request id
	sig                        Signature
	signed                     bool
	Who                        *Caller
}

// Handler runs one operation. The result is encoded as the service does.
type Handler func(c *Request) (any, error)

// Services are the operations of an account, per service.
type Services map[string]map[string]Handler

// JSONServices speak JSON 1.1; the others the query protocol.
var JSONServices = map[string]bool{"ssm": true, "kms": true, "ecs": true, "organizations": true}

// targetPrefixes identify the service of an unsigned JSON request, versions that of a
// query request.
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

// route finds the service and the operation of a request.
func (s *Server) route(r *http.Request, body []byte) *Request {
	c := &Request{Server: s, Ctx: r.Context(), Request: r, body: body, Region: s.World.Region, ID: requestID()}
	c.sig, c.signed = ParseSignature(r.Header.Get("Authorization"))
	if prefix, operation, ok := strings.Cut(r.Header.Get("X-Amz-Target"), "."); ok {
		c.Service, c.Operation = targetPrefixes[prefix], operation
	} else {
		c.Form, _ = url.ParseQuery(string(body))
		if len(body) == 0 {
			c.Form = r.URL.Query()
		}
		c.Service, c.Operation = versions[c.Form.Get("Version")], c.Form.Get("Action")
	}
	if c.signed {
		c.Service, c.Region = c.sig.Service, c.sig.Region
	}
	return c
}

func requestID() string {
	var b [16]byte
	rand.Read(b[:])
	h := hex.EncodeToString(b[:])
	return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
}

func (c *Request) run() (any, error) {
	h, ok := c.services[c.Service][c.Operation]
	if !ok {
		return nil, troubleFor(c.Service, unknownOperation, "Could not find operation "+c.Operation+" of service "+c.Service)
	}
	return h(c)
}

// Decode reads the JSON input of an operation.
func (c *Request) Decode(in any) error {
	if err := json.Unmarshal(c.body, in); err != nil {
		return Refuse("SerializationException", "Start of structure or map found where not expected.")
	}
	return nil
}

// write sends the answer in the protocol of the service.
func (c *Request) write(w http.ResponseWriter, out any, err error) {
	w.Header().Set("Date", c.Now().UTC().Format(http.TimeFormat))
	w.Header().Set("X-Amzn-Requestid", c.ID)
	status, body := http.StatusOK, []byte(nil)
	f, isFault := err.(*Refusal)
	switch {
	case err != nil && !isFault:
		c.Log.Error("operation failed", "service", c.Service, "operation", c.Operation, "error", err)
		f = &Refusal{Code: "InternalFailure", Message: "The request processing has failed because of an unknown error", Status: http.StatusInternalServerError}
		fallthrough
	case isFault:
		status, body = f.Status, c.encodeFault(f)
	default:
		body = c.encode(out)
	}
	contentType := "text/xml"
	if JSONServices[c.Service] {
		contentType = "application/x-amz-json-1.1"
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	w.Write(body) //nolint:errcheck // the client has gone
}

func (c *Request) encode(out any) []byte {
	if JSONServices[c.Service] {
		b, err := json.Marshal(out)
		if err != nil {
			c.Log.Error("cannot encode an answer", "operation", c.Operation, "error", err)
		}
		return b
	}
	var b bytes.Buffer
	e := xml.NewEncoder(&b)
	root := xml.StartElement{Name: xml.Name{Local: c.Operation + "Response"}, Attr: []xml.Attr{{Name: xml.Name{Local: "xmlns"}, Value: namespaces[c.Service]}}}
	var err error
	if c.Service == "ec2" {
		err = e.EncodeElement(out, root)
	} else {
		err = e.EncodeElement(queryAnswer{result{c.Operation + "Result", out}, c.ID}, root)
	}
	if err != nil {
		c.Log.Error("cannot encode an answer", "operation", c.Operation, "error", err)
	}
	return b.Bytes()
}

// queryAnswer is the outer element of an answer of the query services.
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

func (c *Request) encodeFault(f *Refusal) []byte {
	if JSONServices[c.Service] {
		members := map[string]string{"__type": f.Code, messageMember(c.Service, f.Code): f.Message}
		for k, v := range f.Extra {
			members[k] = v
		}
		b, _ := json.Marshal(members) //nolint:errcheck // a map of strings
		return b
	}
	var b bytes.Buffer
	e := xml.NewEncoder(&b)
	var err error
	if c.Service == "ec2" {
		err = e.Encode(EC2Error{Code: f.Code, Message: f.Message, RequestID: c.ID})
	} else {
		kind := "Sender"
		if f.Status >= 500 {
			kind = "Receiver"
		}
		err = e.Encode(QueryError{NS: namespaces[c.Service], Type: kind, Code: f.Code, Message: f.Message, RequestID: c.ID})
	}
	if err != nil {
		c.Log.Error("cannot encode an error", "operation", c.Operation, "error", err)
	}
	return b.Bytes()
}

// messageMember is the name of the error text's member in a JSON service.
func messageMember(service, code string) string {
	if service == "ssm" && (code == "AccessDeniedException" || code == "TargetNotConnected" || code == "InvalidDocument" || code == "DoesNotExistException") {
		return "Message"
	}
	if service == "organizations" {
		return "Message"
	}
	return "message"
}

// QueryError is a refusal in the query protocol.
type QueryError struct {
	XMLName   xml.Name `xml:"ErrorResponse"`
	NS        string   `xml:"xmlns,attr"`
	Type      string   `xml:"Error>Type"`
	Code      string   `xml:"Error>Code"`
	Message   string   `xml:"Error>Message"`
	RequestID string   `xml:"RequestId"`
}

// EC2Error is a refusal of EC2.
type EC2Error struct {
	XMLName   xml.Name `xml:"Response"`
	Code      string   `xml:"Errors>Error>Code"`
	Message   string   `xml:"Errors>Error>Message"`
	RequestID string   `xml:"RequestID"`
}

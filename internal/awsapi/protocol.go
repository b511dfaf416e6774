package awsapi

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/smithy-go"
)

// protocol is how a service writes requests and answers.
type protocol interface {
	write(h http.Header, operation string, in any) ([]byte, error)
	read(operation string, answer []byte, out any) error
	fault(h http.Header, answer []byte) (e *smithy.GenericAPIError, requestID string, err error)
}

// Verbatim is the body of a request to a JSON service, sent as it is.
type Verbatim string

// jsonRPC is AWS's JSON protocol 1.1; the value begins the names of the operations.
type jsonRPC string

func (p jsonRPC) write(h http.Header, operation string, in any) ([]byte, error) {
	h.Set("Content-Type", "application/x-amz-json-1.1")
	h.Set("X-Amz-Target", string(p)+"."+operation)
	if body, ok := in.(Verbatim); ok {
		return []byte(body), nil
	}
	return json.Marshal(in)
}

func (jsonRPC) read(_ string, answer []byte, out any) error {
	if len(answer) == 0 {
		return nil
	}
	return json.Unmarshal(answer, out)
}

func (jsonRPC) fault(h http.Header, answer []byte) (*smithy.GenericAPIError, string, error) {
	var e struct {
		Type    string `json:"__type"`
		Message string // or message
	}
	if len(answer) > 0 {
		if err := json.Unmarshal(answer, &e); err != nil {
			return nil, "", err
		}
	}
	if t := h.Get("X-Amzn-ErrorType"); t != "" {
		e.Type = t
	}
	code, _, _ := strings.Cut(e.Type[strings.LastIndexByte(e.Type, '#')+1:], ":")
	return &smithy.GenericAPIError{Code: code, Message: e.Message}, "", nil
}

// Form is the input of an operation of a query service. Lists are spelled out, as
// "InstanceId.1" or "Filter.1.Name"; empty values are not sent.
type Form map[string]string

// query is one of AWS's query protocols: a form is answered in XML.
type query struct {
	version string // of the API
	result  string // end of the name of the element that holds an operation's output
}

func (q query) write(h http.Header, operation string, in any) ([]byte, error) {
	h.Set("Content-Type", "application/x-www-form-urlencoded")
	form := url.Values{"Action": {operation}, "Version": {q.version}}
	for name, value := range in.(Form) {
		if value != "" {
			form.Set(name, value)
		}
	}
	return []byte(form.Encode()), nil
}

func (q query) read(operation string, answer []byte, out any) error {
	return element(answer, operation+q.result, out)
}

func (query) fault(_ http.Header, answer []byte) (*smithy.GenericAPIError, string, error) {
	var e struct{ Code, Message string }
	if err := element(answer, "Error", &e); err != nil {
		return nil, "", err
	}
	var id string
	if element(answer, "RequestId", &id) != nil { // EC2's name is RequestID
		_ = element(answer, "RequestID", &id) // the id is optional
	}
	return &smithy.GenericAPIError{Code: e.Code, Message: e.Message}, id, nil
}

// element reads the first element with a name.
func element(text []byte, name string, out any) error {
	d := xml.NewDecoder(bytes.NewReader(text))
	for {
		token, err := d.Token()
		if err != nil {
			return err
		}
		if start, ok := token.(xml.StartElement); ok && start.Name.Local == name {
			return d.DecodeElement(out, &start)
		}
	}
}

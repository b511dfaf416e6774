package policyfile

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"net/url"
	"strings"
)

// mostWrappings is how often a policy may be written as a string in another.
const mostWrappings = 4

// unwrapped takes off the text of a file what IAM's API and the SDKs of version 1 put a policy
// into: percent-encoding, a JSON string, the XML of an answer. Any other text stays as it is.
func unwrapped(text []byte) ([]byte, error) {
	for range mostWrappings {
		plain := bytes.TrimSpace(bytes.TrimPrefix(text, []byte("\ufeff")))
		switch {
		case bytes.HasPrefix(plain, []byte("%7B")), bytes.HasPrefix(plain, []byte("%7b")), bytes.HasPrefix(plain, []byte("%22")), bytes.HasPrefix(plain, []byte("%25")):
			text = percentDecoded(string(plain))
		case bytes.HasPrefix(plain, []byte(`"`)):
			var inner string
			if json.Unmarshal(plain, &inner) != nil {
				return text, nil
			}
			text = []byte(inner)
		case bytes.HasPrefix(plain, []byte("<")):
			inner, err := inXML(plain)
			if inner == nil || err != nil {
				return text, err
			}
			text = inner
		default:
			return text, nil
		}
	}
	return text, nil
}

// percentDecoded decodes a policy. In what IAM encodes no plus is left, so that one is the
// blank of a form.
func percentDecoded(text string) []byte {
	plain, err := url.QueryUnescape(text)
	if err != nil {
		return []byte(text) // the parser says what is wrong with it
	}
	return []byte(plain)
}

// inXML returns the policy in an answer of IAM's API: of GetRolePolicy and its kin, or of
// GetPolicyVersion; nil if there is none.
func inXML(text []byte) ([]byte, error) {
	var found [][]byte
	d := xml.NewDecoder(bytes.NewReader(text))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, nil // no XML
		}
		if start, ok := token.(xml.StartElement); ok && (start.Name.Local == "PolicyDocument" || start.Name.Local == "Document") {
			var inner string
			if d.DecodeElement(&inner, &start) != nil {
				return nil, nil
			}
			found = append(found, []byte(strings.TrimSpace(inner)))
		}
	}
	switch len(found) {
	case 0:
		return nil, nil
	case 1:
		return found[0], nil
	}
	return nil, errors.New("this XML has several policies; give each as a file of its own, or what the AWS CLI prints")
}

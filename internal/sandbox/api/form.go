package api

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
)

// Invalid is the error of an input outside its constraint, in the words of the
// query services; JSON services use the code ValidationException.
func Invalid(value, member, constraint string) *Refusal {
	return Refuse("ValidationError", "1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: %s", value, member, constraint)
}

// List reads the members of a list whose form keys are numbered from 1.
func (c *Request) List(format string) []string {
	var all []string
	for i := 1; c.Form.Has(fmt.Sprintf(format, i)); i++ {
		all = append(all, c.Form.Get(fmt.Sprintf(format, i)))
	}
	return all
}

// Members reads a list of pairs into a map.
func (c *Request) Members(key, value string) map[string]string {
	all := make(map[string]string)
	for i, k := range c.List(key) {
		all[k] = c.Form.Get(fmt.Sprintf(value, i+1))
	}
	return all
}

// Number reads an integer; 0 if it is missing or malformed.
func (c *Request) Number(key string) int {
	n, err := strconv.Atoi(c.Form.Get(key))
	if err != nil {
		return 0
	}
	return n
}

// seal encodes a denial the way DecodeAuthorizationMessage reads it.
func (c *Request) seal(action string, on Object, why Reason) string {
	b, err := json.Marshal(map[string]any{
		"allowed": false, "explicitDeny": why.explicit, "matchedStatements": map[string]any{"items": []any{}},
		"failures": map[string]any{"items": []any{}},
		"context": map[string]any{
			"principal": map[string]string{"id": c.Who.UserID, "arn": c.Who.ARN},
			"action":    action, "resource": on.ARN, "conditions": map[string]any{"items": []any{}},
		},
	})
	if err != nil {
		return ""
	}
	return base64.URLEncoding.EncodeToString(b)
}

// Unseal decodes what Seal has encoded; it is not ok for any other text.
func (c *Request) Unseal(text string) (string, bool) {
	b, err := base64.URLEncoding.DecodeString(text)
	if err != nil || !json.Valid(b) {
		return "", false
	}
	return string(b), true
}

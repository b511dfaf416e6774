package account

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
)

// invalid is the error of an input outside its constraint, in the words of the
// query services; JSON services use the code ValidationException.
func invalid(value, member, constraint string) *fault {
	return refuse("ValidationError", "1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: %s", value, member, constraint)
}

// list reads the members of a list whose form keys are numbered from 1.
func (c *call) list(format string) []string {
	var all []string
	for i := 1; c.form.Has(fmt.Sprintf(format, i)); i++ {
		all = append(all, c.form.Get(fmt.Sprintf(format, i)))
	}
	return all
}

// members reads a list of pairs into a map.
func (c *call) members(key, value string) map[string]string {
	all := make(map[string]string)
	for i, k := range c.list(key) {
		all[k] = c.form.Get(fmt.Sprintf(value, i+1))
	}
	return all
}

// number reads an integer; 0 when it is not there or none.
func (c *call) number(key string) int {
	n, err := strconv.Atoi(c.form.Get(key))
	if err != nil {
		return 0
	}
	return n
}

// seal encodes a denial the way DecodeAuthorizationMessage reads it.
func (c *call) seal(action string, on object, why reason) string {
	b, err := json.Marshal(map[string]any{
		"allowed": false, "explicitDeny": why.explicit, "matchedStatements": map[string]any{"items": []any{}},
		"failures": map[string]any{"items": []any{}},
		"context": map[string]any{
			"principal": map[string]string{"id": c.who.userID, "arn": c.who.ARN},
			"action":    action, "resource": on.arn, "conditions": map[string]any{"items": []any{}},
		},
	})
	if err != nil {
		return ""
	}
	return base64.URLEncoding.EncodeToString(b)
}

func (c *call) unseal(text string) (string, bool) {
	b, err := base64.URLEncoding.DecodeString(text)
	if err != nil || !json.Valid(b) {
		return "", false
	}
	return string(b), true
}

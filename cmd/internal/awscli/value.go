package awscli

import (
	"encoding/json"
	"strconv"
	"strings"

	"ssmguard/internal/awsjson"
)

// A value is what a parameter is given as: nil, bool, string, json.Number, blob,
// timestamp, []any or *mapping.
type (
	blob      []byte // content of a fileb:// file
	timestamp string // a YAML timestamp, kept as written
)

// mapping is a JSON object that keeps the order of its keys.
type mapping struct {
	keys   []string
	values map[string]any
}

func newMapping() *mapping { return &mapping{values: map[string]any{}} }

func (m *mapping) has(key string) bool { _, ok := m.values[key]; return ok }

// set keeps the place of a key that is there already.
func (m *mapping) set(key string, v any) {
	if !m.has(key) {
		m.keys = append(m.keys, key)
	}
	m.values[key] = v
}

// dump writes a value as JSON in the AWS CLI's form: ASCII, with a blank behind
// commas and colons.
func dump(v any) string {
	var parts []string
	switch v := v.(type) {
	case bool:
		return strconv.FormatBool(v)
	case string:
		return awsjson.Quote(v)
	case json.Number:
		return string(v)
	case blob:
		return awsjson.Quote(string(v))
	case timestamp:
		return awsjson.Quote(string(v))
	case []any:
		for _, e := range v {
			parts = append(parts, dump(e))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case *mapping:
		for _, k := range v.keys {
			parts = append(parts, awsjson.Quote(k)+": "+dump(v.values[k]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return "null"
}

// shown is a value as messages show it.
func shown(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return dump(v)
}

// typeName is the AWS CLI's name for the type of a value.
func typeName(v any) string {
	name := "NoneType"
	switch v := v.(type) {
	case bool:
		name = "bool"
	case string:
		name = "str"
	case json.Number:
		name = "int"
		if strings.ContainsAny(string(v), ".eE") {
			name = "float"
		}
	case blob:
		name = "bytes"
	case timestamp:
		name = "datetime.datetime"
	case []any:
		name = "list"
	case *mapping:
		name = "dict"
	}
	return "<class '" + name + "'>"
}

// Quote puts a word of somebody else into single quotes for a message.
func Quote(s string) string {
	q := strconv.Quote(s)
	return "'" + strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`) + "'"
}

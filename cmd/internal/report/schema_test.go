package report

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
)

// validator checks values against the part of JSON Schema that our schemas use.
// It is stricter in one way: a property that is not described is a fault.
type validator struct{ root map[string]any }

func (v validator) check(schema map[string]any, value any, at string) []string {
	schema = v.resolve(schema)
	faults := v.checkScalar(schema, value, at)
	if of, ok := schema["anyOf"].([]any); ok {
		fits := func(s any) bool { return len(v.check(s.(map[string]any), value, at)) == 0 }
		if !slices.ContainsFunc(of, fits) {
			faults = append(faults, at+": fits none of anyOf")
		}
	}
	switch value := value.(type) {
	case map[string]any:
		faults = append(faults, v.checkObject(schema, value, at)...)
	case []any:
		if items, ok := schema["items"].(map[string]any); ok {
			for i, item := range value {
				faults = append(faults, v.check(items, item, fmt.Sprintf("%s[%d]", at, i))...)
			}
		}
	}
	return faults
}

func (v validator) checkObject(schema, value map[string]any, at string) []string {
	var faults []string
	required, _ := schema["required"].([]any)
	for _, name := range required {
		if _, ok := value[name.(string)]; !ok {
			faults = append(faults, fmt.Sprintf("%s: %q is missing", at, name))
		}
	}
	properties, described := schema["properties"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(value)) {
		property, ok := properties[name].(map[string]any)
		switch {
		case ok:
			faults = append(faults, v.check(property, value[name], at+"."+name)...)
		case described:
			faults = append(faults, fmt.Sprintf("%s: %q is not described", at, name))
		}
	}
	return faults
}

func (validator) checkScalar(schema map[string]any, value any, at string) []string {
	var faults []string
	if want, ok := schema["const"]; ok && want != value {
		faults = append(faults, fmt.Sprintf("%s: %v is not %v", at, value, want))
	}
	if enum, ok := schema["enum"].([]any); ok && !slices.Contains(enum, value) {
		faults = append(faults, fmt.Sprintf("%s: %v is none of %v", at, value, enum))
	}
	if want, ok := schema["type"].(string); ok && !hasType(want, value) {
		faults = append(faults, fmt.Sprintf("%s: %v is no %s", at, value, want))
	}
	number, _ := value.(float64)
	if low, ok := schema["minimum"].(float64); ok && number < low {
		faults = append(faults, fmt.Sprintf("%s: %v is less than %v", at, value, low))
	}
	text, _ := value.(string)
	if pattern, ok := schema["pattern"].(string); ok && !regexp.MustCompile(pattern).MatchString(text) {
		faults = append(faults, fmt.Sprintf("%s: %v does not match %s", at, value, pattern))
	}
	return faults
}

func hasType(want string, value any) bool {
	switch value := value.(type) {
	case nil:
		return want == "null"
	case bool:
		return want == "boolean"
	case string:
		return want == "string"
	case float64:
		return want == "number" || want == "integer" && value == math.Trunc(value)
	case []any:
		return want == "array"
	default:
		return want == "object"
	}
}

// resolve follows $ref and adds what the schema says beside it.
func (v validator) resolve(schema map[string]any) map[string]any {
	ref, ok := schema["$ref"].(string)
	if !ok {
		return schema
	}
	target := v.root
	for _, step := range strings.Split(strings.TrimPrefix(ref, "#/"), "/") {
		target = target[step].(map[string]any)
	}
	merged := maps.Clone(v.resolve(target))
	for key, value := range schema {
		switch old := merged[key].(type) {
		case []any:
			merged[key] = append(slices.Clone(old), value.([]any)...)
		case map[string]any:
			both := maps.Clone(old)
			maps.Copy(both, value.(map[string]any))
			merged[key] = both
		default:
			merged[key] = value
		}
	}
	return merged
}

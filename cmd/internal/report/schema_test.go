package report

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// schema compiles one of the schemas that we publish. It is stricter than what is
// published in one way: a property that is not described is a fault.
func schema(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("schema", name))
	if err != nil {
		t.Fatal(err)
	}
	return compiled(t, text)
}

func compiled(t *testing.T, text []byte) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	closeObjects(doc)
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("test:schema", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("test:schema")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// closeObjects lets no property pass that a schema does not describe, wherever a
// value is described. What is under $defs is closed where it is used, since a
// use may add properties.
func closeObjects(schema any) {
	s, ok := schema.(map[string]any)
	if !ok {
		return
	}
	if describes(s) {
		s["unevaluatedProperties"] = false
	}
	closeParts(s)
}

// describes reports whether a schema names the properties of its objects.
func describes(schema any) bool {
	s := schema.(map[string]any)
	of, _ := s["anyOf"].([]any)
	return s["properties"] != nil || s["$ref"] != nil || slices.ContainsFunc(of, describes)
}

func closeParts(s map[string]any) {
	closeObjects(s["items"])
	properties, _ := s["properties"].(map[string]any)
	for _, p := range properties {
		closeObjects(p)
	}
	defs, _ := s["$defs"].(map[string]any)
	for _, d := range defs {
		closeParts(d.(map[string]any))
	}
}

// conforms holds JSON to a schema.
func conforms(t *testing.T, s *jsonschema.Schema, name string, text []byte) {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	if err := s.Validate(value); err != nil {
		t.Errorf("%s: %v", name, err)
	}
}

// TestConformanceCanFail: what conforms asks is refused where it does not hold.
func TestConformanceCanFail(t *testing.T) {
	s := compiled(t, []byte(`{"type": "object", "required": ["a"], "properties": {
		"a": {"enum": ["x"]},
		"b": {"type": "array", "items": {"$ref": "#/$defs/place", "properties": {"why": {"type": "string"}}}},
		"c": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/place"}]}},
		"$defs": {"place": {"type": "object", "required": ["line"], "properties": {"line": {"type": "integer", "minimum": 1}}}}}`))
	for text, want := range map[string]bool{
		`{"a": "x"}`: true,
		`{"a": "x", "b": [{"line": 1, "why": "so"}], "c": {"line": 1}}`: true,
		`{"a": "x", "c": null}`: true,
		`{}`:                    false,
		`{"a": "y"}`:            false,
		`{"a": "x", "d": 1}`:    false,
		`{"a": "x", "b": [{"line": 1, "who": 1}]}`: false,
		`{"a": "x", "b": [{"line": 0}]}`:           false,
		`{"a": "x", "b": [{"line": 1.5}]}`:         false,
		`{"a": "x", "c": {"line": 1, "why": ""}}`:  false,
	} {
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader([]byte(text)))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(value); (err == nil) != want {
			t.Errorf("%s: %v", text, err)
		}
	}
}

package configs

import (
	"encoding/json"
	"maps"
	"os"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"ssmguard/internal/yamlfile"
)

// TestSchemaKnowsEveryKey keeps the editors' schema and the Go types together.
func TestSchemaKnowsEveryKey(t *testing.T) {
	data, err := os.ReadFile("schema/config.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	type object struct {
		Properties map[string]any    `json:"properties"`
		Defs       map[string]object `json:"$defs"`
	}
	var schema object
	if err := json.Unmarshal(data, &schema); err != nil {
		t.Fatal(err)
	}
	tunnel := maps.Clone(schema.Defs["settings"].Properties)
	maps.Copy(tunnel, schema.Defs["tunnel"].Properties)
	settings := schema.Defs["settings"].Properties
	for key, want := range map[string][]string{"guard": GuardModes(), "engine": slices.Concat(Engines, DatabaseEngines), "peer": Peers} {
		var got []string
		for _, value := range settings[key].(map[string]any)["enum"].([]any) {
			got = append(got, value.(string))
		}
		if diff := cmp.Diff(slices.Sorted(slices.Values(want)), slices.Sorted(slices.Values(got))); diff != "" {
			t.Errorf("%s (-table +schema):\n%s", key, diff)
		}
	}
	var databases []string
	for _, value := range schema.Defs["tunnel"].Properties["db_engine"].(map[string]any)["enum"].([]any) {
		databases = append(databases, value.(string))
	}
	if diff := cmp.Diff(DatabaseEngines, databases); diff != "" {
		t.Errorf("db_engine (-table +schema):\n%s", diff)
	}
	for _, tt := range []struct {
		name string
		keys map[string]any
		typ  reflect.Type
	}{
		{"file", schema.Properties, reflect.TypeFor[File]()},
		{"settings", schema.Defs["settings"].Properties, reflect.TypeFor[Settings]()},
		{"tunnel", tunnel, reflect.TypeFor[Tunnel]()},
	} {
		want := slices.Sorted(maps.Keys(yamlfile.Keys(tt.typ)))
		if diff := cmp.Diff(want, slices.Sorted(maps.Keys(tt.keys))); diff != "" {
			t.Errorf("%s (-type +schema):\n%s", tt.name, diff)
		}
	}
}

// TestFilesConformToSchema: editors find nothing wrong with the files that we ship,
// and do with what Load refuses.
func TestFilesConformToSchema(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile("schema/config.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("examples/project.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{
		string(defaultFile):                                       true,
		string(example):                                           true,
		"tunnels: {db: {target: i-1, port: 5432}}":                true,
		"tunnels: {db: {target: i-1, rds: orders, wait: 30s}}":    true,
		"tunnels: {db: {target: i-1, port: 5432, tagret: i-2}}":   false,
		"tunnels: {db: {target: i-1, port: 70000}}":               false,
		"tunnels: {db: {target: i-1, port: 5432, guard: strong}}": false,
		"tunnels: {db: {target: i-1, port: 5432, lanes: 17}}":     false,
		"tunnels: {db: {target: i-1, port: 5432, peer: any}}":     true,
		"tunnels: {db: {target: i-1, port: 5432, peer: all}}":     false,
		"tunnels: {db: {target: i-1, port: 5432, lazy: soon}}":    false,
		"tunnels: {db: {target: i-1, port: 5432, lazy: true}}":    true,
		"tunnels: {db: {target: i-1, port: 5432, idle: 15}}":      false,
		"defaults: {lazy: true, idle: 1h30m}":                     true,
		"defaults: {engine: fast}":                                false,
		"tunnel: {}":                                              false,
	} {
		var value any
		if err := yaml.Unmarshal([]byte(text), &value); err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(value); (err == nil) != want {
			t.Errorf("%s\n%v", text, err)
		}
		if _, _, err := parse("x.yaml", []byte(text), Variables{}); (err == nil) != want {
			t.Errorf("Load: %s\n%v", text, err)
		}
	}
}

package configs

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"ssmguard/internal/memtest"
	"ssmguard/internal/yamlfile"
)

func TestLoadMatrix(t *testing.T) {
	dir := t.TempDir()
	tests := []struct {
		name, text string
		want       Matrix
		err        string // with FILE for the file's name
	}{
		{"policies", "policies: {identity: [a.json, /b.json]}\nrequests: [{target: i-1, expect: deny}]", Matrix{
			Policies: MatrixPolicies{Identity: []string{filepath.Join(dir, "a.json"), "/b.json"}},
			Requests: []MatrixRequest{{Target: "i-1", Expect: "deny"}},
		}, ""},
		{"account", "requests: [{name: x, target: i-1, context: {aws:SourceIp: [203.0.113.7]}}]", Matrix{
			Requests: []MatrixRequest{{Name: "x", Target: "i-1", Context: map[string][]string{"aws:SourceIp": {"203.0.113.7"}}}},
		}, ""},
		{"every fault", "requests: [{target: i-1, expect: no, target_tags: {a: b}}, {}]", Matrix{},
			"FILE:1: request 1 expects \"no\"; valid: allow, deny\nFILE:1: request 1 states tags or a principal, which go with policies only\nFILE:1: request 2 has no target"},
		{"unknown key", "requests: [{target: i-1, expects: deny}]", Matrix{}, "FILE:1: unknown key \"expects\", did you mean \"expect\"?"},
		{"empty", "", Matrix{}, "FILE: no requests"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			file := filepath.Join(dir, "m.yaml")
			if err := os.WriteFile(file, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := LoadMatrix(file)
			message := ""
			if err != nil {
				message = err.Error()
			}
			want := strings.ReplaceAll(tt.err, "FILE", file)
			if message != want {
				t.Errorf("error %q, want %q", message, want)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// FuzzMatrix: whatever a matrix says, it has requests with targets, or faults.
func FuzzMatrix(f *testing.F) {
	for _, seed := range []string{
		"requests:\n- {target: i-1, document: AWS-StartSSHSession, expect: deny}\n",
		"policies: {identity: [p.json], scp: [/s.json]}\nclosed: true\nprincipal: arn:aws:iam::111122223333:user/ann\nregion: eu-west-1\n" +
			"context: {aws:SourceIp: [192.0.2.1]}\nrequests:\n- {target: i-1, target_tags: {Name: web}, untagged: [document]}\n",
		"requests: &a [{target: i-1, context: {}}, *a]\n", "requests: []\n", "- x\n", "{", "",
	} {
		f.Add([]byte(seed))
	}
	file := filepath.Join(f.TempDir(), "matrix.yaml")
	f.Fuzz(func(t *testing.T, text []byte) {
		write(t, file, string(text))
		defer memtest.Bounded(t, len(text))()
		m, err := LoadMatrix(file)
		if err != nil {
			if len(m.Requests) > 0 {
				t.Errorf("%+v, %v", m, err)
			}
			return
		}
		if len(m.Requests) == 0 || slices.ContainsFunc(m.Requests, func(r MatrixRequest) bool { return r.Target == "" }) {
			t.Errorf("%+v", m)
		}
		for _, path := range m.Policies.Identity {
			if !filepath.IsAbs(path) {
				t.Errorf("policy %q", path)
			}
		}
	})
}

// A file of claims has its policies beside it, and says what is wrong with each claim.
func TestLoadClaims(t *testing.T) {
	file := filepath.Join(t.TempDir(), "claims.yaml")
	for text, want := range map[string]string{
		"policies: {identity: [p.json]}\nclaims:\n- {expect: deny, where_not: {Team: [web]}, target_kinds: [instance]}\n": "",
		"policies: {identity: [p.json]}\n":                                         "no claims",
		"claims:\n- {expect: allow}\n- name: x\n  expect: never\n":                 `claims.yaml:4: claim 2 expects "never"; valid: allow, deny`,
		"claims:\n- name: x\n":                                                     `claims.yaml:2: claim 1 expects ""; valid: allow, deny`,
		"claims:\n- {expect: deny, where: {T: a}, where_not: {T: [b, a]}}\n":       "claims.yaml:2: claim 1 is about targets with T=a and without it, so about none",
		"claims:\n- {expect: deny, target: i-1, target_kinds: [instance]}\n":       "claim 1 has a target and target_kinds; give one of them",
		"claims:\n- {expect: deny, target_kinds: [pod]}\n":                         `claim 1 is about the kind of target "pod"; valid: ["instance"]`,
		"claims:\n- {expect: deny, principal: arn:aws:iam::111122223333:user/a}\n": "claim 1 names a principal, which goes with policies only",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		claims, err := LoadClaims(file, []string{"instance"})
		switch {
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: %v, want %s", text, err, want)
		case want == "" && (err != nil || claims.Policies.Identity[0] != filepath.Join(filepath.Dir(file), "p.json") || claims.Claims[0].WhereNot["Team"][0] != "web"):
			t.Errorf("%s: %+v, %v", text, claims, err)
		}
	}
}

// TestClaimsSchema: the editors' schema knows every key of a file of claims, and takes what
// LoadClaims takes.
func TestClaimsSchema(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile("schema/claims.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("schema/claims.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var top struct {
		Properties struct {
			Policies struct{ Properties map[string]any }
			Claims   struct {
				Items struct{ Properties map[string]any }
			}
		}
	}
	if err := json.Unmarshal(text, &top); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		keys map[string]any
		typ  reflect.Type
	}{
		"policies": {top.Properties.Policies.Properties, reflect.TypeFor[MatrixPolicies]()},
		"claim":    {top.Properties.Claims.Items.Properties, reflect.TypeFor[Claim]()},
	} {
		if diff := cmp.Diff(slices.Sorted(maps.Keys(yamlfile.Keys(tt.typ))), slices.Sorted(maps.Keys(tt.keys))); diff != "" {
			t.Errorf("%s (-type +schema):\n%s", name, diff)
		}
	}
	for text, want := range map[string]bool{
		"policies: {identity: [p.json]}\nprincipal: arn:aws:iam::111122223333:role/a\nregion: eu-west-1\nclaims: [{name: a, expect: deny, where: {T: a}, where_not: {U: [b]}, document: D, context: {k: [v]}}]": true,
		"claims: [{expect: allow, target_kinds: [instance]}]": true,
		"claims: []":                                    false,
		"claims: [{name: a}]":                           false,
		"claims: [{expect: maybe}]":                     false,
		"claims: [{expect: deny, target_kinds: [pod]}]": false,
		"claims: [{expect: deny, targets: i-1}]":        false,
		"claims: [{expect: deny, where_not: {T: a}}]":   false,
		"claims: [{expect: deny}]\nother: 1":            false,
	} {
		var value any
		if err := yaml.Unmarshal([]byte(text), &value); err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(value); (err == nil) != want {
			t.Errorf("%s\n%v", text, err)
		}
		path := filepath.Join(t.TempDir(), "c.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadClaims(path, []string{"instance", "managed", "task"}); (err == nil) != want {
			t.Errorf("%s\n%v", text, err)
		}
	}
}

// TestMatrixSchema: the editors' schema knows every key of a matrix, and takes what
// LoadMatrix takes, the example first of all.
func TestMatrixSchema(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile("schema/matrix.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("schema/matrix.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	type object struct {
		Properties map[string]object `json:"properties"`
		Items      struct {
			Properties map[string]object `json:"properties"`
		} `json:"items"`
	}
	var top object
	if err := json.Unmarshal(text, &top); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		keys map[string]object
		typ  reflect.Type
	}{
		"matrix":   {top.Properties, reflect.TypeFor[Matrix]()},
		"policies": {top.Properties["policies"].Properties, reflect.TypeFor[MatrixPolicies]()},
		"request":  {top.Properties["requests"].Items.Properties, reflect.TypeFor[MatrixRequest]()},
	} {
		if diff := cmp.Diff(slices.Sorted(maps.Keys(yamlfile.Keys(tt.typ))), slices.Sorted(maps.Keys(tt.keys))); diff != "" {
			t.Errorf("%s (-type +schema):\n%s", name, diff)
		}
	}
	for text, want := range map[string]bool{
		MatrixExample:                               true,
		"requests: [{target: i-1}]":                 true,
		"requests: []":                              false,
		"requests: [{name: a}]":                     false,
		"requests: [{target: i-1, expect: maybe}]":  false,
		"requests: [{targets: i-1}]":                false,
		"requests: [{target: i-1}]\nother: 1":       false,
		"requests: [{target: i-1, untagged: [it]}]": false,
	} {
		var value any
		if err := yaml.Unmarshal([]byte(text), &value); err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(value); (err == nil) != want {
			t.Errorf("%s\n%v", text, err)
		}
		path := filepath.Join(t.TempDir(), "m.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadMatrix(path); (err == nil) != want {
			t.Errorf("%s\n%v", text, err)
		}
	}
}

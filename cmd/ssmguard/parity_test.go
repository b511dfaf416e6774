package main

import (
	"encoding/json"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestDifferencesList holds the form of differences.yaml: every normalizer and
// every difference has its reason, and every case exists. .ci/parity compares
// the list with what the recorded cases show.
func TestDifferencesList(t *testing.T) {
	const dir = "testdata/parity/"
	var list struct {
		Normalize   []struct{ Name, Reason string }
		Differences []struct {
			Case   string
			Fields []string
			Reason string
		}
		Foreign []string
	}
	f, err := os.Open(dir + "differences.yaml")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	dec := yaml.NewDecoder(f)
	dec.KnownFields(true)
	if err := dec.Decode(&list); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(dir + "cases.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct{ Name string }
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	runner, err := os.ReadFile(dir + "run.py")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range list.Normalize {
		if n.Reason == "" || !strings.Contains(string(runner), `"`+n.Name+`": "`) {
			t.Errorf("normalizer %q: unknown, or without reason", n.Name)
		}
	}
	seen := map[string]bool{}
	for _, d := range list.Differences {
		known := slices.ContainsFunc(cases, func(c struct{ Name string }) bool { return c.Name == d.Case })
		if !known || seen[d.Case] || d.Reason == "" || len(d.Fields) == 0 {
			t.Errorf("difference %q: no such case, listed twice, or without reason or fields", d.Case)
		}
		seen[d.Case] = true
		for _, glob := range list.Foreign {
			if ok, err := path.Match(glob, d.Case); ok || err != nil {
				t.Errorf("difference %q is of a command that is not ours (%s, %v)", d.Case, glob, err)
			}
		}
	}
}

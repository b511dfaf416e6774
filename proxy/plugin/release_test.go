//go:build unix

package plugin_test

import (
	"fmt"
	"testing"

	"ssmguard/proxy/plugin"
)

// How a plugin stands to AWS's minimum and to what is built in.
func TestStanding(t *testing.T) {
	for version, want := range map[string]string{
		"1.2.553.0":  "older than 1.2.764.0, AWS's minimum",
		"1.2.764.0":  "older than the one built in",
		"1.2.792.0":  "older than the one built in",
		"1.2.804.0":  "of the same release as the one built in",
		"1.2.814.0":  "newer than the one built in",
		"1.2.1000.0": "newer than the one built in",
		"1.3":        "newer than the one built in",
	} {
		file := script(t, 0o755, fmt.Sprintf("#!/bin/sh\necho %s\n", version))
		r, err := plugin.External(t.Context(), file, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Standing(); got != want || r.Outdated() != (version == "1.2.553.0") {
			t.Errorf("%s: %s, outdated %v", version, got, r.Outdated())
		}
	}
	if plugin.Newer("next", "1.0") || plugin.Newer("1.2.804.0", "1.2.804.0") {
		t.Error("what is no version, or the same, is not newer")
	}
}

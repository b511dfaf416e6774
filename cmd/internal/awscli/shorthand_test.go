package awscli

import (
	"bufio"
	"encoding/json"
	"os"
	"testing"
)

// TestShorthandTable compares with the AWS CLI's own parser: the inputs of
// testdata/shorthand.jsonl, each with the result, in which every value is a list as
// the model has it, or the error. .ci/record-corpora records them.
func TestShorthandTable(t *testing.T) {
	f, err := os.Open("testdata/shorthand.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := 0
	for sc := bufio.NewScanner(f); sc.Scan(); lines++ {
		var c struct {
			In    string
			OK    json.RawMessage
			Error string
		}
		if err := json.Unmarshal(sc.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		m, err := parseShorthand(c.In, func(string) (any, bool, error) { return nil, false, nil })
		if c.Error != "" {
			if err == nil || err.Error() != c.Error {
				t.Errorf("%q: got error %v, want %s", c.In, err, c.Error)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", c.In, err)
			continue
		}
		scalarsToLists(m)
		want, err := readJSON(string(c.OK))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := dump(m), dump(want); got != want {
			t.Errorf("%q:\n got %s\nwant %s", c.In, got, want)
		}
	}
	if lines != 1250 {
		t.Errorf("read %d lines, want 1250", lines)
	}
}

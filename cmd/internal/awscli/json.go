package awscli

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// readJSON reads a JSON document: numbers keep their text and objects the order of
// their keys; the last of two equal keys wins.
func readJSON(s string) (any, error) {
	err := json.Unmarshal([]byte(s), new(json.RawMessage))
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return nil, fmt.Errorf("%w (char %d)", err, syntax.Offset)
	}
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	return nextValue(d), nil
}

// nextValue reads one value of a document that is known to be valid.
func nextValue(d *json.Decoder) any {
	t, _ := d.Token()
	switch t {
	case json.Delim('['):
		list := []any{}
		for d.More() {
			list = append(list, nextValue(d))
		}
		_, _ = d.Token()
		return list
	case json.Delim('{'):
		m := newMapping()
		for d.More() {
			key, _ := d.Token()
			m.set(key.(string), nextValue(d))
		}
		_, _ = d.Token()
		return m
	}
	return t
}

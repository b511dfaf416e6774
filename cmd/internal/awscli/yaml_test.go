package awscli

import "testing"

// TestYAML holds what the AWS CLI 2.9 made of requests in YAML; "" is refused.
func TestYAML(t *testing.T) {
	for in, want := range map[string]string{
		"Target: i-1 # c":                   `{"Target": "i-1"}`,
		"{Target: i, P: {a: [\"1\", x y]}}": `{"Target": "i", "P": {"a": ["1", "x y"]}}`,
		"Target: no":                        `{"Target": "no"}`,
		"Target: &a i\nReason: *a":          `{"Target": "i", "Reason": "i"}`,
		"Target: |\n  a\n  b\n":             `{"Target": "a\nb\n"}`,
		"Target: !!str 12":                  `{"Target": "12"}`,
		"Target: a:b":                       `{"Target": "a:b"}`,
		"Target: 'it''s'":                   `{"Target": "it's"}`,
		"Target: ~":                         `{"Target": null}`,
		"- a":                               `["a"]`,
		"Target: !foo bar":                  "",
		"Target: !foo [bar]":                "",
		"Target: [":                         "",
		"Target: a\nTarget: b":              "",
		"Target: a\n---\nTarget: b":         "",
	} {
		v, err := loadYAML(in)
		if (err != nil) != (want == "") || err == nil && dump(v) != want {
			t.Errorf("%q: %s, %v; want %s", in, dump(v), err, want)
		}
	}
}

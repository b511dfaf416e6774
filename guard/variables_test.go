package guard

import (
	"slices"
	"testing"
)

func TestVariables(t *testing.T) {
	for _, tc := range []struct {
		text, replaced string
		insides        []string
	}{
		{"", "", nil},
		{"instance/i-*", "instance/i-*", nil},
		{"${aws:username}-*", "<>-*", []string{"aws:username"}},
		{"a${x}b${y, 'z'}", "a<>b<>", []string{"x", "y, 'z'"}},
		{"a${*}b${", "a<>b${", []string{"*"}},
		{"${open", "${open", nil},
		{"}${}{", "}<>{", []string{""}},
	} {
		if got := ReplaceVariables(tc.text, func(string) string { return "<>" }); got != tc.replaced {
			t.Errorf("%q: %q, want %q", tc.text, got, tc.replaced)
		}
		if got := Variables(tc.text); !slices.Equal(got, tc.insides) {
			t.Errorf("%q: %q, want %q", tc.text, got, tc.insides)
		}
	}
}

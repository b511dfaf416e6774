package sandbox

import "testing"

func TestPrintedStatement(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"one line", "ssmguard: denied: no [SG101]\n  fix   add to role/dev:\n        + {\"Effect\":\"Allow\"}\n        checked: yes\n", `{"Effect":"Allow"}`},
		{"several lines, and another way", "  fix   add to role/dev:\n        + {\n        +   \"Effect\": \"Allow\"\n        + }\n        checked: yes\n  or    x:\n        + {}\n  more  x\n", "{\n  \"Effect\": \"Allow\"\n}"},
		{"no fix", "ssmguard: denied: no [SG101]\n  more  x\n", ""},
		{"a fix without statement", "  fix      sign in:\n           with MFA\n", ""},
	} {
		got, err := printedStatement(test.text)
		if string(got) != test.want || (err == nil) != (test.want != "") {
			t.Errorf("%s: %q, %v", test.name, got, err)
		}
	}
}

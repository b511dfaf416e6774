package check

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ssmguard/guard"
)

// TestPolicyFormatsKeepTheDocument takes the document out of every format again.
func TestPolicyFormatsKeepTheDocument(t *testing.T) {
	caller, err := namedCaller("arn:aws:iam::111122223333:role/dev")
	if err != nil {
		t.Fatal(err)
	}
	document := guard.LeastPrivilege(guard.Request{Caller: caller, Region: "eu-west-1", Target: "i-0123456789abcdef0"}, guard.Facts{})
	if !strings.Contains(document, "${aws:userid}") {
		t.Fatal("the document has no policy variable to keep")
	}
	document = strings.Replace(document, "${aws:userid}", "${aws:userid}%{if true}", 1)
	take := map[string]func(string) string{
		"json": func(s string) string { return s },
		"terraform": func(s string) string {
			_, s, _ = strings.Cut(s, "jsonencode(")
			s, _, _ = strings.Cut(s, ")\n}")
			if strings.Contains(strings.ReplaceAll(s, "$${", ""), "${") || strings.Contains(strings.ReplaceAll(s, "%%{", ""), "%{") {
				t.Error("terraform would expand a template")
			}
			return strings.NewReplacer("$${", "${", "%%{", "%{").Replace(s)
		},
		"cloudformation": func(s string) string {
			var template struct {
				Resources map[string]struct {
					Type       string
					Properties struct{ PolicyDocument json.RawMessage }
				}
			}
			if err := json.Unmarshal([]byte(s), &template); err != nil {
				t.Fatal(err)
			}
			return string(template.Resources["SSMSession"].Properties.PolicyDocument)
		},
	}
	var want any
	if err := json.Unmarshal([]byte(document), &want); err != nil {
		t.Fatal(err)
	}
	for format, write := range policyFormats {
		var got any
		if err := json.Unmarshal([]byte(take[format](write(document))), &got); err != nil {
			t.Errorf("%s: %v", format, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", format, diff)
		}
	}
}

package check

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"ssmguard/internal/safetext/safetexttest"
)

// The policies and claims of the tests below.
var proveFiles = map[string]string{
	"open.json": `{"Version": "2012-10-17", "Statement": [
  {"Effect": "Allow", "Action": "ssm:*", "Resource": "*"},
  {"Effect": "Deny", "Action": "ssm:StartSession", "Resource": "arn:aws:ssm:*:*:document/SSM-SessionManagerRunShell"}
]}`,
	"tagged.json": `{"Version": "2012-10-17", "Statement": [
  {"Effect": "Allow", "Action": "ssm:StartSession", "Resource": "*",
   "Condition": {"StringEquals": {"ssm:resourceTag/Name": "bastion"}}}
]}`,
	"undecided.json": `{"Version": "2012-10-17", "Statement": [
  {"Effect": "Allow", "Action": "ssm:StartSession", "Resource": "arn:aws:ssm:*:*:document/*${aws:PrincipalTag/a}-${aws:PrincipalTag/a}*", "Condition": {"StringLike": {"aws:PrincipalTag/a": "x*", "aws:UserAgent": "${aws:PrincipalTag/b}${aws:PrincipalTag/a}"}}},
  {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"StringNotLike": {"aws:PrincipalTag/a": "?x"}}},
  {"Effect": "Allow", "Action": "ssm:StartSession", "Resource": "arn:aws:ec2:*:*:instance/*"}
]}`,
	"claims.yaml": `policies: {identity: [open.json]}
claims:
  - {name: no shell, expect: deny, document: SSM-SessionManagerRunShell}
  - {name: no ssh, expect: deny, document: AWS-StartSSHSession}
`,
}

// inProveFiles runs prove in a folder with the files.
func inProveFiles(t *testing.T) func(words ...string) (stdout, all string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, text := range proveFiles {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return func(words ...string) (stdout, all string) { return tryCommand(Prove, "", words...) }
}

// TestProveConforms: the JSON of every kind of answer is as the schema says, and tells where
// the statements stand.
func TestProveConforms(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile("../report/schema/proof.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	run := inProveFiles(t)
	for _, tc := range []struct {
		words []string
		want  []string
	}{
		{[]string{"--policy", "open.json", "--expect", "deny", "--document-name", "SSM-SessionManagerRunShell"}, []string{`"proven":true`, `"counterexample":null`}},
		{[]string{"--policy", "open.json", "--expect", "deny"}, []string{`"proven":false`, `"file":"open.json"`, `"line":2`, `"column":14`, `"note":"lets through the target and the document"`}},
		{[]string{"--policy", "tagged.json", "--expect", "allow", "--where", "Name=bastion", "--target-kind", "instance", "--document-name", "AWS-StartSSHSession"},
			[]string{`"denied":true`, `"statement":""`, `"line":3`, `"note":"cannot hold here: an AWS-owned document carries no tags"`}},
		{[]string{"--policy", "undecided.json", "--expect", "deny", "--target-kind", "instance"}, []string{`"proven":null`, "which stands in a resource"}},
		{[]string{"--no-more-than", "tagged.json", "open.json"}, []string{`"others":true`, `"grant":"terminate"`, `"file":"open.json"`}},
		{[]string{"--claims", "claims.yaml"}, []string{`"name":"no ssh"`, `"proven":true`, `"proven":false`}},
	} {
		stdout, all := run(append(slices.Clone(tc.words), "--output", "json")...)
		for _, want := range tc.want {
			if !strings.Contains(stdout, want) {
				t.Errorf("%v lacks %s:\n%s", tc.words, want, all)
			}
		}
		for dec := json.NewDecoder(strings.NewReader(stdout)); dec.More(); {
			var v any
			if err := dec.Decode(&v); err != nil {
				t.Fatalf("%v: %v", tc.words, err)
			}
			if err := schema.Validate(v); err != nil {
				t.Errorf("%v: %v", tc.words, err)
			}
		}
	}
}

// TestProveFormats: what is not so is an annotation, a result with a region, a section of a page.
func TestProveFormats(t *testing.T) {
	run := inProveFiles(t)
	for format, wants := range map[string][]string{
		"github": {"ssmguard: proven: no shell", "::error file=open.json,line=2,col=14,endLine=2,endColumn=21,title=ssmguard SG013::not so: no ssh", "ssmguard: not so: no ssh"},
		"sarif":  {`"ruleId": "SG013"`, `"startLine": 2`, `"startColumn": 14`, `"endColumn": 21`, "not so: no ssh", "target i-0123456789abcdef0 (untagged)"},
		"html":   {"1 of 2 claims are proven", "✓ proven", "✗ not so", "<mark>&#34;Allow&#34;</mark>", "lets through the target and the document", "open.json:2:14", "prefers-color-scheme: dark"},
	} {
		stdout, all := run("--claims", "claims.yaml", "--output", format)
		for _, want := range wants {
			if !strings.Contains(stdout, want) {
				t.Errorf("%s lacks %s:\n%s", format, want, all)
			}
		}
		if format == "sarif" && strings.Contains(stdout, "no shell") {
			t.Error("SARIF tells of what is proven")
		}
	}
	for format, want := range map[string]string{"github": "::warning file=undecided.json,title=ssmguard SG014::not decided: ", "sarif": `"ruleId": "SG014"`, "html": "? not decided"} {
		if stdout, all := run("--policy", "undecided.json", "--expect", "deny", "--target-kind", "instance", "--output", format); !strings.Contains(stdout, want) {
			t.Errorf("%s lacks %s:\n%s", format, want, all)
		}
	}
}

// TestHostileClaims: what claims and policies are called, and what they hold, acts on no
// terminal, runner, reader or page.
func TestHostileClaims(t *testing.T) {
	run := inProveFiles(t)
	for _, hostile := range safetexttest.Texts {
		quoted, _ := json.Marshal(hostile)
		for i, form := range []string{
			`{"policies":{"identity":["open.json"]},"claims":[{"name":<text>,"expect":"deny"}]}`,
			`{"policies":{"identity":["open.json"]},"claims":[{"expect":"deny","document":<text>,"where":{<text>:<text>},"where_not":{<text>:["x"]},"context":{<text>:[<text>]}}]}`,
			`{"policies":{"identity":["hostile.json"]},"claims":[{"expect":"deny"},{"expect":"allow"}]}`,
			`{"policies":{"identity":[<text>]},"claims":[{"expect":"deny"}]}`,
			`{"policies":{"identity":["open.json"]},"claims":[{"expect":"deny","target_kinds":[<text>]}]}`,
		} {
			policy := `{"Version":"2012-10-17","Statement":[{"Sid":"A","Effect":"Allow","Action":"ssm:*","Resource":"*","Condition":{"StringEquals":{"ssm:resourceTag/x":<text>,"aws:UserAgent":<text>}}}]}`
			for name, text := range map[string]string{"c.yaml": form, "hostile.json": policy} {
				if err := os.WriteFile(filepath.Join(".", name), []byte(strings.ReplaceAll(text, "<text>", string(quoted))), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			for _, format := range []string{"text", "json", "github", "sarif", "html"} {
				stdout, all := run("--claims", "c.yaml", "--output", format)
				asJSON := (format == "json" || format == "sarif") && stdout != ""
				if asJSON {
					all = stdout
				}
				if format == "github" { // the commands that are ours
					all = strings.ReplaceAll("\n"+all, "\n::error file=", "\nerror file=")
				}
				for _, line := range strings.SplitAfter(all, map[bool]string{true: "}\n", false: "\n}\n"}[format == "json"]) {
					if fault := hostileFault(line, asJSON); fault != "" && line != "" {
						t.Errorf("%d, %s with %q: %s\n%s", i, format, hostile, fault, line)
					}
				}
				if format == "html" && strings.Contains(stdout, "<script") {
					t.Errorf("%d: the page has a script", i)
				}
			}
		}
	}
}

package source

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const document = `{
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "Tagged",
            "Effect": "Allow",
            "Action": ["ssm:StartSession", "ssm:GetDocument"],
            "Resource": [
                "arn:aws:ec2:*:*:instance/*",
                "arn:aws:ssm:*:111122223333:document/AWS-Start\u0053SHSession"
            ],
            "Condition": {"StringEquals": {"ssm:ResourceTag/Näme": "web"}, "Bool": {"aws:MultiFactorAuthPresent": true}}
        },
        {"Effect": "Deny", "NotAction": "iam:*", "Resource": "*"}
    ]
}
`

func TestLocate(t *testing.T) {
	for _, test := range []struct {
		name  string
		index int
		part  Part
		want  string
		place Place
	}{
		{"a statement", 1, Part{}, "{", Place{14, 9, 14, 10}},
		{"an element", 0, Part{Element: "Action"}, `"Action"`, Place{7, 13, 7, 21}},
		{"one of several values", 0, Part{Element: "Action", Value: "ssm:GetDocument"}, `"ssm:GetDocument"`, Place{7, 44, 7, 61}},
		{"a value with an escape", 0, Part{Element: "Resource", Value: "arn:aws:ssm:*:111122223333:document/AWS-StartSSHSession"},
			`"arn:aws:ssm:*:111122223333:document/AWS-Start\u0053SHSession"`, Place{10, 17, 10, 79}},
		{"a value of its own", 1, Part{Element: "NotAction", Value: "iam:*"}, `"iam:*"`, Place{14, 41, 14, 48}},
		{"a key in another case", 0, Part{Element: "Condition", Operator: "StringEquals", Key: "ssm:resourcetag/Näme"}, `"ssm:ResourceTag/Näme"`, Place{12, 44, 12, 66}},
		{"what a key is compared with", 0, Part{"Condition", "StringEquals", "ssm:ResourceTag/Näme", "web"}, `"web"`, Place{12, 68, 12, 73}},
		{"true", 0, Part{"Condition", "Bool", "aws:MultiFactorAuthPresent", "true"}, `true`, Place{12, 115, 12, 119}},
		{"a value that is not there", 1, Part{Element: "Resource", Value: "x"}, `"Resource"`, Place{14, 50, 14, 60}},
		{"a key that is not there", 0, Part{Element: "Condition", Operator: "Bool", Key: "x"}, `"Bool"`, Place{12, 76, 12, 82}},
		{"an element that is not there", 1, Part{Element: "Condition"}, `{`, Place{14, 9, 14, 10}},
	} {
		span, ok := Locate(document, test.index, test.part)
		if !ok || document[span.Start:span.End] != test.want || span.Place(document) != test.place {
			t.Errorf("%s: %q at %v, %v; want %q at %v", test.name, document[span.Start:span.End], span.Place(document), ok, test.want, test.place)
		}
	}
	for _, index := range []int{-1, 2} {
		if span, ok := Locate(document, index, Part{}); ok {
			t.Errorf("statement %d at %v", index, span)
		}
	}
	for _, text := range []string{"", "{", `"x"`, `{"Statement": "x"}`, `{"Statement": ["x"]}`, strings.Repeat("[", 1000)} {
		if span, ok := Locate(text, 0, Part{}); ok {
			t.Errorf("%s: at %v", text, span)
		}
	}
	if span, ok := Statement(document, 1); !ok || document[span.Start:span.End] != `{"Effect": "Deny", "NotAction": "iam:*", "Resource": "*"}` {
		t.Errorf("the second statement at %v, %v", span, ok)
	}
}

func TestFormat(t *testing.T) {
	const statement = `{"Effect":"Allow","Action":["a:B","a:C"],"Resource":"arn:aws:ssm:*:*:document/x","Condition":{"StringEquals":{"aws:x":"y"}}}`
	for width, want := range map[int]string{
		0: `{"Effect": "Allow", "Action": ["a:B", "a:C"], "Resource": "arn:aws:ssm:*:*:document/x", "Condition": {"StringEquals": {"aws:x": "y"}}}`,
		60: `{
  "Effect": "Allow",
  "Action": ["a:B", "a:C"],
  "Resource": "arn:aws:ssm:*:*:document/x",
  "Condition": {"StringEquals": {"aws:x": "y"}}
}`,
		30: `{
  "Effect": "Allow",
  "Action": ["a:B", "a:C"],
  "Resource": "arn:aws:ssm:*:*:document/x",
  "Condition": {
    "StringEquals": {
      "aws:x": "y"
    }
  }
}`,
	} {
		if diff := cmp.Diff(want, Format(statement, width)); diff != "" {
			t.Errorf("width %d (-want +got):\n%s", width, diff)
		}
	}
	if got := Format("no JSON", 40); got != "no JSON" {
		t.Errorf("no JSON: %q", got)
	}
	want := "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n    {\n      \"Effect\": \"Deny\"\n    }\n  ]\n}"
	if diff := cmp.Diff(want, Document("2012-10-17", []string{`{"Effect":"Deny"}`}, 80)); diff != "" {
		t.Errorf("a document (-want +got):\n%s", diff)
	}
}

// editTests are edits of document. In want are the lines that change, as in a patch.
var editTests = []struct {
	name string
	edit func(text string) (string, error)
	want string
}{
	{"one value", replace(0, `{"Sid":"Tagged","Effect":"Allow","Action":["ssm:StartSession","ssm:GetDocument"],"Resource":["arn:aws:ec2:*:*:instance/*","arn:aws:ssm:*::document/AWS-StartSSHSession"],"Condition":{"StringEquals":{"ssm:ResourceTag/Näme":"web"},"Bool":{"aws:MultiFactorAuthPresent":"true"}}}`),
		`-                "arn:aws:ssm:*:111122223333:document/AWS-Start\u0053SHSession"
+                "arn:aws:ssm:*::document/AWS-StartSSHSession"
`},
	{"another entry of a list on several lines", replace(0, `{"Sid":"Tagged","Effect":"Allow","Action":["ssm:StartSession","ssm:GetDocument","x:Y"],"Resource":["arn:aws:ec2:*:*:instance/*","arn:aws:ssm:*:111122223333:document/AWS-StartSSHSession","z"],"Condition":{"StringEquals":{"ssm:ResourceTag/Näme":"web"},"Bool":{"aws:MultiFactorAuthPresent":"true"}}}`),
		`-            "Action": ["ssm:StartSession", "ssm:GetDocument"],
+            "Action": ["ssm:StartSession", "ssm:GetDocument", "x:Y"],
-                "arn:aws:ssm:*:111122223333:document/AWS-Start\u0053SHSession"
+                "arn:aws:ssm:*:111122223333:document/AWS-Start\u0053SHSession",
+                "z"
`},
	{"an entry less, a member less", replace(0, `{"Sid":"Tagged","Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ec2:*:*:instance/*"}`),
		`-            "Action": ["ssm:StartSession", "ssm:GetDocument"],
+            "Action": ["ssm:StartSession"],
-                "arn:aws:ec2:*:*:instance/*",
-                "arn:aws:ssm:*:111122223333:document/AWS-Start\u0053SHSession"
-            ],
-            "Condition": {"StringEquals": {"ssm:ResourceTag/Näme": "web"}, "Bool": {"aws:MultiFactorAuthPresent": true}}
+                "arn:aws:ec2:*:*:instance/*"
+            ]
`},
	{"a list of one text", replace(1, `{"Effect":"Deny","NotAction":["iam:*","ssm:StartSession"],"Resource":"*"}`),
		`-        {"Effect": "Deny", "NotAction": "iam:*", "Resource": "*"}
+        {"Effect": "Deny", "NotAction": ["iam:*", "ssm:StartSession"], "Resource": "*"}
`},
	{"a member in another's place, and one more", replace(1, `{"Effect":"Deny","NotAction":"iam:*","NotResource":"x","Condition":{"Null":{"aws:x":"true"}}}`),
		`-        {"Effect": "Deny", "NotAction": "iam:*", "Resource": "*"}
+        {"Effect": "Deny", "NotAction": "iam:*", "NotResource": "x", "Condition": {"Null": {"aws:x": "true"}}}
`},
	{"an operator in another's place", replace(0, `{"Sid":"Tagged","Effect":"Allow","Action":["ssm:StartSession","ssm:GetDocument"],"Resource":["arn:aws:ec2:*:*:instance/*","arn:aws:ssm:*:111122223333:document/AWS-StartSSHSession"],"Condition":{"StringLike":{"ssm:ResourceTag/Näme":"web"},"Bool":{"aws:MultiFactorAuthPresent":"true"}}}`),
		`-            "Condition": {"StringEquals": {"ssm:ResourceTag/Näme": "web"}, "Bool": {"aws:MultiFactorAuthPresent": true}}
+            "Condition": {"StringLike": {"ssm:ResourceTag/Näme": "web"}, "Bool": {"aws:MultiFactorAuthPresent": true}}
`},
	{"the same", replace(1, `{"Effect":"Deny","NotAction":["iam:*"],"Resource":["*"]}`), ``},
	{"a statement more", func(text string) (string, error) { return Add(text, `{"Effect":"Allow","Action":"x"}`) },
		`-        {"Effect": "Deny", "NotAction": "iam:*", "Resource": "*"}
+        {"Effect": "Deny", "NotAction": "iam:*", "Resource": "*"},
+        {"Effect": "Allow", "Action": "x"}
`},
	{"a statement less", func(text string) (string, error) { return Remove(text, 1) },
		`-        },
-        {"Effect": "Deny", "NotAction": "iam:*", "Resource": "*"}
+        }
`},
}

func replace(index int, statement string) func(string) (string, error) {
	return func(text string) (string, error) { return Replace(text, index, statement) }
}

func TestEdits(t *testing.T) {
	for _, test := range editTests {
		t.Run(test.name, func(t *testing.T) {
			got, err := test.edit(document)
			if err != nil {
				t.Fatal(err)
			}
			for _, ends := range [][2]string{{document, got}, {strings.TrimSpace(document), strings.TrimSpace(got)}, {strings.TrimSpace(document), got}} {
				replaced, done := "", 0
				for _, r := range Replacements(ends[0], ends[1]) {
					replaced, done = replaced+ends[0][done:r.Start]+r.Text, r.End
				}
				if diff := cmp.Diff(ends[1], replaced+ends[0][done:]); diff != "" {
					t.Errorf("replaced (-want +got):\n%s", diff)
				}
			}
			var changed strings.Builder
			for _, h := range Hunks(document, got) {
				for _, l := range h.Lines {
					if l.Kind != ' ' {
						changed.WriteString(string(l.Kind) + l.Text + "\n")
					}
				}
			}
			if diff := cmp.Diff(test.want, changed.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if _, ok := parse(got); !ok {
				t.Errorf("no JSON:\n%s", got)
			}
		})
	}
}

func TestEditsOfOtherLayouts(t *testing.T) {
	const more = `{"Effect":"Allow","Action":"x","Condition":{"Null":{"aws:x":"true"}}}`
	for _, test := range []struct{ name, text, want string }{
		{"one line", `{"Statement":[{"Effect":"Deny"}]}`,
			`{"Statement":[{"Effect":"Deny"}, {"Effect": "Allow", "Action": "x", "Condition": {"Null": {"aws:x": "true"}}}]}`},
		{"no list", `{"Statement":{"Effect":"Deny"}}`,
			`{"Statement":[{"Effect":"Deny"}, {"Effect": "Allow", "Action": "x", "Condition": {"Null": {"aws:x": "true"}}}]}`},
		{"tabs, and the line ends of DOS", "{\r\n\t\"Statement\": [\r\n\t\t{\r\n\t\t\t\"Effect\": \"Deny\"\r\n\t\t}\r\n\t]\r\n}",
			"{\r\n\t\"Statement\": [\r\n\t\t{\r\n\t\t\t\"Effect\": \"Deny\"\r\n\t\t},\r\n\t\t{\r\n\t\t\t\"Effect\": \"Allow\",\r\n\t\t\t\"Action\": \"x\",\r\n\t\t\t\"Condition\": {\"Null\": {\"aws:x\": \"true\"}}\r\n\t\t}\r\n\t]\r\n}"},
		{"an empty list", `{"Statement": []}`, `{"Statement": [{"Effect": "Allow", "Action": "x", "Condition": {"Null": {"aws:x": "true"}}}]}`},
	} {
		got, err := Add(test.text, more)
		if diff := cmp.Diff(test.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", test.name, err, diff)
		}
	}
	if got, err := Remove(`{"Statement":[{"Effect":"Deny"}]}`, 0); err == nil {
		t.Errorf("the only statement is removed: %s", got)
	}
	if got, err := Remove(document, 0); err != nil || strings.Contains(got, "Tagged") {
		t.Errorf("the first statement: %v\n%s", err, got)
	}
	for _, index := range []int{-1, 2} {
		if _, err := Replace(document, index, more); err == nil {
			t.Errorf("statement %d is replaced", index)
		}
		if _, err := Remove(document, index); err == nil {
			t.Errorf("statement %d is removed", index)
		}
	}
	if _, err := Add("{}", more); err == nil {
		t.Error("added where there is no Statement")
	}
	if _, err := Replace(document, 0, "x"); err == nil {
		t.Error("replaced with what is no statement")
	}
}

// TestPatchApplies runs patch on what Patch writes.
func TestPatchApplies(t *testing.T) {
	program, err := exec.LookPath("patch")
	if err != nil {
		t.Skip("patch is not installed")
	}
	for _, name := range []string{"policy.json", "policy file.json", "a \"b\"\t.json"} {
		t.Run(name, func(t *testing.T) { patchApplies(t, program, name) })
	}
}

func patchApplies(t *testing.T, program, file string) {
	check := func(name, old, fresh string) {
		t.Helper()
		dir := t.TempDir()
		patch := Patch(file, old, fresh)
		file := filepath.Join(dir, file)
		if err := os.WriteFile(file, []byte(old), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(program, "-p0", "--binary")
		cmd.Dir, cmd.Stdin = dir, strings.NewReader(patch)
		if out, err := cmd.CombinedOutput(); err != nil && old != fresh {
			t.Fatalf("%s: %v\n%s\n%s", name, err, out, patch)
		}
		got, err := os.ReadFile(file)
		if diff := cmp.Diff(fresh, string(got)); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", name, err, diff)
		}
	}
	for _, test := range editTests {
		fresh, err := test.edit(document)
		if err != nil {
			t.Fatal(err)
		}
		check(test.name, document, fresh)
		check(test.name+", without a line end", strings.TrimSpace(document), strings.TrimSpace(fresh))
		check(test.name+", with a line end more", strings.TrimSpace(document), fresh)
	}
	check("far apart", strings.Repeat("x\n", 20)+"a\n"+strings.Repeat("x\n", 20)+"b\n", strings.Repeat("x\n", 20)+"c\n"+strings.Repeat("x\n", 20)+"d\n")
	check("at the beginning", "a\nb\n", "c\na\nb\n")
	check("everything", "a\nb\n", "c\n")
}

// TestPatchOfMany: texts too long to be compared line by line make one change.
func TestPatchOfMany(t *testing.T) {
	old := "first\n" + strings.Repeat("a\n", 3000) + "last\n"
	fresh := "first\n" + strings.Repeat("b\n", 3000) + "last\n"
	hunks := Hunks(old, fresh)
	if len(hunks) != 1 || hunks[0].Header() != "@@ -1,3002 +1,3002 @@" {
		t.Errorf("%d hunks", len(hunks))
	}
	if got := Patch("x", old, old); got != "" {
		t.Errorf("no change gives %q", got)
	}
}

package policy

import (
	"encoding/json"
	"errors"
	"strconv"
	"testing"
)

func TestSyntaxErrorPlaces(t *testing.T) {
	text := "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n    {\"Effect\": \"Allow\", \"Action\": \"é:x\", \"Resource\": \"*\"}\n  ]\n}"
	_, err := Parse(Identity, `role/dev, inline "ssm"`, []byte(text))
	var at *SyntaxError
	if !errors.As(err, &at) || at.Line != 4 || at.Column != 35 || at.Source != `role/dev, inline "ssm"` {
		t.Fatalf("%v", err)
	}
	if got := err.Error(); got != `role/dev, inline "ssm":4:35: "é" is not a service prefix` {
		t.Error(got)
	}
	// the column counts characters, not bytes
	_, err = Parse(Identity, "p", []byte(`{"Id":"日本", x}`))
	if !errors.As(err, &at) || at.Column != 13 {
		t.Errorf("%v", err)
	}
}

// What one parser read before must not show in what it reads next.
func TestCaseEvaluatorForgets(t *testing.T) {
	var d, fresh CaseEvaluator
	lines := []string{
		aCase(`permissionBoundary={"name":"b","document":{"Statement":` + allowS3 + `}}`),
		aCase("other=1"),
		aCase(`principal={"type":"root","arn":"arn:aws:iam::111122223333:root"}`),
		aCase("identityPolicies="),
		aCase(`unknown=["*"]`),
		aCase(`context={"aws:PrincipalTag/team":["a","b"]}`),
		"broken",
		aCase(`scps=[[]]`),
		aCase(`sessionPolicies=[{"name":"s","document":{"Statement":` + allowS3 + `}}]`),
	}
	for range 3 {
		for _, line := range lines {
			want := string(fresh.Decide(nil, line))
			fresh = CaseEvaluator{}
			if got := string(d.Decide(nil, line)); got != want {
				t.Errorf("%s\ngot  %s\nwant %s", line, got, want)
			}
		}
	}
}

func TestAppendJSON(t *testing.T) {
	for _, s := range []string{"", "plain", "a\"b\\c", "\x00\x1f\n", "é😀<>&\u2028"} {
		var back string
		if err := json.Unmarshal(appendJSON(nil, s), &back); err != nil || back != s {
			t.Errorf("%s: %v, %s", strconv.Quote(s), err, strconv.Quote(back))
		}
	}
}

package policy

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// aCase is a case with one member changed.
func aCase(change string) string {
	members := map[string]string{
		"id":               `"c"`,
		"principal":        `{"arn":"arn:aws:iam::111122223333:user/a","type":"user"}`,
		"action":           `"ssm:StartSession"`,
		"resource":         `"arn:aws:ec2:us-east-1:111122223333:instance/i-1"`,
		"resourceAccount":  `"111122223333"`,
		"context":          `{"aws:username":"a"}`,
		"identityPolicies": `[{"name":"p","document":{"Version":"2012-10-17","Statement":[` + allowAll + `]}}]`,
	}
	name, value, _ := strings.Cut(change, "=")
	if value == "" {
		delete(members, name)
	} else {
		members[name] = value
	}
	var list []string
	for name, value := range members {
		list = append(list, fmt.Sprintf("%q:%s", name, value))
	}
	return "{" + strings.Join(list, ",") + "}"
}

func TestCaseDecisions(t *testing.T) {
	deny := `[[{"document":{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"ssm:*","Resource":"*"}},"name":"r","more":{"x":[null]}}]]`
	tests := []struct{ change, decision, matched string }{
		{"other=[1,{}]", "allowed", "p 0"},
		{"identityPolicies=", "implicitDeny", ""},
		{"context=", "allowed", "p 0"},
		{"resourceAccount=", "allowed", "p 0"},
		{`resourceAccount=""`, "allowed", "p 0"},
		{`resourceAccount="999999999999"`, "implicitDeny", ""},
		{`permissionBoundary=null`, "allowed", "p 0"},
		{`permissionBoundary={"name":"b","document":{"Statement":` + allowS3 + `}}`, "implicitDeny", ""},
		{`sessionPolicies=[]`, "allowed", "p 0"},
		{`sessionPolicies=[{"name":"s","document":{"Statement":` + allowS3 + `}},{"name":"t","document":{"Statement":` + allowAll + `}}]`, "allowed", "p 0,t 0"},
		{`sessionPolicies=[{"name":"s","document":{"Statement":` + allowS3 + `}}]`, "implicitDeny", ""},
		{`scps=[]`, "allowed", "p 0"},
		{`scps=[[]]`, "implicitDeny", ""},
		{`scps=[[{"name":"x","document":{"Statement":[` + allowS3 + `,` + allowAll + `]}}]]`, "allowed", "p 0,x 1"},
		{`rcps=[[],[]]`, "allowed", "p 0"},
		{`rcps=` + deny, "explicitDeny", "r 0"},
		{`principal={"type":"root","arn":"arn:aws:iam::111122223333:root"}`, "allowed", "p 0"},
		{`principal={"type":"federated","arn":"arn:aws:sts::111122223333:federated-user/x","extra":1}`, "allowed", "p 0"},
		{`principal={"type":"role","arn":"arn:aws:sts::999999999999:assumed-role/x/y"}`, "implicitDeny", ""},
		{`unknown=["aws:PrincipalTag/*"]`, "allowed", "p 0"},
		{`identityPolicies=[{"name":"q","document":{"Version":"2012-10-17","Statement":` + ifTagged + `}}]`, "implicitDeny", ""},
		{`identityPolicies=[{"name":"q","document":{"Version":"2012-10-17","Statement":` + denySSM + `}}]`, "explicitDeny", "q NoSSM"},
	}
	var d CaseEvaluator
	for _, tt := range tests {
		got := decision(t, d.Decide(nil, aCase(tt.change)))
		var matched []string
		for _, m := range got.Matched {
			matched = append(matched, fmt.Sprint(m.Policy, " ", m.Statement))
		}
		if got.Decision != tt.decision || strings.Join(matched, ",") != tt.matched || got.ID != "c" || got.Error != "" {
			t.Errorf("%s: got %+v", tt.change, got)
		}
	}
}

func decision(t *testing.T, line []byte) caseDecision {
	t.Helper()
	var got caseDecision
	if err := json.Unmarshal(line, &got); err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	return got
}

func TestCaseUnknown(t *testing.T) {
	tagged := `"identityPolicies":[{"name":"p","document":{"Version":"2012-10-17","Statement":[` + ifTagged + `,` + unTagged + `]}}]`
	line := func(unknown, context string) string {
		return `{"unknown":` + unknown + `,"context":` + context + `,"id":"c","principal":{"arn":"arn:aws:iam::111122223333:user/a","type":"user"},"action":"a:b","resource":"*",` + tagged + `}`
	}
	tests := []struct{ unknown, context, want string }{
		{`["aws:principaltag/TEAM"]`, `{}`, "unknown"},
		{`["aws:PrincipalTag/*"]`, `{}`, "unknown"},
		{`["aws:PrincipalTag/*"]`, `{"aws:PrincipalTag/team":"a"}`, "allowed"},
		{`["aws:PrincipalTag/team"]`, `{"aws:PrincipalTag/team":"a"}`, "unknown"},
		{`["aws:PrincipalTag/other"]`, `{"aws:PrincipalTag/team":"b"}`, "explicitDeny"},
		{`["aws:PrincipalTag/other"]`, `{}`, "explicitDeny"},
	}
	var d CaseEvaluator
	for _, tt := range tests {
		if got := decision(t, d.Decide(nil, line(tt.unknown, tt.context))); got.Decision != tt.want || got.Decision == "unknown" && len(got.Matched) > 0 {
			t.Errorf("%s %s: got %+v", tt.unknown, tt.context, got)
		}
	}
}

func TestCaseErrors(t *testing.T) {
	tests := []struct{ line, want string }{
		{`x`, `found 'x' where '{' of the case is expected`},
		{`{"id":"c"}`, "the case has no principal"},
		{aCase("action="), "the case has no action"},
		{aCase(`action=""`), "the action is empty"},
		{aCase("resource="), "the case has no resource"},
		{aCase(`principal={"type":"user","arn":"alice"}`), `"alice" is not an ARN`},
		{aCase(`principal={"type":"service"}`), `there is no principal type "service"`},
		{aCase(`principal="me"`), `found '"' where '{' of the principal is expected`},
		{aCase(`context={"a:b":"x","A:B":"y"}`), `the key "A:B" is given twice`},
		{aCase(`context={"a:b":1}`), `found '1' where a string or an array of strings is expected`},
		{aCase(`context=[]`), `found '[' where '{' of the context is expected`},
		{aCase(`unknown="x"`), `found '"' where '[' of the unknown keys is expected`},
		{aCase(`identityPolicies=[{"name":"p"}]`), "the policy has no document"},
		{aCase(`identityPolicies=["p"]`), `found '"' where '{' of the policy is expected`},
		{aCase(`identityPolicies=[{"name":"p","document":{"Statement":[]}}]`), "the document has no statements"},
		{aCase(`scps=[{}]`), `found '{' where '[' of the policies is expected`},
		{aCase(`permissionBoundary=nil`), `found 'n' where '{' of the policy is expected`},
		{aCase("other=nope"), `found 'n' where a value is expected`},
		{aCase("other=1") + "x", `found 'x' where the end of the case is expected`},
	}
	var d CaseEvaluator
	for _, tt := range tests {
		got := decision(t, d.Decide(nil, tt.line))
		if got.Decision != "error" || !strings.HasSuffix(got.Error, tt.want) || !strings.HasPrefix(got.Error, "column ") || len(got.Matched) > 0 {
			t.Errorf("%s: got %+v", tt.line, got)
		}
	}
	for line, id := range map[string]string{
		`{"id":"q\"\n\u00e9","action":7}`:                "q\"\né",
		`{"action":7,"more":[{"id":"x"}],"id":"behind"}`: "behind",
		`{"action":7,"id":8}`:                            "",
		`{"action":7`:                                    "",
		`["id"]`:                                         "",
	} {
		if got := decision(t, d.Decide(nil, line)); got.ID != id || got.Decision != "error" {
			t.Errorf("%s: got %+v", line, got)
		}
	}
	if got := decision(t, d.Decide(nil, aCase("other=1"))); got.Decision != "allowed" {
		t.Errorf("the case after an error: %+v", got)
	}
}

package repair

import (
	"slices"
	"strings"
	"testing"

	"ssmguard/guard"
	"ssmguard/guard/guardtest"
	"ssmguard/guard/policy"
)

// TestWidenedTags: where a statement grants by a tag that the resource carries with another
// value, its condition with that value is shown beside the statement for one resource.
func TestWidenedTags(t *testing.T) {
	const (
		head     = `{"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ec2:*:*:instance/*","Condition":`
		document = `,{"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ssm:*:*:document/*"}`
	)
	for _, tt := range []struct {
		name, condition string
		tags            map[string]string
		want            string // the condition of the statement in the other way; "" when there is none
	}{
		{"another value", `{"StringEquals":{"ssm:resourceTag/Env":"dev"}}`, map[string]string{"Env": "prod"}, `{"StringEquals":{"ssm:resourceTag/Env":["dev","prod"]}}`},
		{"one of several values", `{"StringLike":{"aws:ResourceTag/Env":["dev*","test"]}}`, map[string]string{"Env": "prod"}, `{"StringLike":{"aws:ResourceTag/Env":["dev*","test","prod"]}}`},
		{"or absent", `{"StringEqualsIfExists":{"ssm:resourceTag/Env":"dev"}}`, map[string]string{"Env": "prod"}, `{"StringEqualsIfExists":{"ssm:resourceTag/Env":["dev","prod"]}}`},
		{"two tags of which one is right", `{"StringEquals":{"ssm:resourceTag/Env":"dev","ssm:resourceTag/Team":"web"}}`, map[string]string{"Env": "prod", "Team": "web"},
			`{"StringEquals":{"ssm:resourceTag/Env":["dev","prod"],"ssm:resourceTag/Team":"web"}}`},
		{"two tags", `{"StringEquals":{"ssm:resourceTag/Env":"dev","ssm:resourceTag/Team":"web"}}`, map[string]string{"Env": "prod", "Team": "ops"},
			`{"StringEquals":{"ssm:resourceTag/Env":["dev","prod"],"ssm:resourceTag/Team":["web","ops"]}}`},
		{"no such tag", `{"StringEquals":{"ssm:resourceTag/Env":"dev"}}`, map[string]string{"Team": "web"}, ""},
		{"the value is what is not wanted", `{"StringNotEquals":{"ssm:resourceTag/Env":"prod"}}`, map[string]string{"Env": "prod"}, ""},
		{"the caller's own tag", `{"StringEquals":{"ssm:resourceTag/Env":"${aws:PrincipalTag/Env}"}}`, map[string]string{"Env": "prod"}, ""},
		{"something else is in the way", `{"StringEquals":{"ssm:resourceTag/Env":"dev"},"Bool":{"aws:SecureTransport":"false"}}`, map[string]string{"Env": "prod"}, ""},
		{"a value that a policy would read", `{"StringEquals":{"ssm:resourceTag/Env":"dev"}}`, map[string]string{"Env": "${aws:username}"}, ""},
		{"a pattern by the wrong operator", `{"StringEquals":{"ssm:resourceTag/Env":"prod-*"}}`, map[string]string{"Env": "prod-1"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			set := policy.Set{Identity: statements(t, policy.Identity, head+tt.condition+`}`+document)}
			fix := proposed(t, set, guard.Facts{TargetTags: tt.tags})
			if tt.want == "" {
				if fix.Or != nil {
					t.Errorf("another way: %+v", fix.Or)
				}
				return
			}
			if fix.Or == nil {
				t.Fatalf("no other way: %+v", fix)
			}
			if len(fix.Changes) != 1 || fix.Changes[0].Kind != guard.AddStatement || !strings.HasSuffix(fix.Check, "nothing else changes") {
				t.Errorf("the first way is not the one resource: %+v", fix)
			}
			or := fix.Or
			if len(or.Changes) != 1 || or.Changes[0].Kind != guard.ReplaceStatement || or.Changes[0].Statement != head+tt.want+`}` {
				t.Errorf("%+v, want the condition %s", or.Changes, tt.want)
			}
			if !or.Checked || !strings.Contains(or.Check, "it also allows other EC2 instances with the same tags") {
				t.Errorf("%+v", or)
			}
			after, err := guard.Apply(set, or.Changes[0])
			if err != nil {
				t.Fatal(err)
			}
			for _, tags := range []map[string]string{tt.tags, {"Env": "other", "Team": "other"}} {
				r := guardtest.DevRequest
				r.Closed = true
				g := guard.Needs(r, guard.Facts{TargetTags: tags})[0]
				if got, want := guard.Evaluate(after, g).Verdict == policy.Allow, tags["Env"] != "other"; got != want {
					t.Errorf("%v: allowed %v, want %v", tags, got, want)
				}
			}
		})
	}
}

// TestWidenedTagsOfAll: a statement on everything opens, with the tag's value, whatever else
// carries it, and says so.
func TestWidenedTagsOfAll(t *testing.T) {
	set := policy.Set{Identity: statements(t, policy.Identity, `{"Effect":"Allow","Action":"ssm:*","Resource":"*","Condition":{"StringEquals":{"ssm:resourceTag/Env":"dev"}}},
		{"Effect":"Allow","Action":"ssm:StartSession","Resource":"arn:aws:ssm:*:*:document/SSM-SessionManagerRunShell"}`)}
	or := proposed(t, set, guard.Facts{TargetTags: map[string]string{"Env": "prod", "Name": "x"}}).Or
	if or == nil {
		t.Fatal("no other way")
	}
	if !strings.Contains(or.Check, "it also allows other EC2 instances with the same tags, managed nodes with the same tags,") {
		t.Error(or.Check)
	}
	after, err := guard.Apply(set, or.Changes[0])
	if err != nil {
		t.Fatal(err)
	}
	r := guardtest.DevRequest
	r.Closed = true
	probes := probesFor(r, guard.Facts{TargetTags: map[string]string{"Env": "prod", "Name": "x"}}, set)
	opened := changed(probes, verdicts(new(policy.Evaluator), set, probes), verdicts(new(policy.Evaluator), after, probes)).opened
	for _, want := range []string{"EC2 instances tagged Env=prod", "documents tagged Env=prod", "ECS tasks with the same tags", "other actions on the same resources"} {
		if !slices.Contains(opened, want) {
			t.Errorf("%q is not among %q", want, opened)
		}
	}
}

// TestWidenedTagsInEveryLayer: where two layers grant by a tag, the other way is in both.
func TestWidenedTagsInEveryLayer(t *testing.T) {
	const text = `{"Effect":"Allow","Action":"ssm:StartSession","Resource":"*","Condition":{"StringEqualsIfExists":{"ssm:resourceTag/Env":"dev"}}}`
	set := policy.Set{Identity: statements(t, policy.Identity, text), Boundary: statements(t, policy.Boundary, text)}
	or := proposed(t, set, guard.Facts{TargetTags: map[string]string{"Env": "prod"}}).Or
	if or == nil || !or.Checked || len(or.Changes) != 2 || or.Changes[0].Layer != policy.Identity || or.Changes[1].Layer != policy.Boundary {
		t.Fatalf("%+v", or)
	}
	for _, c := range or.Changes {
		if c.Kind != guard.ReplaceStatement || !strings.Contains(c.Statement, `["dev","prod"]`) {
			t.Errorf("%+v", c)
		}
	}
}

// TestWidenedTagsOfBoth: one change serves the target and the document of the account, both
// of which carry another value.
func TestWidenedTagsOfBoth(t *testing.T) {
	set := policy.Set{Identity: statements(t, policy.Identity, `{"Effect":"Allow","Action":"ssm:StartSession","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/Env":"dev"}}}`)}
	for _, value := range []string{"prod", "test"} {
		f := guard.Facts{TargetTags: map[string]string{"Env": "prod"}, DocumentTags: map[string]string{"Env": value}, DocumentType: "Session", DocumentOwner: "111122223333"}
		or := proposed(t, set, f).Or
		if or == nil || !or.Checked || len(or.Changes) != 1 {
			t.Fatalf("%+v", or)
		}
		after := set
		for _, c := range or.Changes {
			var err error
			if after, err = guard.Apply(after, c); err != nil {
				t.Fatal(err)
			}
		}
		r := guardtest.DevRequest
		r.Closed = true
		for _, g := range guard.Needs(r, f)[:2] {
			if v := guard.Evaluate(after, g).Verdict; v != policy.Allow {
				t.Errorf("%s of the document: %s is %v with %+v", value, g.ID, v, or.Changes)
			}
		}
	}
}

// proposed returns the repair of a session that a set denies in a closed world.
func proposed(t *testing.T, set policy.Set, f guard.Facts) *guard.Fix {
	t.Helper()
	g := guard.Guard{Inventory: guardtest.Fixed(f), Simulators: []guard.Simulator{guard.Local{Source: guard.Static(set)}}}
	r := guardtest.DevRequest
	r.Closed = true
	d, err := g.Check(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	d.Findings = []guard.Finding{{Grant: guard.GrantTarget, Level: guard.Error}}
	fix := Propose(d).Findings[0].Fix
	if fix == nil {
		t.Fatal("no repair")
	}
	return fix
}
